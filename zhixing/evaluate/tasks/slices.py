"""Test items in slices: how a system does on short texts, in one language, on one source, not only on all together.

    length      three slices with about as many items each, by characters
    language    as text/language.py detects it; for Chinese the script too
    a field     of the rows, such as source: one slice for each of its values

A slice with few items has a wide interval; it is given with its count and not left out.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from zhixing.core.errors import UsageError
from zhixing.text.language import detect
from zhixing.text.script import script_of

LENGTH, LANGUAGE = "length", "language"
MOST = 30
"""Values of a field above which it names no slices."""


def slices(
    texts: Sequence[str], fields: Mapping[str, Sequence[str]], by: str
) -> dict[str, list[int]]:
    """Name of a slice -> places of its items. A field of the rows goes before what is found in the texts.

    Raises UsageError for a field that the rows do not have, or with a value for almost every item.
    """
    if by in fields:
        return _by_value(fields[by], by)
    if by == LENGTH:
        return _by_length(texts)
    if by == LANGUAGE:
        return _by_value([_language(text) for text in texts], by)
    there = ", ".join((LENGTH, LANGUAGE, *(name for name in fields if name != LANGUAGE)))
    raise UsageError(f"--slice {by}: no row has such a field; there are {there}")


def _by_value(values: Sequence[str], by: str) -> dict[str, list[int]]:
    names = sorted({*values})
    if len(names) > MOST:
        raise UsageError(
            f"--slice {by} makes {len(names):,} slices of {len(values):,} items; choose a field with {MOST} values or fewer"
        )
    return {name: [n for n, value in enumerate(values) if value == name] for name in names}


def _by_length(texts: Sequence[str]) -> dict[str, list[int]]:
    """Thirds; fewer where many texts are equally long."""
    lengths = np.array([len(text) for text in texts])
    first, second = (int(each) for each in np.quantile(lengths, [1 / 3, 2 / 3], method="lower"))
    edges = {
        f"up to {first:,} characters": lengths <= first,
        f"{first + 1:,} to {second:,} characters": (lengths > first) & (lengths <= second),
        f"more than {second:,} characters": lengths > second,
    }
    return {name: np.flatnonzero(chosen).tolist() for name, chosen in edges.items() if chosen.any()}


def _language(text: str) -> str:
    tag = detect(text).tag
    return script_of(text) if tag == "zh" else tag
