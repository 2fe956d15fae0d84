import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from zhixing.core import files
from zhixing.core.errors import DataError, ZhixingError
from zhixing.core.files import (
    atomic_folder,
    atomic_open,
    decode_utf8,
    locked,
    new_folder,
    read_bytes,
    read_json,
    write_json,
    write_text,
)

DEAD_PROCESS = 2**22 + 1  # above the largest process number of Linux


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_a_failure_while_writing_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def write_half() -> None:
        with atomic_open(path) as file:
            file.write(b"half of the n")
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        write_half()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_keyboard_interrupt_while_writing_leaves_the_old_folder(tmp_path: Path) -> None:
    path = tmp_path / "model"
    with atomic_folder(path) as folder:
        write_text(folder / "deep/er/weights", "old")

    def interrupt() -> None:
        with atomic_folder(path) as folder:
            write_text(folder / "weights", "new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert (path / "deep/er/weights").read_text() == "old"
    assert names(tmp_path) == ["model"]


@pytest.mark.parametrize("can_exchange", [True, False])
def test_a_folder_is_replaced_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, can_exchange: bool
) -> None:
    if not can_exchange:
        monkeypatch.setattr(files, "_exchange", lambda one, other: False)
    path = tmp_path / "model"
    for text in ("old", "new"):
        with atomic_folder(path) as folder:
            write_text(folder / text, text)
    assert names(path) == ["new"]
    assert names(tmp_path) == ["model"]


def test_a_reader_never_misses_the_folder_while_it_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "model"
    with atomic_folder(path) as folder:
        write_text(folder / "weights", "0")
    watch = "import os, sys\nwhile not os.path.exists('stop'):\n os.stat('model/weights')"
    reader = subprocess.Popen([sys.executable, "-c", watch], cwd=tmp_path)
    for turn in range(50):
        with atomic_folder(path) as folder:
            write_text(folder / "weights", str(turn))
    (tmp_path / "stop").touch()
    assert reader.wait() == 0


def test_what_killed_writers_left_is_removed(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "x")
    (tmp_path / f".a.txt.{DEAD_PROCESS}.partial").write_text("x")
    (tmp_path / f".a.txt.{DEAD_PROCESS}.retired").mkdir()
    (tmp_path / f".a.txt.{os.getppid()}.partial").write_text("a living process")
    (tmp_path / f".b.txt.{DEAD_PROCESS}.partial").write_text("another file's")
    write_text(tmp_path / "a.txt", "y")
    assert names(tmp_path) == [
        f".a.txt.{os.getppid()}.partial",
        f".b.txt.{DEAD_PROCESS}.partial",
        "a.txt",
    ]


def test_a_folder_that_was_moved_aside_by_a_killed_writer_comes_back(tmp_path: Path) -> None:
    retired = tmp_path / f".model.{DEAD_PROCESS}.retired"
    retired.mkdir()
    (retired / "weights").write_text("last good")
    with pytest.raises(ValueError, match="stop"), atomic_folder(tmp_path / "model"):
        raise ValueError("stop")
    assert (tmp_path / "model/weights").read_text() == "last good"


def test_a_full_disk_is_said_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def no_space(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", no_space)
    with pytest.raises(ZhixingError, match=r"the disk is full while writing .*a\.txt.*MiB free"):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_device_that_is_really_full_is_said() -> None:
    with pytest.raises(OSError, match="No space left"), Path("/dev/full").open("wb", 0) as file:
        file.write(b"x")
    error = OSError(errno.ENOSPC, "No space left on device")
    assert "disk is full" in str(files.explained(error, Path("/dev/shm/missing/x")))


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ZhixingError, match="file is a file, not a folder"):
        write_text(tmp_path / "file/a.txt", "x")


def test_a_read_only_place_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(old: Path, new: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(old))

    monkeypatch.setattr(files.os, "replace", read_only)
    with pytest.raises(ZhixingError, match=r"Read-only file system.*choose another folder"):
        write_text(tmp_path / "a.txt", "x")


def test_an_error_of_reading_something_else_is_not_blamed_on_writing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_open(tmp_path / "out/a.txt"):
        (tmp_path / "source.txt").read_text()


