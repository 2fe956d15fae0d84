"""Which characters of a text belong to words that another text has too.

    other    What is a schooner?            哪一项删除页脚？
    text     Schooner: a sailing ship       添加或删除页脚
             ^^^^^^^^  ^                          ^^^^

A word of letters and digits is shared when the other text has it, in any case. Han characters are shared in pairs: where one
pair of neighbours begins and ends does not depend on how a text is cut into words.
"""

import re
from itertools import pairwise

from zhixing.text.han import HAN

_RUNS = re.compile(rf"[{HAN}]+|[^\W_{HAN}]+")


def shared(text: str, other: str) -> list[bool]:
    """For each character of `text` whether it belongs to a word, or a pair of Han characters, that `other` has."""
    known = {part for run in _RUNS.finditer(other) for part, *_ in _parts(run)}
    marks = [False] * len(text)
    for run in _RUNS.finditer(text):
        for part, start, end in _parts(run):
            if part in known:
                marks[start:end] = [True] * (end - start)
    return marks


def _parts(run: re.Match[str]) -> list[tuple[str, int, int]]:
    """A word, or the pairs of a run of Han characters, with their places; a single Han character is a word."""
    found, start = run[0], run.start()
    if len(found) == 1 or not re.match(f"[{HAN}]", found):
        return [(found.lower(), start, run.end())]
    return [(a + b, start + n, start + n + 2) for n, (a, b) in enumerate(pairwise(found))]
