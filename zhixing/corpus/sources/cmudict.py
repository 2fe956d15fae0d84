"""The CMU pronouncing dictionary, as pocketsphinx carries it: words and their phonemes, without stress.

`word PH ON EMES` a line; `word(2) …` is another way to say it. A dictionary is no running text: it is read as pairs for
sequence to sequence, from the letters of a word to its phonemes, a space between any two of them. All forms of a name with 's stay on one side of a
split, or the test would ask for words that differ from training words by one phoneme.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from zhixing.core.errors import DataError
from zhixing.corpus.archive import Archive
from zhixing.corpus.document import Document
from zhixing.corpus.pairs import part_of_pair
from zhixing.corpus.parts import Part, write_parts


@dataclass(frozen=True, kw_only=True, slots=True)
class Pronounced:
    """A word and every way to say it, the customary one first."""

    word: str
    phonemes: tuple[tuple[str, ...], ...]

    @property
    def part(self) -> Part:
        """Where the word belongs, by the word without 's."""
        return part_of_pair(self.word.removesuffix("'s"))


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


def write_pairs(archives: Sequence[Archive], folder: Path) -> Mapping[str, int]:
    """Write train, validation and test .jsonl for sequence to sequence; how many lines each has comes back.

    {"src": "r e a d", "tgt": "R EH D"}: to learn from, a line for every way to say a word; to measure with, a line for
    every word, whose `references` are all its ways.
    """
    (archive,) = archives
    found = ((entry.part, line) for entry in pronunciations(archive) for line in _lines(entry))
    return write_parts(found, folder)


def _lines(entry: Pronounced) -> Iterator[dict[str, object]]:
    letters, said = " ".join(entry.word), [" ".join(way) for way in entry.phonemes]
    if entry.part == "train":
        yield from ({"src": letters, "tgt": way} for way in said)
    else:
        yield {"src": letters, "tgt": said[0], "references": said}
