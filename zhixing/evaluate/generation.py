"""Texts that models write: the same beginnings of held-out documents for all of them, and what really followed.

document   ── first lines, or first characters ──▶ prompt ── model ──▶ continuation
                                                 └─▶ what followed, cut to as many characters
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from zhixing.core.errors import DataError, UsageError
from zhixing.corpus.document import Document
from zhixing.engine.request import SamplingParams

CHARACTERS = 40
"""Length of a prompt, unless it is some lines."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """How a document begins, and how it goes on."""

    text: str
    rest: str
    language: str


def prompts_of(documents: Sequence[Document], *, num: int, lines: int) -> list[Prompt]:
    """The beginnings of `num` documents, evenly spaced: `lines` lines, or CHARACTERS where that is 0.

    Documents that end there are left out. Raises DataError when that is all of them.
    """
    if num < 1 or lines < 0:
        raise UsageError(f"--num {num} must be at least 1, and --lines {lines} at least 0")
    found = [made for document in documents if (made := _prompt(document, lines)) is not None]
    if not found:
        raise DataError(
            f"not one of {len(documents)} documents goes on behind {f'{lines} lines' if lines else f'{CHARACTERS} characters'}"
        )
    count = min(num, len(found))
    return [found[place * len(found) // count] for place in range(count)]


def _prompt(document: Document, lines: int) -> Prompt | None:
    text = document.text
    if lines:
        parts = text.split("\n")
        head = "\n".join(parts[:lines]) + "\n"
    else:
        head = text[:CHARACTERS]
    rest = text[len(head) :]
    if not rest.strip():
        return None
    return Prompt(text=head, rest=rest, language=document.language)


def continuations(model: Any, prompts: Sequence[Prompt], params: SamplingParams) -> list[str]:
    """What a model that `zhixing.load` opened writes behind each prompt; each takes the next seed."""
    model.require("generate")
    texts = []
    for place, prompt in enumerate(prompts):
        settings = params.model_copy(update={"seed": params.seed + place})
        texts.append("".join(event.text for event in model.run(prompt.text, settings)))
    return texts


def what_followed(prompts: Sequence[Prompt], beside: Sequence[Sequence[str]]) -> list[str]:
    """The true continuations, each cut to the mean length in characters of those that models have written for it."""
    sizes = [sum(map(len, texts)) // len(texts) for texts in zip(*beside, strict=True)]
    return [prompt.rest[:size] for prompt, size in zip(prompts, sizes, strict=True)]
