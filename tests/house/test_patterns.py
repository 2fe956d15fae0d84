"""Regular expressions mean the same on every Python that is supported."""

import re

import pytest

from tests.house.tree import ROOT, short

POSSESSIVE_GROUP = re.compile(r"\)(?:[*+?]|\{[\d,]+\})\+|\(\?>")
FILES = sorted((ROOT / "zhixing").rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=short)
def test_no_group_is_possessive(path) -> None:
    """Python before 3.11.5 matches them wrongly (CPython 106052); one character as in `\\d++` is matched rightly."""
    assert POSSESSIVE_GROUP.findall(path.read_text("utf-8")) == []


def test_a_possessive_group_is_noticed() -> None:
    for pattern in (r"(?:ab)*+", r"(a)++", r"(a)?+", r"(a){2,3}+", r"(?>a)"):
        assert POSSESSIVE_GROUP.search(pattern)
    for pattern in (r"\d++", r"[ab]*+", r"(a)*", r"(a)+", r"(a){2}"):
        assert not POSSESSIVE_GROUP.search(pattern)
