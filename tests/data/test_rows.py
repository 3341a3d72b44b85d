import numpy as np
import pytest
from datasets import ClassLabel, Dataset, Features, Value

from condensers.data import Columns, read_rows
from condensers.errors import RowError

COLUMNS = Columns(("text",), "label")


def make(texts, labels, **more):
    return Dataset.from_dict({"text": texts, "label": labels, **more})


def test_classes_keep_their_order_and_names():
    features = Features({"text": Value("string"), "label": ClassLabel(names=["z", "a"])})
    rows = read_rows(Dataset.from_dict({"text": ["x", "y", "w"], "label": [1, 0, 1]}, features=features), COLUMNS)
    assert rows.class_names == ("z", "a")
    assert rows.codes.tolist() == [1, 0, 1]
    assert rows.class_counts == {0: 1, 1: 2}
    assert [(code, positions.tolist()) for code, positions in rows.by_class()] == [(0, [1]), (1, [0, 2])]


def test_a_companion_column_names_integer_classes():
    rows = read_rows(make(["x", "y"], [1, 0], label_text=["pos", "neg"]), COLUMNS)
    assert rows.class_names == ("neg", "pos")


def test_a_companion_column_that_is_no_name_is_ignored():
    rows = read_rows(make(["x", "y", "z"], [1, 0, 0], label_text=["pos", "neg", "other"]), COLUMNS)
    assert rows.class_names == ("0", "1")


def test_string_and_boolean_labels_are_sorted():
    assert read_rows(make(["x", "y"], ["b", "a"]), COLUMNS).codes.tolist() == [1, 0]
    assert read_rows(make(["x", "y"], [True, False]), COLUMNS).class_names == ("False", "True")


def test_pairs_are_joined():
    rows = read_rows(Dataset.from_dict({"a": ["x"], "b": ["y"]}), Columns(("a", "b")))
    assert rows.texts == ["x [SEP] y"]
    assert rows.class_names == ()


def test_empty_texts_are_refused_or_dropped():
    dataset = make(["x", " ", None, "y"], [0, 0, 1, 1])
    with pytest.raises(RowError, match=r"2 of 4 rows have an empty .* first is row 1"):
        read_rows(dataset, COLUMNS)
    rows = read_rows(dataset, COLUMNS, drop_empty=True)
    assert rows.texts == ["x", "y"]
    assert rows.source_index.tolist() == [0, 3]
    assert rows.dataset["text"][:] == ["x", "y"]


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (make([], []), "dataset is empty"),
        (make(["x", "y"], [0, None]), "1 of 2 rows have no label.*row 1"),
        (make(["x", "y"], [3, 3]), "one class only"),
    ],
)
def test_rows_that_cannot_be_condensed(dataset, message):
    with pytest.raises(RowError, match=message):
        read_rows(dataset, COLUMNS)


def test_hidden_labels_are_missing_labels():
    features = Features({"text": Value("string"), "label": ClassLabel(names=["a", "b"])})
    dataset = Dataset.from_dict({"text": ["x", "y"], "label": [0, -1]}, features=features)
    with pytest.raises(RowError, match="no label"):
        read_rows(dataset, COLUMNS)


def test_test_rows_are_coded_by_the_names_of_the_training_rows():
    dataset = make(["x", "y"], ["b", "a"])
    assert read_rows(dataset, COLUMNS, class_names=("b", "c", "a")).codes.tolist() == [0, 2]
    with pytest.raises(RowError, match="class.es. b, which are not among a"):
        read_rows(dataset, COLUMNS, class_names=("a",))


def test_select_keeps_everything_in_step():
    rows = read_rows(make(["x", "y", "z"], [0, 1, 0]), COLUMNS).select(np.array([2, 0]))
    assert (rows.texts, rows.codes.tolist(), rows.source_index.tolist()) == (["z", "x"], [0, 0], [2, 0])
    assert rows.dataset["text"][:] == ["z", "x"]
