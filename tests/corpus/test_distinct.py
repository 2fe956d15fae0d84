"""What is left of examples of which some are the same: the first of each, in their order, and how many went."""

from zhixing.corpus.distinct import distinct, near_copies, without_near_copies

TEXT = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"


def test_the_first_of_each_stays_in_order_and_the_rest_is_counted() -> None:
    found = distinct(["b", "a", "B", "c", "A", "A"], key=str.lower)
    assert (found.kept, found.copies, found.contradictory) == (["b", "a", "c"], 3, 0)
    assert distinct([], key=str.lower).kept == []


def test_what_is_answered_in_two_ways_goes_and_its_others_are_copies() -> None:
    rows = [("a", 1), ("b", 1), ("a", 1), ("b", 2), ("b", 2), ("c", 2)]
    found = distinct(rows, key=lambda row: row[0], answer=lambda row: row[1])
    assert (found.kept, found.copies, found.contradictory) == ([("a", 1), ("c", 2)], 3, 1)
    assert found.copies + found.contradictory + len(found.kept) == len(rows)


def test_near_copies_are_those_of_one_before_them_and_marks_are_none() -> None:
    texts = ["!!", TEXT, f"{TEXT} sixteen", "something else", "??", TEXT.upper()]
    assert near_copies(texts) == {2: 1, 5: 1}
    assert without_near_copies([*enumerate(texts)], lambda pair: pair[1]) == [
        (0, "!!"), (1, TEXT), (3, "something else"), (4, "??")
    ]  # fmt: skip
    assert near_copies([]) == {}
