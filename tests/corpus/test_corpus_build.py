"""From sources to a split corpus: nothing similar on both sides, nothing lost without a reason, nothing by chance."""

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest

from zhixing.core.card import CorpusCard
from zhixing.core.errors import DataError
from zhixing.core.progress import Silent
from zhixing.corpus.build import build
from zhixing.corpus.config import CorpusConfig
from zhixing.corpus.document import Document
from zhixing.corpus.gather import Gatherer
from zhixing.corpus.parts import PARTS
from zhixing.corpus.store import read_card, read_documents, read_dropped
from zhixing.corpus.units import UnitHasher, jaccard, ngrams

VOCABULARY = (
    "river mountain paper letter window garden winter summer music silver market village "
    "morning evening teacher student doctor farmer bridge forest harbour island journey "
    "kitchen library machine number office people question railway season station street "
    "table travel valley visitor water weather yellow answer believe carry decide explain "
    "follow gather happen improve listen measure notice offer prepare receive remember"
)
WORDS = VOCABULARY.split()
HAN = "春夏秋冬山水风云花草树木日月星辰江河湖海天地人民工农商学城乡村镇东西南北前后左右上下大小多少高低长短新旧快慢"


def sentence(chance: random.Random, language: str) -> str:
    if language == "en":
        words = " ".join(chance.choices(WORDS, k=chance.randint(8, 14)))
        return f"The {words} of the {chance.choice(WORDS)}."
    return "".join(chance.choices(HAN, k=chance.randint(14, 24))) + "，这是我们的。"


def text(chance: random.Random, language: str, num_sentences: int = 8) -> str:
    joint = " " if language == "en" else ""
    return joint.join(sentence(chance, language) for _ in range(num_sentences))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """60 documents of each language, a third of which also exist slightly changed, some exactly copied."""
    chance = random.Random(7)
    place = tmp_path / "texts"
    place.mkdir()
    for language in ("en", "zh"):
        for number in range(60):
            body = text(chance, language)
            (place / f"{language}{number:02}.txt").write_text(body, "utf-8")
            if number % 3 == 0:
                changed = f"{body} {sentence(chance, language)}"
                (place / f"{language}{number:02}x.txt").write_text(changed, "utf-8")
            if number % 10 == 0:
                (place / f"{language}{number:02}y.txt").write_text(body + "\n", "utf-8")
    return place


def config(folder: Path, **settings: object) -> CorpusConfig:
    source = {"name": "mine", "path": str(folder), "license": "CC0-1.0"}
    shares = {"validation": 0.1, "test": 0.2}
    return CorpusConfig.model_validate({"sources": [source], "splits": shares, **settings})


def everything(corpus: Path) -> Iterator[tuple[str, Document]]:
    for split in PARTS:
        for document in read_documents(corpus, split):
            yield split, document


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_no_near_duplicate_pair_crosses_the_splits(folder: Path, tmp_path: Path) -> None:
    """Compared by brute force, all pairs, with the definition and not with MinHash."""
    corpus = tmp_path / "corpus"
    this = config(folder)
    build(this, corpus, progress=Silent())
    hasher = UnitHasher()

    def shingles(body: str) -> set[int]:
        return set(ngrams(hasher.measure(body).hashes, this.near_duplicates.shingle).tolist())

    kept = [(split, shingles(document.text)) for split, document in everything(corpus)]
    assert {split for split, _ in kept} == set(PARTS)
    for (_, a), (_, b) in combinations(kept, 2):
        assert len(a & b) / len(a | b) < this.near_duplicates.threshold


