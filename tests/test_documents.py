"""What runs the pages tells right from wrong."""

import pytest
from documents import is_as_shown, read_blocks, run_page

PAGE = """# A page

```python
x = 20
print(f"{x} rows, {x / 3:.3f}")
```

```text
20 rows, 6.667
```

```bash
# Not run by the tests: it would cost money
condensers condense everything
```

```python
print(x + 1)
```
"""


def write(tmp_path, text):
    page = tmp_path / "page.md"
    page.write_text(text, encoding="utf-8")
    return page


def test_blocks_are_read_with_what_they_print_and_why_they_are_not_run(tmp_path):
    blocks = read_blocks(write(tmp_path, PAGE))
    assert [(block.language, block.line) for block in blocks] == [("python", 3), ("bash", 12), ("python", 17)]
    assert [block.shown for block in blocks] == ["20 rows, 6.667\n", None, None]
    assert [block.reason for block in blocks] == [None, "it would cost money", None]
    assert [block.line for block in read_blocks(tmp_path / "page.md", "bash")] == [12]


def test_blocks_share_their_names(tmp_path):
    assert run_page(write(tmp_path, PAGE))["x"] == 20


@pytest.mark.parametrize(
    ("right", "wrong", "where"),
    [
        ("20 rows, 6.667\n", "21 rows, 6.667\n", ":3 prints"),
        ("20 rows, 6.667\n", "20 rows, 7.5\n", ":3 prints"),
        ("print(x + 1)", "print(y + 1)", ":17 fails"),
        ("# Not run by the tests: it would cost money\n", "", "ended with exit code 2"),
        ("# Not run by the tests: it would cost money\ncondensers", "rm", "tests cannot run `rm condense everything`"),
    ],
)
def test_a_page_that_is_wrong_is_found_out(tmp_path, right, wrong, where):
    assert right in PAGE
    with pytest.raises(AssertionError) as found:
        run_page(write(tmp_path, PAGE.replace(right, wrong)))
    assert where in f"{found.value} {found.value.__cause__}"


def test_stand_ins_take_the_place_of_what_a_page_names_and_are_not_shown(tmp_path):
    page = write(
        tmp_path, "```python\nprint('a server'.upper(), 'a server')\n```\n\n```text\nA SMALL ONE a server\n```\n"
    )
    run_page(page, [("a server", "a small one")])


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a  b\nc", "a b c\n", True),
        ("a ... c", "a b b c", True),
        ("a ... c", "a b", False),
        ("...\nc", "c", True),
        ("50.9 +- 3.7", "52.3 +- 3.5", True),
        ("50.9", "44.0", False),
        ("16 rows", "17 rows", False),
        ("p=0.001", "p=0.030", True),
        ("a.b", "axb", False),
    ],
)
def test_what_counts_as_the_same(shown, printed, same):
    assert is_as_shown(shown, printed) is same
