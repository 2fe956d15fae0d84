"""Neighbours and analogies against hand-worked vectors and against gensim."""

import warnings

import numpy as np
import pytest

from zhixing.core.errors import DataError
from zhixing.corpus.sources.judgements import read_judgements
from zhixing.vectors.questions import accuracy, read_questions
from zhixing.vectors.similarity import agreement, random_vectors
from zhixing.vectors.table import Vectors

ROYAL = Vectors(
    ["man", "woman", "king", "queen", "stone"],
    np.array([[1, 0, 0], [0, 1, 0], [1, 0, 1], [0, 1, 1], [-1, -1, 0]], dtype=np.float32),
)


def _gensim(vectors: Vectors):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from gensim.models import KeyedVectors
    keyed = KeyedVectors(vectors.width)
    keyed.add_vectors(list(vectors.words), np.array(vectors.matrix))
    return keyed


@pytest.fixture(scope="module")
def cloud() -> Vectors:
    matrix = np.random.default_rng(1).standard_normal((300, 20), dtype=np.float32)
    return Vectors([f"w{i}" for i in range(300)], matrix)


@pytest.mark.parametrize("method", ["add", "mul"])
def test_queen_is_to_woman_as_king_is_to_man(method) -> None:
    assert ROYAL.analogy("man", "king", "woman", method=method)[0].word == "queen"


def test_neighbours_are_sorted_by_cosine_without_the_word_itself() -> None:
    near = ROYAL.nearest("man", count=9)
    assert [each.word for each in near] == ["king", "woman", "queen", "stone"]
    assert near[0].score == pytest.approx(1 / np.sqrt(2))
    assert ROYAL.similarity("man", "stone") == pytest.approx(-1 / np.sqrt(2))


def test_a_word_is_found_as_written_else_in_lower_case() -> None:
    vectors = Vectors(["may", "May"], np.eye(2, dtype=np.float32))
    assert [vectors.row(word) for word in ("may", "May", "MAY")] == [0, 1, 0]
    with pytest.raises(DataError, match=r"no word 'quen'.*queen"):
        ROYAL.row("quen")


def test_neighbours_and_analogies_are_those_of_gensim(cloud: Vectors, monkeypatch) -> None:
    monkeypatch.setattr("zhixing.vectors.table.EPSILON", 1e-6)  # gensim's; the paper's is 0.001
    keyed = _gensim(cloud)
    near = [(each.word, each.score) for each in cloud.nearest("w3", count=5)]
    for (word, score), (want, cosine) in zip(near, keyed.most_similar("w3", topn=5), strict=True):
        assert word == want
        assert score == pytest.approx(cosine, abs=1e-5)
    add = cloud.analogy("w1", "w2", "w3", count=5)
    want_add = keyed.most_similar(positive=["w2", "w3"], negative=["w1"], topn=5)
    mul = cloud.analogy("w1", "w2", "w3", method="mul", count=5)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # gensim calls an old function of its own
        want_mul = keyed.most_similar_cosmul(positive=["w2", "w3"], negative=["w1"], topn=5)
    assert [each.word for each in add] == [word for word, _ in want_add]
    assert [each.word for each in mul] == [word for word, _ in want_mul]
    for ours, theirs in ((add, want_add), (mul, want_mul)):
        assert [each.score for each in ours] == pytest.approx([s for _, s in theirs], rel=1e-5)


def test_accuracy_by_section_counts_what_is_known() -> None:
    text = ": family\nman king woman queen\nman woman king queen\nman king woman stone\n: other\na b c d\n"
    scores = accuracy(ROYAL, read_questions(text, "q"))
    assert (scores["family"].correct, scores["family"].known) == (2, 3)
    assert (scores["other"].known, scores["other"].value) == (0, None)
    assert (scores["all"].correct, scores["all"].known, scores["all"].questions) == (2, 3, 4)
    assert scores["all"].low < 2 / 3 < scores["all"].high
    assert accuracy(ROYAL, read_questions(text, "q"), candidates=3)["all"].known == 0


@pytest.mark.parametrize("method", ["add", "mul"])
def test_the_words_of_a_question_are_no_answers(method) -> None:
    rows = [[1, 0], [0.98, 0.2], [0, 1], [-0.2, 0.98]]  # "c" itself is nearest to b - a + c
    vectors = Vectors(["a", "b", "c", "d"], np.array(rows, dtype=np.float32))
    scores = accuracy(vectors, {"s": [("a", "b", "c", "d")]}, method=method)
    assert scores["s"].correct == 1


def test_agreement_is_scipys_correlation_of_the_known_pairs(cloud: Vectors) -> None:
    from scipy.stats import spearmanr

    rows = [(f"w{i}", f"w{i + 1}", float(i % 7)) for i in range(50)]
    text = "# note\n" + "".join(f"{a}\t{b}\t{s}\n" for a, b, s in rows) + "w1\tunknown\t3\n"
    score = agreement(cloud, read_judgements(text, "t"))
    want = spearmanr([s for *_, s in rows], [cloud.similarity(a, b) for a, b, _ in rows])
    assert score.value == pytest.approx(want.statistic)
    assert (score.known, score.pairs) == (50, 51)
    assert score.low < score.value < score.high
    assert score == agreement(cloud, read_judgements(text, "t"))


def test_agreement_with_oneself_is_perfect_and_of_random_vectors_near_zero(cloud: Vectors) -> None:
    pairs = [(f"w{i}", f"w{(i * 7 + 1) % 300}") for i in range(250)]
    text = "".join(f"{a}\t{b}\t{cloud.similarity(a, b)}\n" for a, b in pairs)
    judgements = read_judgements(text, "t")
    assert agreement(cloud, judgements).value == pytest.approx(1.0)
    chance = agreement(random_vectors(cloud.words, 20, seed=5), judgements)
    assert chance.low < 0 < chance.high


def test_too_few_pairs_have_no_correlation() -> None:
    score = agreement(ROYAL, read_judgements("man\tking\t3\nx\ty\t2\n", "t"))
    assert np.isnan(score.value)
    assert (score.known, score.pairs) == (1, 2)


@pytest.mark.parametrize("text", ["one two 3\n", "a\tb\tc\n", "# only a note\n"])
def test_broken_judgements_are_refused(text: str) -> None:
    with pytest.raises(DataError, match=r"mine\.tsv"):
        read_judgements(text, "mine.tsv")


def test_a_question_of_three_words_is_refused() -> None:
    with pytest.raises(DataError, match="q:2: four words"):
        read_questions(": s\na b c\n", "q")


def test_a_word_that_occurs_twice_is_refused() -> None:
    with pytest.raises(DataError, match=r"twice.*'a'"):
        Vectors(["a", "a"], np.eye(2, dtype=np.float32))
