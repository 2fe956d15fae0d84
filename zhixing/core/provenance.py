"""Where a result came from: code, configuration, data, tokenizer, seed, machine, time."""

import os
import platform
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Provenance:
    """Enough to make a result again. `code` is a version, with the git commit in a checkout."""

    code: str
    config_hash: str
    data_hash: str
    tokenizer_hash: str
    seed: int
    device: str
    started: str


def provenance(
    *, config_hash: str, data_hash: str = "", tokenizer_hash: str = "", seed: int = 42
) -> Provenance:
    """Collect the facts of now; hashes that do not apply are empty strings."""
    return Provenance(
        code=code_version(),
        config_hash=config_hash,
        data_hash=data_hash,
        tokenizer_hash=tokenizer_hash,
        seed=seed,
        device=describe_machine(),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
    )


@cache
def code_version() -> str:
    """The installed version, plus the short commit and `-dirty` in a git checkout."""
    try:
        name = version("zhixing")
    except PackageNotFoundError:
        name = "source"
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return name
    commit = _describe_commit(root)
    return f"{name}+{commit}" if commit else name


def _describe_commit(root: Path) -> str:
    """`git describe` of a checkout; empty without git or where git refuses the folder."""
    command = ["git", "describe", "--always", "--dirty"]
    try:
        described = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return described.stdout.strip()


@cache
def describe_machine() -> str:
    """Processor, usable cores, operating system and Python in one line; no host name, no user."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{_processor()}, {cores} cores, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}"
    )


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown processor"
