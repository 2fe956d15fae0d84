"""A number that can be trusted: with its interval, count, unit and the signature of how it was made.

The complaint this answers is an old one: two tools report the "same" perplexity of the same model and differ
by half, because the window, the precision or the tokenizer differed and neither said so.
"""

from dataclasses import dataclass

from zhixing.core.errors import UsageError

SCORING_VERSION = 1
"""Raised whenever the same model on the same data would get another number."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """One measured quality; scores compare only under one signature.

    `low` and `high` bound a 95 % interval, None where a single document allows none; `better` is "lower" or "higher".
    """

    name: str
    value: float
    low: float | None
    high: float | None
    count: int
    unit: str
    better: str
    seed: int
    signature: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """Everything a number depends on besides the model. `window` is in tokens; `data` and `tokenizer` are hashes."""

    tokenizer: str
    window: int
    dtype: str
    data: str
    version: int = SCORING_VERSION

    def __str__(self) -> str:
        return (
            f"tokenizer:{self.tokenizer[:12]}|window:{self.window}/half|dtype:{self.dtype}"
            f"|data:{self.data[:12]}|version:{self.version}"
        )

    def require_same_text(self, other: "Signature") -> None:
        """Raise UsageError unless bits per byte under both signatures measure the same thing.

        The tokenizers may differ: both models are charged for the same bytes. Nothing else may.
        """
        for name in ("data", "window", "dtype", "version"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine != theirs:
                raise UsageError(
                    f"these scores cannot be compared: {name} is {mine} in the first and {theirs} in the "
                    f"second ({self} against {other}); score both models on the same data in the same way"
                )
