"""Building a corpus: sources -> clean documents -> no copies -> train, validation, test, and the card.

Two passes. The first (`gather`) reads every source once and keeps the texts on disk; then copies are found among
all candidates and every document that stays gets its split; the second pass writes the files. Copies are removed
before splitting, so no near-duplicate can lie on both sides of a split. The folder appears complete or not at all.
"""

import hashlib
import json
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from zhixing.core.card import Amount, CorpusCard, SourceCard, to_json
from zhixing.core.errors import DataError
from zhixing.core.files import atomic_folder, sha256_json, write_json
from zhixing.core.progress import Progress
from zhixing.corpus.batch import LANGUAGES
from zhixing.corpus.clean import Cleaner, dropped
from zhixing.corpus.config import CorpusConfig, SourceConfig
from zhixing.corpus.document import Document
from zhixing.corpus.download import UnreachableError
from zhixing.corpus.duplicates import Copy, find_exact_copies, find_near_copies, open_rows
from zhixing.corpus.gather import Gathered, Gatherer
from zhixing.corpus.inputs import Input, open_source
from zhixing.corpus.parts import PARTS
from zhixing.corpus.split import assign
from zhixing.corpus.store import read_card, to_line
from zhixing.corpus.units import Hashes

PIPELINE = (
    1  # raise it when the same inputs would give other files: old corpora are then built again
)

Opened = list[tuple[SourceConfig, Input]]


def build(config: CorpusConfig, folder: Path, *, progress: Progress) -> CorpusCard:
    """Write `folder` (train, validation, test and dropped .jsonl, card.json) and give its card.

    A folder that was built from the same configuration and inputs is left as it is. Raises DataError when a source
    has nothing to read, when nothing is left after the filters, or when `folder` holds something else.
    """
    _check_folder(folder)
    opened, notes = _open_sources(config, progress)
    build_hash = _build_hash(config, opened, notes)
    if (card := _built_before(folder, build_hash)) is not None:
        progress.start(f"corpus in {folder}")
        progress.finish(f"corpus in {folder} is up to date: {_summary(card)}")
        return card
    with atomic_folder(folder) as new:
        return _write(config, opened, notes, build_hash, new, progress)


def _check_folder(folder: Path) -> None:
    """Building replaces the folder, so it must be ours."""
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder} is a file; name a folder with --out")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "card.json").is_file():
        raise DataError(f"{folder} holds files that are no corpus; name another folder with --out")


def _open_sources(config: CorpusConfig, progress: Progress) -> tuple[Opened, list[str]]:
    opened: Opened = []
    notes = []
    for source in config.sources:
        try:
            opened.append((source, open_source(source, config, progress=progress)))
        except UnreachableError as error:
            if not source.optional:
                raise
            notes.append(f"went on without {source.name}: {error}")
    if not opened:
        raise DataError(f"no source can be reached: {'; '.join(notes)}")
    return opened, notes


def _build_hash(config: CorpusConfig, opened: Opened, notes: list[str]) -> str:
    inputs = [[source.name, each.sha256] for source, each in opened]
    return sha256_json([PIPELINE, config.model_dump(mode="json"), inputs, len(notes)])


def _built_before(folder: Path, build_hash: str) -> CorpusCard | None:
    names = [*(f"{split}.jsonl" for split in PARTS), "dropped.jsonl", "card.json"]
    if not all((folder / name).is_file() for name in names):
        return None
    try:
        card = read_card(folder)
    except DataError:  # the card of an older format: build again
        return None
    return card if card.build_hash == build_hash else None


def _write(
    config: CorpusConfig,
    opened: Opened,
    notes: list[str],
    build_hash: str,
    folder: Path,
    progress: Progress,
) -> CorpusCard:
    scratch = folder / "scratch"
    scratch.mkdir()
    with (
        (folder / "dropped.jsonl").open("wb") as drops,
        Gatherer(config, scratch, drops) as gatherer,
    ):
        for source, each in opened:
            gatherer.gather(source, each, progress=progress)
        gathered = gatherer.finish()
        copies = _find_copies(gathered, config, progress)
        kept, data_hash = _write_splits(gathered, copies, config, folder, drops)
    for file in scratch.iterdir():
        file.unlink()
    scratch.rmdir()
    card = CorpusCard(
        sources=tuple(_source_card(each, gathered) for _, each in opened),
        kept=kept,
        dropped=dict(sorted(gathered.dropped.items())),
        masked=dict(sorted(gathered.masked.items())),
        notes=(*notes, *_notes(opened, gathered, kept)),
        data_hash=data_hash,
        build_hash=build_hash,
        config=config.model_dump(mode="json"),
    )
    write_json(folder / "card.json", to_json(card))
    progress.finish(f"corpus: {_summary(card)}")
    return card


def _find_copies(
    gathered: Gathered, config: CorpusConfig, progress: Progress
) -> Mapping[int, Copy]:
    """Every candidate that is a copy of a kept one."""
    progress.start(f"finding copies among {len(gathered.begins)} documents")
    copies = find_exact_copies(gathered.digest_rows())
    if not config.near_duplicates.enabled:
        return copies
    cleaner = Cleaner(config)
    with gathered.candidates.open("rb") as texts:

        def shingles_of(number: int) -> Hashes:
            texts.seek(gathered.begins[number])
            return cleaner.shingles(json.loads(texts.readline())["text"])

        table = open_rows(gathered.signatures)
        near = find_near_copies(table, copies, config.near_duplicates.threshold, shingles_of)
    return {**_pointed_at_kept(copies, near), **near}