def test_without_the_step_near_duplicates_would_cross(folder: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    build(config(folder, near_duplicates={"enabled": False}), corpus, progress=Silent())
    where = {document.id: split for split, document in everything(corpus)}
    pairs = [(name, name.replace("x.txt", ".txt")) for name in where if name.endswith("x.txt")]
    assert any(where[a] != where[b] for a, b in pairs)


def test_every_document_is_kept_or_has_a_reason(folder: Path, tmp_path: Path) -> None:
    (folder / "short.txt").write_text("Too few words.")
    (folder / "french.txt").write_text("Le chat dort sur la chaise devant la maison. " * 9)
    (folder / "empty.txt").write_text(" \n")
    card = build(config(folder), tmp_path / "corpus", progress=Silent())
    kept = {document.id for _, document in everything(tmp_path / "corpus")}
    dropped = {record.id: record for record in read_dropped(tmp_path / "corpus")}
    assert kept.isdisjoint(dropped)
    assert kept | set(dropped) == {f"mine:{path.name}" for path in folder.iterdir()}
    assert dropped["mine:short.txt"].reason == "too_short"
    assert dropped["mine:french.txt"].reason == "language"
    assert dropped["mine:empty.txt"].reason == "empty"
    assert sum(amount.documents for amount in card.dropped.values()) == len(dropped)


def test_a_copy_names_the_document_that_stands_for_it(folder: Path, tmp_path: Path) -> None:
    build(config(folder), tmp_path / "corpus", progress=Silent())
    kept = {document.id for _, document in everything(tmp_path / "corpus")}
    copies = [r for r in read_dropped(tmp_path / "corpus") if r.reason.endswith("_copy")]
    assert {copy.reason for copy in copies} == {"exact_copy", "near_copy"}
    assert len(copies) == 2 * (20 + 6)
    for copy in copies:
        assert copy.kept_id in kept
        assert copy.kept_id == copy.id.replace("x.txt", ".txt").replace("y.txt", ".txt")


def test_the_result_does_not_depend_on_the_order_of_the_file_system(
    folder: Path, tmp_path: Path
) -> None:
    names = [path.name for path in folder.iterdir()]
    other = tmp_path / "other" / "texts"
    other.mkdir(parents=True)
    for name in reversed(names):
        shutil.copy(folder / name, other / name)
    build(config(folder), tmp_path / "a", progress=Silent())
    first = contents(tmp_path / "a")
    folder.rename(tmp_path / "away")
    other.rename(folder)
    build(config(folder), tmp_path / "b", progress=Silent())
    assert contents(tmp_path / "b") == first


def test_another_seed_gives_another_split_of_the_same_documents(
    folder: Path, tmp_path: Path
) -> None:
    build(config(folder), tmp_path / "a", progress=Silent())
    build(config(folder, seed=43), tmp_path / "b", progress=Silent())
    a = {document.id: split for split, document in everything(tmp_path / "a")}
    b = {document.id: split for split, document in everything(tmp_path / "b")}
    assert a.keys() == b.keys()
    assert a != b


def test_shares_are_exact_in_each_language(folder: Path, tmp_path: Path) -> None:
    card = build(config(folder), tmp_path / "corpus", progress=Silent())
    for language in ("en", "zh"):
        assert [card.kept[split][language].documents for split in PARTS] == [42, 6, 12]


def test_the_card_on_disk_is_the_card_returned(folder: Path, tmp_path: Path) -> None:
    card = build(config(folder), tmp_path / "corpus", progress=Silent())
    assert read_card(tmp_path / "corpus") == card
    (source,) = card.sources
    assert (source.license, source.documents) == ("CC0-1.0", len(list(folder.iterdir())))
    for split in PARTS:
        documents = list(read_documents(tmp_path / "corpus", split))
        amounts = card.kept[split].values()
        assert sum(a.documents for a in amounts) == len(documents)
        assert sum(a.bytes for a in amounts) == sum(len(d.text.encode()) for d in documents)


def test_building_again_reuses_and_a_changed_file_does_not(folder: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    first = build(config(folder), corpus, progress=Silent())
    before = os.stat(corpus).st_ino
    assert build(config(folder), corpus, progress=Silent()) == first
    assert os.stat(corpus).st_ino == before
    path = folder / "en01.txt"
    state = path.stat()
    path.write_text(path.read_text().replace(".", "!", 1))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))  # the same size and the same time
    second = build(config(folder), corpus, progress=Silent())
    assert second.data_hash != first.data_hash
    assert os.stat(corpus).st_ino != before


def test_stopping_half_way_leaves_nothing_and_keeps_the_old_corpus(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = tmp_path / "corpus"
    build(config(folder), corpus, progress=Silent())
    before = contents(corpus)

    def interrupt(self: Gatherer) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Gatherer, "finish", interrupt)
    with pytest.raises(KeyboardInterrupt):
        build(config(folder, seed=2), corpus, progress=Silent())
    assert contents(corpus) == before
    assert {path.name for path in tmp_path.iterdir()} == {"texts", "corpus"}


