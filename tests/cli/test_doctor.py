import json
from pathlib import Path

import pytest

from zhixing.cli import main
from zhixing.cli.doctor import Verdict, _extra, _libraries_of_extras, doctor, examine


def test_every_fact_has_something_to_say_and_trouble_comes_with_advice() -> None:
    facts = list(examine())
    assert [fact.name for fact in facts if not fact.found] == []
    assert [f.name for f in facts if f.verdict is Verdict.PROBLEM and not f.advice] == []
    names = [fact.name for fact in facts]
    for name in ("python", "processor", "cores", "memory", "cache", "torch", "precision"):
        assert name in names


def test_json_carries_what_the_table_shows(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is True
    assert {"name", "found", "verdict", "advice"} == set(told["facts"][0])
    assert main(["doctor"]) == 0
    table = capsys.readouterr().out
    assert [fact["name"] for fact in told["facts"] if fact["name"] not in table] == []


def test_a_cache_that_cannot_be_written_is_a_problem_with_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ZHIXING_CACHE", "/proc/no/cache")
    assert doctor() == 1
    assert "set ZHIXING_CACHE to a folder that you may write in" in capsys.readouterr().out


def test_missing_libraries_are_named_with_the_command_that_installs_them() -> None:
    required = ["numpy>=2", 'no-such-library>=6; extra == "data"', 'zhixing[data]; extra == "all"']
    extras = _libraries_of_extras(required)
    assert extras == {"": ["numpy"], "data": ["no-such-library"]}
    assert _extra("", extras[""]).verdict is Verdict.OK
    fact = _extra("data", extras["data"])
    assert fact.verdict is Verdict.NOTE
    assert fact.found == "missing: no-such-library"
    assert fact.advice == "pip install 'zhixing[data]'"
