"""A number that can be trusted: with its interval, count, unit and the signature of how it was made."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """`low` and `high` bound a 95 % interval; `better` is "lower" or "higher"; scores compare only under one signature."""

    name: str
    value: float
    low: float
    high: float
    count: int
    unit: str
    better: str
    seed: int
    signature: str
