"""Linear and quadratic work are told apart."""

from tests.growth import LIMIT, growth


def test_quadratic_work_is_noticed_and_linear_work_is_not() -> None:
    assert growth(lambda size: sum(range(100 * size)), 400) < LIMIT
    assert growth(lambda size: [sum(range(size)) for _ in range(size)], 400) > LIMIT
