"""What a finished sequence-to-sequence model is worth: it writes the target of every test source, by beam search.

Error rate and accuracy against {src, tgt} or {src, tgt, references}. A symbol is what stands between spaces; in Chinese a
character. Of spellings and phonemes that is the phoneme error rate and the word accuracy. Left out: BLEU and its kind.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from zhixing.checkpoint.folder import load_network
from zhixing.core.errors import DataError
from zhixing.core.progress import Progress
from zhixing.corpus.rows import find_tables, rows
from zhixing.engine.search import SearchOptions, translate
from zhixing.evaluate.edits import count_edits, score_edits
from zhixing.evaluate.score import SCORING_VERSION
from zhixing.model.writer import Writer
from zhixing.objective.records import keys_of
from zhixing.tokenizer.tokenizer import Tokenizer

TOGETHER = 256
"""Sources whose targets are written side by side."""
_SYMBOL = re.compile(
    r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]|[^\s\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """A source, and every target that is right."""

    source: str
    targets: tuple[str, ...]


class Translator:
    """An opened model folder that writes targets of at most `time` tokens."""

    def __init__(self, folder: Path, *, time: int) -> None:
        loaded = load_network(folder)
        self._model, self._time = cast(Writer, loaded.model.eval()), time
        self.tokenizer: Tokenizer = loaded.tokenizer

    def translate(self, sources: Sequence[str], *, beam: int) -> list[str]:
        """The best target that a search of width `beam` finds for each source, cut as in training."""
        end = self.tokenizer.end
        ids = [[*self.tokenizer.encode_text(source)[: self._time - 1], end] for source in sources]
        options = SearchOptions(end=end, width=beam, max_tokens=self._time)
        return [self.tokenizer.decode(each.ids) for each in translate(self._model, ids, options)]


def score_pairs(
    translator: Translator, place: str, *, beams: Sequence[int], seed: int, progress: Progress
) -> dict[str, Any]:
    """Error rate and accuracy on the pairs at `place`, for every width of the search, as JSON values."""
    wanted = sorted(wanted_at(place), key=lambda each: len(each.source))  # little padding
    data = find_tables(place).sha256()[:12]
    scores = {}
    for beam in beams:
        progress.start(f"writing with a beam of {beam}", total=len(wanted), unit="targets")
        edits = []
        for first in range(0, len(wanted), TOGETHER):
            part = wanted[first : first + TOGETHER]
            written = translator.translate([each.source for each in part], beam=beam)
            edits += [
                count_edits(symbols(text), [symbols(target) for target in each.targets])
                for text, each in zip(written, part, strict=True)
            ]
            progress.advance(len(part))
        signature = f"tokenizer:{translator.tokenizer.hash[:12]}|beam:{beam}|data:{data}|version:{SCORING_VERSION}"
        found = score_edits(edits, seed=seed, signature=signature)
        scores[f"beam {beam}"] = {score.name: asdict(score) for score in found}
        progress.finish(f"{len(wanted):,} targets written with a beam of {beam}")
    return scores


def wanted_at(place: str) -> Iterator[Wanted]:
    """The pairs of the files at `place`. Raises DataError for a row that is none."""
    for number, row in enumerate(rows(find_tables(place)), start=1):
        if isinstance(row, str) or keys_of(row, "seq2seq") is None:
            raise DataError(f"{place}: row {number} is no pair {{src, tgt}} to measure with")
        yield Wanted(source=row["src"], targets=tuple(row.get("references") or [row["tgt"]]))


def write_samples(
    translator: Translator, sources: Sequence[str], *, beam: int
) -> list[Mapping[str, str]]:
    """What the model writes for each source, in the form of a continued prompt."""
    written = translator.translate(sources, beam=beam) if sources else []
    return [{"prompt": source, "text": text} for source, text in zip(sources, written, strict=True)]


def symbols(text: str) -> list[str]:
    """What an error is counted in."""
    return _SYMBOL.findall(text)
