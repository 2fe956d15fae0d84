"""`zhixing apply`: every task, order, resumption to the byte, wrong rows, wrong use, flat memory; and its page runs."""

import gzip
import io
import json
import os
import pty
import resource
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

import zhixing
from tests.house.markdown import blocks
from tests.house.test_readme import _environment_with_zhixing
from tests.house.tree import ROOT
from tests.tiny import tiny_model, tiny_tokenizer
from tests.trained import TIME, rows, train, write_rows
from zhixing.checkpoint.folder import ModelInfo, save_model
from zhixing.cli import apply_tasks, main
from zhixing.cli.apply_lines import Output, answered, measure
from zhixing.cli.apply_tasks import TASKS
from zhixing.core.errors import DataError, ZhixingError

TEXTS = ["Otto Lind went to Rome", "李娜去了北京", "Anna", "王明", "it rains", "下雨了", "Rome"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("apply")


@pytest.fixture(scope="module")
def folder(place: Path) -> Callable[[str, str], Path]:
    made: dict[tuple[str, str], Path] = {}

    def opened(kind: str, model: str = "encoder") -> Path:
        if (kind, model) not in made:
            made[kind, model] = train(place, kind, model, steps=20)
        return made[kind, model]

    return opened


Folder = Callable[..., Path]


def run(*words: object) -> int:
    return main(["apply", *map(str, words), "--log", "none"])


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def write(file: Path, *given: dict[str, Any]) -> Path:
    write_rows(file, given)
    return file


@pytest.fixture
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, task in TASKS.items():
        monkeypatch.setitem(TASKS, name, replace(task, together=3))  # type: ignore[attr-defined]


def test_every_row_is_answered_in_order_as_the_library_answers(
    folder: Folder, tmp_path: Path
) -> None:
    out = tmp_path / "out.jsonl"
    path, model = folder("classify"), zhixing.load(folder("classify"))
    given = write(tmp_path / "in.jsonl", *({"id": n, "text": t} for n, t in enumerate(TEXTS)))
    assert run(path, given, "--task", "classify", "--out", out, "--keep", "id") == 0
    expected = [asdict(each) for each in model.classify(TEXTS)]
    assert lines(out) == [{"input": {"id": n}, **each} for n, each in enumerate(expected)]

    pairs = [{"a": row["text1"], "b": row["text2"]} for row in rows("regress")]
    given = write(tmp_path / "pairs.jsonl", *pairs)
    path = folder("regress")
    named = ("--text1", "a", "--text2", "b", "--fresh")
    assert run(path, given, "--task", "regress", "--out", out, *named) == 0
    values = zhixing.load(path).regress([(row["a"], row["b"]) for row in pairs])
    assert [line["label"] for line in lines(out)] == values


def test_tags_answers_orders_and_vectors(
    folder: Folder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.jsonl"
    tagged = write(tmp_path / "t.jsonl", {"tokens": ["Otto", "went"]}, {"text": "王明去了北京。"})
    assert run(folder("tag"), tagged, "--task", "tag", "--out", out) == 0
    assert run(folder("tag"), tagged, "--task", "tag", "--cut") == 3
    assert "--cut would do nothing: without a predicate" in capsys.readouterr().err
    found = zhixing.load(folder("tag")).tag([["Otto", "went"], "王明去了北京。"])
    for line, each in zip(lines(out), found, strict=True):
        assert line["tags"] == [word.tag for word in each.words]
        assert line["spans"] == [asdict(span) for span in each.spans]
        assert all(line["text"][s["start"] : s["end"]] == s["text"] for s in line["words"])
    asked = write(tmp_path / "q.jsonl", *rows("span"))
    assert run(folder("span"), asked, "--task", "answer", "--out", out, "--fresh") == 0
    pairs = [(row["question"], row["context"]) for row in rows("span")]
    assert lines(out) == [asdict(each) for each in zhixing.load(folder("span")).answers(pairs)]
    listed = write(tmp_path / "r.jsonl", *rows("rank"))
    assert run(folder("rank"), listed, "--task", "rank", "--out", out, "--fresh") == 0
    ranker = zhixing.load(folder("rank"))
    for line, row in zip(lines(out), rows("rank"), strict=True):
        ranked = ranker.rank(row["query"], row["texts"])
        assert line["ranked"] == [each.index for each in ranked]
        assert line["scores"] == [each.score for each in ranked]
    texts = write(tmp_path / "e.jsonl", *({"text": text} for text in TEXTS))
    assert run(folder("similar"), texts, "--task", "embed", "--out", out, "--fresh") == 0
    vectors = zhixing.load(folder("similar")).embed(TEXTS)
    assert [line["vector"] for line in lines(out)] == [
        pytest.approx(vector.tolist(), abs=1e-7) for vector in vectors
    ]


def test_texts_are_continued_and_translated(folder: Folder, tmp_path: Path) -> None:
    save_model(tmp_path / "lm", tiny_model("lstm"), tiny_tokenizer(), info=ModelInfo())
    given, out = write(tmp_path / "in.jsonl", {"text": "the fox"}, {"text": ""}), tmp_path / "out"
    words = ("--max-tokens", 6, "--seed", 3, "--temperature", 0.5, "--out", out)
    assert run(tmp_path / "lm", given, "--task", "generate", *words) == 0
    model = zhixing.load(tmp_path / "lm")
    for line, prompt in zip(lines(out), ("the fox", ""), strict=True):
        made = model.generate(prompt, max_tokens=6, seed=3, temperature=0.5)
        assert line == {"text": made.text, "finish": made.finish}
    pairs = [{"src": "fox", "tgt": "狐狸"}, {"src": "dog", "tgt": "狗"}] * 4
    write_rows(tmp_path / "pairs.jsonl", pairs)
    recipe = tmp_path / "r.toml"
    recipe.write_text(
        'name = "w"\nsamples = []\ntokenizer_text = "examples"\n[tokenizer]\nvocab = 300\n[data]\ntime = 16\n'
        '[model]\nkind = "seq2seq"\nembedding = 16\nwidth = 16\n[objective]\nkind = "seq2seq"\n'
        f'examples = {{ train = "{tmp_path / "pairs.jsonl"}" }}\n'
        '[train]\nsteps = 5\nbatch_tokens = 128\nprecision = "float32"\n'
    )
    assert main(["train", str(recipe), "--out", str(tmp_path / "w"), "--log", "none"]) == 0
    sources = write(tmp_path / "sources.jsonl", {"text": "the fox"}, {"text": "dog"})
    for task in ("translate", "summarise"):
        assert run(tmp_path / "w", sources, "--task", task, "--out", out, "--fresh") == 0
        assert [line["text"] for line in lines(out)] == zhixing.load(tmp_path / "w").translate(
            ["the fox", "dog"]
        )


@pytest.mark.parametrize("form", ["txt", "txt.gz", "pipe of texts", "pipe of rows"])
def test_a_line_of_a_text_file_or_a_pipe_is_a_row(
    folder: Folder, tmp_path: Path, form: str,
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes],
) -> None:  # fmt: skip
    path = folder("classify", "cnn")
    expected = [asdict(each) for each in zhixing.load(path).classify(TEXTS)]
    capsysbinary.readouterr()  # of the training
    content = "\r\n".join(TEXTS).encode()
    file = tmp_path / f"in.{form}"
    if form == "txt.gz":
        content = gzip.compress(content)
    if form.startswith("pipe"):
        if form == "pipe of rows":
            content = b"".join(json.dumps({"text": text}).encode() + b"\n\n" for text in TEXTS)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        assert run(path, "--task", "classify") == 0
    else:
        file.write_bytes(content)
        assert run(path, file, "--task", "classify") == 0
    out = capsysbinary.readouterr().out.decode().splitlines()
    assert [json.loads(line) for line in out] == expected


@pytest.mark.usefixtures("small_groups")
def test_a_run_that_was_stopped_anywhere_ends_with_the_same_bytes(
    folder: Folder, tmp_path: Path
) -> None:
    given = write(tmp_path / "in.jsonl", *({"text": text} for text in [*TEXTS, "", *TEXTS[::-1]]))
    out = tmp_path / "out.jsonl"
    words = (folder("classify"), given, "--task", "classify", "--on-error", "record", "--out", out)
    assert run(*words) == 0
    whole = out.read_bytes()
    assert whole.count(b"\n") == 2 * len(TEXTS) + 1
    ends = [n + 1 for n, byte in enumerate(whole) if byte == ord("\n")]
    for size in (0, 1, ends[0], ends[0] + 5, ends[2], ends[3], ends[8] - 1, len(whole)):
        out.write_bytes(whole[:size])
        assert run(*words, "--resume") == 0
        assert out.read_bytes() == whole, f"stopped after {size} bytes"


@pytest.mark.usefixtures("small_groups")
def test_ctrl_c_writes_what_is_at_work_and_says_how_to_go_on(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    given = write(tmp_path / "in.jsonl", *({"text": text} for text in TEXTS * 3))
    words = (folder("classify"), given, "--task", "classify")
    assert run(*words, "--out", tmp_path / "whole") == 0
    task = TASKS["classify"]
    calls = []

    def interrupted(model: Any, given: Sequence[Any], how: Any) -> list[Any]:
        calls.append(len(given))
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return task.answer(model, given, how)

    out = tmp_path / "out"
    monkeypatch.setitem(TASKS, "classify", replace(task, answer=interrupted))  # type: ignore[attr-defined]
    assert run(*words, "--out", out) == 130
    assert "stopped by SIGINT after 9 rows" in capsys.readouterr().err
    assert len(lines(out)) == 9
    assert run(*words, "--out", out, "--resume", "--json") == 0
    assert out.read_bytes() == (tmp_path / "whole").read_bytes()
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["rows"], told["errors"], told["task"]) == (21, 0, "classify")


def test_only_the_same_work_is_continued(
    folder: Folder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = write(tmp_path / "in.jsonl", {"text": "a", "body": "b"})
    path, out = folder("classify"), tmp_path / "out"
    words = (path, given, "--task", "classify", "--out", out)
    assert run(*words) == 0

    def refused(*words: object) -> str:
        assert run(*words) == 3
        return capsys.readouterr().err

    assert "--resume continues it, --fresh begins again" in refused(*words)
    other = (folder("classify", "cnn"), given, "--task", "classify", "--out", out)
    assert "another model" in refused(*other, "--resume")
    assert "another task or option" in refused(*words, "--text", "body", "--resume")
    write(given, {"text": "a", "body": "b"}, {"text": "c"})
    assert "another input" in refused(*words, "--resume")
    (tmp_path / "out.made_from.json").unlink()
    assert "out.made_from.json" in refused(*words, "--resume")
    assert "give one of them" in refused(*words, "--resume", "--fresh")
    assert run(*words, "--fresh") == 0
    assert len(lines(out)) == 2


def test_a_row_that_cannot_be_answered_stops_the_run_or_is_recorded(
    folder: Folder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = tmp_path / "in.jsonl"
    long = json.dumps({"text": "Rome " * 90})
    bad = [
        '{"body": "b", "id": 7}',
        "{broken",
        "[1]",
        '{"text": 5}',
        '{"text": null}',
        '{"text": ""}',
        long,
    ]
    good = '{"text": "Anna"}'
    path, out = folder("classify"), tmp_path / "out"
    words = (path, given, "--task", "classify", "--out", out, "--fresh")
    said = [
        "there is no field 'text' or 'text1' and 'text2'; the fields there are body, id: name the right one, such as "
        "--text NAME",
        "this is no JSON",
        "this is no JSON object",
        "the field 'text' is 5, which is not a text",
        "the field 'text' is null, which is not a text",
        "the text is empty",
        f"more than the {TIME}",
    ]
    for line, message in zip(bad, said, strict=True):
        given.write_text(f"{good}\n\n{line}\n{good}\n", "utf-8")
        assert run(*words) == 1
        assert f"{given}:3: " in (error := capsys.readouterr().err)
        assert message in error
        assert "texts[" not in error, "the line says which text it is"
        assert len(lines(out)) == 1, "what stands before is written"
    given.write_text("\n".join([good, *bad, good]) + "\n", "utf-8")
    assert run(*words, "--on-error", "record", "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["errors"] == len(bad)
    made = lines(out)
    assert [line.get("line") for line in made] == [None, *range(2, len(bad) + 2), None]
    for line, message in zip(made[1:-1], said, strict=True):
        assert message in line["error"]
    assert made[0]["scores"] == pytest.approx(made[-1]["scores"], abs=1e-5)
    assert run(*words, "--cut", "--on-error", "record") == 0
    assert "label" in lines(out)[-2]
    assert run(*words, "--keep", "id") == 1
    assert "no field 'id' to keep" in capsys.readouterr().err


def test_a_run_that_wrote_nothing_is_begun_again(folder: Folder, tmp_path: Path) -> None:
    given, out = write(tmp_path / "in.jsonl", {"src": "王明"}), tmp_path / "o.jsonl"
    words = (folder("classify"), given, "--task", "classify", "--out", out)
    assert run(*words) == 1
    assert out.read_bytes() == b""
    assert run(*words, "--text", "src") == 0
    assert run(*words, "--text", "src") == 3


def test_texts_of_which_the_tokenizer_knows_little_are_told(
    folder: Folder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made, given = tmp_path / "plain", tmp_path / "in.jsonl"
    rows_of_letters = [{"text": letter * 4, "label": letter} for letter in "abab"]
    write_rows(tmp_path / "letters.jsonl", rows_of_letters)
    recipe = tmp_path / "r.toml"
    recipe.write_text(
        'name = "w"\nsamples = []\ntokenizer_text = "examples"\n[tokenizer]\nkind = "words"\nvocab = 16\n[data]\n'
        'time = 16\n[model]\nkind = "bag"\nlabels = 2\nembedding = 8\n[objective]\nkind = "classify"\n'
        f'examples = {{ train = "{tmp_path / "letters.jsonl"}" }}\n'
        '[train]\nsteps = 2\nbatch_tokens = 64\nprecision = "float32"\n'
    )
    assert main(["train", str(recipe), "--out", str(made), "--log", "none"]) == 0
    model = zhixing.load(made)
    for text, is_known in (("aaaa", True), ("北京上海", False)):
        given.write_text(f'{{"text": "{text}"}}\n{{"text": "\\ud83d"}}\n', "utf-8")
        words = ["apply", str(made), str(given), "--task", "classify", "--on-error", "record"]
        assert main([*words, "--json", "--log", "plain"]) == 0
        captured = capsys.readouterr()
        count = len(model.tokenizer.encode_text(text))
        unknown = 0 if is_known else count
        assert json.loads(captured.out.splitlines()[-1])["unknown_tokens"] == unknown
        assert (f"note: {count} of {count} tokens are unknown" in captured.err) != is_known


def test_a_line_that_is_typed_is_answered_at_once_and_a_stop_ends(folder: Folder) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "zhixing", "apply", str(folder("classify")), "--task", "classify"],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.write(ours, b"Anna\n")
    assert process.stdout is not None
    assert "label" in json.loads(process.stdout.readline())
    process.send_signal(signal.SIGTERM)  # as Ctrl-C, and never ignored
    _, told = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 130
    assert told.endswith("zhixing: interrupted\n")


def test_answers_on_a_terminal_are_not_mixed_with_a_bar(folder: Folder, tmp_path: Path) -> None:
    given, (ours, theirs) = write(tmp_path / "in.jsonl", {"text": "Anna"}), pty.openpty()
    words = ["apply", str(folder("classify")), str(given), "--task", "classify"]
    process = subprocess.Popen(
        [sys.executable, "-m", "zhixing", *words],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm"},
    )
    os.close(theirs)
    shown = b""
    with suppress(OSError):  # so a terminal tells that nobody writes to it any more
        while piece := os.read(ours, 1 << 16):
            shown += piece
    os.close(ours)
    assert process.wait(60) == 0
    (answer,) = (line for line in shown.decode().splitlines() if '"label"' in line)
    assert "label" in json.loads(answer)


def test_piped_bytes_that_are_no_text_are_told_with_what_to_do(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    content = io.BytesIO("Anna\n春\n".encode("gb18030"))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(content))
    assert run(folder("classify"), "--task", "classify") == 1
    told = capsys.readouterr().err
    assert "standard input:2 is not UTF-8 text; convert it first, such as with iconv" in told


def test_a_wrong_row_costs_its_neighbours_nothing() -> None:
    asked: list[int] = []

    def answer(given: Sequence[int]) -> list[int]:
        asked.append(len(given))
        if 13 in given:
            raise DataError("unlucky")
        return [2 * number for number in given]

    found = answered(range(64), answer)
    assert [n for n, each in enumerate(found) if isinstance(each, ZhixingError)] == [13]
    assert [each for each in found if not isinstance(each, ZhixingError)] == [
        2 * n for n in range(64) if n != 13
    ]
    assert len(asked) <= 13


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("in.jsonl", "--task", "tag"), 1, "cannot tag; tag needs"),
        (("in.jsonl", "--task", "sing"), 3, ""),
        (("gone.jsonl", "--task", "classify"), 1, "there is no file"),
        (("pipe", "--task", "classify"), 1, "to read standard input, leave it out"),
        (("folder", "--task", "classify"), 1, "folder is a folder; give one jsonl or txt file"),
        (("in.csv", "--task", "classify"), 3, "type: zhixing data convert in.csv --out in.jsonl"),
        (("in.jsonl", "--task", "classify", "--out", "folder", "--fresh"), 3, "folder is a folder"),
        (
            ("in.jsonl", "--task", "classify", "--out", "pipe", "--fresh"),
            3,
            "pipe is a device or a pipe",
        ),
        (("in.txt", "--task", "answer"), 3, "reads the fields question, context"),
        (("in.txt", "--task", "classify", "--keep", "id"), 3, "no fields to name or keep"),
        (("in.jsonl", "--task", "classify", "--query", "q"), 3, "--query would do nothing"),
        (("in.jsonl", "--task", "classify", "--max-tokens", "5"), 3, "--max-tokens would do"),
        (("in.jsonl", "--task", "classify", "--temperature", "0"), 3, "--temperature would do"),
        (("in.jsonl", "--task", "generate", "--max-tokens", "0"), 3, "max_tokens = 0: must be"),
        (("in.jsonl", "--task", "chat", "--top-p", "2"), 3, "top_p = 2.0: must be"),
        (("in.jsonl", "--task", "answer", "--cut"), 3, "--cut would do nothing for task answer"),
        (("in.jsonl", "--task", "classify", "--resume"), 3, "--out NAME"),
        (("--task", "classify", "--out", "o", "--resume"), 3, "standard input cannot be continued"),
    ],
)
def test_wrong_use_is_refused_by_name(
    folder: Folder, tmp_path: Path, words: tuple[str, ...], code: int, said: str,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    os.mkfifo("pipe")
    for name in ("in.jsonl", "in.txt", "in.csv"):
        Path(name).write_text('{"text": "a"}\n')
    assert run(folder("classify"), *words) == code
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("name", ["in.jsonl", "./in.jsonl", "link.jsonl"])
def test_answers_never_replace_the_questions(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in.jsonl").write_text('{"text": "a"}\n')
    Path("link.jsonl").symlink_to("in.jsonl")
    assert run("a-model", "in.jsonl", "--task", "classify", "--out", name, "--fresh") == 3
    assert f"--out {Path(name)} is a file that is read" in capsys.readouterr().err
    assert Path("in.jsonl").read_text() == '{"text": "a"}\n'


@pytest.mark.parametrize("option", ["documents", "items"])
def test_answers_never_replace_what_they_are_chosen_from(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in.jsonl").write_text('{"text": "a", "history": []}\n')
    (chosen := tmp_path / "x.jsonl").write_text("{}\n")
    task = {"documents": "search", "items": "recommend"}[option]
    words = ("a-model", tmp_path / "in.jsonl", "--task", task, f"--{option}", chosen)
    assert run(*words, "--out", chosen, "--fresh") == 3
    assert "is a file that is read" in capsys.readouterr().err
    assert chosen.read_text() == "{}\n"


def test_a_place_that_cannot_be_written_is_told_before_the_model_is_opened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("in.jsonl", "file"):
        (tmp_path / name).write_text('{"text": "a"}\n')
    words = ["apply", str(tmp_path / "no-model"), str(tmp_path / "in.jsonl"), "--task", "classify"]
    assert main([*words, "--out", str(tmp_path / "file" / "out.jsonl"), "--log", "plain"]) == 1
    told = capsys.readouterr().err
    assert f"{tmp_path / 'file'} is a file, not a folder" in told
    assert "opening" not in told


def test_no_file_of_answers_is_left_without_its_stamp(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    (tmp_path / "out.jsonl.made_from.json" / "in the way").mkdir(parents=True)
    for content in (None, b"old\n"):
        if content:
            path.write_bytes(content)
        with pytest.raises(ZhixingError):
            Output(path, {"input": "a"}).begin(resume=False, fresh=True)
        assert not path.exists() or path.read_bytes() == b""


def test_no_device_is_taken_for_a_file(
    folder: Folder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = tmp_path / "in.jsonl"
    given.write_text('{"text": "Anna"}\n')
    words = (folder("classify"), given, "--task", "classify", "--out", "/dev/full", "--fresh")
    assert run(*words) == 3
    assert "/dev/full is a device or a pipe and no file" in capsys.readouterr().err
    assert not Path("/dev/full.made_from.json").exists()


def test_a_full_disk_keeps_what_is_written_and_says_how_to_go_on(
    folder: Folder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given, out, whole = tmp_path / "in.jsonl", tmp_path / "out", tmp_path / "whole"
    write(given, *({"text": f"Anna {n}"} for n in range(600)))
    words = (folder("classify"), given, "--task", "classify", "--out")
    assert run(*words, whole) == 0
    limit, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (whole.stat().st_size * 2 // 3, _))
    monkeypatch.setattr(signal, "SIGXFSZ", signal.SIGXFSZ)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        assert run(*words, out) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, _))
        signal.signal(signal.SIGXFSZ, before)
    told = capsys.readouterr().err
    assert f"{out} could not be written: File too large; to continue, type the same" in told
    assert out.stat().st_size > 0
    assert run(*words, out, "--resume") == 0
    assert out.read_bytes() == whole.read_bytes()


def test_bytes_that_are_no_text_are_named(
    folder: Folder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = tmp_path / "in.jsonl"
    given.write_bytes('{"text": "北京"}\n'.encode() * 50 + b'{"text": "\xff\xfe"}\n')
    assert run(folder("classify"), given, "--task", "classify", "--out", tmp_path / "o") == 1
    assert f"{given}:51 has bytes that are no utf-8 text" in capsys.readouterr().err


@pytest.mark.parametrize("is_piped", [False, True])
def test_a_line_without_end_is_refused(
    is_piped: bool, folder: Folder, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr("zhixing.corpus.table_rows.MAX_RECORD_CHARACTERS", 100)
    monkeypatch.setattr("zhixing.cli.apply.MAX_RECORD_CHARACTERS", 100)
    content = b'{"text": "a"}\n' + b"x" * 1000
    given = tmp_path / "in.jsonl"
    given.write_bytes(content)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    words = () if is_piped else (given,)
    assert run(folder("classify"), *words, "--task", "classify", "--out", tmp_path / "o") == 1
    assert "more than 100" in capsys.readouterr().err


def test_memory_does_not_grow_with_the_file(folder: Folder, tmp_path: Path) -> None:
    path = folder("classify", "cnn")
    peaks = []
    for count in (600, 2400):
        file, out = tmp_path / f"{count}.jsonl", tmp_path / f"{count}.out"
        write(file, *({"text": "Anna", "more": "x" * 2000} for _ in range(count)))
        assert measure(file).lines == count
        tracemalloc.start()
        assert run(path, file, "--task", "classify", "--out", out) == 0
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert len(lines(out)) == count
    assert peaks[1] < peaks[0] + 300_000, "the larger file has 3,600,000 bytes more"


def test_every_task_of_the_command_is_one_it_knows() -> None:
    from typing import get_args

    from zhixing.cli.apply import TaskName

    assert get_args(TaskName) == tuple(TASKS)
    assert apply_tasks.__doc__ is not None
    assert all(name in apply_tasks.__doc__ for name in TASKS)


PAGES = [ROOT / f"docs/{language}/apply.md" for language in ("en", "zh")]


def test_the_commands_of_the_page_run_as_they_stand(tmp_path: Path) -> None:
    shown = [block for block in blocks(PAGES[0]) if not block.heavy]
    programs = {"bash": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}
    said, environment = "", _environment_with_zhixing(tmp_path)
    for block in shown:
        if block.language not in programs:
            continue
        ran = subprocess.run(
            [*programs[block.language], block.body],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout[-1000:] + ran.stderr[-3000:]
        said += ran.stdout
    assert "accuracy" in said
    made = lines(tmp_path / "mail-labels.jsonl")
    assert [set(line) >= {"label", "input"} for line in made] == [True, False, True]
    assert made[1]["line"] == 2


def test_both_pages_show_the_same_commands() -> None:
    english, chinese = ([b.body for b in blocks(page) if b.language != "python"] for page in PAGES)
    assert english == chinese
