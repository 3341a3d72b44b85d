from collections import Counter

from condensers.data import drop_duplicates, read_rows, resolve_columns, sample_dataset


def test_shop_messages_is_what_its_card_says():
    splits = sample_dataset("shop_messages")
    names = splits["train"].features["label"].names
    assert len(names) == 8
    assert {split: len(rows) for split, rows in splits.items()} == {"train": 680, "test": 216}
    assert min(Counter(splits["train"]["label"][:]).values()) >= 70
    assert set(Counter(splits["test"]["label"][:]).values()) == {27}


def test_no_row_stands_twice_or_in_both_splits():
    splits = sample_dataset("shop_messages")
    rows = {split: read_rows(data, resolve_columns(data)) for split, data in splits.items()}
    for split in rows.values():
        assert not drop_duplicates(split, "near", threshold=0.5)[1].duplicate_of
    assert not set(rows["train"].texts) & set(rows["test"].texts)


def test_it_is_the_same_dataset_in_every_process():
    import subprocess
    import sys

    code = "from condensers import sample_dataset; print(sample_dataset()['train']._fingerprint)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert found.strip() == sample_dataset()["train"]._fingerprint
