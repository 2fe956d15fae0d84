"""Questions of MMLU with four choices each, as examples {text, label}: the samples that the package lm-eval carries.

    Which city is the capital of France?      Five questions of each of 57 subjects (Hendrycks et al. 2021), written as a
    A. Lyon                                   prompt; the reasoning before "The answer is (B)." is left out. The first
    B. Paris …                                question of a subject is for training, the second for validation; one question with five choices is left out.

These are the questions that others put into prompts; they tell how a harness works and nothing of how much a model knows
beside published scores, which are of the test questions.
"""

import json
import re
from collections.abc import Iterator

from zhixing.core.errors import DataError
from zhixing.corpus.archive import Archive
from zhixing.corpus.document import Document
from zhixing.corpus.parts import PARTS

LETTERS = "ABCD"
_QUESTION = re.compile(
    r"Q: (?P<question>(?:(?!\nQ: ).)*?)\n\(A\)\s(?P<A>.*?)\s\(B\)\s(?P<B>.*?)\s\(C\)\s(?P<C>.*?)\s\(D\)\s(?P<D>.*?)\nA: (?:(?!\nQ: ).)*?"
    r"The answer is \((?P<answer>[A-D])\)\.",
    re.DOTALL,
)


def read(archive: Archive) -> Iterator[Document]:
    """Yield a question with its choices; `meta` has the right letter, the subject and the part. Raises DataError."""
    for name, content in archive.members("*/mmlu/flan_cot_fewshot/_cot_prompts.json"):
        subjects = json.loads(content)
        for subject, prompt in subjects.items():
            found = [*_QUESTION.finditer(prompt)]
            if not found:
                raise DataError(f"{archive.path}: {name} has no question of {subject!r}")
            for number, each in enumerate(found):
                lines = [each["question"], *(f"{letter}. {each[letter]}" for letter in LETTERS)]
                yield Document(
                    id=f"{subject}:{number + 1}",
                    text="\n".join(line.strip() for line in lines),
                    source="mmlu-samples",
                    language="en",
                    meta={
                        "label": each["answer"],
                        "subject": subject,
                        "part": PARTS[min(number, len(PARTS) - 1)],
                    },
                )
