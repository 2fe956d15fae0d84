"""Where the examples of a recipe lie: files of the user, or pairs of the catalogue, written out once."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zhixing.cli.recipe import Recipe
from zhixing.core.card import CorpusCard, SourceCard
from zhixing.core.errors import ConfigError, DataError
from zhixing.core.files import read_json, sha256_file, sha256_json, write_json
from zhixing.core.progress import Progress
from zhixing.corpus.archive import Archive
from zhixing.corpus.catalogue import Entry, find
from zhixing.corpus.fetch import fetch
from zhixing.corpus.files import Found
from zhixing.corpus.parts import PARTS
from zhixing.corpus.rows import find_tables, rows
from zhixing.corpus.searches import as_pairs, with_documents
from zhixing.corpus.sources import PAIRS, PairSource
from zhixing.objective.chat import texts_of
from zhixing.objective.config import ExamplesConfig, PairFilesConfig, Seq2SeqConfig, TaskConfig
from zhixing.objective.records import keys_of, require_keys
from zhixing.text.running import running_text

STAMP = "made_from.json"
PAIRS_VERSION = 2
"""Raised whenever the same archives would give other pairs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """Files of examples of each part; an empty text where there are none."""

    train: str
    validation: str
    test: str


def places(recipe: Recipe, folder: Path, progress: Progress) -> Places:
    """Where the examples of `recipe` are; pairs of the catalogue are fetched and written below `folder`."""
    if isinstance(recipe.objective, Seq2SeqConfig):
        target_language(recipe.objective)  # a problem is told before anything is fetched
    examples = _config(recipe).examples
    if isinstance(examples, PairFilesConfig):
        if examples.name:
            return _of_catalogue(examples.name, folder / "pairs" / examples.name, progress)
        return Places(train=examples.train, validation=examples.validation, test=examples.test)
    return Places(train=examples.train, validation=examples.validation, test="")


def read_from(place: str, kind: str) -> Found:
    """The files that the examples of an objective are made from; for pairs the documents of queries too."""
    found = find_tables(place)
    return with_documents(found) if kind == "similar" else found


def rows_for(found: Found, kind: str) -> Iterator[Mapping[str, Any] | str]:
    """The rows that an objective reads; queries with the documents that answer them are pairs for it."""
    return as_pairs(found) if kind == "similar" else rows(found)


def oriented(
    found: Iterable[Mapping[str, Any] | str], config: ExamplesConfig
) -> Iterator[Mapping[str, Any] | str]:
    """Rows as they are, or with source and target exchanged where the settings say so."""
    if not (isinstance(config, PairFilesConfig) and config.reversed):
        yield from found
        return
    for row in found:
        if isinstance(row, str) or not {"src", "tgt"} <= row.keys():
            yield row
        else:
            yield {"src": row["tgt"], "tgt": row["src"]}


def target_language(config: Seq2SeqConfig) -> str:
    """The language that targets are written in; empty where it is not said. Raises ConfigError where it must be."""
    examples = config.examples
    _, found = languages(config)
    if config.measure != "symbols" and not found:
        raise ConfigError(
            f'objective.measure = "{config.measure}" needs targets in a language, which those of {examples.name!r} are '
            'not in; set measure = "symbols"'
        )
    return found


def languages(config: Seq2SeqConfig) -> tuple[str, str]:
    """The languages of sources and targets; empty where they are not said, as those of sources in own files."""
    examples = config.examples
    if not examples.name:
        return "", config.language
    source, target = _pairs(examples.name).languages
    return (target, source) if examples.reversed else (source, target)


def texts(place: str, kind: str) -> Iterator[str]:
    """Every text of the examples at `place`, for a tokenizer to learn from; words with tags as running text.

    Raises DataError where the first row has not the keys that are needed, or there is none.
    """
    number = 0
    for number, row in enumerate(rows_for(find_tables(place), kind), start=1):
        if isinstance(row, str):
            continue
        if number == 1:
            require_keys(row, kind, origin=place)
        if kind == "tag" and "tokens" in row:
            yield running_text([*strings_in(row["tokens"])])[0]
            continue
        if kind == "chat":
            yield from texts_of(row)
            continue
        for key in keys_of(row, kind) or ():
            yield from strings_in(row[key])
    if not number:
        raise DataError(f"{place} has no rows: there is nothing to learn from")


def card(recipe: Recipe, found: Places) -> CorpusCard:
    """What a model that learns from nothing but examples has seen, as the card of a corpus without documents."""
    name, kind = getattr(_config(recipe).examples, "name", ""), recipe.objective.kind
    made_of = [find(each) for each in _pairs(name).entries] if name else []
    tables = {
        part: read_from(place, kind).sha256()
        for part, place in (("train", found.train), ("validation", found.validation))
        if place
    }
    sources = [
        _source(entry.name, " or ".join(map(str, entry.origins)), tables["train"], entry)
        for entry in made_of
    ]
    return CorpusCard(
        sources=(*sources,) or (_source("own", found.train, tables["train"], None),),
        kept={},
        dropped={},
        masked={},
        notes=(),
        data_hash=sha256_json(tables),
        build_hash="",
    )


def _config(recipe: Recipe) -> TaskConfig:
    assert isinstance(recipe.objective, TaskConfig), "the recipe was validated"
    return recipe.objective


def _source(name: str, origin: str, sha256: str, entry: Entry | None) -> SourceCard:
    return SourceCard(
        name=name,
        origin=origin,
        license=entry.license if entry else "",
        languages=entry.languages if entry else (),
        documents=0,
        bytes=0,
        sha256=sha256,
    )


def _pairs(name: str) -> PairSource:
    if name in PAIRS:
        return PAIRS[name]
    raise ConfigError(
        f"objective.examples.name = {name!r} has no pairs; those that have are: {', '.join(PAIRS)}. "
        "For your own files set objective.examples.train"
    )


def _of_catalogue(name: str, folder: Path, progress: Progress) -> Places:
    source = _pairs(name)
    fetched = [fetch(find(each), progress=progress) for each in source.entries]
    made_from = {
        "version": PAIRS_VERSION,
        "archives": {str(o): o.sha256 or sha256_file(path) for path, o in fetched},
    }
    if not (folder / STAMP).exists() or read_json(folder / STAMP) != made_from:
        progress.start(f"writing the pairs of {name}")
        counts = source.write([Archive(path=path) for path, _ in fetched], folder)
        write_json(folder / STAMP, made_from)
        told = ", ".join(f"{part} {count:,}" for part, count in counts.items())
        progress.finish(f"pairs of {name}: {told}")
    train, validation, test = (str(folder / f"{part}.jsonl") for part in PARTS)
    return Places(train=train, validation=validation, test=test)


def strings_in(value: Any) -> Iterator[str]:
    """Every string of what was read from JSON, however deep, in order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from strings_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings_in(each)
