"""The CMU pronouncing dictionary, as pocketsphinx carries it: words and their phonemes, without stress.

`word PH ON EMES` a line; `word(2) …` is another way to say it. A dictionary is no running text: it is read as pairs for
sequence to sequence, from the letters of a word to its phonemes, a space between any two of them. All forms of a name with 's stay on one side of a
split, or the test would ask for words that differ from training words by one phoneme.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Literal, get_args

from zhixing.core.errors import DataError
from zhixing.core.files import atomic_open
from zhixing.corpus.archive import Archive
from zhixing.corpus.document import Document

Part = Literal["train", "validation", "test"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pronounced:
    """A word and every way to say it, the customary one first."""

    word: str
    phonemes: tuple[tuple[str, ...], ...]

    @property
    def part(self) -> Part:
        """Where the word belongs: 5 % validation, 5 % test, by a hash of the word without 's."""
        stem = self.word.removesuffix("'s").encode()
        place = int.from_bytes(blake2b(stem, digest_size=8).digest(), "big") % 100
        return "test" if place < 5 else "validation" if place < 10 else "train"


def pronunciations(archive: Archive) -> Iterator[Pronounced]:
    """Yield every word of the dictionary in its order. Raises DataError for a line without phonemes."""
    ways: dict[str, list[tuple[str, ...]]] = {}
    for name, content in archive.members("*/cmudict-en-us.dict"):
        for number, line in enumerate(content.decode("ascii").splitlines(), start=1):
            head, *phonemes = line.split()
            if not phonemes:
                raise DataError(f"{name}, line {number}: {line!r} has no phonemes")
            ways.setdefault(head.partition("(")[0], []).append(tuple(phonemes))
    for word, said in ways.items():
        yield Pronounced(word=word, phonemes=tuple(dict.fromkeys(said)))


def read(archive: Archive) -> Iterator[Document]:
    """Yield one Document per word: its text is the word, `meta` has its part and ways to say it, `/` between them."""
    for entry in pronunciations(archive):
        said = " / ".join(" ".join(way) for way in entry.phonemes)
        meta = {"phonemes": said, "part": entry.part}
        yield Document(id=entry.word, text=entry.word, source="cmudict", language="en", meta=meta)


def write_pairs(archive: Archive, folder: Path) -> Mapping[str, int]:
    """Write train, validation and test .jsonl for sequence to sequence; how many lines each has comes back.

    {"src": "r e a d", "tgt": "R EH D"}: to learn from, a line for every way to say a word; to measure with, a line for
    every word, whose `references` are all its ways.
    """
    counts = dict.fromkeys(get_args(Part), 0)
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        files = {
            part: stack.enter_context(atomic_open(folder / f"{part}.jsonl")) for part in counts
        }
        for entry in pronunciations(archive):
            for line in _lines(entry):
                files[entry.part].write(json.dumps(line).encode() + b"\n")
                counts[entry.part] += 1
    return counts


def _lines(entry: Pronounced) -> Iterator[dict[str, object]]:
    letters, said = " ".join(entry.word), [" ".join(way) for way in entry.phonemes]
    if entry.part == "train":
        yield from ({"src": letters, "tgt": way} for way in said)
    else:
        yield {"src": letters, "tgt": said[0], "references": said}
