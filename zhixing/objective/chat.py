"""To answer: a conversation is read, and only the tokens of its answers are learnt, with the token that ends each.

    loss = -Σ_t learnt_{t+1} log p(token_{t+1} | token_0 … token_t)         (Ouyang et al. 2022, §3.4: supervised fine-tuning)

How a conversation becomes tokens, and which of them are learnt, is `encode_chat`, as in evaluation and in use. Rows may have
the keys of published sets: {messages}, {conversations} (sharegpt), {instruction, input, output} (alpaca), {question, choices,
answer} (MMLU); of a pair {src, tgt} the source is asked and the target answers. A conversation longer than `time` loses its oldest
exchanges. Left out: packing several conversations into a row.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int
from torch import Tensor

from zhixing.core.targets import IGNORED
from zhixing.corpus.formats.row_formats import ROW_FORMATS, detect_row_format
from zhixing.data.examples import Example, Made
from zhixing.kernels.cross_entropy import linear_cross_entropy
from zhixing.objective.causal import CausalModel
from zhixing.objective.loss import Counts, Loss, Losses, Measured
from zhixing.objective.reading import pad
from zhixing.tokenizer.conversation import fit
from zhixing.tokenizer.tokenizer import Tokenizer

FORMATS = ("messages", "sharegpt", "alpaca", "mmlu")
"""Published formats whose rows are conversations."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatBatch:
    """Conversations and, at each place, the token that follows if it is one of an answer (-100: it is not)."""

    tokens: Int[Tensor, "batch time"]
    targets: Int[Tensor, "batch time"]


class Chat:
    """The next token, where somebody is answered."""

    kind = "chat"
    target = "token"
    fields = ("tokens", "targets")

    def __init__(self, tokenizer: Tokenizer, *, time: int) -> None:
        self._tokenizer, self._time = tokenizer, time

    def example(self, record: Mapping[str, Any]) -> Made:
        """A row under the keys of any set of conversations. Raises UnsupportedError for a tokenizer without a template."""
        found = messages_of(record)
        if isinstance(found, str):
            return Made(dropped=found)
        fitted = fit(self._tokenizer, found, room=self._time + 1)
        encoding = fitted.encoding
        if len(encoding.ids) > self._time + 1:
            return Made(dropped="answer_too_long")
        ids, learnt = np.array(encoding.ids), np.array(encoding.learnt)
        example = {"tokens": ids[:-1], "targets": np.where(learnt[1:], ids[1:], IGNORED)}
        return Made(example=example, truncated=fitted.left_out > 0)

    def counts(self, item: Example) -> Counts:
        """The tokens of answers."""
        return {"loss": int(np.count_nonzero(item["targets"] != IGNORED))}

    def collate(self, items: Sequence[Example]) -> ChatBatch:
        """Conversations padded at their ends, where nothing that counts can see it."""
        return ChatBatch(
            tokens=pad([item["tokens"] for item in items], self._tokenizer.pad),
            targets=pad([item["targets"] for item in items], IGNORED),
        )

    def losses(self, model: CausalModel, batch: ChatBatch) -> Losses:
        """-log p of the tokens of answers."""
        total = linear_cross_entropy(
            model.body(batch.tokens).hidden.flatten(0, 1),
            model.unembed.weight,
            batch.targets.flatten(),
            model.unembed.bias,
        )
        return {"loss": Loss(total=total, count=int((batch.targets != IGNORED).sum()))}

    def measure(self, model: CausalModel, batch: ChatBatch) -> Measured:
        """The same, and no other score."""
        return Measured(losses=self.losses(model, batch), scores={})


def messages_of(record: Mapping[str, Any]) -> list[dict[str, Any]] | str:
    """The messages of a row under the keys of any set of conversations; or why it cannot be used, in one word."""
    kind, row = detect_row_format(record), record
    if kind == "pairs-src-tgt":
        kind, row = "alpaca", {"instruction": record["src"], "output": record["tgt"]}
    if kind not in FORMATS:
        return "missing_key"
    made = ROW_FORMATS[kind][1](row)
    return made if isinstance(made, str) else list(made["messages"])


def texts_of(record: Mapping[str, Any]) -> Iterator[str]:
    """What is said in a row, for a tokenizer to learn from."""
    found = messages_of(record)
    yield from () if isinstance(found, str) else (each["content"] for each in found)
