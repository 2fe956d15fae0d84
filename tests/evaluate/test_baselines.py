"""What writes a target without a network: worked out by hand on a few words."""

import pytest

from zhixing.core.errors import DataError, UnsupportedError
from zhixing.corpus.sources.cc_cedict import Entry
from zhixing.evaluate.baselines.dictionary import WordForWord
from zhixing.evaluate.baselines.extract import Central, Lead, pieces
from zhixing.evaluate.baselines.memory import Memory


def entry(word: str, *meanings: str) -> Entry:
    return Entry(traditional=word, simplified=word, pinyin="", meanings=meanings)


ENTRIES = [
    entry("打", "to hit", "dozen"),
    entry("打开", "to open", "to turn on (a light)"),
    entry("档案", "file", "record"),
    entry("文件", "document", "file"),
    entry("锉", "file (tool)"),
    entry("狗", "dog"),
    entry("转", "to turn"),
    entry("卷宗", "case file", "dossier"),
    entry("犬", "variant of 狗[gou3]"),
]


def test_chinese_is_cut_into_the_longest_headwords() -> None:
    translate = WordForWord(ENTRIES, ["open the document"], source="zh", target="en")
    assert translate(["打开文件。", "打 LibreOffice（狗）"]) == [
        "open document.",
        "hit LibreOffice(dog)",
    ]


def test_the_word_that_training_targets_have_most_often_is_written() -> None:
    for targets, word in ((["文件 文件"], "文件"), (["档案"], "档案"), ([], "档案")):
        translate = WordForWord(ENTRIES, targets, source="en", target="zh")
        assert translate(["Open the files."]) == [f"打开{word}。"]


def test_a_phrase_is_looked_up_before_its_words() -> None:
    translate = WordForWord(ENTRIES, [], source="en", target="zh")
    assert translate(["Turn on, turn"]) == ["打开，转"]


def test_a_meaning_is_as_frequent_as_its_rarest_word() -> None:
    for targets, meaning in ((["file file", "dossier"], "dossier"), (["case file"], "case file")):
        translate = WordForWord(ENTRIES, targets, source="zh", target="en")
        assert translate(["卷宗"]) == [meaning]


def test_the_dictionary_knows_two_languages() -> None:
    with pytest.raises(UnsupportedError, match="between en and zh"):
        WordForWord(ENTRIES, [], source="en", target="de")


def test_the_memory_gives_the_target_of_the_nearest_source() -> None:
    memory = Memory(["open the file", "close the window"], ["打开文件", "关闭窗口"])
    assert memory(["close a window now", "zzz"]) == ["关闭窗口", ""]
    with pytest.raises(DataError, match="no memory"):
        Memory([], [])


def test_pieces_of_a_text_are_sentences_or_verses() -> None:
    assert pieces("牀前明月光，疑是地上霜。", "zh") == ["牀前明月光", "疑是地上霜"]
    assert Lead("en")(["One thing. Another."]) == ["One thing."]
    text = "Hello there. The cat sat on the mat with the other cat. Bye now."
    assert Central([text, "Hello there", "Bye now"], "en")([text]) == [
        "The cat sat on the mat with the other cat."
    ]
