"""What can weight a loss, and what cannot."""

import math

import numpy as np
import pytest

from condensers.data import WEIGHT_COLUMN, check_weights, read_weights
from condensers.errors import ColumnError, RowError


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0, math.nan, 2.0, math.nan], r"2 of 4 weights in column 'w' are NaN \(the first is row 1, value nan\)"),
        ([1.0, 2.0, math.inf], r"1 of 3 weights in column 'w' are infinite \(the first is row 2"),
        ([1.0, -0.5, -2.0], r"2 of 3 weights in column 'w' are negative \(the first is row 1, value -0.5\)"),
        ([0.0, 0.0], "all 2 weights in column 'w' are zero"),
    ],
)
def test_bad_weights(weights, message):
    with pytest.raises(RowError, match=message):
        check_weights(np.array(weights), "w")


def test_good_weights():
    check_weights(np.array([0.0, 0.5, 1e30]), "w")


def test_weights_of_rows(dataset):
    weights = np.arange(36) / 4
    assert read_weights(dataset.add_column(WEIGHT_COLUMN, weights)).tolist() == weights.tolist()
    for values, error, message in (
        ([None] + [1.0] * 35, RowError, "1 of 36 weights .* are NaN"),
        (["heavy"] * 36, ColumnError, "holds no numbers"),
    ):
        with pytest.raises(error, match=message):
            read_weights(dataset.add_column(WEIGHT_COLUMN, values))
