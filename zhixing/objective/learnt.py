"""What a model was taught, kept in its folder: without it weights are numbers that nobody can put a question to.

    objective.json   {"kind": "tag", "time": 128, "labels": ["O", "B-PER", …], "han_words": "segments", …}

What stands around and between texts is in the tokenizer; here is what the tokenizer cannot say.
"""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, Literal, get_args

from pydantic import Field

from zhixing.core.config import Config
from zhixing.model.assembly import Network
from zhixing.objective.config import ObjectiveConfig, SpanConfig, TagConfig
from zhixing.text.han import HAS_HAN

LOOKED_AT = 1000
"""Rows of the training examples that tell which form they have."""
MIXED = 0.05
"""Share of longer words up to which words of Chinese count as single characters: T恤 stands among them too."""
MARKS = ".,;:!?"
"""Marks that stand behind a word."""
ReadingKind = Literal["masked", "classify", "regress", "tag", "span", "similar", "rank"]
READING: tuple[str, ...] = get_args(ReadingKind)
"""Objectives whose texts stand between a begin and an end token."""


class Learnt(Config):
    """The objective of a trained model, and the form of its inputs and outputs."""

    kind: ReadingKind
    """The objective."""
    time: int = Field(ge=1)
    """Tokens of its longest inputs in training, special ones among them."""
    labels: tuple[str, ...] = ()
    """Labels of classify and tag, in the order of the model's outputs."""
    texts: tuple[Literal[1, 2], ...] = (1,)
    """How many texts an input of classify or regress has: one, two, or either."""
    histories: bool = False
    """Whether the texts of classify are histories of items as words, and its labels items (zhixing.corpus.histories)."""
    loss: str = ""
    """The loss of classify and similar, where there are several: the logits of a hinge loss are no probabilities."""
    temperature: float = Field(default=1.0, gt=0.0)
    """What the logits of classify are divided by before they become probabilities, as `zhixing calibrate` found it."""
    han_words: Literal["characters", "segments"] = "characters"
    """What a word of Chinese was in the examples of tag: each character, or a word of several."""
    least_score: float = 0.0
    """What an answer of span has to score more than, against that there is none (nats); chosen on validation questions."""
    mark_shared: bool = False
    """Whether span was told which words of the text the question has too."""
    spaced_words: Literal["apart", "attached", "characters"] = "apart"
    """Whether a mark after a word of English was a word of its own in the examples of tag, or a part of the word; or
    every character was, letters and digits too."""
    predicate: bool = False
    """Whether the tags of a text are about one of its words, which has to be named."""


def learnt_of(
    config: ObjectiveConfig,
    *,
    time: int,
    labels: tuple[str, ...],
    rows: Iterable[Mapping[str, Any] | str],
) -> Learnt | None:
    """What a model of this objective has to remember; None where texts are continued or written, not read.

    `rows` are training examples, of which the first are looked at.
    """
    if config.kind not in READING:
        return None
    first = [row for row in islice(rows, LOOKED_AT) if not isinstance(row, str)]
    table: dict[str, Any] = {"kind": config.kind, "time": time, "labels": labels}
    if config.kind in ("classify", "regress"):
        table["texts"] = tuple(sorted({1 if "text" in row else 2 for row in first})) or (1,)
    if config.kind == "classify":
        table["histories"] = bool(first) and all("history" in row for row in first)
    if config.kind in ("classify", "similar"):
        table["loss"] = getattr(config, "loss", "")
    if isinstance(config, SpanConfig):
        table["mark_shared"] = config.mark_shared
    if isinstance(config, TagConfig):
        table |= {**_forms_of_words(first), "predicate": have_predicates(first)}
    return Learnt.model_validate(table)


def have_predicates(rows: Iterable[Mapping[str, Any] | str]) -> bool:
    """Whether the first rows of tags, or some of them, say which word they are about."""
    return any("predicate" in row for row in islice(rows, LOOKED_AT) if not isinstance(row, str))


def longest_input(model: Network, learnt: Learnt | None) -> int | None:
    """Most tokens that a model reads at once (None: any number): places behind those of training were never learnt."""
    if model.max_time is None or learnt is None:
        return model.max_time
    return min(model.max_time, learnt.time)


def _forms_of_words(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """By the larger part of the words that tell: Chinese ones, and those of letters with a mark at their end."""
    words = [
        str(word) for row in rows if isinstance(row.get("tokens"), list) for word in row["tokens"]
    ]
    if words and all(len(word) <= 1 for word in words):
        return {"han_words": "characters", "spaced_words": "characters"}
    han = [word for word in words if HAS_HAN.search(word)]
    long = [word for word in han if len(word) > 1]
    marked = [word for word in words if word[-1:] in MARKS and word[:1].isalnum()]
    alone = [word for word in words if word and word in MARKS]
    return {
        "han_words": "segments" if len(long) > MIXED * len(han) else "characters",
        "spaced_words": "attached" if len(marked) > len(alone) else "apart",
    }
