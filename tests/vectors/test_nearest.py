"""The nearest rows are those of a full sort, dense or sparse, whatever the block."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from zhixing.vectors import nearest as module
from zhixing.vectors.nearest import nearest


@pytest.mark.parametrize("cells", [1, 100, 2**22])
def test_the_nearest_rows_are_those_of_a_sort(monkeypatch, cells: int) -> None:
    monkeypatch.setattr(module, "CELLS", cells)
    chance = np.random.default_rng(1)
    asked, among = chance.integers(-2, 3, (7, 4)), chance.integers(-2, 3, (30, 4))
    products = asked @ among.T
    wanted = [sorted(range(30), key=lambda row, p=p: (-p[row], row))[:5] for p in products]
    for one, other in ((asked, among), (csr_array(asked), csr_array(among))):
        found = [*nearest(one, other, count=5)]
        assert [[each.row for each in near] for near in found] == wanted
        assert [near[0].score for near in found] == products.max(axis=1).tolist()


def test_there_are_no_more_than_there_are_and_none_below_the_floor() -> None:
    asked, among = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0], [1.0, 0.0], [-1.0, 0.0]])
    (near,) = nearest(asked, among, count=9)
    assert [each.row for each in near] == [1, 0, 2]
    (near,) = nearest(asked, among, count=9, above=0.0)
    assert [each.row for each in near] == [1]
    assert [*nearest(asked, np.zeros((0, 2)), count=3)] == [[]]
    assert [*nearest(np.zeros((0, 2)), among, count=3)] == []