def test_json_refuses_what_json_cannot_say(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", float("nan"))
    assert names(tmp_path) == []


def test_broken_json_names_the_file(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"名": [1, None]})
    assert read_json(tmp_path / "a.json") == {"名": [1, None]}
    (tmp_path / "a.json").write_text('{"名": [1, ')
    with pytest.raises(DataError, match=r"a\.json is not valid JSON .* truncated"):
        read_json(tmp_path / "a.json")
    with pytest.raises(DataError, match="does not exist"):
        read_json(tmp_path / "b.json")


def test_a_second_run_in_the_same_folder_is_refused_until_the_first_ends(tmp_path: Path) -> None:
    refused = pytest.raises(ZhixingError, match="another run is working in")
    with locked(tmp_path), refused, locked(tmp_path):
        pass
    with locked(tmp_path):
        pass


def test_a_killed_run_leaves_no_lock(tmp_path: Path) -> None:
    code = "import os, sys; from pathlib import Path; from zhixing.core.files import locked\n"
    code += "with locked(Path(sys.argv[1])): os.kill(os.getpid(), 9)"
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert killed.returncode == -9
    with locked(tmp_path):
        pass


def test_a_file_that_may_not_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(
        path: Path, mode: str
    ) -> None:  # the tests may run as a user who may read everything
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DataError, match=r"a\.txt cannot be read: Permission denied"):
        files.sha256_file(tmp_path / "a.txt")


@pytest.mark.parametrize("making", [locked, atomic_folder, new_folder])
def test_work_that_fails_leaves_no_new_folder_behind(
    tmp_path: Path, making: Callable[[Path], AbstractContextManager[object]]
) -> None:
    def fail(folder: Path) -> None:
        with making(folder):
            raise DataError("nothing to read")

    with pytest.raises(DataError, match="nothing to read"):
        fail(tmp_path / "runs" / "mine")
    assert names(tmp_path) == []
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    (tmp_path / "runs" / "mine" / "kept").write_text("earlier work")
    with pytest.raises(DataError, match="nothing to read"):
        fail(tmp_path / "runs" / "mine")
    assert (tmp_path / "runs" / "mine" / "kept").read_text() == "earlier work"


def test_hashes_do_not_depend_on_key_order_but_on_every_value(tmp_path: Path) -> None:
    assert files.sha256_json({"a": 1, "b": [2]}) == files.sha256_json({"b": [2], "a": 1})
    assert files.sha256_json({"a": 1, "b": [2]}) != files.sha256_json({"a": 1, "b": [3]})
    # The digest of "abc" in FIPS 180-4, appendix B.1.
    (tmp_path / "abc").write_text("abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert files.sha256_text("abc") == files.sha256_file(tmp_path / "abc") == known
    assert files.sha256_text("\ud800") != files.sha256_text("\ud801")


def test_text_that_cannot_be_read_is_named_with_what_to_do(tmp_path: Path) -> None:
    assert decode_utf8("\ufeff春".encode(), "a.txt") == "春"
    with pytest.raises(DataError, match=r"a\.txt is not UTF-8 text .* iconv"):
        decode_utf8("春".encode("gb18030"), "a.txt")
    with pytest.raises(DataError, match="iconv -f UTF-16 -t UTF-8"):
        decode_utf8("春".encode("utf-16"), "a.txt")
    with pytest.raises(DataError, match="it is binary"):
        decode_utf8(bytes(range(256)), "a.txt")
    with pytest.raises(DataError, match="cannot be read"):
        read_bytes(tmp_path)


def test_a_line_holds_any_text_that_json_can_hold_and_is_utf8() -> None:
    for value in ({"text": "知行"}, {"text": "知\ud800"}, ["\u2028\n"]):
        line = files.json_line(value)
        assert json.loads(line.decode("utf-8")) == value
        assert line.count(b"\n") == 1
    assert files.json_line("知行") == '"知行"\n'.encode()


def test_a_line_has_null_where_json_has_no_number(tmp_path: Path) -> None:
    value = {"a": [1.5, float("nan")], "b": {"c": (float("inf"), "NaN")}, "d": -float("inf")}
    expected = '{"a": [1.5, null], "b": {"c": [null, "NaN"]}, "d": null}\n'
    assert files.json_line(value) == expected.encode()
    assert files.json_line({"知": float("nan"), "half": "\ud800"}).isascii()
    files.write_json_lines(tmp_path / "a.jsonl", [value, value])
    assert (tmp_path / "a.jsonl").read_text() == expected * 2
