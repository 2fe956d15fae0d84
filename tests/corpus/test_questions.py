"""Questions made by rule: their answers stand where they say, parts share nothing, and some have no answer."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.corpus.test_corpus_sources import packed
from zhixing.core.errors import DataError
from zhixing.corpus.parts import part_of
from zhixing.corpus.questions import Question, filled, joined, write_questions
from zhixing.corpus.sources import help_questions, wordnet

LICENCE = "  1 This software and database is being provided to you\n"
KINDS = 60
"""General nouns, each with six words of its kind."""
VERBS = ("Opens", "Closes", "Removes", "Inserts", "Selects", "Copies")
HAN = "打开关闭删除插入选择复制"
QUESTIONS = {
    "wordnet-questions": wordnet.questions,
    "help-questions-en": help_questions.questions,
    "help-questions-zh": help_questions.questions,
}


def nouns() -> str:
    """A file of nouns in WordNet's form."""
    lines = []
    for kind in range(KINDS):
        lines.append(f"{kind:08d} 03 n 01 kind{letters(kind)} 0 000 | all of it")
        for n in range(6):
            name, gloss = letters(kind * 6 + n), f"a thing that is made by hand no {kind} {n} there"
            words = f"02 zq{name} 0 also_{name} 0" if n % 2 else f"01 zq{name} 0"
            lines.append(
                f'{1000 + kind * 6 + n:08d} 06 n {words} 001 @ {kind:08d} n 0000 | {gloss}; "so said"'
            )
    return LICENCE + "".join(f"{line}  \n" for line in lines)


