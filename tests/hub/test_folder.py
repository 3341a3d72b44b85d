import json

import pytest
from conftest import make_rows
from datasets import load_dataset
from huggingface_hub import DatasetCard

from condensers.errors import OutputExistsError, SourceNotFoundError
from condensers.hub import load_condensed, save_condensed
from condensers.methods import KCenterCondenser


@pytest.fixture
def condensed(embedder):
    condenser = KCenterCondenser(embedder=embedder)
    return condenser.condense(make_rows(), per_class=2), condenser.run_


def test_load_dataset_reads_the_folder(condensed, tmp_path):
    rows, run = condensed
    save_condensed(rows, tmp_path / "out", run)
    loaded = load_dataset(str(tmp_path / "out"), split="train", cache_dir=str(tmp_path / "cache"))
    assert loaded.features == rows.features
    assert loaded.to_dict() == rows.to_dict()


def test_rows_that_took_the_place_of_others_are_the_ones_that_load(condensed, tmp_path):
    rows, run = condensed

    def loaded(each):
        save_condensed(each, tmp_path / "out", run, overwrite=True)
        return load_dataset(str(tmp_path / "out"), split="train", cache_dir=str(tmp_path / "cache"))["text"][:]

    other = rows.map(lambda row: {"text": row["text"][::-1]})
    assert loaded(rows) == rows["text"][:]
    assert loaded(other) == other["text"][:]
    assert len(list((tmp_path / "out" / "data").iterdir())) == 1


def test_the_record_comes_back(condensed, tmp_path):
    rows, run = condensed
    save_condensed(rows, tmp_path / "out", run)
    again, record = load_condensed(tmp_path / "out")
    assert again.to_dict() == rows.to_dict()
    assert record.to_json() == json.loads(json.dumps(run.to_json()))


def test_the_card_says_what_was_done(condensed, tmp_path):
    rows, run = condensed
    save_condensed(rows, tmp_path / "out", run)
    card = DatasetCard.load(tmp_path / "out" / "README.md")
    assert card.data.size_categories == "n<1K"
    assert {"dataset-condensation", "k_center"} <= set(card.data.tags)
    assert "| fruit | 2 |" in card.text
    assert "36 rows of a dataset in memory became 6" in card.text


def test_nothing_is_overwritten_unasked(condensed, tmp_path):
    rows, run = condensed
    save_condensed(rows, tmp_path / "out", run)
    with pytest.raises(OutputExistsError, match="not empty"):
        save_condensed(rows, tmp_path / "out", run)
    save_condensed(rows.select([0]), tmp_path / "out", run, overwrite=True)
    assert len(load_condensed(tmp_path / "out")[0]) == 1


def test_a_folder_of_something_else(tmp_path):
    with pytest.raises(SourceNotFoundError, match=r"condensers_run.json is missing"):
        load_condensed(tmp_path)
