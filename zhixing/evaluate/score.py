"""A number that can be trusted: with its interval, count, unit and the signature of how it was made.

The complaint this answers is an old one: two tools report the "same" perplexity of the same model and differ
by half, because the window, the precision or the tokenizer differed and neither said so.
"""

from dataclasses import dataclass

from zhixing.core.errors import UnsupportedError, UsageError

SCORING_VERSION = 1
"""Raised whenever the same model on the same data would get another number."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """One measured quality; scores compare only under one signature.

    `low` and `high` bound a 95 % interval, None where a single document allows none; `better` is "lower", "higher" or "nearest to 1".
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
    """Everything a number depends on besides the model. `data` and `tokenizer` are hashes.

    `window` is in tokens; None where the model carries its state through the whole document and needs no window.

    `is_lossless`: the tokenizer keeps every byte; one that does not is not charged for what it drops, so bits per
    byte would be too low. `has_begin`: a begin token comes first; without one the first token of a text is free.
    """

    tokenizer: str
    window: int | None
    dtype: str
    data: str
    is_lossless: bool = True
    has_begin: bool = True
    version: int = SCORING_VERSION

    def __str__(self) -> str:
        odd = "" if self.is_lossless else "|lossy"
        odd += "" if self.has_begin else "|first:free"
        window = "carried" if self.window is None else f"{self.window}/half"
        return (
            f"tokenizer:{self.tokenizer[:12]}{odd}|window:{window}|dtype:{self.dtype}"
            f"|data:{self.data[:12]}|version:{self.version}"
        )

    def require_bytes(self) -> None:
        """Raise UnsupportedError when bits per byte would not be true under this tokenizer."""
        if not self.is_lossless:
            raise UnsupportedError(
                f"bits per byte cannot be measured with tokenizer {self.tokenizer[:12]}: it drops part of the text "
                "(unknown words, spaces, case), which would be free of charge; use a byte_bpe tokenizer, or "
                "perplexity between models that share this one"
            )

    def require_same_text(self, other: "Signature") -> None:
        """Raise UsageError unless bits per byte under both signatures measure the same thing.

        The tokenizers may differ: both models are charged for the same bytes. So may windows from carried state,
        which is how models of the two kinds are used. Nothing else may.
        """
        self.require_bytes()
        other.require_bytes()
        names = ["data", "dtype", "has_begin", "version"]
        if self.window is not None and other.window is not None:
            names.append("window")
        for name in names:
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine != theirs:
                raise UsageError(
                    f"these scores cannot be compared: {name} is {mine} in the first and {theirs} in the "
                    f"second ({self} against {other}); score both models on the same data in the same way"
                )
