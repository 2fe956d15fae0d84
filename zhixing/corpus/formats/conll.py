"""Columns, one word a line, an empty line between sentences: CoNLL-2003, CoNLL-2005, CoNLL-2012 and CoNLL-U.

    2003   word POS chunk NER, any number of columns from 2 on; the last is the tag   Tjong Kim Sang & De Meulder 2003
    2005   word … verb roles…, any number of columns before the verbs     Carreras & Màrquez 2005
    2012   … POS parse lemma frameset sense speaker NER roles… coreference             Pradhan et al. 2012
    U      ten columns between tabs; words 1-2 and 1.1 are no words of the sentence    universaldependencies.org

All become {tokens, tags}. The original 2003 files say IOB1 (B- only between neighbours of one type), many Chinese ones
BMES (M- in the middle of an entity, E- at its end, S- where it is one character); both are turned into BIO, which is
seen from the whole file. Brackets of 2005 and 2012, (ARG1* * *), become BIO too: one row per predicate, and the place
of its verb. What precedes the verbs of 2005 differs from file to file; their column is the one behind which there is a
column of brackets for each verb of every sentence.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from zhixing.core.errors import DataError
from zhixing.corpus.formats.place import numbered, wrong
from zhixing.corpus.table_rows import BrokenRow, Row

Column = Literal["upos", "xpos", "lemma", "deprel"]
Layer = Literal["names", "pos", "chunks"]
_LAYERS: Mapping[Layer, int] = {"names": -1, "pos": 1, "chunks": 2}
_U_COLUMNS = 10
_U_PLACES = {"lemma": 2, "upos": 3, "xpos": 4, "deprel": 7}
_FIRST_ROLE = 11
_NO_VERB = "-"
_BRACKETS = re.compile(r"(?:\([^()*]+)*\*\)*")
_BIO_OF: Mapping[str, str] = {"M-": "I-", "E-": "I-", "S-": "B-"}
"""What the marks of BMES are in BIO; B- and O are the same in both."""
_SPACES = re.compile(r"[ \t]+")  # not the full-width space, which is a word of some Chinese files
_NAMES, _LEMMA, _SENSE = 10, 6, 7


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sentence:
    """Lines of one sentence, cut into columns, and the number of each line."""

    numbers: tuple[int, ...]
    lines: tuple[Sequence[str], ...]

    def column(self, place: int) -> list[str]:
        return [columns[place] for columns in self.lines]


def read_conll2003(path: Path, *, layer: Layer = "names") -> Iterator[Row | BrokenRow]:
    """{tokens, tags}, with {pos, chunks} where there are four columns; `layer` says which column becomes tags.

    Raises DataError, naming file, line and column, for a tag that is none, and for another layer than names without four columns.
    """
    sentences = list(_sentences(path, None))
    if not sentences:
        raise DataError(f"{path} has no sentence")
    if layer != "names":
        _require_four(path, sentences, layer)
    all_tags = [sentence.column(_LAYERS[layer]) for sentence in sentences]
    if layer != "pos":
        for sentence, tags in zip(sentences, all_tags, strict=True):
            _require_bio(path, sentence, tags, column=_LAYERS[layer] % len(sentence.lines[0]))
        all_tags = _without_bmes(all_tags)
    is_iob1 = _is_iob1(all_tags)
    for sentence, tags in zip(sentences, all_tags, strict=True):
        row: dict[str, list[str]] = {
            "tokens": sentence.column(0),
            "tags": _bio(tags) if is_iob1 else tags,
        }
        if layer == "names" and len(sentence.lines[0]) == 4:
            row |= {"pos": sentence.column(1), "chunks": sentence.column(2)}
        yield row


def _require_bio(path: Path, sentence: _Sentence, tags: Sequence[str], *, column: int) -> None:
    for number, tag in zip(sentence.numbers, tags, strict=True):
        if tag[1:2] == "-" and (tag[0] not in "BIMES" or not tag[2:]):
            raise wrong(path, number, column + 1, f"{tag!r} is no tag of BIO")


def _require_four(path: Path, sentences: Sequence[_Sentence], layer: Layer) -> None:
    for sentence in sentences:
        if len(sentence.lines[0]) != 4:
            raise wrong(
                path,
                sentence.numbers[0],
                len(sentence.lines[0]),
                f"{len(sentence.lines[0])} columns; {layer} are in files of four: word, POS, chunk, NER",
            )


def read_conll2012(
    path: Path, *, layer: Literal["roles", "names"] = "roles"
) -> Iterator[Row | BrokenRow]:
    """{tokens, tags, predicate, sense} for every predicate, or {tokens, tags} of the names in every sentence."""
    for sentence in _sentences(path, None):
        if len(sentence.lines[0]) < _FIRST_ROLE + 1:
            raise wrong(
                path,
                sentence.numbers[0],
                len(sentence.lines[0]),
                f"a line of CoNLL-2012 has at least {_FIRST_ROLE + 1} columns",
            )
        tokens = sentence.column(3)
        if layer == "names":
            yield {"tokens": tokens, "tags": _brackets(path, sentence, _NAMES)}
            continue
        for place in range(_FIRST_ROLE, len(sentence.lines[0]) - 1):
            tags = _brackets(path, sentence, place)
            if reason := _problem_of_verbs(tags):
                yield reason
                continue
            verb = tags.index("B-V")
            sense = ".".join(sentence.lines[verb][_LEMMA : _SENSE + 1])
            yield {"tokens": tokens, "tags": tags, "predicate": verb, "sense": sense}


def read_conll2005(path: Path) -> Iterator[Row | BrokenRow]:
    """{tokens, tags, predicate, verb} for every verb. Raises DataError where no column can be that of the verbs."""
    sentences = list(_sentences(path, None))
    place = _column_of_verbs([each.lines for each in sentences])
    if place is None:
        raise DataError(
            f"{path} has no column of verbs (a verb or {_NO_VERB}) with a column of roles behind it for each verb of "
            "every sentence, as CoNLL-2005 has"
        )
    for sentence in sentences:
        verbs = [n for n, verb in enumerate(sentence.column(place)) if verb != _NO_VERB]
        for column, verb in enumerate(verbs, start=place + 1):
            tags = _brackets(path, sentence, column)
            reason = _problem_of_verbs(tags)
            yield reason or {
                "tokens": sentence.column(0),
                "tags": tags,
                "predicate": verb,
                "verb": sentence.lines[verb][place],
            }


def is_conll2005(lines: Sequence[str]) -> bool:
    """Whether the first lines of a file are words, verbs and brackets; a sentence that is cut off at the end does not count."""
    sentences: list[list[list[str]]] = [[]]
    for line in lines:
        if not line.strip():
            sentences.append([])
        else:
            sentences[-1].append(columns_of(line))
    whole = [each for each in sentences[:-1] if each]
    return bool(whole) and _column_of_verbs(whole) is not None


def _column_of_verbs(sentences: Sequence[Sequence[Sequence[str]]]) -> int | None:
    """The last column, behind the words, after which every sentence has a column of brackets for each of its verbs."""
    if not any("*" in columns[-1] for sentence in sentences for columns in sentence):
        return None
    narrowest = min(len(columns) for sentence in sentences for columns in sentence)
    return next((n for n in range(narrowest - 1, 0, -1) if _are_verbs(sentences, n)), None)


def _are_verbs(sentences: Sequence[Sequence[Sequence[str]]], place: int) -> bool:
    for sentence in sentences:
        num_verbs = sum(columns[place] != _NO_VERB for columns in sentence)
        for columns in sentence:
            roles = columns[place + 1 :]
            if len(roles) != num_verbs or not all(map(_BRACKETS.fullmatch, roles)):
                return False
    return True


def _problem_of_verbs(tags: Sequence[str]) -> str:
    """Why roles cannot be those of one predicate; empty where they can."""
    count = tags.count("B-V")
    return "" if count == 1 else "predicate_with_two_verbs" if count else "predicate_without_verb"


def read_conllu(path: Path, *, column: Column = "upos") -> Iterator[Row | BrokenRow]:
    """{tokens, tags, heads, relations}; `column` says which column becomes tags."""
    for sentence in _sentences(path, "\t"):
        words: list[Sequence[str]] = []
        for number, columns in zip(sentence.numbers, sentence.lines, strict=True):
            if len(columns) != _U_COLUMNS:
                raise wrong(
                    path, number, len(columns), f"a line of CoNLL-U has {_U_COLUMNS} columns"
                )
            if "-" in columns[0] or "." in columns[0]:
                continue
            if columns[0] != str(len(words) + 1):
                raise wrong(path, number, 1, f"word {columns[0]!r} where {len(words) + 1} follows")
            words.append(columns)
        heads = [columns[6] for columns in words]
        yield {
            "tokens": [columns[1] for columns in words],
            "tags": [columns[_U_PLACES[column]] for columns in words],
            "heads": heads,
            "relations": [columns[7] for columns in words],
        }


def columns_of(line: str) -> list[str]:
    """What stands between spaces or tabs."""
    return _SPACES.split(line.strip(" \t"))


def _sentences(path: Path, separator: str | None) -> Iterator[_Sentence]:
    """Groups of lines between empty ones, without comments and marks of documents."""
    kept: list[tuple[int, list[str]]] = []
    for number, line in numbered(path):
        columns = line.split(separator) if separator else columns_of(line)
        if line.strip() and not _is_comment(line, columns, separator):
            if kept and separator is None and len(columns) != len(kept[0][1]):
                raise wrong(
                    path,
                    number,
                    len(columns),
                    f"{len(columns)} columns where the sentence has {len(kept[0][1])}",
                )
            kept.append((number, columns))
        elif kept and not line.strip():
            yield _made(path, kept)
            kept = []
    if kept:
        yield _made(path, kept)


def _is_comment(line: str, columns: Sequence[str], separator: str | None) -> bool:
    if separator is not None:
        return line.startswith("#")
    return columns[0] == "-DOCSTART-" or line.startswith(("#begin document", "#end document"))


def _made(path: Path, kept: list[tuple[int, list[str]]]) -> _Sentence:
    number, first = kept[0]
    if len(first) < 2:
        raise wrong(
            path, number, 1, "a word without any tag; columns are separated by spaces or tabs"
        )
    return _Sentence(
        numbers=tuple(number for number, _ in kept), lines=tuple(columns for _, columns in kept)
    )


def _is_iob1(sentences: Sequence[Sequence[str]]) -> bool:
    """Some I- begins an entity, and no B- does where nothing of its type goes before."""
    begins_with_i = False
    for tags in sentences:
        for before, tag in zip(["O", *tags], tags, strict=False):
            is_neighbour = before[2:] == tag[2:] and before != "O"
            if tag.startswith("B-") and not is_neighbour:
                return False
            begins_with_i |= tag.startswith("I-") and not is_neighbour
    return begins_with_i


def _without_bmes(sentences: list[list[str]]) -> list[list[str]]:
    """BMES as BIO; tags of other schemes as they are."""
    if not any(tag.startswith("M-") for tags in sentences for tag in tags):
        return sentences
    return [[_BIO_OF.get(tag[:2], tag[:2]) + tag[2:] for tag in tags] for tags in sentences]


def _bio(tags: Sequence[str]) -> list[str]:
    return [
        f"B-{tag[2:]}" if tag.startswith("I-") and before[2:] != tag[2:] else tag
        for before, tag in zip(["O", *tags], tags, strict=False)
    ]


def _brackets(path: Path, sentence: _Sentence, place: int) -> list[str]:
    """(NAME* … *) as BIO; what opens must close within the sentence, one at a time."""
    tags, name = [], ""
    for number, mark in zip(sentence.numbers, sentence.column(place), strict=True):
        opens, closes = mark.startswith("("), mark.endswith(")")
        if mark.count("(") > 1 or mark.count(")") > 1 or (opens and name):
            raise wrong(path, number, place + 1, f"{mark!r} opens or closes more than one")
        if closes and not (opens or name):
            raise wrong(path, number, place + 1, f"{mark!r} closes what is not open")
        if opens:
            name = mark.strip("()*")
            tags.append(f"B-{name}")
        else:
            tags.append(f"I-{name}" if name else "O")
        name = "" if closes else name
    if name:
        raise wrong(path, sentence.numbers[-1], place + 1, f"({name}* is never closed")
    return tags
