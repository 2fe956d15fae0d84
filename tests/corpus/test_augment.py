"""Changed copies of texts: which words may stand for which, what a slip does, and that the seed decides alone."""

import io
import tarfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from zhixing.core.errors import DataError
from zhixing.corpus.archive import Archive
from zhixing.corpus.augment import homophones, synonyms
from zhixing.corpus.augment.config import AugmentConfig
from zhixing.corpus.augment.copies import Tables, copies, replaced
from zhixing.corpus.augment.noise import BESIDE, SLIPS, noisy
from zhixing.corpus.sources.cc_cedict import Entry
from zhixing.corpus.sources.cmudict import Pronounced

REVIEW = "质量很好，我很喜欢这本书。"
NOTHING = Tables()


def entry(word: str, pinyin: str, *meanings: str) -> Entry:
    return Entry(traditional=word, simplified=word, pinyin=pinyin, meanings=meanings)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def wordnet(tmp_path: Path, **indexes: str) -> Archive:
    with tarfile.open(tmp_path / "wordnet.tar", "w") as tar:
        for part, lines in indexes.items():
            member = tarfile.TarInfo(f"./usr/share/wordnet/index.{part}")
            content = f"  1 the licence\n{lines}".encode()
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return Archive(path=tmp_path / "wordnet.tar")


def test_english_words_are_alike_whose_first_meaning_is_the_same(tmp_path: Path) -> None:
    nouns = (
        "film n 2 2 @ ~ 2 2 06613686 03339296\n"
        "movie n 1 2 @ ~ 1 1 06613686  \n"
        "pic n 1 1 @ 1 0 06613686  \n"
        "layer n 2 1 @ 2 1 03339296 06613686\n"
        "moving_picture n 1 2 @ ~ 1 0 06613686  \n"
    )
    found = synonyms.english(wordnet(tmp_path, noun=nouns))
    assert found["film"] == ("movie", "pic")
    assert found["movie"] == ("film", "pic")
    assert "layer" not in found  # `film` means this too, but not first
    assert "moving_picture" not in found


def test_the_part_of_speech_met_in_most_meanings_decides(tmp_path: Path) -> None:
    nouns = "good n 4 1 @ 4 3 05159725 1 2 3\nbenefit n 1 1 @ 1 1 05159725\n"
    adjectives = "good a 5 1 & 5 5 01123148 1 2 3 4\nfine a 1 1 & 1 1 01123148\n"
    found = synonyms.english(wordnet(tmp_path, noun=nouns, adj=adjectives))
    assert found == {"good": ("fine",), "fine": ("good",)}


def test_words_that_hold_sentences_together_have_no_synonyms(tmp_path: Path) -> None:
    lines = "then n 1 1 @ 1 1 00000007\nafterwards n 1 1 @ 1 1 00000007\n"
    assert synonyms.english(wordnet(tmp_path, noun=lines)) == {}


def test_an_index_in_another_form_is_refused_by_its_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"index\.noun, line 2: no entry of WordNet: film n x"):
        synonyms.english(wordnet(tmp_path, noun="film n x\n"))


def test_chinese_words_are_alike_by_two_meanings_or_by_their_only_one() -> None:
    entries = [
        entry("质量", "zhi4 liang4", "quality", "mass (in physics)"),
        entry("弥撒", "mi2 sa5", "(Catholic) Mass"),
        entry("喜欢", "xi3 huan5", "to like", "to be fond of"),
        entry("喜爱", "xi3 ai4", "to be fond of", "to like", "favorite"),
        entry("书本", "shu1 ben3", "book"),
        entry("书籍", "shu1 ji2", "book"),
        entry("好", "hao3", "book"),
    ]
    seen = "质量弥撒喜欢喜爱书本书籍好"
    found = synonyms.chinese(entries, seen)
    assert found == {"喜欢": ("喜爱",), "喜爱": ("喜欢",), "书本": ("书籍",), "书籍": ("书本",)}
    assert "书本" not in synonyms.chinese(entries, seen.replace("籍", ""))


def test_a_meaning_of_many_words_says_too_little() -> None:
    few, many = (
        synonyms.alike((f"w{n}", "variety of plant") for n in range(count))
        for count in (synonyms.MOST_ALIKE, synonyms.MOST_ALIKE + 1)
    )
    assert len(few) == synonyms.MOST_ALIKE
    assert many == {}


def test_chinese_homophones_forget_tones_and_leave_out_words_of_two_readings() -> None:
    entries = [
        entry("权利", "quan2 li4", "right"),
        entry("权力", "quan2 li4", "power"),
        entry("再", "zai4", "again"),
        entry("载", "zai3", "year"),
        entry("长", "chang2", "long"),
        entry("长", "zhang3", "chief"),
        entry("常", "chang2", "often"),
        entry("AA制", "A A zhi4", "to split the bill"),
    ]
    seen = "权利力再载长常"
    found = homophones.chinese(entries, seen)
    assert found == {"权利": ("权力",), "权力": ("权利",), "再": ("载",), "载": ("再",)}
    assert "再" not in homophones.chinese(entries, "再长常")  # 载 was never seen


