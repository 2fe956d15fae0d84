"""Preferred answers become more probable than rejected ones, without a reward model (DPO).

    margin = β · [(log p(chosen) - log p(rejected)) - (log r(chosen) - log r(rejected))]
    loss   = -Σ log σ(margin)                                 Rafailov et al. 2023, eq. 7

log p is the sum over an answer's tokens given the prompt, by the model; log r the same by the reference, which is the
model before training and is kept as it was. Left out: label smoothing, other losses of the family (IPO, KTO).

A model with a chat template is asked as in a chat: the prompt is a message of the user, or a list of messages, and the answer ends
as one does there. To others the prompt is the beginning of a text.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from zhixing.core.targets import IGNORED
from zhixing.data.examples import Example, Made
from zhixing.kernels.precision import widen
from zhixing.model.protocol import LanguageModel
from zhixing.objective.loss import Counts, Loss, Losses, Measured, Tally
from zhixing.objective.reading import pad
from zhixing.tokenizer.chat import ASSISTANT, Message
from zhixing.tokenizer.conversation import USER, answered, fit
from zhixing.tokenizer.tokenizer import Tokenizer


@dataclass(frozen=True, kw_only=True, slots=True)
class PreferenceBatch:
    """Chosen answers in the first half, rejected ones in the same order in the second; -100: a prompt's token."""

    tokens: Int[Tensor, "answers time"]
    targets: Int[Tensor, "answers time"]


class Preference:
    """Pairs of answers; `model` is copied as the reference and never changed."""

    kind = "preference"
    target = "pair"
    fields = ("prompt", "chosen", "rejected")

    def __init__(
        self, tokenizer: Tokenizer, *, time: int, beta: float, model: LanguageModel
    ) -> None:
        self._tokenizer, self._time, self._beta = tokenizer, time, beta
        self._reference = deepcopy(model).requires_grad_(False).eval()

    def example(self, record: Mapping[str, Any]) -> Made:
        """{prompt, chosen, rejected}; a prompt that leaves no room loses its first tokens, in a chat its first exchanges."""
        if record["chosen"] == record["rejected"]:
            return Made(dropped="no_preference")
        if self._tokenizer.files.templates:
            return self._chat_example(record)
        if not isinstance(record["prompt"], str):
            return Made(dropped="messages_without_chat_template")
        prompt, chosen, rejected = (
            self._tokenizer.encode_text(record[key]) for key in ("prompt", "chosen", "rejected")
        )
        if not chosen or not rejected or chosen == rejected:
            return Made(dropped="no_preference")
        longest = max(len(chosen), len(rejected)) + 1  # with the end token
        room = self._time - longest
        if room < 1:
            return Made(dropped="answer_too_long")
        example = {
            "prompt": np.array(
                [self._tokenizer.begin, *prompt[max(0, len(prompt) - room + 1) :]][:room]
            ),
            "chosen": np.array([*chosen, self._tokenizer.end]),
            "rejected": np.array([*rejected, self._tokenizer.end]),
        }
        return Made(example=example, truncated=len(prompt) + 1 > room)

    def _chat_example(self, record: Mapping[str, Any]) -> Made:
        sides = record["chosen"], record["rejected"]
        fitted = [
            fit(self._tokenizer, asked(record["prompt"], answer), room=self._time + 1)
            for answer in sides
        ]
        shortest = min((each.messages[:-1] for each in fitted), key=len)
        chosen, rejected = (answered(self._tokenizer, shortest, answer) for answer in sides)
        if max(len(each.prompt) + len(each.answer) for each in (chosen, rejected)) > self._time + 1:
            return Made(dropped="answer_too_long")
        example = {
            "prompt": np.array(chosen.prompt),
            "chosen": np.array(chosen.answer),
            "rejected": np.array(rejected.answer),
        }
        return Made(example=example, truncated=max(each.left_out for each in fitted) > 0)

    def counts(self, item: Example) -> Counts:
        """One pair."""
        return {"loss": 1}

    def collate(self, items: Sequence[Example]) -> PreferenceBatch:
        """Each answer behind its prompt; every token predicts the next one, only those of answers count."""
        answers = [
            (item["prompt"], item[side]) for side in ("chosen", "rejected") for item in items
        ]
        whole = [np.concatenate(parts) for parts in answers]
        targets = [
            np.concatenate([np.full(len(prompt) - 1, IGNORED), answer])
            for prompt, answer in answers
        ]
        return PreferenceBatch(
            tokens=pad([row[:-1] for row in whole], self._tokenizer.pad),
            targets=pad(targets, IGNORED),
        )

    def losses(self, model: Any, batch: PreferenceBatch) -> Losses:
        """-log σ of the margins."""
        return self.measure(model, batch).losses

    def measure(self, model: Any, batch: PreferenceBatch) -> Measured:
        """The loss, and how often the margin is on the side of the chosen answer."""
        with torch.no_grad():
            reference = answer_log_probs(self._reference.to(batch.tokens.device), batch)
        gained = answer_log_probs(model, batch) - reference
        chosen, rejected = gained.chunk(2)
        margins = self._beta * (chosen - rejected)
        right = Tally(total=float((margins > 0).sum()), count=len(margins))
        loss = Loss(total=-F.logsigmoid(margins).sum(), count=len(margins))
        return Measured(losses={"loss": loss}, scores={"accuracy": right})


def asked(prompt: str | Sequence[Message], answer: str) -> list[Message]:
    """A prompt and one answer to it as messages; a text is a message of the user."""
    before = [{"role": USER, "content": prompt}] if isinstance(prompt, str) else prompt
    return [*before, {"role": ASSISTANT, "content": answer}]


def answer_log_probs(model: LanguageModel, batch: PreferenceBatch) -> Float[Tensor, " answers"]:
    """Log probability of each answer given its prompt, in nats."""
    hidden = model.body(batch.tokens).hidden  # (answers, time, width)
    is_answer = batch.targets != IGNORED
    logits = widen(
        model.head(hidden[is_answer])
    )  # (places of answers, vocab): prompts and padding cost nothing
    nats = F.cross_entropy(logits, batch.targets[is_answer], reduction="none")
    owners = is_answer.nonzero()[:, 0]
    return nats.new_zeros(len(batch.tokens)).index_add(0, owners, -nats)
