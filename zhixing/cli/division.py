"""`zhixing data split`: a user's own examples as train, validation and test, so that no test text is learnt from."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from zhixing.cli.console import FLAT, Fresh, Json, Log, print_json, reporter
from zhixing.core.errors import UsageError
from zhixing.core.files import added_to
from zhixing.corpus.parts import PARTS

_FILE = Parameter(
    help="Examples of any task: a table (jsonl, csv, tsv, parquet), a published format, a folder or a glob."
)
_OUT = Parameter(help="The folder to write train, validation and test .jsonl to.")


@dataclass(frozen=True, kw_only=True)
class Options:
    """What stays together, how large the parts are, and what may be replaced."""

    by: str = ""
    """The field that names the document, author or page of a row: all its rows are in one part (default: the text of a row)."""
    validation: float = 0.1
    """Share of documents, or of texts, to choose on."""
    test: float = 0.1
    """Share to test with."""
    fresh: Fresh = False


def split_file(
    file: Annotated[str, _FILE],
    out: Annotated[Path, _OUT],
    *,
    options: Annotated[Options, FLAT] = Options(),
    as_json: Json = False,
    log: Log = "auto",
) -> None:
    """Divide your own examples so that no test text is learnt from: `zhixing data split reviews.csv runs/reviews --by author`.

    Copies, and texts under two labels, are left out; texts that are nearly the same are in one part, and a row whose text an earlier
    part has is left out. All of it is counted.
    """
    from zhixing.corpus.divide import Division, write_divided
    from zhixing.corpus.rows import find_tables

    division = Division(by=options.by, validation=options.validation, test=options.test)
    found = find_tables(file)
    for part in PARTS:
        place = out / f"{part}.jsonl"
        if any(place.exists() and place.samefile(path) for _, path in found.files):
            raise UsageError(f"{place} is a file that is read; choose another folder")
    progress = reporter(log)
    with added_to(out, fresh=options.fresh) as made:
        progress.start(f"parts of {file}")
        written = write_divided(found, made, division)
    progress.finish(f"{out}: {written}")
    if as_json:
        print_json({"written": str(out), **asdict(written)})
