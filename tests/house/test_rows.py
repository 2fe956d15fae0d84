"""scripts/row makes every row of the applications again from the commands that its page gives."""

import re
import subprocess
from pathlib import Path

import pytest

from scripts import fill_applications, rows
from tests.house.markdown import FENCE
from tests.house.tree import ROOT

PAGE = rows.read_page()
SYSTEM = re.compile(r"^\| [^|]+ \| `runs/([\w./-]+)[^`]*` \|", re.MULTILINE)


def test_every_system_in_a_table_can_be_made_again() -> None:
    text = FENCE.sub("", rows.PAGE.read_text("utf-8"))
    systems = sorted(set(SYSTEM.findall(text)))
    assert len(systems) > 30
    for system in systems:
        planned = rows.plan([system], PAGE)
        assert planned[-1].is_row
        assert f"runs/{system}" in planned[-1].needs


def test_both_languages_give_the_same_commands() -> None:
    chinese = ROOT / "docs/zh/applications.md"
    assert [str(each) for each in rows.read_page(chinese)] == [str(each) for each in PAGE]


def test_what_a_row_needs_stands_before_it_and_other_systems_are_left_out() -> None:
    planned = [str(each) for each in rows.plan(["sentiment-reviews"], PAGE)]
    assert [line.split()[1] for line in planned] == ["data", "train", "train", "train", "evaluate"]
    assert planned[1:3] == ["zhixing train bert-small", "zhixing train bert-reviews"]
    assert (
        planned[-1]
        == "zhixing evaluate baselines runs/reviews --model runs/sentiment-reviews --markdown"
    )


def test_two_systems_share_what_they_need() -> None:
    planned = [str(each) for each in rows.plan(["sentiment-cnn", "sentiment-lstm"], PAGE)]
    assert sum("data examples" in line for line in planned) == 1
    assert planned[-1].count("--model") == 2


def test_a_pattern_needs_every_folder_that_it_fits() -> None:
    made = [each.makes for each in rows.plan(["retrieve-help"], PAGE)]
    assert {"runs/help/en-zh", "runs/help/headings-en", "runs/help/headings-zh"} <= {*made}


def test_a_system_without_a_row_is_answered_with_those_there_are() -> None:
    with pytest.raises(LookupError, match=r"no row is of runs/nothing; these are: .*spam"):
        rows.plan(["spam", "nothing"], PAGE)


def test_a_need_that_nothing_makes_is_named() -> None:
    lonely = rows.command_of(("zhixing", "evaluate", "baselines", "runs/a", "--markdown"))
    with pytest.raises(LookupError, match="needs runs/a, which no command"):
        rows.plan(["a"], [lonely])


@pytest.mark.parametrize(
    ("there", "typed"),
    [
        ((), ["zhixing train spam"]),
        (("manifest.json",), []),
        (("vectors.json",), []),
        (("checkpoints",), ["zhixing train spam --resume"]),
    ],
)
def test_what_is_there_is_not_made_again(
    there: tuple[str, ...], typed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in there:
        (tmp_path / "runs/spam").mkdir(parents=True, exist_ok=True)
        (tmp_path / "runs/spam" / name).touch()
    done: list[str] = []

    def note(words: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        done.append(" ".join(words))
        return subprocess.CompletedProcess(words, 7)

    monkeypatch.setattr(rows.subprocess, "run", note)
    status = rows.run(rows.command_of(("zhixing", "train", "spam")), tmp_path)
    assert (done, status) == (typed, 7 if typed else 0)


def test_the_tables_of_tasks_are_made_of_the_rows() -> None:
    families = fill_applications.families_of(PAGE)
    for language, readme in fill_applications.READMES.items():
        page = fill_applications.PAGES[language].read_text("utf-8")
        made = fill_applications.summary(page, language, families)
        assert made in page
        assert made in readme.read_text("utf-8")


def test_a_row_takes_the_place_of_the_same_system_or_stands_behind_its_data() -> None:
    head = "| data | system | scores | parameters | training | against |"
    page = f"<!-- rows: a -->\n{head}\n| x | s | f1 1 | – | – | – |\n| y | s | f1 1 | – | – | – |\n<!-- /rows: a -->\n"
    new = ["| x | s | f1 2 | – | – | – |", "| x | t | f1 3 | – | – | – |", "nothing"]
    lines = fill_applications.put(page, "a", new).splitlines()
    assert lines[2:5] == [*new[:2], "| y | s | f1 1 | – | – | – |"]
    assert fill_applications.put(page, "b", new) == page
    with pytest.raises(LookupError, match="the table of a has no rows of z"):
        fill_applications.put(page, "a", ["| z | s | f1 2 | – | – | – |"])
