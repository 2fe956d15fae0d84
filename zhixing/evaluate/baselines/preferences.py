"""What a model has to beat that learnt which answers are preferred: the shorter one, the n-gram model, the nearest question.

preferred             share of pairs whose chosen answer has the larger log probability; a tie is half of one
preferred_per_byte    the same with log probabilities per byte of the answer, so that length does not decide
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, final

from zhixing.core.errors import DataError
from zhixing.corpus.formats.row_formats import ROW_FORMATS
from zhixing.evaluate.baselines.chat_parts import Asked, Messages, bits_of, counted, memories
from zhixing.evaluate.contest import Contest, System, best_first, in_parts, rows_of, value_of
from zhixing.evaluate.tasks.measure import Judged, mean
from zhixing.evaluate.tasks.translation import sentence_chrf
from zhixing.objective.preference import asked

TASK = "preferences"
Sides = Mapping[str, float]
"""How much speaks for the `chosen` and for the `rejected` answer."""
Scorer = Callable[[Sequence[Asked]], Iterable[float]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """Two answers to what was said before."""

    chosen: Asked
    rejected: Asked


def read_choices(path: Path) -> tuple[Choice, ...]:
    """The pairs {prompt, chosen, rejected} of a file. Raises DataError for a row that is none."""
    make, keys = ROW_FORMATS["preference"][1], ROW_FORMATS["preference"][0]
    found = []
    for where, row in rows_of(path):
        made = make(row) if all(key in row for key in keys) else "missing_key"
        if isinstance(made, str):
            told = made.replace("_", " ")
            raise DataError(f"{where} is no pair {{prompt, chosen, rejected}}: {told}")
        sides = {
            side: Asked(messages=tuple(asked(made["prompt"], made[side])[:-1]), answer=made[side])
            for side in ("chosen", "rejected")
        }
        found.append(Choice(**sides))
    if not found:
        raise DataError(f"{path} has no pairs of answers")
    return tuple(found)


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class PreferenceContest(Contest[Sides]):
    """Which of two answers is preferred."""

    asks: ClassVar[tuple[str, ...]] = ("chat",)

    train: tuple[Choice, ...]
    validation: tuple[Choice, ...]
    test: tuple[Choice, ...]

    @property
    def shown(self) -> Sequence[str]:
        """See Contest."""
        return ("preferred", "preferred_per_byte")

    def told(self) -> Sequence[str]:
        """See Contest."""
        sizes = map(len, (self.train, self.validation, self.test))
        train, held, test = sizes
        return (f"{train:,} pairs to learn from, {held:,} to choose on, {test:,} to test on",)

    def baselines(self, *, seed: int) -> Sequence[System[Sides]]:
        """See Contest; nothing here is drawn by chance."""
        chats = [_whole(each.chosen) for each in self.train]
        made = counted(chats, [each.chosen for each in self.validation])
        found = [
            self._tried("the shorter answer", lambda some: [-each.num_bytes for each in some]),
            self._tried(
                "n-gram",
                lambda some: -bits_of(made.model, made.tokenizer, some),
                parameters=made.model.num_ngrams,
                seconds=made.seconds,
                told=made.told,
            ),
            self._nearest(chats),
        ]
        return best_first(found)

    def ask(self, model: Any) -> tuple[Sequence[Sides], str]:
        """See Contest."""
        self.check(model)
        return _sides(self.test, lambda some: -bits_of(model.network, model.tokenizer, some)), ""

    def judge(self, answers: Sequence[Sides]) -> Judged:
        """See Contest."""
        return _judge(self.test, answers)

    def _nearest(self, chats: Sequence[Messages]) -> tuple[System[Sides], float]:
        """By chrF beside the answer to the nearest question, compared in the way that is best on the validation pairs."""

        def scorer(memory: Callable[[Sequence[str]], list[str]]) -> Scorer:
            def score(some: Sequence[Asked]) -> list[float]:
                found = memory([each.question for each in some])
                return [
                    sentence_chrf(each.answer, text) for each, text in zip(some, found, strict=True)
                ]

            return score

        tried = [
            self._tried(
                "like the answer to the nearest question",
                scorer(memory),
                told=f"TF-IDF of {config.units}, runs of up to {config.phrase}; the best on the validation pairs",
            )
            for config, memory in memories(chats)
        ]
        return max(tried, key=lambda each: each[1])

    def _tried(
        self,
        name: str,
        scorer: Scorer,
        *,
        parameters: int | None = None,
        seconds: float | None = None,
        told: str = "",
    ) -> tuple[System[Sides], float]:
        held = _judge(self.validation, _sides(self.validation, scorer))
        system = System(
            name=name,
            answers=_sides(self.test, scorer),
            parameters=parameters,
            seconds=seconds,
            told=told,
        )
        return system, value_of(held, "preferred")


def _whole(each: Asked) -> Messages:
    return [*each.messages, {"role": "assistant", "content": each.answer}]


def _sides(choices: Sequence[Choice], scorer: Scorer) -> list[Sides]:
    chosen = scorer([each.chosen for each in choices])
    rejected = scorer([each.rejected for each in choices])
    return [
        {"chosen": float(one), "rejected": float(other)}
        for one, other in zip(chosen, rejected, strict=True)
    ]


def _judge(choices: Sequence[Choice], answers: Sequence[Sides]) -> Judged:
    whole = [_share(each["chosen"], each["rejected"]) for each in answers]
    per_byte = [
        _share(
            each["chosen"] / choice.chosen.num_bytes, each["rejected"] / choice.rejected.num_bytes
        )
        for choice, each in zip(choices, answers, strict=True)
    ]
    signature = "log probability of the answer and its end|chat template"
    measures = (
        mean("preferred", whole, signature),
        mean("preferred_per_byte", per_byte, signature),
    )
    return Judged(task=TASK, measures=measures)


def _share(chosen: float, rejected: float) -> float:
    return 1.0 if chosen > rejected else 0.5 if chosen == rejected else 0.0


def open_preferences(folder: Path) -> PreferenceContest:
    """The pairs of answers of a folder."""
    train, validation, test = in_parts(folder, read_choices)
    return PreferenceContest(train=train, validation=validation, test=test)
