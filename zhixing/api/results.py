"""What a model answers: plain frozen values, the same names as in the lines of `zhixing apply`."""

from collections.abc import Mapping
from dataclasses import dataclass

Text = str | tuple[str, str]
"""One text, or two that are read together."""

ABSTAIN = "abstain"
"""In place of a label: none is as probable as was asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """The label of a text: that with the largest logit in `scores`, or ABSTAIN; `probability` is of the largest in both cases.

    A model taught with the hinge loss has no probabilities: `probability` is None and `probabilities` is empty.
    """

    label: str
    probability: float | None
    probabilities: Mapping[str, float]
    scores: Mapping[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class TaggedWord:
    """A word and its tag; `text[start:end]` is the word."""

    start: int
    end: int
    text: str
    tag: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TaggedSpan:
    """Words that belong together under one label; `text[start:end]` is this span's text."""

    start: int
    end: int
    text: str
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Tagged:
    """A text, its words with their tags, and what the tags say: names where they are BIO, else one span a word.

    I-x that continues nothing begins a span, and its tag reads B-x here. A word without any token has the tag O.
    """

    text: str
    words: tuple[TaggedWord, ...]
    spans: tuple[TaggedSpan, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """Where the answer stands: `context[start:end]` is `text`. All are empty or 0 where `found` is False.

    score: logits of the best answer less those of no answer, in nats; above the model's least score where there is one.
    """

    found: bool
    text: str
    start: int
    end: int
    score: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranked:
    """One of the texts that were ranked, by its place in what was given; more `score` is better."""

    index: int
    text: str
    score: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Recommended:
    """An item that may come next; more `score` is better. A cosine, or a logit of a model of sequences."""

    item: str
    score: float
