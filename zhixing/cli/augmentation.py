"""`[objective.augment]`: the rows that a recipe learns from, and behind them changed copies with the same label.

    row ──▶ row, as it was
        └─▶ texts ── back-translation, synonyms, homophones, noise ──▶ copies of the row     (corpus/augment/copies.py)

Dictionaries are fetched when texts of their language are there. Only training rows come here.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from zhixing.checkpoint.manifest import model_hash
from zhixing.core.errors import DataError
from zhixing.core.progress import Progress
from zhixing.corpus.archive import Archive
from zhixing.corpus.augment import homophones, synonyms
from zhixing.corpus.augment.config import AugmentConfig, BackTranslationConfig
from zhixing.corpus.augment.copies import Tables, copies
from zhixing.corpus.catalogue import find
from zhixing.corpus.fetch import fetch
from zhixing.corpus.sources import cc_cedict, cmudict
from zhixing.objective.config import ClassifyConfig, ObjectiveConfig
from zhixing.text.han import HAS_HAN
from zhixing.text.segment import language_of
from zhixing.text.sentences import sentences
from zhixing.text.terms import terms

Row = Mapping[str, Any]
TEXTS = ("text", "text1", "text2")
"""Keys of a row whose texts are changed."""
ENOUGH = 0.05
"""Share of texts of a language from which on its dictionaries are fetched; words of the others stay as they are."""
AUGMENT_VERSION = 2
"""Raised whenever the same texts and settings would give other copies."""


def augmented(
    found: Iterable[Row | str], config: AugmentConfig, *, seed: int, progress: Progress
) -> Iterator[Row | str]:
    """All rows as they are, then the copies of each row, in order. Raises DataError for rows without a text."""
    rows = list(found)
    yield from rows
    made = 0
    for _, copied in with_copies(rows, config, seed=seed, progress=progress):
        made += len(copied)
        yield from copied
    progress.finish(f"{made:,} changed copies of {len(rows):,} training texts")


def with_copies(
    found: Iterable[Row | str],
    config: AugmentConfig,
    *,
    seed: int,
    progress: Progress,
    first: int | None = None,
) -> Iterator[tuple[Row, list[Row]]]:
    """Rows with their copies: those of the `first` rows that can be read, or of all.

    The copies of a row are the same whatever `first` is. Raises DataError for rows without a text.
    """
    known = [row for row in found if not isinstance(row, str)]
    texts = _texts_of(known)
    if not texts:
        raise DataError("[objective.augment]: no row has a text that could be changed")
    tables = tables_for(texts, config, progress)
    chosen = known[:first]
    back = _translated_back(_texts_of(chosen), config.back_translation, progress)
    progress.start("changed copies of training texts", unit="texts")
    for number, row in enumerate(chosen):
        yield row, [*_copies_of(row, config, tables, back, (seed, number))]
        progress.advance(1)


def augment_of(objective: ObjectiveConfig) -> AugmentConfig | None:
    """Which copies an objective asks for."""
    return objective.augment if isinstance(objective, ClassifyConfig) else None


def hashes_of(config: AugmentConfig) -> tuple[str, ...]:
    """Of the models that a back-translation asks: others may stand in the same folders later."""
    back = config.back_translation
    return tuple(model_hash(Path(each)) for each in (back.there, back.back)) if back else ()


def tables_for(texts: Sequence[str], config: AugmentConfig, progress: Progress) -> Tables:
    """What may stand in the place of a word of these texts."""
    chinese = _enough([text for text in texts if HAS_HAN.search(text)], texts)
    english = _enough([text for text in texts if not HAS_HAN.search(text)], texts)
    synonymous: dict[str, tuple[str, ...]] = {}
    alike: dict[str, tuple[str, ...]] = {}
    if chinese and (config.synonyms or config.homophones):
        entries, seen = list(cc_cedict.entries(_archive("cc-cedict", progress))), "".join(chinese)
        synonymous |= synonyms.chinese(entries, seen) if config.synonyms else {}
        alike |= homophones.chinese(entries, seen) if config.homophones else {}
    if english and config.synonyms:
        synonymous |= synonyms.english(_archive("wordnet", progress))
    if english and config.homophones:
        said = cmudict.pronunciations(_archive("cmudict", progress))
        alike |= homophones.english(said, (word for text in english for word in terms(text, "en")))
    return Tables(synonyms=synonymous, homophones=alike)


def _copies_of(
    row: Row,
    config: AugmentConfig,
    tables: Tables,
    back: Mapping[str, str],
    seed: tuple[int, int],
) -> Iterator[Row]:
    """Copies of a row; where it has two texts, each copy has one copy of both, or the text itself where there is none."""
    changed = {
        key: [*copies(row[key], config, tables, back=back.get(row[key]), seed=(*seed, place))]
        for place, key in enumerate(TEXTS)
        if isinstance(row.get(key), str)
    }
    for number in range(max(map(len, changed.values()), default=0)):
        yield {
            **row,
            **{key: found[number] for key, found in changed.items() if number < len(found)},
        }


def _enough(some: list[str], texts: Sequence[str]) -> list[str]:
    """None where they are too few to fetch a dictionary for."""
    return some if len(some) >= ENOUGH * len(texts) else []


def _texts_of(rows: Iterable[Row]) -> list[str]:
    return [row[key] for row in rows for key in TEXTS if isinstance(row.get(key), str)]


def _archive(name: str, progress: Progress) -> Archive:
    path, _ = fetch(find(name), progress=progress)
    return Archive(path=path)


def _translated_back(
    texts: Sequence[str], config: BackTranslationConfig | None, progress: Progress
) -> Mapping[str, str]:
    """Text -> what came back of it, where anything did."""
    if config is None:
        return {}
    progress.start("translating training texts there and back")
    there = _translated([*dict.fromkeys(texts)], config.there, config.beam)
    back = _translated([*dict.fromkeys(there.values())], config.back, config.beam)
    found = {text: back[other] for text, other in there.items() if other in back}
    progress.finish(f"{len(found):,} of {len(there):,} texts came back of their translation")
    return found


def _translated(texts: Sequence[str], folder: str, beam: int) -> Mapping[str, str]:
    """Text -> its translation, sentence by sentence, where there is any; a sentence that is too long is cut."""
    from zhixing.api import load  # torch and two models, for those who ask for them

    parts = {
        text: [text[start:stop] for start, stop in sentences(text, language_of([text]))]
        for text in texts
    }
    known = [*dict.fromkeys(part for each in parts.values() for part in each)]
    written = dict(
        zip(known, load(Path(folder)).translate(known, beam=beam, cut=True), strict=True)
    )
    found = {text: [written[part] for part in each] for text, each in parts.items()}
    joined = {
        text: ("" if language_of(each) == "zh" else " ").join(each) for text, each in found.items()
    }
    return {text: other for text, other in joined.items() if other.strip()}
