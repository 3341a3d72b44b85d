import numpy as np

from condensers.embedding import EmbeddedRows
from condensers.inversion import NearestRow, Realiser, RowRealiser

ROWS = EmbeddedRows(["north", "east", "south"], np.array([[0, 1], [1, 0], [0, -1]], dtype=np.float32))


def test_each_point_gets_a_row_of_its_own():
    points = np.array([[0.1, 0.9], [0.2, 0.9]], dtype=np.float32)
    assert NearestRow().locate(points, ROWS).tolist() == [0, 1]
    assert NearestRow().realise(points, ROWS) == ["north", "east"]


def test_it_is_a_realiser_of_rows():
    assert isinstance(NearestRow(), Realiser)
    assert isinstance(NearestRow(), RowRealiser)
