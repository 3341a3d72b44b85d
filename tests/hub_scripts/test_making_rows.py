"""Scripts that make rows: condense, select, generate."""

import pytest
from datasets import Dataset, load_dataset
from huggingface_hub import DatasetCard
from tiny_inverters import word_rows

from condensers.llm.testing import FakeServer

pytestmark = pytest.mark.hub


def answering(request):
    asked = request.body["messages"][-1]["content"]
    return "\n".join(f"{i}. why {i} {hash(asked)}" for i in range(10))


@pytest.mark.parametrize(
    ("name", "method"), [("condense_dataset", "herding"), ("select_coreset", "facility_location")]
)
def test_rows_come_from_the_hub_and_go_to_the_hub(name, method, hub, source, script):
    code, out, err = script(name, source, "me/few", "--method", method, "--per-class", 2, "--licence", "mit")
    assert code == 0, err
    assert "6 rows of me/source" in out and "me/few" in out
    repository = hub.repositories["dataset", "me/few"]
    assert repository.private and "condensers_run.json" in repository.files()
    few, train = load_dataset("me/few", split="train"), load_dataset(source, split="train")
    assert few["label"][:] == [0, 0, 1, 1, 2, 2]
    assert few.features["label"] == train.features["label"] and set(few["text"][:]) <= set(train["text"][:])
    card = DatasetCard.load("me/few")
    assert card.data.license == "mit" and source in card.text


def test_a_coreset_without_provenance_has_the_columns_of_its_source(hub, source, script):
    options = ("--method", "k_center", "--total", 3, "--dedup", "near", "--no-provenance", "--public")
    code, _, err = script("select_coreset", source, "me/few", *options)
    assert code == 0, err
    assert not hub.repositories["dataset", "me/few"].private
    assert load_dataset("me/few", split="train").column_names == ["text", "label", "id"]


def test_settings_of_a_method_are_given_by_name(hub, source, script):
    wrong = script("condense_dataset", source, "me/few", "--per-class", 1, "--set", "magic=1")
    assert wrong[0] == 2 and "magic" in wrong[2]
    nameless = script("condense_dataset", source, "me/few", "--method", "magic", "--per-class", 1)
    assert nameless[0] == 2 and "no method 'magic'" in nameless[2]
    assert ("dataset", "me/few") not in hub.repositories
    code, _, err = script("condense_dataset", source, "me/few", "--per-class", 1, "--set", "provenance=false")
    assert code == 0, err
    assert load_dataset("me/few", split="train").column_names == ["text", "label", "id"]


def test_generated_rows_are_answered_and_published(hub, script, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    texts = list(dict.fromkeys(word_rows(200)["text"][:]))[:12]
    Dataset.from_dict({"question": texts}).push_to_hub("me/questions", private=True)
    with FakeServer(answering) as server:
        options = ["--method", "prompt_template", "--total", 8, "--answer", "none", "--label", "none"]
        options += ["--set", f"llm=fake@{server.base_url}", "--set", "max_requests=40", "--licence", "mit"]
        code, out, err = script("generate_dataset", "me/questions", "me/more", *options)
    assert code == 0, err
    assert "8 rows like those of me/questions" in out
    rows = load_dataset("me/more", split="train")
    assert len(rows) == 8 and all(text.startswith("why") for text in rows["question"][:])
    assert "synthetic" in DatasetCard.load("me/more").data.tags
