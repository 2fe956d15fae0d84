"""Files become documents, whatever their format, packing and encoding; what is broken is named."""

import csv
import errno
import gzip
import json
import os
import random
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard

from zhixing.core.config import merge_overrides
from zhixing.core.errors import DataError
from zhixing.corpus.config import CorpusConfig, SourceConfig
from zhixing.corpus.document import Document
from zhixing.corpus.encoding import TextFile, detect_encoding
from zhixing.corpus.files import find_files
from zhixing.corpus.raw import pieces_of_file
from zhixing.corpus.readers import Reading, read_file
from zhixing.corpus.store import Dropped
from zhixing.corpus.table_rows import TABLES

CHINESE = "人民的生活一天比一天好，这是我们大家都看得见的事实。" * 20
TRADITIONAL = "人民的生活一天比一天好，這是我們大家都看得見的事實。" * 20
ENGLISH = "The quick brown fox jumps over the lazy dog, and nobody minds.\n" * 20


def reading(path: Path, **settings: object) -> Reading:
    source = SourceConfig.model_validate({"name": "mine", "path": str(path), **settings})
    config = CorpusConfig(sources=(source,), max_characters=1000)
    return Reading(path=path, name=path.name, source=source, config=config)


def texts(path: Path, **settings: object) -> list[str]:
    return [raw.text for raw in read_file(reading(path, **settings)) if isinstance(raw, Document)]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", CHINESE),
        ("utf-8-sig", CHINESE),
        ("utf-16", CHINESE),
        ("utf-32", CHINESE),
        ("gb18030", CHINESE),
        ("big5", TRADITIONAL),
        ("utf-8", ENGLISH),
        ("latin-1", "Le café était fermé à Genève, mais la façade était éclairée. " * 9),
    ],
)
def test_the_encoding_of_a_text_is_found(tmp_path: Path, encoding: str, text: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode(encoding))
    assert "".join(TextFile(path=path).pieces()) == text


@pytest.mark.parametrize("encoding", ["gb18030", "big5"])
def test_chinese_without_common_characters_is_never_read_as_latin(
    tmp_path: Path, encoding: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("text,label\nsnow and frost,good\n雪冰霜雨雲,good\n".encode(encoding))
    with pytest.raises(DataError, match=r"the encoding of .*a\.csv is not recognised; save it as UTF-8"):  # fmt: skip
        "".join(TextFile(path=path).pieces())


def test_a_multibyte_character_cut_by_the_sample_is_not_damage(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("a" + "语" * 200_000, "utf-8")
    file = TextFile(path=path)
    assert "".join(file.pieces()) == "a" + "语" * 200_000
    assert file.num_replaced == 0


@pytest.mark.parametrize(
    "content",
    [b"\x89PNG\r\n\x1a\n\0\0\0", b"%PDF\x01\x02\x03\x04", random.Random(1).randbytes(9999)],
)
def test_a_binary_file_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DataError, match=r"a\.txt is not text"):
        detect_encoding(content, tmp_path / "a.txt")


def test_invalid_utf8_is_replaced_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    half = CHINESE[:400].encode()
    path.write_bytes(half + b"\xff\xfe" + half)
    this = reading(path, documents="line")
    (document,) = read_file(this)
    assert isinstance(document, Document)
    assert document.text.count("\ufffd") == 2
    assert "2 places" in this.notes[0]


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [("utf-8", "gb18030", "line 1 is UTF-8 and line 41"), ("gb18030", "utf-8", "line 41 is UTF-8 and line 1"),
     ("utf-8", "big5", "line 1 is UTF-8 and line 41"), ("big5", "utf-8", "line 41 is UTF-8 and line 1")],
)  # fmt: skip
@pytest.mark.parametrize("times", [1, 200])
def test_a_file_of_two_encodings_is_refused_and_not_read_as_one_of_them(
    tmp_path: Path, one: str, other: str, told: str, times: int
) -> None:
    def written(encoding: str, count: int) -> bytes:
        text = TRADITIONAL if "big5" in (one, other) else CHINESE
        return f"{text}\n".encode(encoding) * count

    path = tmp_path / "a.txt"
    path.write_bytes(written(one, 40) + written(other, 40) * times)
    with pytest.raises(DataError, match=rf"a\.txt mixes encodings: {told} is not; save all of it"):
        list(TextFile(path=path).pieces())


def test_short_words_that_could_be_utf8_too_are_no_mixture(tmp_path: Path) -> None:
    text = f"联\n{CHINESE}\n联通\nabc\n" * 30
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode("gb18030"))
    assert "".join(TextFile(path=path).pieces()) == text


def test_examples_with_bytes_that_are_no_text_are_refused_by_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    row = json.dumps({"text": CHINESE}, ensure_ascii=False).encode()
    path.write_bytes((row + b"\n") * 900 + b'{"text": "\xba\xc3"}\n' + row)
    with pytest.raises(DataError, match=r"a\.jsonl:901 has bytes that are no utf-8 text"):
        list(TABLES[".jsonl"](path))


