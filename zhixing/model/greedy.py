"""The simplest way to write a target: always the most probable next token.

Several sources at once; a row that has ended goes on being computed and is cut at its end token. Sampling and
search are the engine's.
"""

from collections.abc import Collection

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from zhixing.model.encoder_decoder import EncoderDecoder


@torch.inference_mode()
def greedy(
    model: EncoderDecoder,
    source: Int[Tensor, "batch source"],
    *,
    keep: Bool[Tensor, "batch source"] | None = None,
    max_tokens: int,
    ends: Collection[int],
) -> list[list[int]]:
    """The target of each source without its start token; an end token is the last of its row.

    keep: True at tokens of the source, False at padding. UnsupportedError for a source that is too long.
    """
    memory = model.encode(source, keep=keep)
    length = min(max_tokens, model.max_time)
    state = model.new_state(source.shape[0], length)
    token = torch.full_like(source[:, :1], model.start)
    rows: list[list[int]] = [[] for _ in range(source.shape[0])]
    for place in range(length):
        hidden = model.decode(token, memory, state=state).hidden
        token = _choose(model, model.head(hidden[:, -1]), place)
        for row, chosen in zip(rows, token[:, 0].tolist(), strict=True):
            if not row or row[-1] not in ends:
                row.append(chosen)
        if all(row[-1] in ends for row in rows):
            break
    return rows


def _choose(
    model: EncoderDecoder, logits: Float[Tensor, "batch vocab"], place: int
) -> Int[Tensor, "batch 1"]:
    if place == 0 and model.config.first is not None:
        return torch.full_like(logits[:, :1], model.config.first, dtype=torch.long)
    if model.config.never:
        logits[:, list(model.config.never)] = float("-inf")
    return logits.argmax(dim=-1, keepdim=True)
