"""Kill -9 at ten random steps, resume each time: the weights are those of an uninterrupted run, bit for bit."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("kind", ["decoder", "lstm"])
def test_ten_kills_change_no_bit(tmp_path: Path, kind: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.invariants.kill_nine", kind, str(tmp_path), "10"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert len(result["killed"]) == 10
    assert result["tensors"] > 20
    assert result["difference"] is None
    assert result["first_step"] is None
    assert not list((tmp_path / "other").rglob(".step-*"))
