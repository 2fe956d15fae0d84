"""What a finished sequence-to-sequence model is worth: it writes the target of every test source, by beam search.

Judged as the recipe says, against {src, tgt} or {src, tgt, references}: by error rate and accuracy, as translations, or as
summaries. A symbol is what stands between spaces; in Chinese a character. Of spellings and phonemes that is the phoneme error
rate and the word accuracy.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from zhixing.checkpoint.folder import load_network
from zhixing.cli.examples import oriented, target_language
from zhixing.core.errors import DataError
from zhixing.core.progress import Progress
from zhixing.corpus.rows import find_tables, placed_rows
from zhixing.engine.search import SearchOptions, translate
from zhixing.evaluate.edits import count_edits, judge_edits
from zhixing.evaluate.score import SCORING_VERSION, Score
from zhixing.evaluate.tasks.measure import Judged, scores
from zhixing.evaluate.tasks.summaries import judge_summaries
from zhixing.evaluate.tasks.translation import judge_translations
from zhixing.model.writer import Writer
from zhixing.objective.config import PairFilesConfig, Seq2SeqConfig
from zhixing.objective.records import keys_of
from zhixing.text.han import BASIC
from zhixing.tokenizer.tokenizer import Tokenizer

TOGETHER = 128
"""Sources whose targets are written side by side."""
_SYMBOL = re.compile(rf"[{BASIC}]|[^\s{BASIC}]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """A source, and every target that is right; where it stands (`file:line`) makes no other pair of it."""

    where: str = field(compare=False)
    source: str
    targets: tuple[str, ...]


class Translator:
    """An opened model folder that writes targets of at most `time` tokens; `penalty` of length: its own unless given."""

    def __init__(self, folder: Path, *, time: int, penalty: float | None = None) -> None:
        loaded = load_network(folder)
        self._model, self._time = cast(Writer, loaded.model.eval()), time
        self._penalty = loaded.length_penalty if penalty is None else penalty
        self.tokenizer: Tokenizer = loaded.tokenizer

    def translate(self, sources: Sequence[str], *, beam: int) -> list[str]:
        """The best target that a search of width `beam` finds for each source, cut as in training."""
        end = self.tokenizer.end
        ids = [[*self.tokenizer.encode_text(source)[: self._time - 1], end] for source in sources]
        options = SearchOptions(
            ends=(end,), width=beam, max_tokens=self._time, penalty=self._penalty
        )
        return [self.tokenizer.decode(each.ids) for each in translate(self._model, ids, options)]

    def translate_all(self, sources: Sequence[str], *, beam: int, progress: Progress) -> list[str]:
        """The same for any number of sources, those of about one length side by side."""
        progress.start(f"writing with a beam of {beam}", total=len(sources), unit="targets")
        order = sorted(range(len(sources)), key=lambda place: len(sources[place]))
        found: dict[int, str] = {}
        for first in range(0, len(order), TOGETHER):
            part = order[first : first + TOGETHER]
            texts = self.translate([sources[place] for place in part], beam=beam)
            found.update(zip(part, texts, strict=True))
            progress.advance(len(part))
        progress.finish(f"{len(sources):,} targets written with a beam of {beam}")
        return [found[place] for place in range(len(sources))]


def score_pairs(
    translator: Translator, place: str, config: Seq2SeqConfig, *, seed: int, progress: Progress
) -> dict[str, Any]:
    """Scores on the pairs at `place`, for every width of the search, as JSON values."""
    wanted = list(wanted_at(place, config.examples))
    sources = [each.source for each in wanted]
    found = {}
    for beam in config.beams:
        judged = judge(
            translator.translate_all(sources, beam=beam, progress=progress), wanted, config, place
        )
        found[f"beam {beam}"] = as_json(
            scores(judged, seed=seed), f"tokenizer:{translator.tokenizer.hash[:12]}|beam:{beam}"
        )
    return found


def judge(
    written: Sequence[str], wanted: Sequence[Wanted], config: Seq2SeqConfig, place: str
) -> Judged:
    """Every measure of what was written for the pairs at `place`."""
    judged = _JUDGES[config.measure](written, wanted, target_language(config))
    data = f"|data:{find_tables(place).sha256()[:12]}|version:{SCORING_VERSION}"
    measures = [
        replace(cast(Any, each), signature=f"{each.signature}{data}".removeprefix("|"))
        for each in judged.measures
    ]
    return replace(judged, measures=tuple(measures))


def as_json(found: Sequence[Score], writer: str) -> dict[str, Any]:
    """Scores by name as plain values; `writer` joins their signatures."""
    return {
        score.name: asdict(score) | {"signature": f"{writer}|{score.signature}"} for score in found
    }


def wanted_at(place: str, examples: PairFilesConfig) -> Iterator[Wanted]:
    """The pairs of the files at `place`, turned round as the recipe says. Raises DataError for a row that is none."""
    for where, given in placed_rows(find_tables(place)):
        (row,) = oriented([given], examples)
        if isinstance(row, str) or keys_of(row, "seq2seq") is None:
            raise DataError(f"{where} is no pair {{src, tgt}} to measure with")
        targets = tuple(row.get("references") or [row["tgt"]])
        yield Wanted(where=where, source=row["src"], targets=targets)


def write_samples(
    translator: Translator, sources: Sequence[str], *, beam: int
) -> list[Mapping[str, str]]:
    """What the model writes for each source, in the form of a continued prompt."""
    written = translator.translate(sources, beam=beam) if sources else []
    return [{"prompt": source, "text": text} for source, text in zip(sources, written, strict=True)]


def symbols(text: str) -> list[str]:
    """What an error is counted in."""
    return _SYMBOL.findall(text)


def _as_symbols(written: Sequence[str], wanted: Sequence[Wanted], language: str) -> Judged:
    return judge_edits(
        [
            count_edits(symbols(text), [symbols(target) for target in each.targets])
            for text, each in zip(written, wanted, strict=True)
        ]
    )


def _as_translations(written: Sequence[str], wanted: Sequence[Wanted], language: str) -> Judged:
    return judge_translations(written, _only_targets(wanted), language=language)


def _as_summaries(written: Sequence[str], wanted: Sequence[Wanted], language: str) -> Judged:
    return judge_summaries(written, _only_targets(wanted), language=language)


def _only_targets(wanted: Sequence[Wanted]) -> list[str]:
    for each in wanted:
        if len(each.targets) > 1:
            raise DataError(
                f"{each.where} has {len(each.targets)} references, and translations and summaries are measured against "
                "one; leave the others out"
            )
    return [each.targets[0] for each in wanted]


_JUDGES: Mapping[str, Callable[[Sequence[str], Sequence[Wanted], str], Judged]] = {
    "symbols": _as_symbols,
    "translation": _as_translations,
    "summary": _as_summaries,
}
