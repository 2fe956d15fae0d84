"""What a model that writes targets has to beat, on the same pairs of a source and a target.

dictionary    word for word with CC-CEDICT, between English and Chinese                    translation
memory        the target of the training source that is nearest                            both
lead          the first sentence of the source (in Chinese what stands before a mark)      summary
tfidf         the sentence of the source that is most like all of it                       summary

Pairs in two languages are translations, pairs in one are summaries.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, final

from zhixing.core.errors import DataError
from zhixing.core.progress import Silent
from zhixing.corpus.archive import Archive
from zhixing.corpus.catalogue import find
from zhixing.corpus.parts import num_copies
from zhixing.corpus.sources.cc_cedict import entries
from zhixing.evaluate.baselines.dictionary import WordForWord
from zhixing.evaluate.baselines.extract import Central, Lead
from zhixing.evaluate.baselines.memory import Memory
from zhixing.evaluate.contest import (
    Contest,
    System,
    best_first,
    in_parts,
    is_list_of_text,
    rows_of,
    told_cuts,
    value_of,
    with_leak,
)
from zhixing.evaluate.tasks.measure import Judged
from zhixing.evaluate.tasks.summaries import judge_summaries
from zhixing.evaluate.tasks.translation import judge_translations
from zhixing.text.language import detect

Writer = Callable[[Sequence[str]], list[str]]
BEAM = 5
"""Width of a model's search."""
MOST_TOKENS = 128
"""Of a chat model's answer."""
_SAMPLE = 200
"""Texts by which the language of a side is told."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pairs:
    """Sources and their targets."""

    sources: Sequence[str]
    targets: Sequence[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Languages:
    """Of sources and of targets; that of sources is empty where it is not known."""

    source: str
    target: str

    @property
    def between(self) -> tuple[str, str]:
        """Both; of English and Chinese one tells the other."""
        return self.source or {"en": "zh", "zh": "en"}.get(self.target, ""), self.target


def _dictionary(learnt: Pairs, languages: Languages) -> Writer:
    from zhixing.corpus.fetch import fetch

    source, target = languages.between
    path, _ = fetch(find("cc-cedict"), progress=Silent())
    return WordForWord(entries(Archive(path=path)), learnt.targets, source=source, target=target)


def _memory(learnt: Pairs, languages: Languages) -> Writer:
    return Memory(learnt.sources, learnt.targets)


def _lead(learnt: Pairs, languages: Languages) -> Writer:
    return Lead(languages.target)


def _tfidf(learnt: Pairs, languages: Languages) -> Writer:
    return Central(learnt.sources, languages.target)


WRITERS: Mapping[str, Callable[[Pairs, Languages], Writer]] = {
    "dictionary": _dictionary,
    "memory": _memory,
    "lead": _lead,
    "tfidf": _tfidf,
}
"""Name -> what makes a writer, given the pairs that it may learn from."""


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class PairContest(Contest[str]):
    """The target of each test source."""

    asks: ClassVar[tuple[str, ...]] = ("chat", "translate")

    train: Pairs
    validation: Pairs
    test: Pairs
    languages: Languages

    @property
    def is_translation(self) -> bool:
        """Whether the two sides are in two languages."""
        return self.languages.source != self.languages.target

    @property
    def shown(self) -> Sequence[str]:
        """See Contest."""
        if self.is_translation:
            return ("bleu", "chrf", "length_ratio", "ter")
        return ("rougel", "rouge1", "length_ratio", "rouge2")

    def told(self) -> Sequence[str]:
        """See Contest."""
        parts = (self.train, self.validation, self.test)
        train, validation, test = (len(part.sources) for part in parts)
        copies = num_copies(self.test.sources, self.train.sources)
        kind = "translations" if self.is_translation else "summaries"
        sizes = (
            f"{train:,} {kind} from {self.languages.source} to {self.languages.target} to learn from, {validation:,} to "
            f"choose on, {test:,} to test on"
        )
        return with_leak(sizes, copies, "sources")

    def baselines(self, *, seed: int) -> Sequence[System[str]]:
        """See Contest; nothing here is drawn by chance."""
        names = ["memory"] if self.is_translation else ["lead", "tfidf", "memory"]
        if {self.languages.source, self.languages.target} == {"en", "zh"}:
            names.append("dictionary")
        return best_first([self._written(name) for name in names])

    def ask(self, model: Any) -> tuple[Sequence[str], str]:
        """See Contest; sources are cut as in training. A chat model answers each source as a message."""
        self.check(model)
        if "chat" in model.methods:
            return [self._reply(model, source) for source in self.test.sources], "greedy"
        written = model.translate(self.test.sources, beam=BEAM, cut=True)
        lengths = (len(model.encode(text)) for text in self.test.sources)
        cuts = told_cuts(lengths, model.limit, "sources")
        return written, "; ".join(filter(None, (f"beam of {BEAM}", cuts)))

    def _reply(self, model: Any, source: str) -> str:
        asked = [{"role": "user", "content": source}]
        return str(model.chat(asked, max_tokens=MOST_TOKENS, temperature=0.0).text)

    def judge(self, answers: Sequence[str]) -> Judged:
        """See Contest."""
        return self._judged(answers, self.test)

    def _judged(self, written: Sequence[str], part: Pairs) -> Judged:
        judge = judge_translations if self.is_translation else judge_summaries
        return judge(written, part.targets, language=self.languages.target)

    def _written(self, name: str) -> tuple[System[str], float]:
        began = time.perf_counter()
        writer = WRITERS[name](self.train, self.languages)
        seconds = time.perf_counter() - began
        held = self._judged(writer(self.validation.sources), self.validation)
        system = System(name=name, answers=writer(self.test.sources), seconds=seconds)
        return system, value_of(held, self.shown[0])


def open_pairs(folder: Path, *, is_reversed: bool) -> PairContest:
    """The pairs of a folder, from source to target or the other way round; languages are told by the test texts.

    Raises DataError for a folder that lacks a part, a row that is no pair, or texts in no language.
    """
    train, validation, test = in_parts(
        folder, lambda path: read_pairs(path, is_reversed=is_reversed)
    )
    source, target = (_language(texts, folder) for texts in (test.sources, test.targets))
    languages = Languages(source=source, target=target)
    return PairContest(train=train, validation=validation, test=test, languages=languages)


def read_pairs(path: Path, *, is_reversed: bool) -> Pairs:
    """The rows {src, tgt} of a file. Raises DataError for one that is none, or that has several references."""
    sources: list[str] = []
    targets: list[str] = []
    for where, row in rows_of(path):
        source, target = row.get("src"), row.get("tgt")
        if not (_is_full(source) and _is_full(target)):
            raise DataError(f"{where} is no pair {{src, tgt}} of two texts")
        references = row.get("references") or [""]
        if not is_list_of_text(references):
            raise DataError(f"{where}: its references are no list of texts")
        if len(references) > 1:
            raise DataError(
                f"{where} has {len(references)} references; one is measured with, so leave the others out"
            )
        one, other = str(source), str(target)
        sources.append(other if is_reversed else one)
        targets.append(one if is_reversed else other)
    if not sources:
        raise DataError(f"{path} has no pairs")
    return Pairs(sources=tuple(sources), targets=tuple(targets))


def _language(texts: Sequence[str], folder: Path) -> str:
    """The language that most of an even sample of the texts are in."""
    sample = texts[:: max(1, len(texts) // _SAMPLE)]
    found = Counter(detect(text).tag for text in sample).most_common(1)[0][0]
    if found == "und":
        raise DataError(
            f"{folder}: the texts, such as {texts[0]!r:.60}, are in no language, so they are neither translations nor summaries"
        )
    return found


def _is_full(text: Any) -> bool:
    return isinstance(text, str) and bool(text.strip())
