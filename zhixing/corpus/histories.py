"""Who took what, in order, as examples: of every user the last item is tested, the last but one is chosen on.

    user 7:  a b c d e f        train  a b c d      validation  a b c d → e      test  a b c d e → f

Every user is in all three parts with another item of his (leave one out, as in Kang & McAuley 2018, §4.1): what is tested was
never learnt, nor was its validation. Other users' later actions are learnt all the same, which a system that runs in time
would not know of (Ji et al. 2023); a split by date avoids this and is left out.

    items.jsonl                               {item, text}
    train, validation, test .jsonl            {user, history, next}; the items of history in order, the last next
    pairs/PART.jsonl                          {text1, text2}: the text of an item, and of one that was taken soon after
    sequences/PART.jsonl                      {text, label, history}: a history as words, and the item that comes next
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from zhixing.core.errors import DataError, UsageError
from zhixing.core.files import write_json_lines
from zhixing.corpus.parts import Part, told_parts, write_parts
from zhixing.corpus.table_rows import PlacedRow

ITEMS = "items.jsonl"
"""The file of the items, beside the parts."""
PAIRS, SEQUENCES = "pairs", "sequences"
"""Folders of the same as examples for the objectives similar and classify."""
WINDOW = 3
"""An item makes a pair with each of so many that were taken before it."""
LONGEST = 20
"""Items of a history that a model of sequences reads, the last ones."""
TESTED = 3
"""Items that a user must have taken to be tested."""
_LETTERS = "abcdefghijklmnop"


@dataclass(frozen=True, kw_only=True, slots=True)
class Interaction:
    """A user took an item; the earlier `time`, the earlier. `rating` and `time` are None where they are not known."""

    user: str
    item: str
    rating: float | None = None
    time: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenHistories:
    """Rows of each part, items, users, and interactions that were left out by reason."""

    parts: dict[str, int]
    items: int
    users: int
    left_out: dict[str, int]

    def __str__(self) -> str:
        lost = told_parts(self.left_out) or "nothing"
        return f"{self.users:,} users, {self.items:,} items; {told_parts(self.parts)}; left out: {lost}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Which interactions count. `least_rating`: lower ones are no likes; None: all count, whatever their rating.

    max_unknown: share of interactions with items that have no text, above which nothing is written.
    """

    least_rating: float | None = None
    max_unknown: float = 0.1

    def __post_init__(self) -> None:
        if not 0.0 <= self.max_unknown <= 1.0:
            raise UsageError(f"--max-unknown {self.max_unknown}: a share from 0 to 1")


def interactions_of(placed: Iterable[PlacedRow]) -> Iterator[Interaction]:
    """The interactions of rows {user, item}, perhaps with rating and time. Raises DataError for a row that is none."""
    for where, row in placed:
        if isinstance(row, str) or not {"user", "item"} <= row.keys():
            told = row.replace("_", " ") if isinstance(row, str) else f"the keys {', '.join(row)}"
            raise DataError(f"{where} is no interaction {{user, item}}: {told}")
        yield Interaction(
            user=row["user"], item=row["item"], rating=row.get("rating"), time=row.get("time")
        )


def items_of(placed: Iterable[PlacedRow], *, origin: str) -> dict[str, str]:
    """Item -> text, of rows {item, text}. Raises DataError for a row that is none and for an item with two texts."""
    found: dict[str, str] = {}
    for where, row in placed:
        if isinstance(row, str) or not {"item", "text"} <= row.keys():
            told = row.replace("_", " ") if isinstance(row, str) else f"the keys {', '.join(row)}"
            raise DataError(f"{where} is no item {{item, text}}: {told}")
        name, text = str(row["item"]), row["text"]
        if not isinstance(text, str) or not text.strip():
            raise DataError(f"{where}: item {name!r} has no text")
        if found.setdefault(name, text) != text:
            raise DataError(f"{where}: item {name!r} has another text further up")
    if not found:
        raise DataError(f"{origin} has no items")
    return found


def write_histories(
    interactions: Iterable[Interaction],
    items: Mapping[str, str],
    folder: Path,
    *,
    limits: Limits | None = None,
) -> WrittenHistories:
    """Write items, parts, pairs and sequences to `folder`.

    Raises DataError when too many items are unknown, when only some interactions have a time or a rating that is asked
    for, and when no user has TESTED items.
    """
    left_out: Counter[str] = Counter()
    found = _in_order(_counted(interactions, items, limits or Limits(), left_out))
    histories = {user: taken for user, taken in found.items() if len(taken) > 1}
    left_out["users_with_one_item"] = len(found) - len(histories)
    if not any(len(taken) >= TESTED for taken in histories.values()):
        raise DataError(
            f"no user has {TESTED} items or more that count: one each to learn from, to choose on and to test with"
        )
    write_json_lines(folder / ITEMS, ({"item": name, "text": text} for name, text in items.items()))
    parts = write_parts(_rows(histories), folder)
    write_parts(_pairs(histories, items), folder / PAIRS)
    write_parts(_sequences(histories), folder / SEQUENCES)
    return WrittenHistories(
        parts=parts,
        items=len(items),
        users=len(histories),
        left_out={name: count for name, count in left_out.items() if count},
    )