@pytest.mark.parametrize("packing", ["", ".gz", ".zst"])
def test_every_packing_gives_the_same_text(tmp_path: Path, packing: str) -> None:
    content = ENGLISH.encode()
    packed = {"": content, ".gz": gzip.compress(content), ".zst": zstandard.compress(content)}
    path = tmp_path / f"a.txt{packing}"
    path.write_bytes(packed[packing])
    assert "".join(texts(path)).split() == ENGLISH.split()


def test_gzip_files_glued_together_are_one_text(tmp_path: Path) -> None:
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(b"one ") + gzip.compress(b"two"))
    assert texts(path) == ["one two"]


@pytest.mark.parametrize("packing", [".gz", ".zst"])
def test_a_packed_file_cut_short_is_an_error(tmp_path: Path, packing: str) -> None:
    content = random.Random(2).randbytes(5000).hex().encode()
    packed = gzip.compress(content) if packing == ".gz" else zstandard.compress(content)
    path = tmp_path / f"a.txt{packing}"
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(DataError, match="cut short"):
        list(pieces_of_file(path))


@pytest.mark.parametrize(("name", "limit"), [("a.txt.gz", 1 << 21), ("a.txt.zst", 1 << 25)])
def test_a_small_file_that_unpacks_to_much_comes_in_pieces(
    tmp_path: Path, name: str, limit: int
) -> None:
    size = 1 << 26
    pack = gzip.compress if name.endswith(".gz") else zstandard.ZstdCompressor().compress
    (tmp_path / name).write_bytes(pack(b"a" * size))
    assert (tmp_path / name).stat().st_size < size / 900
    lengths = [len(piece) for piece in pieces_of_file(tmp_path / name)]
    assert sum(lengths) == size
    assert max(lengths) <= limit


def test_a_file_that_shrinks_while_read_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"word " * 400_000)
    content = pieces_of_file(path)
    next(content)
    os.truncate(path, 300_000)
    with pytest.raises(DataError, match="changed while it was read"):
        list(content)


def test_a_long_line_is_cut_into_documents_that_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("话" * 123_456, "utf-8")
    this = reading(path)
    found = [raw.text for raw in read_file(this) if isinstance(raw, Document)]
    assert max(map(len, found)) <= 1000
    assert sum(map(len, found)) == 123_456
    assert "124 documents" in this.notes[0]


