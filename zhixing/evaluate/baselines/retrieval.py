"""What a model that finds texts has to beat, among the same documents: the words that query and document share.

TF-IDF, words          words and pairs of words                            Spärck Jones 1972
TF-IDF, characters     runs of up to three characters; for Chinese the one that needs no segmenter
dictionary, TF-IDF     the query word for word into the language of the documents first (dictionary.py)

Rare words are those that few documents have: that is learnt from the documents, which are there before any query. A model is
asked for one vector per text, and the nearest documents by the cosine are its answer.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from zhixing.core.errors import DataError, UnsupportedError
from zhixing.core.progress import Silent
from zhixing.corpus.archive import Archive
from zhixing.corpus.catalogue import find
from zhixing.corpus.fetch import fetch
from zhixing.corpus.parts import num_copies, same
from zhixing.corpus.searches import DOCUMENTS, Queries, read_documents, read_queries
from zhixing.corpus.sources.cc_cedict import entries
from zhixing.evaluate.baselines.dictionary import WordForWord
from zhixing.evaluate.contest import (
    Contest,
    System,
    best_first,
    in_parts,
    rows_of,
    told_cuts,
    value_of,
    with_leak,
)
from zhixing.evaluate.tasks.measure import Judged
from zhixing.evaluate.tasks.retrieval import judge_retrieval
from zhixing.text.segment import language_of
from zhixing.tokenizer.encoding import Special
from zhixing.vectors.bag_of_words import BaselineConfig, make_vectoriser
from zhixing.vectors.nearest import nearest
from zhixing.vectors.word_model import WordModel

Ids = list[str]
LISTED = 100
"""Documents that are listed for a query; what comes later counts nothing."""
MAIN = "mrr"
UNREADABLE = 0.5
"""Share of unknown tokens from which on a model cannot read the texts."""
PHRASES = {"words": (1, 2), "characters": (2, 3)}
"""Units -> longest phrases of them that are tried on the validation queries."""
Change = Callable[[Sequence[str]], Sequence[str]]
"""What is done to queries first."""


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class SearchContest(Contest[Ids]):
    """The documents that answer each test query."""

    asks: ClassVar[tuple[str, ...]] = ("embed",)

    documents: Mapping[str, str]
    train: Queries
    validation: Queries
    test: Queries

    @property
    def shown(self) -> Sequence[str]:
        """See Contest."""
        return (MAIN, "recall@1", "recall@10", "ndcg@10")

    def told(self) -> Sequence[str]:
        """See Contest."""
        sizes = (
            f"{len(self.documents):,} documents; {len(self.train.texts):,} queries to learn from, "
            f"{len(self.validation.texts):,} to choose on, {len(self.test.texts):,} to test on; {LISTED} documents are listed"
        )
        copies = num_copies(self.test.texts, self.train.texts)
        return with_leak(sizes, copies, "queries")

    def baselines(self, *, seed: int) -> Sequence[System[Ids]]:
        """See Contest; nothing here is drawn by chance."""
        source, target = language_of(self.test.texts), language_of([*self.documents.values()])
        found = [self._shared(units, "TF-IDF", list) for units in PHRASES]
        if source != target:
            translate = self._dictionary(source, target)
            found += [self._shared(units, "dictionary, TF-IDF", translate) for units in PHRASES]
        return best_first(found)

    def ask(self, model: Any) -> tuple[Sequence[Ids], str]:
        """See Contest. Raises UnsupportedError for a model without vectors, or one that knows few tokens of the texts."""
        self.check(model)
        (among, first), (asked, second) = (
            vectors_of(model, texts, name)
            for name, texts in (
                ("documents", [*self.documents.values()]),
                ("queries", self.test.texts),
            )
        )
        return self._listed(asked, among), "; ".join(filter(None, (first, second)))

    def judge(self, answers: Sequence[Ids]) -> Judged:
        """See Contest."""
        return _judge(answers, self.test)

    def _shared(self, units: str, name: str, change: Change) -> tuple[System[Ids], float]:
        """The documents with the most TF-IDF in common; the longest phrase is chosen on the validation queries."""
        began = time.perf_counter()
        held = change(self.validation.texts)
        tried: list[tuple[float, int, Any, Any]] = []
        for phrase, vectoriser in vectorisers(units):
            rows = vectoriser.fit_transform([*self.documents.values()])
            answers = self._listed(vectoriser.transform(held), rows, above=0.0)
            value = value_of(_judge(answers, self.validation), MAIN)
            tried.append((value, phrase, vectoriser, rows))
        value, phrase, vectoriser, rows = max(tried, key=lambda each: each[0])
        seconds = time.perf_counter() - began
        asked = vectoriser.transform(change(self.test.texts))
        system = System(
            name=f"{name}, {units}",
            answers=self._listed(asked, rows, above=0.0),
            parameters=len(vectoriser.vocabulary_),
            seconds=seconds,
            told=f"runs of up to {phrase}, chosen on the validation queries",
        )
        return system, value

    def _listed(self, asked: Any, among: Any, *, above: float = -np.inf) -> list[Ids]:
        names = [*self.documents]
        found = nearest(asked, among, count=LISTED, above=above)
        return [[names[each.row] for each in near] for near in found]

    def _dictionary(self, source: str, target: str) -> WordForWord:
        """CC-CEDICT; of several meanings the one that is frequent in the documents of training."""
        names = {name for gains in self.train.relevance for name in gains}
        learnt = [text for name, text in self.documents.items() if name in names]
        path, _ = fetch(find("cc-cedict"), progress=Silent())
        return WordForWord(entries(Archive(path=path)), learnt, source=source, target=target)


def vectorisers(units: str) -> Iterator[tuple[int, Any]]:
    """For each longest phrase that is tried, it and a vectoriser that has seen no text yet."""
    for phrase in PHRASES[units]:
        config = {"units": units, "phrase": phrase, "min_texts": 1}
        yield phrase, make_vectoriser(BaselineConfig.model_validate(config))


def open_search(folder: Path) -> SearchContest:
    """The search of a folder. Raises DataError for one that lacks a part, or a row that is no query or no document."""
    documents = read_documents(folder / DOCUMENTS)
    train, validation, test = in_parts(folder, lambda path: read_queries(path, documents))
    return SearchContest(documents=documents, train=train, validation=validation, test=test)


def open_partners(folder: Path) -> SearchContest:
    """Pairs {text1, text2} as a search: each first text asks for its second one among those of all parts.

    Raises DataError for a folder that lacks a part, or a row that is no pair.
    """
    parts = in_parts(folder, _pairs_of)
    names: dict[str, str] = {}
    documents: dict[str, str] = {}
    for _, second in (pair for part in parts for pair in part):
        name = names.setdefault(same(second), f"{len(names) + 1}")
        documents.setdefault(name, second)
    train, validation, test = (_as_queries(part, names) for part in parts)
    return SearchContest(documents=documents, train=train, validation=validation, test=test)


def _pairs_of(path: Path) -> list[tuple[str, str]]:
    found = []
    for where, row in rows_of(path):
        for key in ("text1", "text2"):
            if not isinstance(row.get(key), str) or not row[key].strip():
                raise DataError(f"{where}: {key} is empty or no text")
        found.append((row["text1"], row["text2"]))
    if not found:
        raise DataError(f"{path} has no examples")
    return found


def _as_queries(pairs: Sequence[tuple[str, str]], names: Mapping[str, str]) -> Queries:
    """First texts that differ in spaces or case alone are one query, with the second texts of all of them."""
    texts: dict[str, str] = {}
    gains: dict[str, dict[str, float]] = {}
    for first, second in pairs:
        texts.setdefault(same(first), first)
        gains.setdefault(same(first), {})[names[same(second)]] = 1.0
    return Queries(texts=tuple(texts.values()), relevance=tuple(gains.values()), groups=())


def _judge(answers: Sequence[Ids], queries: Queries) -> Judged:
    return judge_retrieval(answers, queries.relevance, groups=queries.groups)


def vectors_of(model: Any, texts: Sequence[str], name: str) -> tuple[NDArray[np.float32], str]:
    """A vector for each text, long ones cut as in training, and what to tell; `name` is what the texts are.

    A text without a known word has no direction: its vector of word vectors is zero. Raises UnsupportedError where
    most tokens are unknown to the model, whose vectors would say nothing.
    """
    if isinstance(model, WordModel):
        return _of_words(model, texts, name)
    unknown = model.tokenizer.specials.get(Special.UNKNOWN)
    ids = [model.encode(text) for text in texts]
    num_unknown = sum(each.count(unknown) for each in ids)
    share = num_unknown / max(1, sum(map(len, ids)))
    if share > UNREADABLE:
        raise UnsupportedError(
            f"{share:.0%} of the tokens of the {name} are unknown to this model, so its vectors say nothing about them; "
            "it was made for another language"
        )
    cuts = told_cuts(map(len, ids), model.limit, name)
    strange = f"{share:.1%} of the tokens of the {name} unknown" * bool(num_unknown)
    return model.embed(texts, cut=True), "; ".join(filter(None, (cuts, strange)))


def _of_words(model: WordModel, texts: Sequence[str], name: str) -> tuple[NDArray[np.float32], str]:
    found = np.zeros((len(texts), model.vectors.width), dtype=np.float32)
    missing = 0
    for row, text in enumerate(texts):
        try:
            found[row] = model.embed([text])[0]
        except DataError:
            missing += 1
    return found, f"{missing:,} of {len(texts):,} {name} without a known word" * bool(missing)