def _pointed_at_kept(exact: Mapping[int, Copy], near: Mapping[int, Copy]) -> dict[int, Copy]:
    """An exact copy of a document that is itself a near copy is a copy of what stands for that one."""
    return {
        number: Copy(kept=near[copy.kept].kept, similarity=near[copy.kept].similarity, exact=False)
        if copy.kept in near
        else copy
        for number, copy in exact.items()
    }


def _write_splits(
    gathered: Gathered,
    copies: Mapping[int, Copy],
    config: CorpusConfig,
    folder: Path,
    drops: IO[bytes],
) -> tuple[dict[str, dict[str, Amount]], str]:
    """The second pass; gives what was kept and the hash of the three files."""
    assigned = _assign(gathered, copies, config)
    kept: dict[str, dict[str, Amount]] = {split: {} for split in PARTS}
    names = _ids_of({copy.kept for copy in copies.values()}, gathered)
    hashes = {split: hashlib.sha256() for split in PARTS}
    with ExitStack() as stack:
        files = {s: stack.enter_context((folder / f"{s}.jsonl").open("wb")) for s in PARTS}
        for number, line in enumerate(gathered.lines()):
            if (copy := copies.get(number)) is not None:
                document = Document(**json.loads(line))
                _write_copy(document, copy, names[copy.kept], config, gathered, drops)
                continue
            split, language = PARTS[assigned[number]], LANGUAGES[gathered.languages[number]]
            files[split].write(line)
            hashes[split].update(line)
            amount = kept[split].get(language, Amount())
            kept[split][language] = amount.plus(gathered.sizes[number])
    return kept, sha256_json({split: digest.hexdigest() for split, digest in hashes.items()})


def _assign(
    gathered: Gathered, copies: Mapping[int, Copy], config: CorpusConfig
) -> NDArray[np.uint8]:
    stays = np.ones(len(gathered.begins), dtype=np.bool_)
    stays[list(copies)] = False
    if not stays.any():
        raise DataError(_nothing_left(gathered, config))
    languages = np.frombuffer(gathered.languages, dtype=np.uint8)
    return assign(gathered.digest_rows(), languages, stays, config.splits, config.seed)


def _nothing_left(gathered: Gathered, config: CorpusConfig) -> str:
    reasons = ", ".join(f"{r}: {a.documents}" for r, a in sorted(gathered.dropped.items()))
    places = ", ".join(gathered.read)
    told = f"no document of {places} is left (dropped as {reasons or 'nothing: there was none'}); "
    if "language" in gathered.dropped:
        told += f"text in {' and '.join(config.filters.languages)} is kept, in other languages dropped; "
    return told + "limits are set by [corpus.filters], as in --set corpus.filters.en.min_units=5"


def _ids_of(numbers: set[int], gathered: Gathered) -> dict[int, str]:
    """Identities of the documents that stand for others."""
    found = {}
    with gathered.candidates.open("rb") as texts:
        for number in sorted(numbers):
            texts.seek(gathered.begins[number])
            found[number] = json.loads(texts.readline())["id"]
    return found


def _write_copy(
    document: Document,
    copy: Copy,
    kept_id: str,
    config: CorpusConfig,
    gathered: Gathered,
    drops: IO[bytes],
) -> None:
    reason = "exact_copy" if copy.exact else "near_copy"
    limit = 1.0 if copy.exact else config.near_duplicates.threshold
    record = dropped(document, reason, score=copy.similarity, limit=limit, kept_id=kept_id)
    gathered.count_dropped(record)
    drops.write(to_line(record))


def _source_card(opened: Input, gathered: Gathered) -> SourceCard:
    amount = gathered.read[opened.name]
    return SourceCard(
        name=opened.name,
        origin=opened.origin,
        license=opened.license,
        languages=opened.languages,
        documents=amount.documents,
        bytes=amount.bytes,
        sha256=opened.sha256,
    )


def _notes(
    opened: Opened, gathered: Gathered, kept: Mapping[str, Mapping[str, Amount]]
) -> list[str]:
    notes = [note for _, each in opened for note in each.notes]
    for language, amount in kept["train"].items():
        if not any(language in kept[split] for split in ("validation", "test")):
            notes.append(f"{language}: {amount.documents} documents, all of them training text")
    for source, _ in opened:
        if source.name in gathered.cut_short:
            notes.append(f"{source.name}: only its first {source.max_bytes} bytes (max_bytes)")
    return notes


def _summary(card: CorpusCard) -> str:
    amounts = {language: card.kept_amount(language) for language in LANGUAGES}
    parts = [
        f"{language} {amount.documents} documents {amount.bytes / 1e6:.2f} MB"
        for language, amount in amounts.items()
        if amount.documents
    ]
    num_dropped = sum(amount.documents for amount in card.dropped.values())
    return f"{', '.join(parts)}; {num_dropped} dropped"
