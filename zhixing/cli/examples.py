"""Where the examples of a recipe lie: files of the user, or pairs of the catalogue, written out once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zhixing.cli.recipe import Recipe
from zhixing.core.card import CorpusCard, SourceCard
from zhixing.core.errors import ConfigError
from zhixing.core.files import read_json, sha256_file, sha256_json, write_json
from zhixing.core.progress import Progress
from zhixing.corpus.archive import Archive
from zhixing.corpus.catalogue import find
from zhixing.corpus.fetch import fetch
from zhixing.corpus.rows import find_tables, rows
from zhixing.corpus.sources import PAIRS
from zhixing.objective.config import PairFilesConfig, TaskConfig
from zhixing.objective.records import keys_of
from zhixing.text.running import running_text

STAMP = "made_from.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """Files of examples of each part; an empty text where there are none."""

    train: str
    validation: str
    test: str


def places(recipe: Recipe, folder: Path, progress: Progress) -> Places:
    """Where the examples of `recipe` are; pairs of the catalogue are fetched and written below `folder`."""
    examples = _config(recipe).examples
    if isinstance(examples, PairFilesConfig):
        if examples.name:
            return _of_catalogue(examples.name, folder / "pairs" / examples.name, progress)
        return Places(train=examples.train, validation=examples.validation, test=examples.test)
    return Places(train=examples.train, validation=examples.validation, test="")


def texts(place: str, kind: str) -> Iterator[str]:
    """Every text of the examples at `place`, for a tokenizer to learn from; words with tags as running text."""
    for row in rows(find_tables(place)):
        if isinstance(row, str):
            continue
        if kind == "tag" and "tokens" in row:
            yield running_text([*_texts_of(row["tokens"])])[0]
            continue
        for key in keys_of(row, kind) or ():
            yield from _texts_of(row[key])


def card(recipe: Recipe, found: Places) -> CorpusCard:
    """What a model that learns from nothing but examples has seen, as the card of a corpus without documents."""
    name = getattr(_config(recipe).examples, "name", "")
    entry = find(name) if name else None
    tables = {
        part: find_tables(place).sha256()
        for part, place in (("train", found.train), ("validation", found.validation))
        if place
    }
    source = SourceCard(
        name=name or "own",
        origin=" or ".join(map(str, entry.origins)) if entry else found.train,
        license=entry.license if entry else "",
        languages=entry.languages if entry else (),
        documents=0,
        bytes=0,
        sha256=tables["train"],
    )
    return CorpusCard(
        sources=(source,),
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


def _of_catalogue(name: str, folder: Path, progress: Progress) -> Places:
    if name not in PAIRS:
        raise ConfigError(
            f"objective.examples.name = {name!r} has no pairs; those that have are: {', '.join(PAIRS)}. "
            "For your own files set objective.examples.train"
        )
    path, origin = fetch(find(name), progress=progress)
    made_from = {"origin": str(origin), "sha256": origin.sha256 or sha256_file(path)}
    if not (folder / STAMP).exists() or read_json(folder / STAMP) != made_from:
        progress.start(f"writing the pairs of {name}")
        counts = PAIRS[name](Archive(path=path), folder)
        write_json(folder / STAMP, made_from)
        told = ", ".join(f"{part} {count:,}" for part, count in counts.items())
        progress.finish(f"pairs of {name}: {told}")
    train, validation, test = (
        str(folder / f"{part}.jsonl") for part in ("train", "validation", "test")
    )
    return Places(train=train, validation=validation, test=test)


def _texts_of(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts_of(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts_of(each)