def letters(number: int) -> str:
    return "".join(chr(ord("a") + number // 26**place % 26) for place in range(3))


def page(number: int, language: str) -> str:
    blocks = []
    for n, verb in enumerate(VERBS):
        if language == "en":
            heading, text = (
                f"Option {letters(number * 6 + n)}",
                f"{verb} the {number} part of a document {n}.",
            )
        else:
            name = "".join(chr(0x4E00 + 37 * number + 5 * n + k) for k in range(3))
            heading, text = f"{name}项", f"{HAN[2 * n : 2 * n + 2]}文档中第{number}号{name}的内容。"
        blocks += [f'<h2 id="hd_{n}">{heading}</h2>', f'<p id="par_{n}">{text}</p>']
    return "\n".join(blocks)


def made(name: str, folder: Path) -> list[Question]:
    """What is asked of a package in its published form."""
    if name == "wordnet-questions":
        files = {"x/usr/share/wordnet/data.noun": nouns().encode()}
    else:
        language = {"en": "en-US", "zh": "zh-CN"}[name[-2:]]
        files = {
            f"x/help/{language}/text/a/{n}.html": page(n, name[-2:]).encode() for n in range(80)
        }
    return list(QUESTIONS[name](packed(folder / "package.tgz", files)))


def read(folder: Path) -> dict[str, list[dict]]:
    return {
        path.stem: [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        for path in folder.glob("*.jsonl")
    }


def test_a_template_says_where_each_fact_begins() -> None:
    facts = {"word": "oak", "meaning": "a tree"}
    made = filled("The word {word} means {meaning}.", facts)
    assert made.text == "The word oak means a tree."
    assert {name: made.text[start:].startswith(facts[name]) for name, start in made.starts.items()} == {
        "word": True, "meaning": True
    }  # fmt: skip
    assert joined([made, made], " ") == (f"{made.text} {made.text}", [0, len(made.text) + 1])


def test_an_answer_that_is_elsewhere_is_our_own_mistake() -> None:
    with pytest.raises(AssertionError, match="does not stand at 2"):
        Question(id="1", document="a", question="?", context="an oak", answer="oak", start=2)


def test_questions_of_a_document_stay_together_and_contexts_in_one_part(tmp_path: Path) -> None:
    questions = [
        Question(id=f"{n}", document=f"{n // 3}", question=f"Who {n}?", context=f"text {n // 3}")
        for n in range(300)
    ]
    again = [
        Question(id="copy", document="0", question="who  0?", context="Text 0"),
        *(
            Question(id=f"other {n}", document=f"{n}", question="New?", context="text 1")
            for n in range(100)
        ),
    ]
    written = write_questions([*questions, *again], tmp_path)
    found = read(tmp_path)
    assert {part: len(rows) for part, rows in found.items()} == written.parts
    assert written.without_answer == written.parts
    assert min(written.parts.values()) > 0
    for part, rows in found.items():
        assert {part_of(f"{int(row['id']) // 3}") for row in rows if row["id"].isdigit()} == {part}
    homes = {part for part, rows in found.items() for row in rows if row["context"] == "text 1"}
    assert len(homes) == 1
    assert written.copies >= 1
    assert written.learnt > 0
    assert "synthetic" in f"{written}"


@pytest.mark.parametrize("name", QUESTIONS)
def test_questions_have_answers_in_their_context_and_some_have_none(
    name: str, tmp_path: Path
) -> None:
    questions = made(name, tmp_path)
    written = write_questions(questions, tmp_path / "out")
    found = read(tmp_path / "out")
    total = sum(written.parts.values())
    assert total > 200
    assert 0.1 < sum(written.without_answer.values()) / total < 0.6
    for rows in found.values():
        for row in rows:
            for text, start in zip(*row["answers"].values(), strict=True):
                assert text
                assert row["context"][start : start + len(text)] == text
    contexts = {part: {row["context"] for row in rows} for part, rows in found.items()}
    assert not contexts["train"] & (contexts["test"] | contexts["validation"])
    answers = {
        part: {text for row in rows for text in row["answers"]["text"] if len(text) > 8}
        for part, rows in found.items()
    }
    told = {part: " ".join(each) for part, each in contexts.items()}
    assert not [text for text in answers["test"] if text in told["train"]]
    assert questions == made(name, tmp_path)  # the same every time


def test_what_is_asked_of_a_word_that_is_told_of_has_its_answer(tmp_path: Path) -> None:
    questions = made("wordnet-questions", tmp_path)
    asked = {"meaning": 0, "word": 0, "other": 0, "kind": 0}
    for each in questions:
        word = re.search(r"\bzq([a-z]{3})\b", each.question)
        if word and "called" in each.question and each.answer:
            assert each.answer == f"also {word[1]}"
            asked["other"] += 1
        if each.question.startswith("Which word") and each.answer:
            assert re.fullmatch("zq[a-z]{3}", each.answer)
            asked["word"] += 1
        if "kind of?" in each.question and each.answer:
            assert each.answer.startswith("kind")
            asked["kind"] += 1
        if "mean?" in each.question and each.answer:
            assert each.answer.startswith("a thing that is made")
            asked["meaning"] += 1
        if not each.answer and word and word[0] in each.context:
            assert "called" in each.question or "another word" in each.question
    assert min(asked.values()) > 10


def test_nouns_lose_notes_and_examples_of_their_meaning(tmp_path: Path) -> None:
    line = '00000002 06 n 02 Boat 0 row_boat 1 002 @ 00000001 n 0000 ~ 00000003 n 0000 | (nautical) a small vessel; used on lakes; "he has a boat"  '
    files = {"x/wordnet/data.noun": f"{LICENCE}{line}\n".encode()}
    (noun,) = wordnet.nouns(packed(tmp_path / "w.tgz", files))
    assert (noun.words, noun.meaning, noun.general) == (
        ("Boat", "row boat"),
        "a small vessel",
        "00000001",
    )
    broken = packed(tmp_path / "b.tgz", {"x/wordnet/data.noun": b"00000002 06 n\n"})
    with pytest.raises(DataError, match="line 1: no noun of WordNet"):
        list(wordnet.nouns(broken))


def test_a_heading_of_many_pages_is_asked_about_nowhere(tmp_path: Path) -> None:
    count = help_questions.MOST_PAGES + 1
    files = {
        f"x/help/en-US/text/a/{n}.html": f'<h2 id="h_s">Syntax</h2><p id="p_s">Takes the value number {n} of a cell.</p>{page(n, "en")}'.encode()
        for n in range(count)
    }
    found = list(help_questions.questions(packed(tmp_path / "p.tgz", files)))
    assert found
    assert not [each for each in found if "Syntax" in each.question or each.answer == "Syntax"]


def asked(folder: Path, **pages: Sequence[tuple[str, str]]) -> list[Question]:
    """What is asked of English pages of headings and sentences, all of which are in the training part."""
    names = [name for name in map("a/{}".format, range(99)) if part_of(name) == "train"]
    files = {
        f"x/help/en-US/text/{name}.html": "".join(
            f'<h2 id="h{n}">{heading}</h2><p id="p{n}">{text}</p>'
            for n, (heading, text) in enumerate(sections)
        ).encode()
        for name, sections in zip(names, pages.values(), strict=False)
    }
    return list(help_questions.questions(packed(folder / "p.tgz", files)))


OWN = (("Alpha", "Opens the window of a first document."), ("Gamma", "Closes the window of a second document."))  # fmt: skip
OTHER = (("Delta", "Removes the cells of a third sheet."), ("Kappa", "Copies the cells of a fourth sheet."))  # fmt: skip


def test_a_heading_that_a_page_has_twice_or_a_sentence_told_before_is_not_asked_about(
    tmp_path: Path,
) -> None:
    twice = (("Omega", "Selects the rows of a fifth sheet."), ("Omega", "Inserts rows in a sixth sheet."))  # fmt: skip
    again = (("Sigma", OWN[0][1]),)
    found = asked(tmp_path, one=(*OWN, *twice), two=(*OTHER, *again))
    assert found
    assert not [each for each in found if "Omega" in each.question or "Sigma" in each.question]


def test_what_the_context_names_is_not_asked_for_as_if_it_were_absent(tmp_path: Path) -> None:
    naming = (("Alpha", "Opens the Delta and the Kappa of a document."), OWN[1])
    found = [each for each in asked(tmp_path, one=naming, two=OTHER) if "Alpha" in each.context]
    assert found
    whose = ("What does Delta", "What does Kappa", "What is Delta", "What is Kappa")
    assert not [each for each in found if each.question.startswith(whose)]
    plain = [each for each in asked(tmp_path, one=OWN, two=OTHER) if "Alpha" in each.context]
    assert [each for each in plain if each.question.startswith(whose)]


def test_the_heading_is_asked_for_only_where_its_sentence_stands_below_it(tmp_path: Path) -> None:
    found = [each for each in made("help-questions-en", tmp_path) if each.answer.startswith("Opt")]
    assert found
    for each in found:
        below = each.context[each.start + len(each.answer) :].lstrip("\n")
        assert below.startswith(VERBS), each.id


def test_no_word_that_the_text_names_is_asked_for_as_if_it_were_absent(tmp_path: Path) -> None:
    names = [f"zq{letters(n)}" for n in range(6)]
    lines = [
        f"{n + 1:08d} 06 n 01 {name} 0 001 @ 00000099 n 0000 | things near {' '.join(names)}  \n"
        for n, name in enumerate(names)
    ]
    general = "00000099 03 n 01 kind 0 000 | all of it  \n"
    files = {"x/usr/share/wordnet/data.noun": "".join([LICENCE, *lines, general]).encode()}
    found = list(wordnet.questions(packed(tmp_path / "w.tgz", files)))
    assert found
    assert not [e for e in found if not e.answer and not re.search("called|another word", e.question)]  # fmt: skip
