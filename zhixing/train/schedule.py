r"""The learning rate over a training run, as a share of its highest value.

        ┌────╮            cosine: Loshchilov & Hutter 2017, eq. 5, without restarts
       ╱      ╲           wsd: warm-up, stable, decay; Hu et al. 2024 (MiniCPM), §4
      ╱        ╲___       constant
    warm-up       final

Everything is a function of progress in [0, 1], not of the step: a run may be bounded by steps or by seconds.
"""

import math

from zhixing.train.config import TrainConfig


def rate(config: TrainConfig, progress: float) -> float:
    """Learning rate at `progress` (0 at the start, 1 at the end) as a share of the highest, in [0, 1]."""
    if progress < config.warmup:
        return progress / config.warmup
    if config.schedule == "cosine":
        return cosine(progress, start=config.warmup, final=config.final)
    if config.schedule == "wsd":
        return straight(progress, start=1.0 - config.cooldown, final=config.final)
    return 1.0


def progress(config: TrainConfig, *, step: int, seconds: float) -> float:
    """Share of the training done at the middle of the step after `step` steps and `seconds`, in [0, 1].

    The middle, so that neither the first nor the last step is wasted on a learning rate of zero. A run by time
    ends with the step whose middle would come after the end.
    """
    if config.steps is not None:
        return min(1.0, (step + 0.5) / config.steps)
    assert config.budget_seconds is not None
    half_step = 0.5 * seconds / step if step else 0.0
    return min(1.0, (seconds + half_step) / config.budget_seconds)


def cosine(progress: float, *, start: float, final: float) -> float:
    """1 at `start`, then half a cosine down to `final` at 1."""
    fallen = _share(progress, start)
    return final + (1.0 - final) * 0.5 * (1.0 + math.cos(math.pi * fallen))


def straight(progress: float, *, start: float, final: float) -> float:
    """1 until `start`, then a straight line down to `final` at 1."""
    return 1.0 - (1.0 - final) * _share(progress, start)


def _share(progress: float, start: float) -> float:
    """How far `progress` is on its way from `start` to 1, in [0, 1]."""
    if start >= 1.0:
        return 0.0
    return min(1.0, max(0.0, (progress - start) / (1.0 - start)))
