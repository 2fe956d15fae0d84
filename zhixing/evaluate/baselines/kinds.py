"""Which kind of task a folder of examples holds: told by the keys of its test rows, as objectives read them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zhixing.core.errors import DataError, UsageError
from zhixing.corpus.formats.row_formats import detect_row_format
from zhixing.evaluate.baselines.answers import open_answers
from zhixing.evaluate.baselines.dialogue import open_chats
from zhixing.evaluate.baselines.labels import LabelContest, read_parts
from zhixing.evaluate.baselines.pairs import open_pairs
from zhixing.evaluate.baselines.preferences import open_preferences
from zhixing.evaluate.baselines.ranking import open_ranking
from zhixing.evaluate.baselines.recommendation import open_recommendation
from zhixing.evaluate.baselines.retrieval import open_partners, open_search
from zhixing.evaluate.baselines.roles import open_roles
from zhixing.evaluate.baselines.similarity import open_similarity
from zhixing.evaluate.baselines.tags import open_tags
from zhixing.evaluate.contest import Contest, file_of, rows_of

Opener = Callable[[Path], Contest[Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What is asked of one kind of task alone: `reversed` of pairs, the others of labels (see LabelContest)."""

    positive: str = ""
    clean: str = ""
    rules: tuple[str, ...] = ()
    reversed: bool = False


def _labels(folder: Path, wish: Wish) -> Contest[Any]:
    _refuse_for_pairs(folder, wish)
    parts = read_parts(folder)
    known = sorted({*parts.train.labels})
    for option, label in (("positive", wish.positive), ("clean", wish.clean)):
        if label and label not in known:
            raise UsageError(
                f"--{option} {label}: no training text has this label; there are {', '.join(known)}"
            )
    return LabelContest(parts=parts, positive=wish.positive, clean=wish.clean, rules=wish.rules)


def _pairs(folder: Path, wish: Wish) -> Contest[Any]:
    _refuse_for_labels(folder, wish)
    return open_pairs(folder, is_reversed=wish.reversed)


def _without_wish(opener: Opener) -> Callable[[Path, Wish], Contest[Any]]:
    def opened(folder: Path, wish: Wish) -> Contest[Any]:
        _refuse_for_labels(folder, wish)
        _refuse_for_pairs(folder, wish)
        return opener(folder)

    return opened


def _refuse_for_labels(folder: Path, wish: Wish) -> None:
    asked = {"positive": wish.positive, "clean": wish.clean, "rule": wish.rules}
    if given := [name for name, value in asked.items() if value]:
        raise UsageError(f"--{given[0]} would do nothing: the examples of {folder} have no label")


def _refuse_for_pairs(folder: Path, wish: Wish) -> None:
    if wish.reversed:
        raise UsageError(f"--reversed would do nothing: the examples of {folder} are no pairs")


CONTESTS: Mapping[tuple[str, ...], Callable[[Path, Wish], Contest[Any]]] = {
    ("text", "label"): _labels,
    ("tokens", "predicate", "tags"): _without_wish(open_roles),
    ("tokens", "tags"): _without_wish(open_tags),
    ("query", "texts", "relevance"): _without_wish(open_ranking),
    ("query", "relevance"): _without_wish(open_search),
    ("question", "context", "answers"): _without_wish(open_answers),
    ("messages",): _without_wish(open_chats),
    ("prompt", "chosen", "rejected"): _without_wish(open_preferences),
    ("text1", "text2", "label"): _without_wish(open_similarity),
    ("text1", "text2"): _without_wish(open_partners),
    ("src", "tgt"): _pairs,
    ("user", "history", "next"): _without_wish(open_recommendation),
}
"""Keys that every row has -> what opens the folder."""


def open_contest(folder: Path, wish: Wish) -> Contest[Any]:
    """The contest of the examples in a folder. Raises DataError where its rows have the keys of no kind."""
    path = file_of(folder, "test")
    where, row = next(rows_of(path), ("", None))
    if row is None:
        raise DataError(f"{path} has no examples")
    for keys, opener in CONTESTS.items():
        if row.keys() >= {*keys}:
            return opener(folder, wish)
    published = detect_row_format(row)
    if published == "interactions":
        raise DataError(
            f"{path} says who took what; make examples of it: zhixing data histories {path} ITEMS DIR"
        )
    if published:
        raise DataError(
            f"{path} has the keys of {published}; write each of the three parts with the keys that are measured, as in: "
            f"zhixing data convert {path} --out {folder.with_name(f'{folder.name}-converted') / 'test.jsonl'}"
        )
    kinds = " or ".join(f"{{{', '.join(keys)}}}" for keys in CONTESTS)
    raise DataError(
        f"{where} has the keys {', '.join(row) or 'of nothing'}; measured are examples of {kinds}"
    )
