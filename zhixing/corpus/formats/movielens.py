r"""Who liked what, as MovieLens publishes it (Harper & Konstan 2015): ratings of users, and the items with their texts.

    u.data        196\t242\t3\t881250949                  ml-100k: user, item, rating, seconds since 1970
    ratings.dat   1::1193::5::978300760                    ml-1m, ml-10m
    ratings.csv   userId,movieId,rating,timestamp          ml-20m, ml-25m, ml-latest
    u.item        1|Toy Story (1995)|01-Jan-1995||…|0|…    ml-100k: 19 columns of 0 or 1, one for each genre
    movies.dat    1::Toy Story (1995)::Animation|Comedy
    movies.csv    movieId,title,genres

Ratings become {user, item, rating, time}, items {item, text}: the title and the genres. The same keys, in a table of your own,
are read as they stand: {user, item} and, if there are any, rating (a number) and time (a number or ISO 8601). The older files of
MovieLens are Latin-1, the newer ones UTF-8. Left out: tags, the ages and jobs of users, and links to other databases.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Any

from zhixing.corpus.formats.place import numbered
from zhixing.corpus.table_rows import BrokenRow, Row

_GENRES_100K = (
    "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama", "Fantasy", "Film-Noir",
    "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
)  # fmt: skip
"""Of the last columns of u.item; the first of these, before them, means that no genre is known."""
_NO_GENRES = "(no genres listed)"
_NUMBER_OF_COLUMNS = 24
_RATING = r"[0-5](?:\.[05])?"
_SIGNS: Mapping[str, re.Pattern[str]] = {
    "movielens-data": re.compile(rf"\d+\t\d+\t{_RATING}\t\d+"),
    "movielens-dat": re.compile(rf"\d+::\d+::{_RATING}::\d+"),
    "movielens-item": re.compile(rf"\d+\|[^|]*\|[^|]*\|[^|]*\|[^|]*(?:\|[01]){{{_NUMBER_OF_COLUMNS - 5}}}"),
    "movielens-movies-dat": re.compile(r"\d+::.+::[^:]+"),
}  # fmt: skip
"""Format -> what each of its lines is."""
USUAL = ("user", "item", "rating", "time")
"""What the columns of interactions are called here."""
COLUMNS = ("userId", "movieId", "rating", "timestamp")
"""What MovieLens calls them in its csv files."""


def detect_movielens(lines: Sequence[str]) -> str | None:
    """The format of the first lines of a file, the last of which may be half a line; None where they are of none."""
    whole = [line.rstrip("\r") for line in lines if line.strip()]
    whole = whole[:-1] or whole
    found = (name for name, sign in _SIGNS.items() if all(sign.fullmatch(line) for line in whole))
    return next(found, None) if whole else None


def read_ratings(path: Path, separator: str) -> Iterator[Row | BrokenRow]:
    """{user, item, rating, time} of u.data or ratings.dat."""
    for _, line in numbered(path):
        values = line.split(separator)
        if len(values) == len(USUAL):
            yield interaction_row(dict(zip(USUAL, values, strict=True)))
        elif line:
            yield "broken_line"


def read_items(path: Path) -> Iterator[Row | BrokenRow]:
    """{item, text} of u.item."""
    for _, line in numbered(path):
        values = line.split("|")
        if len(values) == _NUMBER_OF_COLUMNS:
            flags = values[-len(_GENRES_100K) :]
            genres = [name for name, flag in zip(_GENRES_100K, flags, strict=True) if flag == "1"]
            yield item_row(values[0], values[1], genres)
        elif line:
            yield "broken_line"


def read_movies(path: Path) -> Iterator[Row | BrokenRow]:
    """{item, text} of movies.dat; a title may hold the separator."""
    for _, line in numbered(path):
        name, _, rest = line.partition("::")
        title, _, genres = rest.rpartition("::")
        if title:
            yield item_row(name, title, genres.split("|"))
        elif line:
            yield "broken_line"


def item_row(name: str, title: str, genres: Sequence[str]) -> Row | BrokenRow:
    """{item, text} of a film: its title, and its genres where some are known."""
    known = [genre for genre in genres if genre and genre != _NO_GENRES]
    if not title.strip():
        return "empty_text"
    text = f"{title.strip()}. {', '.join(known)}" if known else title.strip()
    return {"item": name, "text": text}


def interaction_row(row: Row, names: Sequence[str] = USUAL) -> Row | BrokenRow:
    """{user, item} with rating and time as numbers where a row has them, or why there is none."""
    user, item, rating, time = (row.get(name) for name in names)
    if not all(isinstance(each, str | int) and str(each).strip() for each in (user, item)):
        return "no_user_or_item"
    made: dict[str, Any] = {"user": str(user), "item": str(item)}
    for name, value, number in (("rating", rating, float), ("time", time, _seconds)):
        if value is None or value == "":
            continue
        try:
            made[name] = number(value)
        except (TypeError, ValueError, OverflowError):
            return f"{name}_is_no_{name}"
        if not isfinite(made[name]):
            return f"{name}_is_no_{name}"
    return made


def _seconds(value: Any) -> float:
    """Seconds since 1970, of a number or of a date in ISO 8601; one without a zone is in UTC, on every machine."""
    try:
        return float(value)
    except ValueError:
        date = datetime.fromisoformat(value)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()


RATINGS: Mapping[str, str] = {"movielens-data": "\t", "movielens-dat": "::"}
"""Format of ratings -> what stands between its columns."""
ITEMS: Mapping[str, Callable[[Path], Iterator[Row | BrokenRow]]] = {
    "movielens-item": read_items,
    "movielens-movies-dat": read_movies,
}
"""Format of items -> what reads it."""
