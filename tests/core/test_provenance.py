import os
import platform
import re
import subprocess
from datetime import datetime
from pathlib import Path

import pytest

from zhixing.core.provenance import _describe_commit, code_version, describe_machine, provenance


def test_it_names_code_hashes_seed_machine_and_time() -> None:
    facts = provenance(config_hash="c", data_hash="d", tokenizer_hash="t", seed=7)
    assert (facts.config_hash, facts.data_hash, facts.tokenizer_hash) == ("c", "d", "t")
    assert facts.seed == 7
    assert facts.code == code_version()
    assert facts.device == describe_machine()
    assert datetime.fromisoformat(facts.started).utcoffset() is not None


def test_the_machine_is_described_without_naming_it_or_its_user() -> None:
    described = describe_machine()
    assert f"{len(os.sched_getaffinity(0))} cores" in described
    assert platform.python_version() in described
    assert not re.search(rf"\b{re.escape(platform.node())}\b", described)


def test_a_checkout_is_named_by_its_commit_and_marked_when_changed(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True)

    (tmp_path / "a").write_text("1")
    git("init")
    git("add", ".")
    git("commit", "-m", "one")
    clean = _describe_commit(tmp_path)
    assert re.fullmatch(r"[0-9a-f]{7,}", clean)
    (tmp_path / "a").write_text("2")
    assert _describe_commit(tmp_path) == f"{clean}-dirty"


def test_without_git_or_a_repository_there_is_no_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _describe_commit(tmp_path) == ""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert _describe_commit(Path(__file__).parent) == ""
