"""What a chat model has to beat, on the same test answers: an n-gram model, and the answer to the most similar question.

bits_per_byte    of the true answers, each with its end, after everything that was truly said before
chrf             of what is written instead, token by token the most probable one, beside the true answer
exact_stop       share of the written answers that end with the end token, and not for their length
_later           of answers that are not the first of their conversation
_behind          of all answers, with an exchange of another conversation put before theirs: derived, for few conversations
                 are long, and what was said before should do no harm

A baseline that only looks answers up has no bits and does not stop by itself; only chrf is measured of it. Conversations are drawn
for the intervals and swapped for the tests, each with all its answers.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from zhixing.core.errors import DataError
from zhixing.corpus.formats.row_formats import ROW_FORMATS
from zhixing.corpus.parts import num_copies
from zhixing.engine.request import Finish
from zhixing.evaluate.baselines.chat_parts import (
    MAX_TOKENS,
    Asked,
    Messages,
    asked_of,
    bits_of,
    counted,
    memories,
)
from zhixing.evaluate.contest import Contest, System, best_first, in_parts, rows_of
from zhixing.evaluate.tasks.measure import Judged, SumMeasure, drawn_together, mean, quotient
from zhixing.evaluate.tasks.translation import chrf
from zhixing.model.protocol import LanguageModel
from zhixing.tokenizer.tokenizer import Tokenizer

TASK = "dialogue"
Answer = Mapping[str, Any]
"""text: what was written; finish: why it ended; bits, behind: of the true answer. None where a system has no such thing."""

Reply = Callable[[Messages], tuple[str, Finish | None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatPart:
    """Conversations, and their languages where rows have them."""

    messages: tuple[Messages, ...]
    languages: tuple[str, ...]

    @property
    def asked(self) -> list[Asked]:
        """Every answer with what was said before it."""
        return [each for messages in self.messages for each in asked_of(messages)]

    @property
    def homes(self) -> list[str]:
        """The conversation of each answer, by its place."""
        return [f"{n}" for n, messages in enumerate(self.messages) for _ in asked_of(messages)]


def read_chats(path: Path) -> ChatPart:
    """The conversations {messages} of a file. Raises DataError for a row that is none."""
    found, languages = [], []
    make = ROW_FORMATS["messages"][1]
    for where, row in rows_of(path):
        made = make(row) if "messages" in row else "missing_key"
        if isinstance(made, str):
            told = made.replace("_", " ")
            raise DataError(f"{where} is no conversation {{messages}}: {told}")
        found.append(tuple(made["messages"]))
        languages.append(str(row.get("language", "")))
    if not found:
        raise DataError(f"{path} has no conversations")
    return ChatPart(messages=tuple(found), languages=tuple(languages))


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class DialogueContest(Contest[Answer]):
    """Every answer of every test conversation."""

    asks: ClassVar[tuple[str, ...]] = ("chat",)

    train: ChatPart
    validation: ChatPart
    test: ChatPart

    @property
    def shown(self) -> Sequence[str]:
        """See Contest; the last are the first by language and for answers that are not the first of their conversation."""
        languages = sorted({*self.test.languages} - {""})
        slices = [f"bits_per_byte_{each}" for each in (*languages, "later", "behind")]
        return ("bits_per_byte", "chrf", "exact_stop", *slices)

    def told(self) -> Sequence[str]:
        """See Contest."""
        train, held, test = (len(each.asked) for each in (self.train, self.validation, self.test))
        later = sum(len(each.messages) > 1 for each in self.test.asked)
        copies = num_copies(
            (each.question for each in self.test.asked),
            (each.question for each in self.train.asked),
        )
        sizes = (
            f"{train:,} answers to learn from, {held:,} to choose on, {test:,} to test on; {later:,} of these are not the "
            "first of their conversation"
        )
        note = f"note: {copies:,} of the questions to test on are also learnt from, most with other answers"
        return (sizes, note) if copies else (sizes,)

    def baselines(self, *, seed: int) -> Sequence[System[Answer]]:
        """See Contest; the best by chrF, for both have that."""
        return best_first([self._nearest(), self._counted()])

    def ask(self, model: Any) -> tuple[Sequence[Answer], str]:
        """See Contest."""
        self.check(model)

        def reply(messages: Messages) -> tuple[str, Finish]:
            made = model.chat(messages, max_tokens=MAX_TOKENS, temperature=0.0)
            return made.text, made.finish

        return self._written(reply, model.network, model.tokenizer), ""

    def judge(self, answers: Sequence[Answer]) -> Judged:
        """See Contest."""
        found = self.test.asked
        texts = [str(each["text"]) for each in answers]
        measures = [chrf(texts, [each.answer for each in found])]
        if all(each["bits"] is not None for each in answers):
            measures += self._bits(*(np.array([e[k] for e in answers]) for k in ("bits", "behind")))
        if all(each["finish"] is not None for each in answers):
            ended = [float(each["finish"] == Finish.END) for each in answers]
            measures.append(mean("exact_stop", ended, f"at most {MAX_TOKENS} tokens|greedy"))
        empty = sum(not text.strip() for text in texts)
        notes = (f"{empty} answers are empty",) if empty else ()
        homes = self.test.homes
        drawn = tuple(drawn_together(each, homes, "conversations") for each in measures)
        return Judged(task=TASK, measures=drawn, notes=notes)

    def _bits(self, bits: NDArray[np.float64], behind: NDArray[np.float64]) -> list[SumMeasure]:
        found = self.test.asked
        sizes = np.array([each.num_bytes for each in found], dtype=np.float64)
        table = np.stack([bits, sizes], axis=1)
        of_row = zip(self.test.messages, self.test.languages, strict=True)
        languages = np.array([tag for messages, tag in of_row for _ in asked_of(messages)])
        kinds: dict[str, NDArray[np.bool_]] = {
            tag: languages == tag for tag in sorted({*self.test.languages} - {""})
        }
        kinds["later"] = np.array([len(each.messages) > 1 for each in found])
        slices = [
            _per_byte(f"bits_per_byte_{name}", table * mask[:, None])
            for name, mask in kinds.items()
        ]
        with_more = _per_byte("bits_per_byte_behind", np.stack([behind, sizes], axis=1))
        return [_per_byte("bits_per_byte", table), *slices, with_more]

    def _behind(self) -> list[Asked]:
        """Every test answer, with the first exchange of the next conversation in its language put before its own."""
        found = []
        by_language: dict[str, list[Messages]] = {}
        for messages, tag in zip(self.test.messages, self.test.languages, strict=True):
            by_language.setdefault(tag, []).append(messages)
        nexts = {tag: iter([*these[1:], these[0]]) for tag, these in by_language.items()}
        for messages, tag in zip(self.test.messages, self.test.languages, strict=True):
            other = asked_of(next(nexts[tag]))[0]
            before = (*other.messages, {"role": "assistant", "content": other.answer})
            found += [
                Asked(messages=(*before, *each.messages), answer=each.answer)
                for each in asked_of(messages)
            ]
        return found

    def _counted(self) -> tuple[System[Answer], float]:
        held = self.validation.asked
        made = counted(self.train.messages, held)
        system = System(
            name="n-gram",
            answers=self._written(made.reply, made.model, made.tokenizer),
            parameters=made.model.num_ngrams,
            seconds=made.seconds,
            told=made.told,
        )
        written = [made.reply(each.messages)[0] for each in held]
        return system, chrf(written, [each.answer for each in held]).value()

    def _nearest(self) -> tuple[System[Answer], float]:
        """Looking answers up in the way that has the best chrF on the validation answers."""
        held, test = self.validation.asked, self.test.asked
        right = [each.answer for each in held]
        began = time.perf_counter()
        ways = [
            (chrf(memory([each.question for each in held]), right).value(), config, memory)
            for config, memory in memories(self.train.messages)
        ]
        value, config, memory = max(ways, key=lambda way: way[0])
        found: list[Answer] = [
            {"text": text, "finish": None, "bits": None, "behind": None}
            for text in memory([each.question for each in test])
        ]
        system = System(
            name="answer to the nearest question",
            answers=found,
            seconds=time.perf_counter() - began,
            told=f"TF-IDF of {config.units}, runs of up to {config.phrase}; the best of {len(ways)} on the validation answers",
        )
        return system, value

    def _written(self, reply: Reply, network: LanguageModel, tokenizer: Tokenizer) -> list[Answer]:
        asked = self.test.asked
        prices = zip(
            asked,
            bits_of(network, tokenizer, asked),
            bits_of(network, tokenizer, self._behind()),
            strict=True,
        )
        answers: list[Answer] = []
        for each, bits, behind in prices:
            text, finish = reply(each.messages)
            answers.append(
                {"text": text, "finish": finish, "bits": float(bits), "behind": float(behind)}
            )
        return answers


def _per_byte(name: str, table: NDArray[np.float64]) -> SumMeasure:
    return SumMeasure(
        name=name,
        signature="the answer and its end|chat template",
        table=table,
        formula=quotient,
        unit="bits/byte",
        better="lower",
    )


def open_chats(folder: Path) -> DialogueContest:
    """The conversations of a folder."""
    train, validation, test = in_parts(folder, read_chats)
    return DialogueContest(train=train, validation=validation, test=test)
