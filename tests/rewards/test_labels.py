import numpy as np
import pytest
from datasets import ClassLabel, Dataset
from tiny_classifiers import tiny_model

from condensers.errors import ColumnError, RowError
from condensers.rewards import Labels, config_names, match_labels, read_labels


def rows(labels, **columns):
    return Dataset.from_dict({"text": ["x"] * len(labels), "label": labels, **columns})


def test_names_come_from_the_class_label():
    labels = read_labels(rows([1, 0]).cast_column("label", ClassLabel(names=["no", "yes"])))
    assert labels.names == ("no", "yes")
    assert labels.codes.tolist() == [1, 0]


def test_names_come_from_strings_and_booleans():
    assert read_labels(rows(["b", "a", "b"])).names == ("a", "b")
    assert read_labels(rows(["b", "a", "b"])).codes.tolist() == [1, 0, 1]
    assert read_labels(rows([True, False])).names == ("False", "True")


def test_names_come_from_a_companion_column():
    labels = read_labels(rows([2, 0, 2], label_text=["up", "down", "up"]))
    assert labels.names == ("down", "LABEL_1", "up")
    assert read_labels(rows([1, 1], label_text=["up", "down"])).names is None


def test_bare_integers_have_no_names():
    assert read_labels(rows([2, 0])).names is None


@pytest.mark.parametrize("labels", [[0, -100, 1], [0, None, 1]])
def test_missing_labels_are_counted(labels):
    with pytest.raises(RowError, match=r"1 of 3 rows have no label.*the first is row 1"):
        read_labels(rows(labels))


def test_no_rows_and_no_column():
    with pytest.raises(RowError, match="empty"):
        read_labels(rows([]))
    with pytest.raises(ColumnError, match="no column 'target'"):
        read_labels(rows([0, 1]), "target")
    with pytest.raises(ColumnError, match="one class a row"):
        read_labels(rows([0.5, 1.0]))


def test_another_order_is_mapped_by_name():
    labels = Labels(np.array([0, 1, 2, 0]), ("low", "high", "middle"))
    assert match_labels(labels, ("high", "Middle ", "LOW"), 3, what="the model").tolist() == [2, 0, 1, 2]


def test_other_names_are_refused_with_both_lists():
    labels = Labels(np.array([0, 1]), ("low", "high"))
    with pytest.raises(
        RowError, match=r"high.*unknown to the model: the dataset has low, high, the model has low, top"
    ):
        match_labels(labels, ("low", "top"), 2, what="the model")


def test_a_class_that_never_occurs_may_be_unknown():
    labels = Labels(np.array([0, 0]), ("low", "high"))
    assert match_labels(labels, ("other", "low"), 2, what="the model").tolist() == [1, 1]


def test_names_on_one_side_only_are_refused():
    with pytest.raises(RowError, match="only one side has names"):
        match_labels(Labels(np.array([0, 1]), ("a", "b")), None, 2, what="the model")
    with pytest.raises(RowError, match="only one side has names"):
        match_labels(Labels(np.array([0, 1]), None), ("a", "b"), 2, what="the model")


def test_without_names_both_sides_count_alike():
    assert match_labels(Labels(np.array([0, 2]), None), None, 3, what="the model").tolist() == [0, 2]
    with pytest.raises(RowError, match="has 2 classes, but label 2"):
        match_labels(Labels(np.array([0, 2]), None), None, 2, what="the model")


def test_default_names_of_a_config_count_as_none():
    assert config_names(tiny_model(names=3).config) is None
    assert config_names(tiny_model(names=("a", "b")).config) == ("a", "b")
