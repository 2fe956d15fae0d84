"""Many processes clean as one does: same files, same order, one clear word when something ends too early."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from zhixing.core.errors import ZhixingError
from zhixing.core.progress import Silent
from zhixing.corpus import gather, workers
from zhixing.corpus.build import build
from zhixing.corpus.config import CorpusConfig

WORDS = [
    "river",
    "mountain",
    "paper",
    "letter",
    "window",
    "garden",
    "winter",
    "summer",
    "music",
    "silver",
    "market",
    "village",
    "bridge",
    "the",
    "of",
]
HAN = "春夏秋冬山水风云花草树木日月星辰江河湖海天地人民工农商学城乡村镇东西南北前后左右的是"


@pytest.fixture
def config(tmp_path: Path) -> CorpusConfig:
    """Sixty files in two languages, with personal data, a copy and a broken line among them."""
    chance = random.Random(3)
    folder = tmp_path / "texts"
    folder.mkdir()
    for number in range(30):
        english = " ".join(chance.choices(WORDS, k=80))
        (folder / f"en{number:02}.txt").write_text(f"{english} Call 13812345678.")
        (folder / f"zh{number:02}.txt").write_text("".join(chance.choices(HAN, k=120)) + "。")
    (folder / "copy.txt").write_text((folder / "en07.txt").read_text())
    lines = ['{"text": "' + " ".join(chance.choices(WORDS, k=60)) + '"}' for _ in range(20)]
    (folder / "rows.jsonl").write_text("\n".join([*lines, "{"]))
    return CorpusConfig.model_validate({"sources": [{"name": "mine", "path": str(folder)}]})


@pytest.fixture
def helpers(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """From the first document on two helpers are at work; the list holds them."""
    started: list[subprocess.Popen[bytes]] = []
    start = subprocess.Popen

    def record(*arguments: object, **settings: object) -> subprocess.Popen[bytes]:
        started.append(start(*arguments, **settings))  # type: ignore[call-overload]
        return started[-1]

    monkeypatch.setattr(workers, "ALONE_CHARACTERS", 0)
    monkeypatch.setattr(workers, "_num_helpers", lambda: 2)
    monkeypatch.setattr(gather, "_BATCH_CHARACTERS", 1500)
    monkeypatch.setattr(workers.subprocess, "Popen", record)
    return started


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_helpers_write_the_very_files_that_one_process_writes(
    config: CorpusConfig, tmp_path: Path, helpers: list[subprocess.Popen[bytes]]
) -> None:
    build(config, tmp_path / "many", progress=Silent())
    assert len(helpers) == 2
    assert all(helper.returncode is not None for helper in helpers)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workers, "ALONE_CHARACTERS", 1 << 60)
        build(config, tmp_path / "one", progress=Silent())
    assert len(helpers) == 2
    assert contents(tmp_path / "many") == contents(tmp_path / "one")


class Interrupting(Silent):
    """Presses Ctrl-C, or does something else, when the fiftieth document is read."""

    def __init__(self, act: object) -> None:
        self._act, self._count = act, 0

    def advance(self, amount: float = 1.0, note: str = "") -> None:
        self._count += 1
        if self._count == 50:
            self._act()  # type: ignore[operator]


def test_ctrl_c_ends_the_helpers_and_leaves_nothing(
    config: CorpusConfig, tmp_path: Path, helpers: list[subprocess.Popen[bytes]]
) -> None:
    progress = Interrupting(lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        build(config, tmp_path / "corpus", progress=progress)
    assert [helper.returncode for helper in helpers] == [-signal.SIGKILL] * 2
    assert {path.name for path in tmp_path.iterdir()} == {"texts"}


def test_a_helper_that_is_killed_is_one_clear_message(
    config: CorpusConfig, tmp_path: Path, helpers: list[subprocess.Popen[bytes]]
) -> None:
    progress = Interrupting(lambda: helpers[0].kill())
    with pytest.raises(ZhixingError, match="ended before its work was done"):
        build(config, tmp_path / "corpus", progress=progress)
    assert {path.name for path in tmp_path.iterdir()} == {"texts"}


def test_helpers_end_when_their_parent_was_killed() -> None:
    program = (
        "import os, signal\n"
        "from zhixing.corpus.config import CorpusConfig\n"
        "from zhixing.corpus.workers import _Process\n"
        "helper = _Process(CorpusConfig())\n"
        "print(helper._process.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    helper = int(done.stdout)
    until = time.monotonic() + 60
    while time.monotonic() < until and Path(f"/proc/{helper}").exists():
        time.sleep(0.05)
    assert not Path(f"/proc/{helper}").exists()
