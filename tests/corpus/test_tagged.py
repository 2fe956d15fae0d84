"""Tagged sentences as examples: copies out before the split, nothing said twice, documents in one part."""

import json
from pathlib import Path

from zhixing.corpus.parts import part_of
from zhixing.corpus.tagged import TaggedSentence, write_tagged


def read(folder: Path) -> dict[str, list[dict[str, str]]]:
    return {
        path.stem: [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        for path in folder.glob("*.jsonl")
    }


def sentence(text: str, tags: str, document: str) -> TaggedSentence:
    return TaggedSentence(words=tuple(text.split()), tags=tuple(tags.split()), document=document)


def test_the_sentences_of_a_document_are_in_one_part(tmp_path: Path) -> None:
    given = [sentence(f"word {n} .", "n m w", f"{n // 3:05d}") for n in range(300)]
    written = write_tagged(given, tmp_path)
    found = read(tmp_path)
    assert {part: len(each) for part, each in found.items()} == written.parts
    assert min(written.parts.values()) > 0
    for part, rows in found.items():
        numbers = [int(row["tokens"][1]) for row in rows]
        assert {part_of(f"{n // 3:05d}") for n in numbers} == {part}
    assert sum(written.parts.values()) == 300


def test_a_sentence_of_two_documents_is_in_the_first_alone(tmp_path: Path) -> None:
    given = [sentence("A b", "x y", f"{n}") for n in range(40)]
    written = write_tagged([*given, sentence("a  B", "x y", "z")], tmp_path)
    assert written.copies == 40
    (row,) = [row for each in read(tmp_path).values() for row in each]
    assert row == {"tokens": ["A", "b"], "tags": ["x", "y"]}
    assert written.parts[part_of("0")] == 1


def test_a_sentence_that_was_tagged_in_two_ways_is_left_out(tmp_path: Path) -> None:
    given = [sentence("a b", tags, "1") for tags in ("x y", "x x", "x y")]
    written = write_tagged([*given, sentence("a", "x", "1")], tmp_path)
    assert (written.contradictory, sum(written.parts.values())) == (1, 1)
