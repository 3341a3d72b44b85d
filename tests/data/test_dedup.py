import pytest
from datasets import Dataset

from condensers.data import Columns, dedup, drop_duplicates, drop_repeats, read_rows
from condensers.errors import SettingError

LONG = "the parcel came two days late and the box was torn open on one side when the driver left it"


def rows(texts, labels):
    return read_rows(Dataset.from_dict({"text": texts, "label": labels}), Columns(("text",), "label"))


def test_case_and_spaces_do_not_make_a_new_text():
    kept, found = drop_duplicates(rows(["Good  film", "bad", "good film "], [1, 0, 1]))
    assert kept.texts == ["Good  film", "bad"]
    assert found.duplicate_of == {2: 0}


def test_one_text_under_two_labels_is_kept_twice():
    kept, _ = drop_duplicates(rows(["same", "same", "other"], [0, 1, 1]))
    assert len(kept) == 3


def test_near_duplicates():
    texts = [LONG, LONG + " again", "something else was written here by another person", LONG.upper()]
    kept, found = drop_duplicates(rows(texts, [0, 0, 1, 0]), "near", threshold=0.8)
    assert kept.texts == [texts[0], texts[2]]
    assert found.duplicate_of == {1: 0, 3: 0}


def test_near_respects_the_threshold():
    kept, _ = drop_duplicates(rows([LONG, LONG[:40], "other"], [0, 0, 1]), "near", threshold=0.8)
    assert len(kept) == 3


def test_few_pairs_are_compared_where_rows_differ(monkeypatch):
    compared = []
    jaccard = dedup._jaccard
    monkeypatch.setattr(dedup, "_jaccard", lambda a, b: compared.append(1) or jaccard(a, b))
    texts = [" ".join(f"word{(i * 31 + j) % 997}" for j in range(12)) for i in range(100)]
    kept, _ = drop_duplicates(rows(texts, [0, 1] * 50), "near")
    assert len(kept) == 100 and len(compared) < 100  # of 2,450 pairs of one class


def test_none_keeps_all():
    assert len(drop_duplicates(rows(["a", "a", "b"], [0, 0, 1]), "none")[0]) == 3


def test_settings_are_checked():
    with pytest.raises(SettingError, match="'exact', 'near' or 'none'; got 'fuzzy'"):
        drop_duplicates(rows(["a", "b"], [0, 1]), "fuzzy")
    with pytest.raises(SettingError, match="got 0"):
        drop_duplicates(rows(["a", "b"], [0, 1]), "near", threshold=0)


def test_repeated_texts():
    found = drop_repeats(["a  film", "b", "A film ", "b", "c"])
    assert found.kept.tolist() == [0, 1, 4]
    assert found.duplicate_of == {2: 0, 3: 1}
    assert drop_repeats([]).kept.tolist() == []
