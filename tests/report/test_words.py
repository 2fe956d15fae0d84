"""The words of a report: whatever the corpus can say of itself is there in both languages."""

import re

from tests.house.tree import ROOT
from zhixing.corpus.pii import KINDS
from zhixing.report.words import MASKS, REASONS, mask_name, reason_name


def test_every_reason_that_documents_are_dropped_for_has_words() -> None:
    page = (ROOT / "docs/en/data.md").read_text("utf-8")
    table = re.findall(r"^\| `(\w+)` \| `m\w+`", page, re.MULTILINE)
    others = re.findall(r"`(\w+)`", page.partition("Other reasons: ")[2].partition("\n\n")[0])
    assert len(table) == 7
    assert {*table, *others} == set(REASONS)
    for reason in REASONS:
        words = reason_name(reason)
        assert words.en != words.zh


def test_every_kind_of_personal_data_has_a_name_of_its_own() -> None:
    assert {kind.upper() for kind in KINDS} == set(MASKS)
    assert len({mask_name(kind).zh for kind in KINDS}) == len(KINDS)
