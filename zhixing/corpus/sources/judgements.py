"""What people say of pairs of words: how related two are (WordSim-353), how alike (SimLex-999).

    love<TAB>sex<TAB>6.77        lines that begin with # are comments; the files are those that gensim carries

As examples they are a test alone, test.jsonl of {text1, text2, label}: nothing is learnt from them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from zhixing.core.errors import DataError
from zhixing.core.files import write_json_lines
from zhixing.corpus.archive import Archive
from zhixing.corpus.packages import WORD_TESTS
from zhixing.corpus.pairs import WrittenPairs

FILES = {"wordsim353": "wordsim353.tsv", "simlex999": "simlex999.txt"}
"""File in the package of each set."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """Two words and the mean of what people said; more is nearer."""

    one: str
    other: str
    score: float


def read_judgements(text: str, origin: str) -> list[Judgement]:
    """Lines of two words and a number between tabs; lines that begin with # are comments. Raises DataError."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = line.split("\t")
        try:
            one, other, score = parts[0].strip(), parts[1].strip(), float(parts[2])
        except (IndexError, ValueError) as error:
            raise DataError(
                f"{origin}:{number}: two words and a number between tabs were expected, not {line[:60]!r}"
            ) from error
        found.append(Judgement(one=one, other=other, score=score))
    if not found:
        raise DataError(f"{origin} holds no pairs of words")
    return found


def write_judgements(name: str, archives: Mapping[str, Archive], folder: Path) -> WrittenPairs:
    """Write one of FILES to `folder`."""
    _, content = next(archives[WORD_TESTS.name].members(f"*/test_data/{FILES[name]}"))
    found = read_judgements(content.decode("utf-8"), name)
    rows = ({"text1": each.one, "text2": each.other, "label": each.score} for each in found)
    folder.mkdir(parents=True, exist_ok=True)
    write_json_lines(folder / "test.jsonl", rows)
    return WrittenPairs(parts={"test": len(found)})
