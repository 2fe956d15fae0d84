"""`zhixing data histories`: a user's own interactions, in any format that is read, as examples for a recommender."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from zhixing.cli.console import FLAT, Fresh, Json, Log, print_json, reporter
from zhixing.core.errors import DataError
from zhixing.core.files import added_to

if TYPE_CHECKING:
    from zhixing.corpus.table_rows import PlacedRow

_INTERACTIONS = Parameter(
    help="Who took what: ratings of MovieLens, or a table of {user, item} and perhaps rating and time."
)
_ITEMS = Parameter(help="The items: films of MovieLens, or a table of {item, text}.")


@dataclass(frozen=True, kw_only=True)
class Options:
    """Which interactions count, and what may be replaced."""

    least_rating: float | None = None
    """Interactions with a lower rating do not count; without it all do."""
    max_unknown: float = 0.1
    """Share of interactions with unknown items above which it is refused."""
    fresh: Fresh = False


def histories(
    interactions: Annotated[Path, _INTERACTIONS],
    items: Annotated[Path, _ITEMS],
    out: Annotated[Path, Parameter(help="The folder to write to.")],
    *,
    options: Annotated[Options, FLAT] = Options(),
    as_json: Json = False,
    log: Log = "auto",
) -> None:
    """Write who took what as examples: `zhixing data histories ratings.csv movies.csv runs/films --least-rating 4`.

    Of every user the last item is tested and the last but one is for validation; a user with two items is only learnt from.
    What is left out (copies, low ratings, unknown items, users with one item) is counted.
    """
    from zhixing.corpus.histories import Limits, interactions_of, items_of, write_histories

    limits = Limits(least_rating=options.least_rating, max_unknown=options.max_unknown)
    for path in (interactions, items):
        if not path.is_file():
            raise DataError(f"there is no file {path}")
    progress = reporter(log)
    with added_to(out, fresh=options.fresh) as made:
        progress.start(f"histories of {interactions}")
        texts = items_of(_rows_of(items), origin=str(items))
        found = interactions_of(_rows_of(interactions))
        written = write_histories(found, texts, made, limits=limits)
    progress.finish(f"{out}: {written}")
    if as_json:
        print_json({"written": str(out), **asdict(written)})


def _rows_of(path: Path) -> Iterator["PlacedRow"]:
    """The rows of a known format, else those of a table as they stand: which keys they have instead is then told."""
    from zhixing.corpus.formats.published import find_format, placed_stream
    from zhixing.corpus.rows import find_tables, placed_rows

    return placed_stream(path) if find_format(path) else placed_rows(find_tables(str(path)))
