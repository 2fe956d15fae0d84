"""`zhixing bench`: the speeds that we publish, beside those of others, in one run on this machine.

A benchmark is a file of the folder `benchmarks`: its docstring says what is compared, `UNIT` what is counted, and
`contestants(size)` gives a function per contestant that prepares it and returns the work to time.
"""

import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Protocol, cast

from cyclopts import Parameter

from zhixing.cli.console import Json, Switch, print_json
from zhixing.core.errors import UsageError

if TYPE_CHECKING:
    from zhixing.core.records import Record
    from zhixing.evaluate.race import Work

Size = Literal["short", "full"]
"""short: seconds, to see that it works; full: the sizes that we publish."""

ROUNDS: Mapping[Size, int] = {"short": 2, "full": 7}


class Benchmark(Protocol):
    """What a file of the folder `benchmarks` defines."""

    UNIT: str

    def contestants(self, size: Size) -> "Mapping[str, Callable[[], Work]]":
        """Preparations by name, ours among them; a peer's library is imported in its own."""


def bench(
    name: str | None = None,
    *,
    peer: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    short: Annotated[bool, Switch] = False,
    out: Path = Path("runs/bench"),
    as_json: Json = False,
) -> int:
    """Measure a speed of ours and of others in turn and print the ratios; without NAME, say which there are.

    Parameters
    ----------
    name
        One of the benchmarks.
    peer
        Run only beside this one; may be repeated. Default: all whose libraries are installed.
    short
        Seconds instead of minutes, to see that it works; such figures mean little.
    out
        Folder for the records, NAME.jsonl.
    as_json
        Print the records as one line of JSON.
    """
    if name is None:
        for each, path in benchmarks().items():
            print(f"{each:20} {_summary(path)}")
        return 0
    records = measure(name, peers=peer, size="short" if short else "full", out=out)
    if as_json:
        print_json([_plain(record) for record in records])
    else:
        print("\n".join(_line(record) for record in records))
    return 0


def measure(name: str, *, peers: tuple[str, ...], size: Size, out: Path) -> "list[Record]":
    """Run one benchmark, append its records to OUT/NAME.jsonl and return them."""
    from zhixing.core.records import RecordWriter
    from zhixing.evaluate.race import OURS, race, race_records

    benchmark = _load(name)
    every = benchmark.contestants(size)
    others = [each for each in every if each != OURS]
    if unknown := [each for each in peers if each not in others]:
        raise UsageError(f"{name} has no peer {unknown[0]!r}; it runs beside: {', '.join(others)}")
    works = {
        each: prepare() for each, prepare in every.items() if each in (OURS, *(peers or others))
    }
    raced = race(name, benchmark.UNIT, works, rounds=ROUNDS[size])
    records = race_records(raced, seed=SEED)
    with RecordWriter(out / f"{name}.jsonl") as writer:
        for record in records:
            writer.write(record)
    return records


SEED = 42
"""Of weights and texts in every benchmark."""


def benchmarks() -> dict[str, Path]:
    """The files by the names that are typed."""
    return {
        path.stem.replace("_", "-"): path
        for path in sorted(_folder().glob("*.py"))
        if not path.stem.startswith("_")
    }


def _folder() -> Path:
    """Inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "benchmarks"
    return inside if inside.is_dir() else package.parent / "benchmarks"


def _load(name: str) -> Benchmark:
    found = benchmarks()
    if name not in found:
        raise UsageError(f"there is no benchmark {name!r}; there are: {', '.join(found)}")
    specification = importlib.util.spec_from_file_location(f"benchmark_{name}", found[name])
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return cast(Benchmark, module)


def _summary(path: Path) -> str:
    """The first line of the docstring, without running the file."""
    import ast

    text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    return text.partition("\n")[0]


def _plain(record: "Record") -> dict[str, object]:
    from dataclasses import asdict

    return asdict(record)


def _line(record: "Record") -> str:
    digits = 2 if record.unit == "ratio" else 0
    low, high = (f"{bound:,.{digits}f}" for bound in (record.low or 0.0, record.high or 0.0))
    return f"{record.name:28} {record.value:12,.{digits}f} {record.unit:12} [{low}, {high}]"
