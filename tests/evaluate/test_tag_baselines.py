"""Baselines of tags: the best is chosen by what is shown first."""

from zhixing.evaluate.baselines.tags import TagContest, TaggedPart
from zhixing.evaluate.contest import first_value


def part(*sentences: tuple[str, str]) -> TaggedPart:
    """Words of one letter; + is B-X, . is O."""
    words = tuple(tuple(letters) for letters, _ in sentences)
    tags = tuple(tuple("B-X" if mark == "+" else "O" for mark in marks) for _, marks in sentences)
    return TaggedPart(words=words, tags=tags)


def test_entities_decide_and_not_the_words_outside_of_them() -> None:
    train = part(("pqqp", "..++"), ("aqq", "..."), ("aq", "++"), ("ppaa", "++.+"))
    held = part(("apqq", "...."), ("app", "++."))
    contest = TagContest(train=train, validation=held, test=held)
    first, second = contest.baselines(seed=1)
    assert (first.name, second.name) == ("hidden Markov model", "most frequent tag")
    one, other = (contest.judge(system.answers) for system in (first, second))
    assert first_value(one, ["f1"]) > first_value(other, ["f1"])
    assert first_value(one, ["accuracy"]) < first_value(other, ["accuracy"])


def test_tags_that_mark_no_entities_are_chosen_by_accuracy() -> None:
    train, held = (
        TaggedPart(words=(("a", "b", "a"),), tags=(tags,))
        for tags in (("N", "V", "N"), ("N", "V", "N"))
    )
    contest = TagContest(train=train, validation=held, test=held)
    best, _ = contest.baselines(seed=1)
    judged = contest.judge(best.answers)
    assert first_value(judged, contest.shown) == first_value(judged, ["accuracy"]) == 1.0
