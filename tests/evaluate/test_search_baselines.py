"""Baselines of searches: shared words on both sides, a dictionary between languages, and models that give vectors."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zhixing.core.errors import DataError
from zhixing.corpus.searches import DOCUMENTS
from zhixing.corpus.sources.cc_cedict import Entry
from zhixing.evaluate.baselines import retrieval
from zhixing.evaluate.baselines.retrieval import open_partners, open_search
from zhixing.evaluate.contest import value_of
from zhixing.vectors.blocks import Block
from zhixing.vectors.folder import save
from zhixing.vectors.word_model import WordModel

ENGLISH = {
    "dog": "the dog sleeps in the house",
    "fox": "a fox runs over the bridge",
    "river": "the river is long and cold",
    "market": "people buy paper at the market",
}
CHINESE = {
    "dog": "狗在房子里睡觉",
    "fox": "狐狸跑过桥",
    "river": "河又长又冷",
    "market": "人们在市场买纸",
}
QUERIES = {"dog": "where the dog sleeps", "fox": "the fox on a bridge", "river": "cold river", "market": "buy paper"}  # fmt: skip


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")


def search(folder: Path, documents: dict[str, str]) -> Path:
    write(folder / DOCUMENTS, [{"id": name, "text": text} for name, text in documents.items()])
    rows = [{"query": text, "relevance": {name: 1}} for name, text in QUERIES.items()]
    for part, chosen in (("train", rows[:2]), ("validation", rows[2:3]), ("test", rows[1:])):
        write(folder / f"{part}.jsonl", chosen)
    return folder


def test_words_and_characters_find_what_shares_them(tmp_path: Path) -> None:
    contest = open_search(search(tmp_path, ENGLISH))
    found = contest.baselines(seed=1)
    assert {system.name for system in found} == {"TF-IDF, words", "TF-IDF, characters"}
    for system in found:
        assert [each[0] for each in system.answers] == ["fox", "river", "market"]
        assert value_of(contest.judge(system.answers), "mrr") == 1
        assert "chosen on the validation queries" in system.told
    assert contest.told() == (
        "4 documents; 2 queries to learn from, 1 to choose on, 3 to test on; 100 documents are listed",
        "note: 1 of the test queries are also learnt from: the scores are too good",
    )


def test_a_document_without_a_shared_word_is_not_listed(tmp_path: Path) -> None:
    contest = open_search(search(tmp_path, {**ENGLISH, "none": "xyzzy"}))
    words = next(each for each in contest.baselines(seed=1) if each.name.endswith("words"))
    assert all("none" not in listed for listed in words.answers)
    assert words.answers[1][0] == "river"


def test_between_languages_a_dictionary_comes_first(tmp_path: Path, monkeypatch) -> None:
    asked: list[str] = []

    def fetched(entry: Any, **_: Any) -> tuple[Path, None]:
        asked.append(entry.name)
        return tmp_path / "none", None

    meanings = {"狗": "dog", "狐狸": "fox", "桥": "bridge", "河": "river", "冷": "cold", "买": "buy", "纸": "paper"}  # fmt: skip
    entries = [
        Entry(traditional=word, simplified=word, pinyin="", meanings=(meaning,))
        for word, meaning in meanings.items()
    ]
    monkeypatch.setattr(retrieval, "fetch", fetched)
    monkeypatch.setattr(retrieval, "entries", lambda archive: entries)
    contest = open_search(search(tmp_path, CHINESE))
    best, *others = contest.baselines(seed=1)
    assert asked == ["cc-cedict"]
    assert best.name.startswith("dictionary, TF-IDF")
    assert [each[0] for each in best.answers] == ["fox", "river", "market"]
    plain = next(each for each in others if each.name == "TF-IDF, words")
    assert plain.answers == [[], [], []]  # not one word in common
    assert value_of(contest.judge(plain.answers), "mrr") == 0


def test_a_folder_that_is_no_search_is_told(tmp_path: Path) -> None:
    search(tmp_path, ENGLISH)
    (tmp_path / "validation.jsonl").unlink()
    with pytest.raises(DataError, match="one file of validation examples"):
        open_search(tmp_path)
    (tmp_path / DOCUMENTS).unlink()
    with pytest.raises(DataError, match=r"documents\.jsonl: queries need the documents"):
        open_search(tmp_path)


def test_word_vectors_answer_and_texts_without_a_known_word_are_told(tmp_path: Path) -> None:
    words = ["fox", "river", "cold", "buy", "paper", "dog"]
    matrix = np.eye(6, dtype=np.float32)
    save(iter([Block(words=words, rows=matrix)]), tmp_path / "vectors", origin="test")
    model = WordModel(tmp_path / "vectors")
    contest = open_search(search(tmp_path, {**ENGLISH, "none": "xyzzy"}))
    answers, told = contest.ask(model)
    assert [each[0] for each in answers] == ["fox", "river", "market"]
    assert told == "1 of 5 documents without a known word"
    assert model.num_parameters == 36


def test_pairs_are_a_search_among_the_second_texts_of_all_parts(tmp_path: Path) -> None:
    pairs = [(QUERIES[name], ENGLISH[name]) for name in ENGLISH]
    doubled = [*pairs[2:], ("Cold  River", "the sea is cold"), ("buy paper", ENGLISH["market"].upper())]  # fmt: skip
    for part, chosen in (("train", pairs[:1]), ("validation", pairs[1:2]), ("test", doubled)):
        write(tmp_path / f"{part}.jsonl", [{"text1": a, "text2": b} for a, b in chosen])
    contest = open_partners(tmp_path)
    assert [*contest.documents.values()] == [*ENGLISH.values(), "the sea is cold"]
    assert contest.test.texts == ("cold river", "buy paper")
    assert contest.test.relevance == ({"3": 1.0, "5": 1.0}, {"4": 1.0})
    best, *_ = contest.baselines(seed=1)
    assert value_of(contest.judge(best.answers), "mrr") == 1
    write(tmp_path / "test.jsonl", [{"text1": "a", "text2": " "}])
    with pytest.raises(DataError, match=r"test\.jsonl:1: text2 is empty or no text"):
        open_partners(tmp_path)
