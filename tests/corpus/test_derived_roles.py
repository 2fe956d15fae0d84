"""Roles that a rule derives from parts of speech: worked out by hand in both languages."""

from pathlib import Path

import pytest

from tests.corpus.test_corpus_sources import paper
from zhixing.corpus.derived_roles import (
    Role,
    chinese_roles,
    english_roles,
    predicates,
    role_tags,
)
from zhixing.corpus.sources import peoples_daily
from zhixing.corpus.tagged import write_tagged


def parsed(text: str) -> tuple[list[str], list[str], int]:
    """Words, tags, and the place of the word whose tag ends in !."""
    pairs = [token.rsplit("/", 1) for token in text.split()]
    tags = [tag.removesuffix("!") for _, tag in pairs]
    place = next(n for n, (_, tag) in enumerate(pairs) if tag.endswith("!"))
    return [word for word, _ in pairs], tags, place


def told(words: list[str], found: list[Role]) -> dict[str, str]:
    return {role: " ".join(words[start:end]) for role, start, end in found}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "The/at man/nn in/in the/at house/nn has/hvz not/* often/rb read/vbn! it/ppo in/in May/np",
            {
                "ARG0": "The man in the house",
                "ARG1": "it",
                "ARGM-NEG": "not",
                "ARGM-ADV": "often",
                "ARGM-TMP": "in May",
            },
        ),
        (
            "The/at book/nn was/bedz given/vbn! to/in John's/np$ son/nn by/in Mary/np ./.",
            {"ARG1": "The book", "ARG2": "to John's son", "ARG0": "by Mary"},
        ),
        (
            "The/at letter/nn written/vbn! by/in hand/nn",
            {"ARG1": "The letter", "ARG0": "by hand"},
        ),
        (
            "the/at girls/nns ,/, who/wps can't/md* sing/vb! songs/nns of/in war/nn on/in stages/nns",
            {
                "ARG0": "the girls",
                "R-ARG0": "who",
                "ARGM-MOD": "can't",
                "ARG1": "songs of war",
                "ARGM-LOC": "on stages",
            },
        ),
        (
            "I/ppss think/vb! that/cs it/pps rains/vbz ./.",
            {"ARG0": "I", "ARG1": "that it rains"},
        ),
        ("to/to put/vb! on/rp a/at hat/nn", {"ARG1": "a hat"}),
        ("Run/vb! !/.", {}),
    ],
)
def test_english_roles(text: str, found: dict[str, str]) -> None:
    words, tags, place = parsed(text)
    assert told(words, english_roles(words, tags, place)) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "昨天/t ，/w 我们/r 在/p 北京/ns 没有/d 看到/v! 了/u 美丽/a 的/u 花/n 。/w",
            {
                "ARGM-TMP": "昨天",
                "ARG0": "我们",
                "ARGM-LOC": "在 北京",
                "ARGM-NEG": "没有",
                "ARG1": "美丽 的 花",
            },
        ),
        ("他/r 把/p 书/n 给/v! 了/u 弟弟/n", {"ARG0": "他", "ARG1": "把 书", "ARG2": "弟弟"}),
        ("敌人/n 被/p 我军/n 击败/v! 。/w", {"ARG1": "敌人", "ARG0": "被 我军"}),
        ("经济/n 会/v 更/d 发展/v!", {"ARG0": "经济", "ARGM-MOD": "会", "ARGM-ADV": "更"}),
        ("走/v! ！/w", {}),
    ],
)
def test_chinese_roles(text: str, found: dict[str, str]) -> None:
    words, tags, place = parsed(text)
    assert told(words, chinese_roles(words, tags, place)) == found


def test_only_verbs_with_an_argument_are_predicates() -> None:
    words, tags, _ = parsed("I/ppss saw/vbd! and/cc ran/vbd")
    assert [*predicates(english_roles, words, tags)] == [(1, ["B-ARG0", "B-V", "O", "O"])]
    assert role_tags([("ARG0", 0, 2)], 4, 2) == ["B-ARG0", "I-ARG0", "B-V", "O"]


def test_sentences_of_the_newspaper_are_written_once_for_each_predicate(tmp_path: Path) -> None:
    line = "我们/r  看/v  报纸/n  ，/w  他们/r  听/v  １/m  首/q  歌/n  。/w"
    found = [*peoples_daily.roles(paper(tmp_path, line))]
    assert [each.predicate for each in found] == [1, 5]
    assert found[1].words == ("我们", "看", "报纸", "，", "他们", "听", "1", "首", "歌", "。")
    assert found[1].tags == (*"OOOO", "B-ARG0", "B-V", "B-ARG1", "I-ARG1", "I-ARG1", "O")
    assert found[1].pos == ("r", "v", "n", "w", "r", "v", "m", "q", "n", "w")
    written = write_tagged([*found, found[0]], tmp_path / "out")
    assert (sum(written.parts.values()), written.copies, written.contradictory) == (2, 1, 0)
    (file,) = [each for each in (tmp_path / "out").iterdir() if each.stat().st_size]
    assert '"predicate": 1, "pos": ["r"' in file.read_text("utf-8").splitlines()[0]
