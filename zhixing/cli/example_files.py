"""`zhixing data show FILE` and `zhixing data convert`: examples in published formats, looked at and made tables of."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from zhixing.cli.console import Fresh, Json, Log, check_out, print_json, reporter
from zhixing.core.errors import DataError, UsageError
from zhixing.core.files import added_to, json_line

if TYPE_CHECKING:
    from zhixing.corpus.table_rows import BrokenRow, Row

FORMAT = Parameter(
    help="The format, where the content does not show it: glue-rte, conll-2003-pos, … (default: detected)."
)
TABLE = "table"
"""What a file is in that has keys of its own."""
_LABELS = 12
_EXCERPT = 400


@dataclass(kw_only=True)
class Told:
    """What is in a file of examples."""

    format: str
    rows: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)

    def count(self, found: "Iterable[Row | BrokenRow]") -> "Iterator[Row]":
        """The rows that can be used; the others are counted by reason."""
        for row in found:
            if isinstance(row, str):
                self.dropped[row] += 1
                continue
            self.rows += 1
            labels = row.get("tags", row.get("label", []))
            self.labels.update(map(str, labels if isinstance(labels, list) else [labels]))
            yield row

    def __str__(self) -> str:
        lost = sum(self.dropped.values())
        reasons = ", ".join(f"{name} {count:,}" for name, count in sorted(self.dropped.items()))
        told = f"{self.format}: {self.rows:,} rows, {lost:,} left out"
        return f"{told} ({reasons})" if reasons else told


def convert(
    *files: Annotated[
        Path, Parameter(help="One file; or two with equally many lines or segments.")
    ],
    out: Annotated[Path, Parameter(help="The jsonl file to write.")],
    format: Annotated[str, FORMAT] = "",
    fresh: Fresh = False,
    as_json: Json = False,
    log: Log = "auto",
) -> None:
    """Write examples of a published format as jsonl: `zhixing data convert dev-v1.1.json --out dev.jsonl`.

    GLUE, SQuAD, CoNLL, conversations; of two files (WMT) the first is the source: `zhixing data convert news.en news.zh --out
    news.jsonl`. What is left out is counted by its reason.
    """
    if out.suffix != ".jsonl":
        raise UsageError(f"--out {out} must end in .jsonl: one row a line is written")
    check_out(out, files, fresh=True)  # added_to looks at what is there
    told, found = _opened(files, format)
    progress = reporter(log)
    progress.start(f"converting {' and '.join(map(str, files))}", unit="rows")
    with added_to(out.parent, fresh=fresh) as made, (made / out.name).open("wb") as target:
        for row in told.count(found):
            target.write(json_line(row))
            progress.advance()
        if not told.rows:
            raise DataError(f"{files[0]} has not one row that can be used ({told})")
    progress.finish(f"{out}: {told}")
    if as_json:
        print_json({"written": str(out), **_numbers(told)})


def show_file(file: Path, *, format: str, num: int, as_json: bool) -> None:
    """Print the format of a file, how many rows it has, its labels, and the first `num` rows."""
    told, found = _opened([file], format)
    rows = told.count(found)
    first = list(islice(rows, num))
    for _ in rows:
        pass
    if as_json:
        print_json({"file": str(file), **_numbers(told), "first": first})
        return
    print(f"{file}: {told}")
    if told.labels:
        common = [f"{label} {count:,}" for label, count in told.labels.most_common(_LABELS)]
        more = len(told.labels) - _LABELS
        print(f"labels: {', '.join(common)}{f' and {more} more' if more > 0 else ''}")
    if first:
        print(f"objectives that read such rows: {', '.join(_objectives(first[0])) or 'none'}")
    for row in first:
        text = json.dumps(row, ensure_ascii=False)
        print(f"\n{text[:_EXCERPT]}{'…' if len(text) > _EXCERPT else ''}")


def _opened(files: "Iterable[Path]", format: str) -> "tuple[Told, Iterator[Row | BrokenRow]]":
    """What is known of one or two files, and their rows."""
    from zhixing.corpus.formats.published import find_format, stream, stream_pair
    from zhixing.corpus.rows import find_tables, rows

    listed = list(files)
    for file in listed:
        if file.is_dir():
            raise DataError(f"{file} is a folder; name one of its files")
        if not file.is_file():
            raise DataError(f"there is no file {file}")
    if len(listed) == 2:
        if format:
            raise UsageError("two files are one text in two languages: leave --format out")
        name, pairs = stream_pair(listed[0], listed[1])
        return Told(format=name), pairs
    if len(listed) != 1:
        raise UsageError(f"{len(listed)} files were given; give one, or a source and its target")
    kind = format or find_format(listed[0])
    if kind:
        return Told(format=kind), stream(listed[0], kind)
    return Told(format=TABLE), rows(find_tables(str(listed[0])))


def _objectives(row: "Row") -> list[str]:
    from zhixing.corpus.searches import is_query
    from zhixing.objective.records import KEYS, has_number, keys_of

    pairs = ["similar"] if is_query(row) else []  # made with the documents beside the file
    kinds = [kind for kind in KEYS if keys_of(row, kind) and (kind != "regress" or has_number(row))]
    return [*pairs, *kinds]


def _numbers(told: Told) -> dict[str, Any]:
    return {
        "format": told.format,
        "rows": told.rows,
        "dropped": dict(told.dropped),
        "labels": dict(told.labels),
    }