def word_of(item: str) -> str:
    """A word of twelve letters that follows from the name of an item: every tokenizer of words keeps it whole."""
    return "".join(
        _LETTERS[byte >> 4] + _LETTERS[byte & 15]
        for byte in blake2b(item.encode("utf-8", "surrogatepass"), digest_size=6).digest()
    )


def words_of(history: Sequence[str]) -> str:
    """A history as a model of sequences reads it: the last LONGEST items as words, each with a space before it."""
    return "".join(f" {word_of(item)}" for item in history[-LONGEST:])


def _counted(
    interactions: Iterable[Interaction],
    items: Mapping[str, str],
    limits: Limits,
    left_out: Counter[str],
) -> list[Interaction]:
    """Those that count, the earliest first; the others are counted by reason."""
    found = list(interactions)
    known = [each for each in found if each.item in items]
    left_out["unknown_item"] = len(found) - len(known)
    if left_out["unknown_item"] > limits.max_unknown * len(found):
        first = next(each.item for each in found if each.item not in items)
        raise DataError(
            f"{left_out['unknown_item']:,} of {len(found):,} interactions have an item without a text, such as "
            f"{first!r}; more than --max-unknown {limits.max_unknown:g} of them: add the items, or raise the limit"
        )
    least = limits.least_rating
    kept = [each for each in known if least is None or _rating(each) >= least]
    left_out["low_rating"] = len(known) - len(kept)
    left_out["copies"] = len(kept) - len({(each.user, each.item) for each in kept})
    return _by_time(kept)


def _by_time(interactions: Sequence[Interaction]) -> list[Interaction]:
    """In the order of time; in that of the file where there is none."""
    times = sum(each.time is not None for each in interactions)
    if times not in (0, len(interactions)):
        raise DataError(
            f"{len(interactions) - times:,} of {len(interactions):,} interactions have no time; all or none must have one"
        )
    return sorted(interactions, key=lambda each: each.time or 0.0)


def _rating(each: Interaction) -> float:
    if each.rating is None:
        raise DataError(
            f"user {each.user!r} has no rating for item {each.item!r}, so --least-rating cannot be told; leave it out"
        )
    return each.rating


def _in_order(interactions: Sequence[Interaction]) -> dict[str, list[str]]:
    """User -> items in order, each where it was taken first."""
    found: dict[str, dict[str, None]] = {}
    for each in interactions:
        found.setdefault(each.user, {}).setdefault(each.item)
    return {user: list(taken) for user, taken in found.items()}


def _rows(histories: Mapping[str, Sequence[str]]) -> Iterator[tuple[Part, Mapping[str, Any]]]:
    """{user, history, next} of every part; the history of the test has the item of the validation."""
    for user, taken in histories.items():
        for part, end in _ends(taken):
            yield part, {"user": user, "history": taken[: end - 1], "next": taken[end - 1]}


def _ends(taken: Sequence[str]) -> Iterator[tuple[Part, int]]:
    """How much of what a user took each part knows, its answer included."""
    if len(taken) < TESTED:
        yield "train", len(taken)
        return
    yield "train", len(taken) - 2
    yield "validation", len(taken) - 1
    yield "test", len(taken)


def _pairs(
    histories: Mapping[str, Sequence[str]], items: Mapping[str, str]
) -> Iterator[tuple[Part, Mapping[str, str]]]:
    """Of train every item with the WINDOW before it; of the other parts the answer with the last of its history."""
    for taken in histories.values():
        for part, end in _ends(taken):
            for place in range(1, end) if part == "train" else (end - 1,):
                reach = WINDOW if part == "train" else 1
                for before in taken[max(0, place - reach) : place]:
                    yield part, {"text1": items[before], "text2": items[taken[place]]}


def _sequences(
    histories: Mapping[str, Sequence[str]],
) -> Iterator[tuple[Part, Mapping[str, Any]]]:
    """Of train every beginning of a history with what comes next (Tan et al. 2016); of the others the whole one."""
    for taken in histories.values():
        for part, end in _ends(taken):
            for place in range(1, end) if part == "train" else (end - 1,):
                history = taken[max(0, place - LONGEST) : place]
                yield part, {"text": words_of(history), "label": taken[place], "history": history}
