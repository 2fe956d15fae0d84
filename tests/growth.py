"""How the cost of some work grows with its size, told apart from what else the machine is doing."""

import gc
import time
from collections.abc import Callable

TIMES = 4
"""The larger of the two sizes is this many times the smaller."""
LIMIT = 8.0
"""Between the growth of linear work, 4, and of quadratic work, 16: the same factor from both."""
ROUNDS = 8


def growth(work: Callable[[int], object], size: int) -> float:
    """Processor time of `work(4 * size)` over that of `work(size)`: about 4 when linear, 16 when quadratic.

    The least of several rounds counts: neighbours only ever add time. Garbage collection waits: it walks over all
    that the tests before have left in memory, which is no cost of this work.
    """
    work(size)
    small, large = float("inf"), float("inf")
    collects = gc.isenabled()
    gc.disable()
    try:
        for number in range(ROUNDS):
            small = min(small, _seconds(work, size))
            large = min(large, _seconds(work, TIMES * size))
            if number >= 2 and large < LIMIT * small:
                break
    finally:
        if collects:
            gc.enable()
    return large / small


def _seconds(work: Callable[[int], object], size: int) -> float:
    began = time.process_time()
    work(size)
    return time.process_time() - began