def test_a_text_is_cut_at_the_end_of_a_paragraph_when_there_is_one(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(("word " * 130).strip() + "\n\n" + "more " * 130, "utf-8")
    first, second = texts(path)
    assert first.split() == ["word"] * 130
    assert second.split() == ["more"] * 130


def test_documents_can_be_lines_or_paragraphs(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"  one\r\ntwo\r\n\r\nthree\n")
    assert texts(path, documents="line") == ["  one", "two", "three"]
    assert texts(path, documents="paragraph") == ["  one\ntwo", "three"]


def test_identities_say_the_line(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("\none\n\nthree\nfour\n")
    assert [raw.id for raw in read_file(reading(path, documents="paragraph"))] == [
        "a.txt:2",
        "a.txt:4",
    ]


def test_markdown_loses_its_head_of_settings(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("---\ntitle: x\n---\n# Heading\n\nWords.\n")
    assert texts(path) == ["# Heading\n\nWords.\n"]


@pytest.mark.parametrize("text", [ENGLISH.strip(), CHINESE])
def test_html_gives_its_main_text_without_markup(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.html"
    path.write_text(
        "<html><head><title>t</title><script>var x=1;</script></head><body><nav><a href='/'>Home</a>"
        f"</nav><article><h1>Title</h1><p>{text}</p></article><footer>©</footer></body></html>",
        "utf-8",
    )
    (found,) = texts(path)
    assert text.split()[0] in found
    assert "<" not in found
    assert "var x" not in found


def test_jsonl_reads_the_named_key(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"body": "one"}\n\n{"body": "二"}\n', "utf-8")
    assert texts(path, text="body") == ["one", "二"]


def test_a_broken_jsonl_line_is_recorded_with_reason_and_number(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = [json.dumps({"text": f"line {number}"}) for number in range(30)]
    lines[4] = '{"text": "cut'
    lines[9] = '{"text": null}'
    path.write_text("\n".join(lines))
    broken = [raw for raw in read_file(reading(path)) if isinstance(raw, Dropped)]
    assert [(raw.id, raw.reason) for raw in broken] == [
        ("a.jsonl:5", "broken_line"),
        ("a.jsonl:10", "no_text"),
    ]


def test_too_many_broken_lines_refuse_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "good"}\n{bad\n')
    with pytest.raises(DataError, match=r"1 of 2 lines.*max_broken_ratio = 0.1.*line 2"):
        list(read_file(reading(path)))


def test_a_jsonl_line_that_is_too_long_is_skipped_and_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zhixing.corpus.readers.MAX_RECORD_CHARACTERS", 1000)
    path = tmp_path / "a.jsonl"
    good = '{"text": "good"}\n' * 20
    path.write_text(good + json.dumps({"text": "x" * 700_000}) + "\n" + good)
    found = list(read_file(reading(path)))
    assert [raw.reason for raw in found if isinstance(raw, Dropped)] == ["line_too_long"]
    assert sum(isinstance(raw, Document) for raw in found) == 40


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.tsv", "a.parquet", "a.parquet.zst"])
def test_a_missing_column_names_the_columns_there_are(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write_table(path, {"title": ["x"], "body": ["y"]})
    with pytest.raises(DataError, match=r"no column or key 'text'; it has 'title', 'body'"):
        list(read_file(reading(path)))


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.parquet"])
def test_what_a_missing_column_tells_to_type_works(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "it's 我的"
    folder.mkdir()
    write_table(folder / name, {"title": ["x"], "body": ["a longer text"]})
    other = {
        "name": "other",
        "path": "https://example.org/other.txt",
        "documents": "line",
        "optional": True,
    }
    mine = {"name": "mine", "path": str(folder / name), "language": "en"}
    config = CorpusConfig.model_validate({"sources": [other, mine]})
    begun = Reading(path=folder / name, name=name, source=config.sources[1], config=config)
    with pytest.raises(DataError, match="'body' it seems") as error:
        list(read_file(begun))
    typed = shlex.split(str(error.value)[str(error.value).index("--set ") :])
    table = merge_overrides({"corpus": config.model_dump(exclude_unset=True)}, [typed[1]])
    told = CorpusConfig.model_validate(table["corpus"])
    assert told.sources == (
        config.sources[0],
        SourceConfig.model_validate({**mine, "text": "body"}),
    )
    (document,) = read_file(replace(begun, source=told.sources[1], config=told))
    assert isinstance(document, Document)
    assert document.text == "a longer text"


@pytest.mark.parametrize(
    "name", ["a.jsonl", "a.csv", "a.tsv", "a.parquet", "a.jsonl.gz", "a.csv.zst", "a.parquet.gz"]
)
def test_tables_give_their_text_column(tmp_path: Path, name: str) -> None:
    rows = ["plain", 'with "quotes", a comma\nand a line', "中文，\t制表符"]
    path = tmp_path / name
    write_table(path, {"id": ["1", "2", "3"], "text": rows})
    assert texts(path) == rows


def test_a_row_with_too_few_columns_is_recorded(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,text\n" + "1,good\n" * 20 + "only\n")
    broken = [raw for raw in read_file(reading(path)) if isinstance(raw, Dropped)]
    assert [(raw.id, raw.reason) for raw in broken] == [("a.csv:22", "broken_line")]


def test_a_broken_parquet_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1 this is none")
    with pytest.raises(DataError, match="broken or no parquet"):
        list(read_file(reading(path)))


def test_files_are_found_below_a_folder_in_one_order(tmp_path: Path) -> None:
    for name in ("b/2.txt", "a/1.txt.gz", "c.md", ".hidden/x.txt", "picture.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    found = find_files(str(tmp_path))
    assert [name for name, _ in found.files] == ["a/1.txt.gz", "b/2.txt", "c.md"]
    assert "(.png) passed over" in found.notes[0]


def test_a_link_to_a_folder_above_makes_no_loop(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.txt").write_text("x")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    assert len(find_files(str(tmp_path)).files) == 1


def test_a_glob_selects(tmp_path: Path) -> None:
    for name in ("1.txt", "2.txt", "3.md"):
        (tmp_path / name).write_text("x")
    found = find_files(str(tmp_path / "**" / "*.txt"))
    assert [name for name, _ in found.files] == ["1.txt", "2.txt"]


@pytest.mark.parametrize(
    ("name", "words"), [("", "no file at all"), ("missing", "does not exist"), ("*.txt", "no file")]
)
def test_nothing_to_read_is_an_error_that_says_what_is_allowed(
    tmp_path: Path, name: str, words: str
) -> None:
    with pytest.raises(DataError, match=words):
        find_files(str(tmp_path / name))


def write_table(path: Path, columns: dict[str, list[str]]) -> None:
    import io

    import pyarrow
    import pyarrow.parquet

    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    if ".jsonl" in path.name:
        content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    elif ".parquet" in path.name:
        buffer = io.BytesIO()
        pyarrow.parquet.write_table(pyarrow.table(columns), buffer)
        content = buffer.getvalue()
    else:
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, columns, delimiter="\t" if ".tsv" in path.name else ",")
        writer.writeheader()
        writer.writerows(rows)
        content = text.getvalue().encode()
    if path.suffix == ".gz":
        content = gzip.compress(content)
    if path.suffix == ".zst":
        content = zstandard.compress(content)
    path.write_bytes(content)


def test_a_folder_that_may_not_be_read_is_an_error_and_not_a_shorter_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("open", "closed"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text("text")
    listed = os.scandir

    def scandir(path: str) -> Iterator[os.DirEntry[str]]:
        if path.endswith("closed"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)  # what chmod does, for root too
    with pytest.raises(DataError, match=r"closed cannot be read \(Permission denied\)"):
        find_files(str(tmp_path))