def test_english_homophones_are_words_of_the_texts() -> None:
    said = [("their", "DH EH R"), ("there", "DH EH R"), ("they're", "DH EH R"), ("by", "B AY")]
    entries = [Pronounced(word=word, phonemes=(tuple(way.split()),)) for word, way in said]
    found = homophones.english(entries, ["their", "there", "by"])
    assert found == {"their": ("there",), "there": ("their",)}


def test_each_slip_does_what_it_says() -> None:
    left_out, doubled, exchanged, mistyped = SLIPS
    assert left_out("book", 1, rng()) == ("", 1)
    assert doubled("book", 0, rng()) == ("bb", 1)
    assert exchanged("book", 0, rng()) == ("ob", 2)
    assert exchanged("ok, so", 1, rng()) == ("k", 1)  # no letter follows
    assert exchanged("ok", 1, rng()) == ("k", 1)
    key, used = mistyped("Good", 0, rng())
    assert used == 1
    assert key.isupper()
    assert key.lower() in BESIDE["g"]
    assert mistyped("好书", 0, rng()) == ("书好", 2)  # on no keyboard


def test_keys_touch_their_neighbours_and_no_others() -> None:
    assert set(BESIDE["g"]) == set("fhtyvb")
    assert set(BESIDE["q"]) == set("wa")
    assert all(key in BESIDE[other] for key, others in BESIDE.items() for other in others)


def test_noise_changes_about_its_share_of_letters_and_nothing_else() -> None:
    text = "Ünder 42 good books, 18.5% 都很好！" * 200
    assert noisy(text, 0.0, rng()) == text
    found = noisy(text, 0.1, rng())
    marks = [c for c in text if not c.isalpha()]
    assert [c for c in found if not c.isalpha()] == marks
    letters = sum(map(str.isalpha, text))
    gone = sum((Counter(text) - Counter(found)).values())
    assert 0.02 * letters < gone < 0.12 * letters


def test_about_the_share_of_words_is_replaced_and_spaces_stay() -> None:
    table = {"good": ("fine",), "书": ("册",)}
    text = "Good books,\n  good GOOD days " * 50
    found = replaced(text, 0.2, table, rng())
    assert found.lower().replace("fine", "good") == text.lower()
    assert "Fine books" in found
    assert "FINE days" in found
    count = found.lower().count("fine")
    assert 0.1 < count / 250 < 0.3  # of 250 words, marks not counted
    assert replaced(text, 0.0, table, rng()) == text
    assert replaced("no alternatives here", 0.5, table, rng()) == "no alternatives here"


def test_copies_follow_from_the_seed_alone() -> None:
    config = AugmentConfig(noise=0.2, copies=3)
    first = list(copies(REVIEW * 3, config, NOTHING, back=None, seed=(1, 2)))
    assert len({*first, REVIEW * 3}) == 4
    assert first == list(copies(REVIEW * 3, config, NOTHING, back=None, seed=(1, 2)))
    assert first != list(copies(REVIEW * 3, config, NOTHING, back=None, seed=(1, 3)))
    fewer = AugmentConfig(noise=0.2, copies=2)
    assert first[:2] == list(copies(REVIEW * 3, fewer, NOTHING, back=None, seed=(1, 2)))


def test_a_copy_that_is_nothing_new_is_left_out() -> None:
    config = AugmentConfig(synonyms=0.5, copies=4)
    assert list(copies("没有", config, NOTHING, back=None, seed=(0,))) == []
    table = Tables(synonyms={"书": ("册",)})
    assert set(copies("书", config, table, back=None, seed=(0,))) <= {"册"}


def test_only_the_first_copy_is_what_came_back_of_a_translation() -> None:
    config = AugmentConfig(noise=0.3, copies=2)
    quiet = AugmentConfig.model_validate({"back_translation": {"there": "a", "back": "b"}})
    assert list(copies(REVIEW, quiet, NOTHING, back="好书", seed=(0,))) == ["好书"]
    assert list(copies(REVIEW, quiet, NOTHING, back=None, seed=(0,))) == []
    first, second = copies(REVIEW, config, NOTHING, back="THE BOOK", seed=(0,))
    assert first.isascii()
    assert not second.isascii()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "nothing is changed"),
        ({"back_translation": {"there": "a", "back": "b"}, "copies": 2}, "only the first copy"),
        ({"noise": 0.7}, "less than or equal to 0.5"),
    ],
)
def test_settings_without_effect_are_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        AugmentConfig.model_validate(settings)