def test_a_folder_with_other_files_is_not_replaced(folder: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "precious"
    corpus.mkdir()
    (corpus / "thesis.txt").write_text("years of work")
    with pytest.raises(DataError, match="holds files that are no corpus"):
        build(config(folder), corpus, progress=Silent())
    assert (corpus / "thesis.txt").read_text() == "years of work"


def test_a_source_out_of_reach_is_a_note_when_optional_and_an_error_when_not(
    folder: Path, tmp_path: Path
) -> None:
    mine = {"name": "mine", "path": str(folder)}
    dead = {"name": "dead", "path": "http://127.0.0.1:9/x.txt"}
    with pytest.raises(DataError, match="out of reach"):
        build_of([mine, dead], tmp_path)
    card = build_of([mine, {**dead, "optional": True}], tmp_path)
    assert "went on without dead" in card.notes[0]
    with pytest.raises(DataError, match="no source can be reached"):
        build_of([{**dead, "optional": True}], tmp_path)


def build_of(sources: list[dict[str, object]], tmp_path: Path) -> CorpusCard:
    this = CorpusConfig.model_validate({"sources": sources})
    return build(this, tmp_path / "corpus", progress=Silent())


def test_personal_data_is_masked_and_counted(folder: Path, tmp_path: Path) -> None:
    path = folder / "en01.txt"
    path.write_text(path.read_text() + " Write to jane.doe@example.org at once.")
    card = build(config(folder), tmp_path / "a", progress=Silent())
    assert sum(card.masked.values()) == 1
    assert b"jane.doe" not in b"".join(contents(tmp_path / "a").values())
    card = build(config(folder, pii=False), tmp_path / "b", progress=Silent())
    assert card.masked == {}
    assert b"jane.doe" in b"".join(contents(tmp_path / "b").values())


def test_one_long_file_still_gives_three_splits(tmp_path: Path) -> None:
    chance = random.Random(1)
    path = tmp_path / "book.txt"
    path.write_text("\n".join(text(chance, "en") for _ in range(200)))
    card = build(config(path, max_characters=5000), tmp_path / "corpus", progress=Silent())
    assert all(card.kept[split]["en"].documents > 0 for split in PARTS)
    assert "was cut into" in card.notes[0]


def test_too_few_documents_say_what_to_change(tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    path.write_text(text(random.Random(1), "en"))
    with pytest.raises(DataError, match='documents = "paragraph"'):
        build(config(path), tmp_path / "corpus", progress=Silent())


def test_nothing_left_says_why(tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    path.write_text("short")
    with pytest.raises(DataError, match="too_short: 1"):
        build(config(path), tmp_path / "corpus", progress=Silent())


def test_text_in_another_language_is_told_which_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    path.write_text("Le chat dort sur la table et la pluie tombe depuis ce matin. " * 3, "utf-8")
    with pytest.raises(DataError, match=r"language: 1.*text in en and zh is kept"):
        build(config(path), tmp_path / "corpus", progress=Silent())


def test_max_bytes_takes_the_beginning_and_says_so(folder: Path, tmp_path: Path) -> None:
    source = {"name": "mine", "path": str(folder), "max_bytes": 20_000}
    card = build_of([source], tmp_path)
    assert card.sources[0].bytes <= 20_000
    assert "only its first 20000 bytes" in card.notes[0]


def test_a_corpus_that_was_edited_is_refused(folder: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    build(config(folder), corpus, progress=Silent())
    with (corpus / "train.jsonl").open("a") as file:
        file.write('{"id": "x"}\n')
    with pytest.raises(DataError, match=r"train\.jsonl:\d+ is not a document"):
        list(read_documents(corpus, "train"))
    (corpus / "card.json").write_text(json.dumps({"format": "other"}))
    with pytest.raises(DataError, match="not the card of a corpus"):
        read_card(corpus)


def test_jaccard_of_a_hand_worked_example() -> None:
    hasher = UnitHasher()
    a = ngrams(hasher.measure("甲乙丙丁").hashes, 2)  # 甲乙 乙丙 丙丁
    b = ngrams(hasher.measure("乙丙丁戊").hashes, 2)  # 乙丙 丙丁 丁戊
    a.sort(), b.sort()
    assert jaccard(a, b) == pytest.approx(2 / 4)


def test_a_declared_language_settles_what_the_characters_cannot(tmp_path: Path) -> None:
    """Traditional Chinese without kana may look Japanese to a detector; kana settles it the other way."""
    place = tmp_path / "texts"
    place.mkdir()
    chance = random.Random(9)
    for number in range(20):
        body = "".join(chance.choices("啓裏龍圖書舒還卷巖廊罷機務崇文聊駐輦玉匣", k=60))
        (place / f"{number}.txt").write_text(body, "utf-8")
    japanese = "これは日本語の文章です。私たちは毎日学校へ行きます。" * 4
    (place / "japanese.txt").write_text(japanese, "utf-8")
    card = build_of([{"name": "mine", "path": str(place), "language": "zh"}], tmp_path)
    assert card.kept_amount("zh").documents == 20
    (record,) = read_dropped(tmp_path / "corpus")
    assert (record.id, record.reason) == ("mine:japanese.txt", "language")


def test_a_stray_document_of_another_language_is_training_text(
    folder: Path, tmp_path: Path
) -> None:
    for path in folder.glob("zh*"):
        if path.name != "zh01.txt":
            path.unlink()
    card = build(config(folder), tmp_path / "corpus", progress=Silent())
    assert [card.kept[split].get("zh") is not None for split in PARTS] == [True, False, False]
    assert "zh: 1 documents, all of them training text" in card.notes


def test_what_a_killed_build_left_is_removed_by_the_next(folder: Path, tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left, busy = (tmp_path / f".corpus.{pid}.partial" for pid in (dead.pid, os.getppid()))
    left.mkdir()
    busy.mkdir()
    build(config(folder), tmp_path / "corpus", progress=Silent())
    assert not left.exists()
    assert busy.exists()
