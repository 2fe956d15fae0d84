"""How probable a model finds the tokens of a text, each given what came before it.

    nats_t = -log p(token_t | tokens before t)       t = 1 … ; the first token is given, not predicted

A model with a longest time reads overlapping windows (objective/window.py); one without carries its state from
piece to piece, so every token is predicted from the whole past.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from zhixing.model.protocol import LanguageModel
from zhixing.objective.window import Window, windows

_PIECE = 512
"""Tokens read at a time where the state is carried."""
_HEAD = 256
"""Positions whose logits are in memory at a time."""


def token_nats(model: LanguageModel, ids: list[int]) -> Float[Tensor, " predicted"]:
    """-log p (nats, float64) of each of `ids` but the first; empty for fewer than two ids."""
    tokens = torch.tensor(ids, dtype=torch.long, device=model.device)
    count = max(len(ids) - 1, 0)
    with torch.inference_mode():
        if model.max_time is None:
            parts = _carried(model, tokens, count)
        else:
            parts = [_window(model, tokens, window) for window in windows(count, model.max_time)]
        return torch.cat(parts) if parts else torch.zeros(0, dtype=torch.float64)


def _window(model: LanguageModel, tokens: Tensor, window: Window) -> Tensor:
    hidden = model.body(tokens[None, window.start : window.stop]).hidden[0]
    targets = tokens[window.first + 1 : window.stop + 1]
    return _nats(model, hidden[window.first - window.start :], targets)


def _carried(model: LanguageModel, tokens: Tensor, count: int) -> list[Tensor]:
    state = model.new_state(1, count)
    parts = []
    for start in range(0, count, _PIECE):
        stop = min(start + _PIECE, count)
        hidden = model.body(tokens[None, start:stop], state=state).hidden[0]
        parts.append(_nats(model, hidden, tokens[start + 1 : stop + 1]))
    return parts


def _nats(model: LanguageModel, hidden: Tensor, targets: Tensor) -> Tensor:
    pieces = zip(torch.split(hidden, _HEAD), torch.split(targets, _HEAD), strict=True)
    return torch.cat(
        [
            F.cross_entropy(model.head(rows).float(), wanted, reduction="none").double().cpu()
            for rows, wanted in pieces
        ]
    )
