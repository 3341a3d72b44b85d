"""What the model is shown of rows is data, in every prompt and whatever the rows say."""

import pytest
from datasets import Dataset
from injection_attacks import ATTACKS, holds_its_sample
from methods.scripted import ScriptedLLM

from condensers.data import Columns, read_rows
from condensers.methods.writing import LDSC, Desk, Events, FewShot, PairLDSC, Rewrite, Task


def chats(row, writer, form, is_pair):
    """All chats of a round in which one row says `row`."""
    texts = [f"text number{i}" for i in range(7)] + [row]
    columns = {"premise": [f"p{i}" for i in range(8)], "text": texts} if is_pair else {"text": texts}
    dataset = Dataset.from_dict({**columns, "label": ["up", "down"] * 4})
    rows = read_rows(dataset, Columns(tuple(columns), "label"))
    llm = ScriptedLLM(lambda *_: "1. words " + "\n2. more words\n3. third")
    desk = Desk(llm, Events(), n_samples=1, second_chances=False)
    subset = {code: positions for code, positions in rows.by_class()}
    made = writer(desk, Task(rows), form)
    planned = [planned.messages for planned in made.plan(subset, {0: 2, 1: 2}, None)]
    if form != "json":
        made.write(subset, {0: 2, 1: 2}, [0])
    return planned + [messages for messages, _, _ in llm.asked]


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize(
    ("writer", "form", "is_pair"),
    [
        (LDSC, "json", False),
        (LDSC, "lines", False),
        (PairLDSC, "json", True),
        (PairLDSC, "lines", True),
        (FewShot, "json", True),
        (FewShot, "lines", False),
        (Rewrite, "single", False),
        (Rewrite, "single", True),
    ],
)
def test_a_row_changes_nothing_but_its_own_sample(attack, writer, form, is_pair):
    harmless = ("a quiet evening at home " * 5)[: len(attack)]  # as long, since estimates go by length
    plain, attacked = chats(harmless, writer, form, is_pair), chats(attack, writer, form, is_pair)
    assert len(plain) == len(attacked) > 0
    found = [holds_its_sample(one, other, harmless) for one, other in zip(plain, attacked, strict=True)]
    assert any(found) or writer is Rewrite  # of a rewriter's rows only the first few are asked about


def test_what_a_prompt_says():
    texts = [m["content"] for chat in chats("a row", LDSC, "json", False) for m in chat]
    assert any("- 2 with the label <label>up</label>" in text for text in texts)
    assert not any("{{" in text or "{%" in text or "None" in text for text in texts)
    assert all(text == text.strip() for text in texts)
