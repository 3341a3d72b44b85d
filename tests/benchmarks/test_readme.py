"""The page on the benchmarks names every table and every script, and no figure that its table has not."""

import re
from pathlib import Path

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
PAGE = (BENCHMARKS / "README.md").read_text(encoding="utf-8")


def test_every_table_is_named_and_every_name_is_one():
    tables = {table.stem for table in (BENCHMARKS / "results").glob("*.md")}
    assert set(re.findall(r"\(results/(\w+)\.md\)", PAGE)) == tables


def test_every_script_is_named():
    scripts = {path.name for path in BENCHMARKS.glob("*.py") if "__main__" in path.read_text(encoding="utf-8")}
    same_name = {f"{name}.py" for name in re.findall(r"\(results/(\w+)\.md\)", PAGE)}
    assert scripts <= same_name | set(re.findall(r"`(\w+\.py)`", PAGE))


def test_the_figures_of_a_loss_stand_in_the_tables_it_names():
    losses = PAGE.split("## Where we lose")[1].split("\n- ")
    n_figures = 0
    for loss in losses:
        named = re.findall(r"\(results/(\w+)\.md\)", loss)
        known = " ".join((BENCHMARKS / "results" / f"{name}.md").read_text(encoding="utf-8") for name in named)
        # Accuracies, which the tables give to one digit behind the point, as the page does.
        for figure in re.findall(r"(?<![\d.])\d\d\.\d(?!\d)", loss):
            assert figure in known, (figure, named)
            n_figures += 1
    assert n_figures > 5
