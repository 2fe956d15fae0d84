"""Ratings and films in MovieLens's formats, and the same in a table of one's own, told by their content."""

import time
from pathlib import Path
from typing import Any

import pytest

from tests.corpus.published import read_published
from zhixing.core.errors import DataError
from zhixing.corpus.formats.movielens import detect_movielens
from zhixing.corpus.formats.published import detect_format

FLAGS = "0|0|0|1|1|1|0|0|0|0|0|0|0|0|0|0|0|0|0"
FIRST = {"user": "196", "item": "242", "rating": 3.0, "time": 881250949.0}
RATINGS = {
    "movielens-data": ("u.data", "196\t242\t3\t881250949\n186\t302\t3\t891717742\n"),
    "movielens-dat": ("ratings.dat", "196::242::3::881250949\n1::122::4.5::838985046\n"),
    "movielens-csv": ("ratings.csv", "userId,movieId,rating,timestamp\n196,242,3.0,881250949\n"),
}
FILMS = {
    "movielens-item": ("u.item", f"1|Toy Story (1995)|01-Jan-1995||http://x|{FLAGS}\n"),
    "movielens-movies-dat": (
        "movies.dat",
        "1::Toy Story (1995)::Animation|Children's|Comedy\n2::A: B :: C (1990)::Drama\n",
    ),
    "movielens-movies-csv": (
        "movies.csv",
        'movieId,title,genres\n1,Toy Story (1995),"Animation|Children\'s|Comedy"\n'
        '2,"Odd, The (1990)",(no genres listed)\n',
    ),
}


def write(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("kind", RATINGS)
def test_ratings_are_told_by_their_columns(kind: str, tmp_path: Path) -> None:
    found = read_published(write(tmp_path, *RATINGS[kind]))
    assert (found.format, found.rows[0]) == (kind, FIRST)


@pytest.mark.parametrize("kind", FILMS)
def test_films_become_items_with_title_and_genres(kind: str, tmp_path: Path) -> None:
    found = read_published(write(tmp_path, *FILMS[kind]))
    text = "Toy Story (1995). Animation, Children's, Comedy"
    assert (found.format, found.rows[0]) == (kind, {"item": "1", "text": text})


def test_a_title_may_hold_the_separator_and_a_film_need_not_have_genres(tmp_path: Path) -> None:
    dat, table = (read_published(write(tmp_path, *FILMS[kind])).rows for kind in [*FILMS][1:])
    assert dat[1] == {"item": "2", "text": "A: B :: C (1990). Drama"}
    assert table[1] == {"item": "2", "text": "Odd, The (1990)"}


def test_titles_of_the_older_files_are_latin_1(tmp_path: Path) -> None:
    line = f"29|Cité des enfants perdus, La (1995)|01-Jan-1995||http://x|{FLAGS}\n"
    (row,) = read_published(write(tmp_path, "u.item", line, "latin-1")).rows
    assert row["text"].startswith("Cité des enfants perdus, La (1995). ")


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ('{"user": 7, "item": "a"}', {"user": "7", "item": "a"}),
        ('{"user": "u", "item": 3, "rating": "4.5"}', {"user": "u", "item": "3", "rating": 4.5}),
        (
            '{"user": "u", "item": "a", "time": "1970-01-02T00:00:00+00:00"}',
            {"user": "u", "item": "a", "time": 86400.0},
        ),
    ],
)
def test_own_interactions_need_a_user_and_an_item(
    text: str, row: dict[str, Any], tmp_path: Path
) -> None:
    found = read_published(write(tmp_path, "own.jsonl", text + "\n"))
    assert (found.format, *found.rows) == ("interactions", row)


def test_a_date_without_a_zone_is_the_same_second_on_every_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, "own.jsonl", '{"user": "u", "item": "a", "time": "1970-01-02"}\n')
    for zone in ("Asia/Shanghai", "America/New_York"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        (row,) = read_published(path).rows
        assert row["time"] == 86400.0
    monkeypatch.undo()
    time.tzset()


def test_what_is_no_interaction_is_counted_by_its_reason(tmp_path: Path) -> None:
    rows = [
        '{"user": "u", "item": "a"}',
        '{"user": "", "item": "a"}',
        '{"user": "u", "item": "a", "rating": "good"}',
        '{"user": "u", "item": "a", "time": "yesterday"}',
        '{"user": "u", "item": "a", "rating": "nan"}',
        '{"user": "u", "item": "a", "time": Infinity}',
    ]
    found = read_published(write(tmp_path, "own.jsonl", "\n".join(rows)))
    assert dict(found.dropped) == {
        "no_user_or_item": 1,
        "rating_is_no_rating": 2,
        "time_is_no_time": 2,
    }


def test_the_last_line_of_what_was_read_may_be_cut_off_and_no_other() -> None:
    whole = ["1\t2\t3\t4", "5\t6\t3\t7\r"]
    assert detect_movielens([*whole, "8\t9"]) == "movielens-data"
    assert detect_movielens([whole[0], "8\t9", whole[1]]) is None
    assert detect_movielens(["", "8\t9"]) is None


def test_numbers_in_four_columns_that_are_no_ratings_are_in_no_format(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="in no format that is known"):
        detect_format(write(tmp_path, "u.data", "196\t242\t9\t881250949\n1\t2\t8\t5\n"))
