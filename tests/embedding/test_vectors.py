import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from condensers.embedding import Vectors, check_finite, iter_blocks
from condensers.errors import RowError


def sharded(sizes, dim=3, seed=0):
    whole = np.random.default_rng(seed).normal(size=(sum(sizes), dim)).astype(np.float32)
    return whole, Vectors(np.split(whole, np.cumsum(sizes)[:-1]))


@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=5),
    st.integers(-30, 30),
    st.integers(-30, 30),
    st.integers(1, 3),
    st.randoms(use_true_random=False),
)
def test_reads_like_the_array_it_stands_for(sizes, start, stop, step, random):
    whole, vectors = sharded(sizes)
    assert vectors.shape == whole.shape
    np.testing.assert_array_equal(vectors[start:stop:step], whole[start:stop:step])
    positions = np.array([random.randrange(-len(whole), len(whole)) for _ in range(7)])
    np.testing.assert_array_equal(vectors[positions], whole[positions])
    some = vectors.rows(positions % len(whole))
    np.testing.assert_array_equal(some[1:4], whole[positions % len(whole)][1:4])
    np.testing.assert_array_equal(some[np.array([2, 0])], whole[positions % len(whole)][[2, 0]])


def test_slices_of_one_shard_are_not_copied():
    _, vectors = sharded([4, 4])
    assert np.shares_memory(vectors[1:3], vectors[0:4])


def test_blocks_cover_all_rows_once():
    whole, vectors = sharded([4, 4, 3])
    blocks = list(iter_blocks(vectors, 4))
    assert [where.stop - where.start for where, _ in blocks] == [4, 4, 3]
    np.testing.assert_array_equal(np.concatenate([block for _, block in blocks]), whole)


def test_the_first_bad_row_is_named():
    whole, _ = sharded([5])
    whole[3, 1] = np.nan
    with pytest.raises(RowError, match="vector 3 holds NaN"):
        check_finite(Vectors([whole]))


def test_shards_must_agree():
    with pytest.raises(RowError, match="same dimension"):
        Vectors([np.zeros((1, 2), np.float32), np.zeros((1, 3), np.float32)])
