"""Counted taggers: the most frequent tag, and a hidden Markov model that finds the most probable tags of all."""

from itertools import pairwise, product

import numpy as np
import pytest

from zhixing.core.errors import DataError
from zhixing.model.counted_tags import HiddenMarkov, MostFrequentTag

SENTENCES = [
    (["the", "can", "is", "old"], ["at", "nn", "bez", "jj"]),
    (["we", "can", "run"], ["pps", "md", "vb"]),
    (["the", "old", "run"], ["at", "jj", "nn"]),
    (["a", "can"], ["at", "nn"]),
]


def test_a_word_gets_its_most_frequent_tag_and_a_new_one_that_of_words_seen_once() -> None:
    tagger = MostFrequentTag().fit([*SENTENCES, (["we"], ["pps"]), (["dog", "cat"], ["nn", "nn"])])
    assert tagger.tag(["the", "can", "zebra"]) == ["at", "nn", "nn"]
    assert tagger.tag([]) == []


def probability(tags: tuple[str, ...], words: list[str]) -> float:
    """By the formulas of the module, counted here once more."""
    places = ["", *tags, ""]
    paths = [["", *tags, ""] for _, tags in SENTENCES]
    steps = [step for path in paths for step in pairwise(path)]
    chance = 1.0
    for before, after in pairwise(places):
        from_here = [b for a, b in steps if a == before]
        kinds = len(set(from_here))
        share = sum(b == after for _, b in steps) / len(steps)
        chance *= (from_here.count(after) + kinds * share) / (len(from_here) + kinds)
    pairs = [pair for each in SENTENCES for pair in zip(*each, strict=True)]
    for word, tag in zip(words, tags, strict=True):
        chance *= pairs.count((word, tag)) / sum(t == tag for _, t in pairs)
    return chance


@pytest.mark.parametrize(
    "words", [["the", "can", "run"], ["we", "can", "run"], ["old", "can", "can"], ["a", "run"]]
)
def test_the_tags_found_are_the_most_probable_of_all(words: list[str]) -> None:
    tagger = HiddenMarkov().fit(SENTENCES)
    names = sorted({tag for _, tags in SENTENCES for tag in tags})
    best = max(product(names, repeat=len(words)), key=lambda tags: probability(tags, words))
    assert probability(best, words) > 0
    assert tagger.tag(words) == list(best)


def test_the_neighbours_decide_between_two_tags_of_a_word() -> None:
    tagger = HiddenMarkov().fit(SENTENCES)
    assert tagger.tag(["we", "can", "run"])[1] == "md"
    assert tagger.tag(["the", "can", "is"])[1] == "nn"
    assert MostFrequentTag().fit(SENTENCES).tag(["we", "can", "run"])[1] == "nn"


def test_a_new_word_is_known_by_its_ending_and_its_capital() -> None:
    rows = [([f"{stem}ing"], ["vbg"]) for stem in ("jump", "sing", "read", "look")]
    rows += [([f"{stem}ness"], ["nn"]) for stem in ("dark", "kind", "glad")]
    rows += [([name], ["np"]) for name in ("Waring", "Harding", "Anna", "Otto")]
    tagger = HiddenMarkov().fit(rows)
    assert tagger.tag(["walking"]) == ["vbg"]
    assert tagger.tag(["sadness"]) == ["nn"]
    assert tagger.tag(["Manning"]) == ["np"]


def test_what_is_known_of_an_ending_is_a_probability() -> None:
    """ln p(t | ending) - ln p(t), so that times p(t) it adds up to one."""
    tagger = HiddenMarkov().fit([(["jumping"], ["vbg"]), (["ring", "king"], ["nn", "nn"])])
    for word in ("walking", "Anna", "x", ""):
        _, emission = tagger._emission_of_new(word)
        assert np.dot(np.exp(emission), tagger._shares) == pytest.approx(1.0)


def test_there_must_be_a_word_to_count() -> None:
    for tagger in (HiddenMarkov(), MostFrequentTag()):
        with pytest.raises(DataError, match="no word to count"):
            tagger.fit([([], [])])
    assert HiddenMarkov().fit(SENTENCES).tag([]) == []
