"""`zhixing doctor`: what this machine has, what is missing, and what to type.

Everything is looked up or measured now, nothing is remembered. Only `--online` opens a connection.
"""

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from zhixing.cli.console import Json, print_json
from zhixing.core.files import cache_folder

GIB = 2**30
LEAST_FREE_BYTES = 2 * GIB
"""Below this a run with its downloads, corpus and checkpoints may not fit."""


class Verdict(StrEnum):
    """How a fact bears on working here."""

    OK = "ok"
    NOTE = "note"
    """Works, but something is slower or one task is not possible."""
    PROBLEM = "problem"
    """Zhixing will not work before this is repaired."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """One thing looked at: what was found and, unless all is well, what to type or to do."""

    name: str
    found: str
    verdict: Verdict = Verdict.OK
    advice: str = ""


def doctor(*, online: bool = False, as_json: Json = False) -> int:
    """What this machine has, and what is missing.

    Exit code 1 when something must be repaired first, 0 otherwise.

    Parameters
    ----------
    online
        Also ask whether pip's package index answers (opens a connection).
    as_json
        Print one JSON object instead of a table.
    """
    facts = list(examine(online=online))
    is_well = all(fact.verdict is not Verdict.PROBLEM for fact in facts)
    if as_json:
        print_json({"ok": is_well, "facts": [asdict(fact) for fact in facts]})
    else:
        print("\n".join(_lines(facts)))
    return 0 if is_well else 1


def examine(*, online: bool = False) -> Iterator[Fact]:
    """Look at everything, in the order of the table."""
    yield from (_system(), _python(), _processor(), _cores(), _memory())
    yield from (_free_space("working folder", Path.cwd()), _cache())
    yield from _torch()
    yield from (_compiler(), _energy(), _programs())
    yield from _extras()
    if online:
        yield _package_index()


def _lines(facts: list[Fact]) -> Iterator[str]:
    width = max(len(fact.name) for fact in facts)
    marks = {Verdict.OK: "✓", Verdict.NOTE: "·", Verdict.PROBLEM: "✗"}
    for fact in facts:
        yield f"{marks[fact.verdict]} {fact.name:<{width}}  {fact.found}"
        if fact.advice:
            yield f"  {'':<{width}}  → {fact.advice}"


def _system() -> Fact:
    return Fact(
        name="system", found=f"{platform.system()} {platform.release()} {os.uname().machine}"
    )


def _python() -> Fact:
    return Fact(name="python", found=f"{platform.python_version()} at {sys.prefix}")


def _processor() -> Fact:
    from zhixing.core.provenance import describe_machine

    features = processor_features()
    name = describe_machine().split(", ")[0]
    return Fact(
        name="processor", found=f"{name}: {' '.join(features) or 'no vector extensions known'}"
    )


def processor_features() -> list[str]:
    """The instruction sets that decide our speed, as Linux names them; empty where it does not tell."""
    information = Path("/proc/cpuinfo")
    if not information.exists():
        return []
    flags = re.search(r"^(?:flags|Features)\s*:(.*)$", information.read_text(), re.MULTILINE)
    present = set(flags.group(1).split()) if flags else set()
    known = (
        "avx2 avx512f avx512_bf16 avx512_vnni avx_vnni amx_tile amx_bf16 amx_int8 "  # x86
        "asimd sve bf16 i8mm"  # Arm
    )
    return [name for name in known.split() if name in present]


def _cores() -> Fact:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    quota = _cgroup("cpu.max").split()
    if len(quota) == 2 and quota[0] != "max" and int(quota[0]) / int(quota[1]) < (usable or 1):
        share = int(quota[0]) / int(quota[1])
        advice = (
            f"the container may use {share:g} of them: set OMP_NUM_THREADS={max(1, int(share))}"
        )
        return Fact(name="cores", found=f"{usable}", verdict=Verdict.NOTE, advice=advice)
    return Fact(name="cores", found=f"{usable} usable")


def _memory() -> Fact:
    import psutil

    free = psutil.virtual_memory().available
    limit = _cgroup("memory.max").strip()
    if limit.isdigit():
        used = _cgroup("memory.current").strip()
        free = min(free, int(limit) - int(used or 0))
    found = f"{free / GIB:.1f} GiB free of {psutil.virtual_memory().total / GIB:.1f} GiB"
    if free >= 2 * GIB:
        return Fact(name="memory", found=found)
    advice = "the quickstart wants about 2 GiB: close other programs"
    return Fact(name="memory", found=found, verdict=Verdict.NOTE, advice=advice)


def _cgroup(name: str) -> str:
    """A limit that a container has set (Linux control groups, version 2); empty without one."""
    file = Path("/sys/fs/cgroup") / name
    return file.read_text() if file.is_file() else ""


def _free_space(name: str, folder: Path) -> Fact:
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(existing).free
    found = f"{folder}: {free / GIB:.1f} GiB free"
    try:
        tempfile.TemporaryFile(dir=existing).close()  # permissions alone do not tell
    except OSError:
        advice = "choose a folder that you may write in"
        return Fact(name=name, found=f"{folder}: read-only", verdict=Verdict.PROBLEM, advice=advice)
    if free < LEAST_FREE_BYTES:
        advice = f"make room: less than {LEAST_FREE_BYTES // GIB} GiB is little"
        return Fact(name=name, found=found, verdict=Verdict.NOTE, advice=advice)
    return Fact(name=name, found=found)


def _cache() -> Fact:
    folder = cache_folder()
    fact = _free_space("cache", folder)
    if fact.verdict is Verdict.PROBLEM:
        advice = "set ZHIXING_CACHE to a folder that you may write in"
        return Fact(name="cache", found=fact.found, verdict=Verdict.PROBLEM, advice=advice)
    held = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    found = f"{fact.found}, {held / 2**20:.1f} MiB used"
    return Fact(name="cache", found=found, verdict=fact.verdict, advice=fact.advice)


def _torch() -> Iterator[Fact]:
    try:
        import torch
    except (ImportError, OSError) as error:
        advice = "pip install 'torch>=2.11,<2.14'"
        yield Fact(name="torch", found=str(error), verdict=Verdict.PROBLEM, advice=advice)
        return
    threads = f"{torch.get_num_threads()} threads"
    yield Fact(name="torch", found=f"{torch.__version__}, {threads}, {_accelerator()}")
    float32, bfloat16 = (_matmul_seconds(dtype) for dtype in ("float32", "bfloat16"))
    found = (
        f"bfloat16 {float32 / bfloat16:.1f} × as fast as float32 (multiplying 512 × 512 matrices)"
    )
    if bfloat16 < float32:
        yield Fact(name="precision", found=found)
    else:
        advice = "train in float32 here"
        yield Fact(name="precision", found=found, verdict=Verdict.NOTE, advice=advice)


def _accelerator() -> str:
    import torch

    if torch.cuda.is_available():
        return f"GPU {torch.cuda.get_device_name(0)}"
    return "Apple GPU" if torch.backends.mps.is_available() else "no GPU"


def _matmul_seconds(dtype: str) -> float:
    """The fastest of some multiplications of two 512 × 512 matrices on the CPU."""
    import torch

    a = torch.ones(512, 512, dtype=getattr(torch, dtype))
    return _fastest(lambda: a @ a)


def _fastest(work: Callable[[], object], *, times: int = 20) -> float:
    work()  # the first pays for set-up
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def _compiler() -> Fact:
    from zhixing.kernels import native

    reason = native.why_missing()
    if reason is None and native.library() is not None:
        return Fact(name="native code", found="compiled with this machine's C compiler")
    found = reason or "the C compiler could not build it"
    advice = "works without, more slowly; Debian, Ubuntu: apt install gcc"
    return Fact(name="native code", found=found, verdict=Verdict.NOTE, advice=advice)


def _energy() -> Fact:
    from zhixing.kernels.energy import EnergyMeter

    with EnergyMeter() as meter:
        pass
    if meter.is_measured:
        return Fact(name="energy", found="measured by the processor's counter")
    found = "no readable counter: joules are estimated, and say so"
    return Fact(name="energy", found=found, verdict=Verdict.NOTE)


def _programs() -> Fact:
    present = [name for name in ("git", "uv", "npm", "apt-get") if shutil.which(name)]
    return Fact(name="programs", found=" ".join(present) or "none of git, uv, npm, apt-get")


def _extras() -> Iterator[Fact]:
    """One fact per optional part of zhixing: all its libraries are there, or these are missing."""
    try:
        required = importlib.metadata.requires("zhixing") or []
    except importlib.metadata.PackageNotFoundError:
        advice = "pip install -e '.[all]'"
        found = "zhixing runs from a folder and is not installed"
        yield Fact(name="extras", found=found, verdict=Verdict.NOTE, advice=advice)
        return
    for extra, libraries in _libraries_of_extras(required).items():
        yield _extra(extra, libraries)


def _extra(extra: str, libraries: list[str]) -> Fact:
    name = f"extra {extra}" if extra else "libraries"
    missing = [library for library in libraries if not _is_installed(library)]
    if not missing:
        return Fact(name=name, found=f"complete ({len(libraries)})")
    if extra == "dev":
        return Fact(name=name, found="not installed (only for working on zhixing itself)")
    verdict = Verdict.NOTE if extra else Verdict.PROBLEM
    advice = f"pip install 'zhixing[{extra}]'" if extra else "pip install zhixing"
    return Fact(name=name, found=f"missing: {', '.join(missing)}", verdict=verdict, advice=advice)


def _libraries_of_extras(required: list[str]) -> dict[str, list[str]]:
    """`{"": ["numpy"], "data": ["ftfy"]}` from `numpy>=2` and `ftfy>=6; extra == "data"`."""
    extras: dict[str, list[str]] = {}
    for requirement in required:
        name = re.match(r"[\w.-]+", requirement)
        extra = re.search(r"extra\s*==\s*['\"](\w+)['\"]", requirement)
        if name and name.group() != "zhixing":
            extras.setdefault(extra.group(1) if extra else "", []).append(name.group())
    return extras


def _is_installed(library: str) -> bool:
    try:
        importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _package_index() -> Fact:
    command = [sys.executable, "-m", "pip", "index", "versions", "pip"]
    quick = ["--timeout", "5", "--retries", "0", "--disable-pip-version-check"]
    try:
        asked = subprocess.run(
            [*command, *quick], capture_output=True, text=True, timeout=20, check=False
        )
    except subprocess.TimeoutExpired:
        answer, is_reachable = "no answer within 20 s", False
    else:
        is_reachable = asked.returncode == 0
        answer = (
            "answers" if is_reachable else (asked.stderr.strip().splitlines() or ["failed"])[-1]
        )
    if is_reachable:
        return Fact(name="package index", found=answer)
    advice = "the quickstart goes on with English alone; behind a proxy, set PIP_INDEX_URL or HTTPS_PROXY"
    return Fact(name="package index", found=answer, verdict=Verdict.NOTE, advice=advice)
