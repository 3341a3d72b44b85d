import pytest
from datasets import Dataset, DatasetDict

from condensers.data import load_source, load_test_split
from condensers.errors import SourceNotFoundError

ROWS = {"text": ["a", "b"], "label": [0, 1]}


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_files(tmp_path, suffix):
    path = tmp_path / f"rows.{suffix}"
    data = Dataset.from_dict(ROWS)
    {"csv": data.to_csv, "jsonl": data.to_json, "parquet": data.to_parquet}[suffix](path)
    assert load_source(path)["text"][:] == ["a", "b"]
    assert load_source(str(path))["label"][:] == [0, 1]


def test_a_folder_with_splits(tmp_path):
    for split in ("train", "test"):
        Dataset.from_dict({"text": [split], "label": [0]}).to_parquet(tmp_path / f"{split}.parquet")
    assert load_source(tmp_path)["text"][:] == ["train"]
    assert load_source(tmp_path, split="test")["text"][:] == ["test"]
    assert load_test_split(tmp_path)["text"][:] == ["test"]


def test_save_to_disk_folders(tmp_path):
    Dataset.from_dict(ROWS).save_to_disk(tmp_path / "one")
    DatasetDict({"train": Dataset.from_dict(ROWS)}).save_to_disk(tmp_path / "two")
    assert load_source(tmp_path / "one")["text"][:] == load_source(tmp_path / "two")["text"][:] == ["a", "b"]


def test_validation_stands_in_for_a_missing_test_split():
    splits = DatasetDict({"train": Dataset.from_dict(ROWS), "validation": Dataset.from_dict({"text": ["v"]})})
    assert load_test_split(splits)["text"][:] == ["v"]
    with pytest.raises(SourceNotFoundError, match="no test or validation split; its splits are train"):
        load_test_split(DatasetDict({"train": Dataset.from_dict(ROWS)}))


def test_what_is_not_there(tmp_path):
    for source in (tmp_path / "nowhere", "./nowhere", "rows.csv"):
        with pytest.raises(SourceNotFoundError, match="does not exist"):
            load_source(source)
    with pytest.raises(FileNotFoundError, match="neither a local path nor a dataset"):
        load_source("nobody/nothing")
    with pytest.raises(SourceNotFoundError, match="holds no dataset"):
        load_source(tmp_path)
    (tmp_path / "rows.xlsx").write_text("")
    with pytest.raises(SourceNotFoundError, match=r"not '\.xlsx'"):
        load_source(tmp_path / "rows.xlsx")
    with pytest.raises(SourceNotFoundError, match="no split 'dev'; its splits are train"):
        load_source(DatasetDict({"train": Dataset.from_dict(ROWS)}), split="dev")
    with pytest.raises(SourceNotFoundError, match="no sample dataset 'nothing'; there is shop_messages"):
        load_source("sample:nothing")
