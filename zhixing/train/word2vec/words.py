"""Text as a file of word numbers, read once; which words get a vector is decided when all are counted.

A number per word in the order of first occurrence, and BREAK between two sentences (lines of a document): nothing is
near across a line. The file is memory-mapped, so memory grows with the number of different words only.
"""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zhixing.core.errors import DataError
from zhixing.core.files import atomic_open, read_json, sha256_file, write_json
from zhixing.core.progress import Progress
from zhixing.text.terms import terms

BREAK = -1

NUMBERS = "words.bin"
COUNTS = "words.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Passage:
    """A text to learn from."""

    text: str
    language: str


@dataclass(frozen=True, kw_only=True, slots=True)
class WordFile:
    """What was read: `words` and their `counts` in the order of first occurrence, and all `numbers`."""

    words: list[str]
    counts: NDArray[np.int64]
    numbers: NDArray[np.int32]
    digest: str


def write_words(
    passages: Iterable[Passage],
    folder: Path,
    *,
    lowercase: bool,
    made_from: str,
    progress: Progress,
) -> None:
    """Cut all passages into words and write them to `folder`; `made_from` says what must not have changed."""
    progress.start("cutting text into words")
    rows: dict[str, int] = {}
    counts = array("q")
    total = 0
    with atomic_open(folder / NUMBERS) as file:
        for passage in passages:
            numbers = array("i")
            for line in passage.text.splitlines():
                for word in terms(line, passage.language, lowercase=lowercase):
                    row = rows.setdefault(word, len(rows))
                    if row == len(counts):
                        counts.append(0)
                    counts[row] += 1
                    numbers.append(row)
                numbers.append(BREAK)
            total += len(numbers)
            file.write(numbers.tobytes())
            progress.advance(len(passage.text))
    digest = sha256_file(folder / NUMBERS)
    table = {"made_from": made_from, "digest": digest, "words": list(rows), "counts": list(counts)}
    write_json(folder / COUNTS, table)
    progress.finish(f"{sum(counts):,} words, {len(rows):,} different")


def read_words(folder: Path, made_from: str) -> WordFile | None:
    """What `write_words` left, or None where it did not or where it was made from something else."""
    if not (folder / COUNTS).is_file():
        return None
    table = read_json(folder / COUNTS)
    if table["made_from"] != made_from or sha256_file(folder / NUMBERS) != table["digest"]:
        return None
    if (folder / NUMBERS).stat().st_size == 0:
        raise DataError("the training documents hold no words")
    return WordFile(
        words=table["words"],
        counts=np.array(table["counts"], dtype=np.int64),
        numbers=np.memmap(folder / NUMBERS, dtype=np.int32, mode="r"),
        digest=table["digest"],
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Vocabulary:
    """The words that get a vector, most frequent first; `rows` maps a number of the file to a row, or -2."""

    words: list[str]
    counts: NDArray[np.int64]
    rows: NDArray[np.int32]


def choose_words(file: WordFile, *, min_count: int, max_words: int | None) -> Vocabulary:
    """Words with `min_count`, at most `max_words`; of equally frequent ones the first seen comes first.

    Raises DataError if that leaves fewer than two.
    """
    order = np.argsort(-file.counts, kind="stable")
    order = order[file.counts[order] >= min_count][:max_words]
    if len(order) < 2:
        most = int(file.counts.max(initial=0))
        raise DataError(
            f"{len(order)} of {len(file.words):,} words occur {min_count} times or more (the most frequent "
            f"occurs {most} times); give more text or lower min_count"
        )
    rows = np.full(len(file.words), -2, dtype=np.int32)
    rows[order] = np.arange(len(order), dtype=np.int32)
    words = [file.words[number] for number in order]
    return Vocabulary(words=words, counts=file.counts[order], rows=rows)
