"""The parts of examples: learnt from, chosen on, tested with. One file each, and what belongs together is in one of them.

    key (a text, a document, an author) ── hash ──▶ train, validation, test ── write_parts ──▶ train.jsonl …

Which part a key is in depends on the key alone: it is the same on every machine, in any order, whatever else there is.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from hashlib import blake2b
from pathlib import Path
from typing import Literal, TypeVar, get_args

from zhixing.core.errors import DataError
from zhixing.core.files import atomic_open, json_line

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = get_args(Part)
"""In the order in which a text that stands in several is kept."""
Choice = TypeVar("Choice")


def part_of(key: str, *, places: int = 10, each: int = 1) -> Part:
    """Where everything under `key` belongs: `each` of `places` shares are for the test, as many for validation."""
    place = number_of(key) % places
    return "test" if place < each else "validation" if place < 2 * each else "train"


def parts_in_shares(keys: Iterable[str], *, validation: float, test: float) -> dict[str, Part]:
    """The part of each key by shares from 0 to 1 of all that there could be; of those that there are at least one in each part.

    Only where a share has none does it depend on the others which one that is. Raises DataError where nothing is left to learn from.
    """
    places = {key: number_of(key) / 2**64 for key in keys}
    order = sorted(places, key=lambda key: (places[key], key))
    num_test = max(1, sum(place < test for place in places.values()))
    num_held = max(num_test + 1, sum(place < test + validation for place in places.values()))
    if num_held >= len(order):
        raise DataError(
            f"{len(order):,} different texts or documents are too few for a share of {validation:g} to choose on, {test:g} to test "
            "with, and one to learn from; give more, or take smaller shares"
        )
    return {
        key: "test" if number < num_test else "validation" if number < num_held else "train"
        for number, key in enumerate(order)
    }


def number_of(key: str) -> int:
    """A whole number that follows from a text, the same on every machine."""
    return int.from_bytes(
        blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big"
    )


def one_of(choices: Sequence[Choice], key: str) -> Choice:
    """The choice that follows from a key, the same on every machine."""
    return choices[number_of(key) % len(choices)]


def same(text: str) -> str:
    """A text without what copies may differ in: spaces and case."""
    return "".join(text.split()).lower()


def num_copies(texts: Iterable[str], learnt: Iterable[str]) -> int:
    """How many of `texts` are among those that are learnt from."""
    known = set(map(same, learnt))
    return sum(same(text) in known for text in texts)


def write_parts(rows: Iterable[tuple[Part, Mapping[str, object]]], folder: Path) -> dict[str, int]:
    """Write each row to PART.jsonl in `folder`; how many rows each part has comes back."""
    counts: dict[str, int] = dict.fromkeys(PARTS, 0)
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        files = {
            part: stack.enter_context(atomic_open(folder / f"{part}.jsonl")) for part in counts
        }
        for part, row in rows:
            files[part].write(json_line(row))
            counts[part] += 1
    return counts


def told_parts(counts: Mapping[str, int]) -> str:
    """How many there are of each."""
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def told_copies(copies: int, contradictory: int) -> str:
    """What was left out because it stands elsewhere."""
    return f"{copies:,} copies, {contradictory:,} texts with two answers"
