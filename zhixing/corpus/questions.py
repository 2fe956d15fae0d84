"""Questions whose answer stands in a text, or does not, as examples: nothing of a test was learnt from.

    {"id": "…", "question": "…", "context": "…", "answers": {"text": ["…"], "answer_start": [17]}}     SQuAD v2.0

Questions that were made of a dictionary or a manual by rule are no questions of people; all that is made here is called
synthetic wherever it is named. What they are made of (a group of words, a page) is in one part as a whole. One without an
answer asks for what its context does not say; such questions are what a model learns to decline on.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

from zhixing.corpus.parts import PARTS, Part, part_of, same, write_parts


@dataclass(frozen=True, kw_only=True, slots=True)
class Passage:
    """A text that was made of facts, and the character where each fact begins, by its name."""

    text: str
    starts: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A question about a context; `start` is the character where `answer` begins, which is empty where there is none.

    Questions of one `document` stay together.
    """

    id: str
    document: str
    question: str
    context: str
    answer: str = ""
    start: int = 0

    def __post_init__(self) -> None:
        found = self.context[self.start : self.start + len(self.answer)]
        assert found == self.answer, f"{self.id}: {self.answer!r} does not stand at {self.start}"


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenQuestions:
    """Questions written to each part, those of them without an answer, and what was left out.

    copies: a question that was asked of the same context before; learnt: a context that stands in an earlier part.
    """

    parts: dict[str, int]
    without_answer: dict[str, int]
    copies: int
    learnt: int

    def __str__(self) -> str:
        told = ", ".join(
            f"{part} {count:,} ({self.without_answer[part]:,} without an answer)"
            for part, count in self.parts.items()
        )
        return (
            f"{told}; synthetic; left out: {self.copies:,} copies, {self.learnt:,} of contexts that "
            "another part has"
        )


def filled(template: str, facts: Mapping[str, str]) -> Passage:
    """A template with facts in place of their names in braces."""
    text, starts = "", dict[str, int]()
    for before, name, _, _ in Formatter().parse(template):
        text += before
        if name is not None:
            starts[name] = len(text)
            text += facts[name]
    return Passage(text=text, starts=starts)


def joined(passages: Iterable[Passage], between: str) -> tuple[str, list[int]]:
    """Passages as one text, and the character where each begins."""
    text, starts = "", list[int]()
    for each in passages:
        text += between if text else ""
        starts.append(len(text))
        text += each.text
    return text, starts


def write_questions(questions: Iterable[Question], folder: Path) -> WrittenQuestions:
    """Write questions as SQuAD rows to train, validation and test .jsonl in `folder`: four fifths, a tenth, a tenth."""
    by_part: dict[Part, list[Question]] = {part: [] for part in PARTS}
    for each in questions:
        by_part[part_of(each.document)].append(each)
    left_out = Counter[str]()
    kept = [*_kept(by_part, left_out)]
    parts = write_parts(((part, _row(each)) for part, each in kept), folder)
    declined = Counter(part for part, each in kept if not each.answer)
    return WrittenQuestions(
        parts=parts,
        without_answer={part: declined[part] for part in PARTS},
        copies=left_out["copies"],
        learnt=left_out["learnt"],
    )


def _kept(
    by_part: dict[Part, list[Question]], left_out: Counter[str]
) -> Iterator[tuple[Part, Question]]:
    """Every question of a context once, and a context in one part alone: that which comes first."""
    asked = set[tuple[str, str]]()
    home = dict[str, Part]()
    for part, questions in by_part.items():
        for each in questions:
            context = same(each.context)
            key = (context, same(each.question))
            if home.setdefault(context, part) != part:
                left_out["learnt"] += 1
            elif key in asked:
                left_out["copies"] += 1
            else:
                asked.add(key)
                yield part, each


def _row(each: Question) -> dict[str, object]:
    answers: dict[str, list[object]] = {
        "text": [each.answer] if each.answer else [],
        "answer_start": [each.start] if each.answer else [],
    }
    return {
        "id": each.id,
        "question": each.question,
        "context": each.context,
        "answers": answers,
    }
