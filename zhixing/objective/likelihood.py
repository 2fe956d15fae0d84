"""How probable a model finds the tokens of texts, each given what came before it.

    nats_t = -log p(token_t | tokens before t)       t = 1 … ; the first token is given, not predicted

    attention   windows of `time` tokens that overlap by half (objective/window.py): every prediction counts
                once, and outside the first window it has at least `time / 2` tokens of context
    others      (recurrent, n-gram: `max_time` is None) the state is carried through the whole text

What is asked of many prompts, how probable each of a few endings is behind it, reads every prompt once (`ending_nats`).

Texts of similar length share a batch, and the head is applied to a few positions at a time. Nats are float64 of
float32 logits. Source of the windows: the strided evaluation of Baevski and Auli (2019), section 5.1. Left out:
packing several short texts into one row (their batches are already dense).
"""

from collections.abc import Iterator, Sequence
from itertools import groupby, takewhile
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float64, Int
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from zhixing.core.batches import chunks
from zhixing.model.protocol import LanguageModel, State
from zhixing.objective.window import Window, windows

TOKENS_PER_BATCH = 8192
LOGIT_BYTES = 2**26
"""The head is applied to as many positions as give this many bytes of logits."""
CARRY_TIME = 512
"""Tokens a model with carried state reads per call; the result does not depend on it."""

Ids = NDArray[np.int64]


class Priced(NamedTuple):
    """A batch of predictions: the row and place of the token that each is about, and its nats."""

    rows: NDArray[np.int64]
    places: NDArray[np.int64]
    nats: NDArray[np.float64]


class _Piece(NamedTuple):
    """One window of one row of tokens."""

    row: int
    window: Window

    @property
    def length(self) -> int:
        """Tokens to read."""
        return self.window.stop - self.window.start


def token_nats(model: LanguageModel, ids: list[int]) -> Float[Tensor, " predicted"]:
    """-log p (nats, float64) of each of `ids` but the first; empty for fewer than two ids."""
    nats = np.zeros(max(len(ids) - 1, 0))
    with torch.inference_mode():
        for part in priced(model, [np.asarray(ids, dtype=np.int64)], model.max_time):
            nats[part.places - 1] = part.nats
    return torch.from_numpy(nats)


def priced(model: LanguageModel, rows: Sequence[Ids], time: int | None) -> Iterator[Priced]:
    """Price every token of every row but the first one, in windows of `time` tokens or (None) carrying the state."""
    return _carried(model, rows) if time is None else _windowed(model, rows, time)


def ending_nats(
    model: LanguageModel, prompts: Sequence[list[int]], endings: Sequence[list[int]]
) -> NDArray[np.float64]:
    """-log p (nats) of each whole ending behind each prompt, (prompts, endings); no prompt and no ending is empty.

    Prompts of one length are read together: what they begin with once for all of them, the rest of each once for all endings.
    A prompt with an ending but its last token is at most `max_time` tokens long.
    """
    longest = max(map(len, endings))
    nats = np.zeros((len(prompts), len(endings)))
    order = sorted(range(len(prompts)), key=lambda place: (len(prompts[place]), prompts[place]))
    for length, group in groupby(order, key=lambda place: len(prompts[place])):
        for rows in chunks([*group], max(1, TOKENS_PER_BATCH // (length + longest))):
            ids = [prompts[row] for row in rows]
            with torch.inference_mode():
                state, hidden = _read(model, ids, capacity=length + longest)
                for place, ending in enumerate(endings):
                    nats[rows, place] = _behind(model, state, hidden, ending)
    return nats


def _read(
    model: LanguageModel, prompts: Sequence[list[int]], *, capacity: int
) -> tuple[State, Float[Tensor, "rows 1 width"]]:
    """What a model remembers of prompts of one length that are in order, and the last vector of each."""
    begin = min(_alike(prompts[0], prompts[-1]), len(prompts[0]) - 1)
    shared = model.new_state(1, capacity)
    if begin:
        model.body(_tensor(np.array([prompts[0][:begin]]), model), state=shared)
    state = shared.select(_tensor(np.zeros(len(prompts), dtype=np.int64), model))
    rest = np.array([prompt[begin:] for prompt in prompts])
    return state, model.body(_tensor(rest, model), state=state).hidden[:, -1:]


def _alike(first: list[int], second: list[int]) -> int:
    """How many tokens two texts begin with alike; of the first and last in order, that is how many all have."""
    return sum(
        1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False))
    )


def _behind(
    model: LanguageModel,
    state: State,
    hidden: Float[Tensor, "rows 1 width"],
    ending: list[int],
) -> NDArray[np.float64]:
    """Nats of one ending in every row; `state` stays as it is."""
    targets = np.tile(np.array(ending), (len(hidden), 1))
    if len(ending) > 1:
        every = torch.arange(len(hidden), device=hidden.device)
        read = model.body(_tensor(targets[:, :-1], model), state=state.select(every)).hidden
        hidden = torch.cat([hidden, read], dim=1)
    nats = _nats(model, hidden, targets, np.ones(targets.shape, dtype=bool))
    return nats.reshape(targets.shape).sum(axis=1)


def _windowed(model: LanguageModel, rows: Sequence[Ids], time: int) -> Iterator[Priced]:
    """Half-overlapping windows, those of similar length together."""
    pieces = [_Piece(row, w) for row, ids in enumerate(rows) for w in windows(len(ids) - 1, time)]
    pieces.sort(key=lambda piece: piece.length)
    for batch in _batches(pieces):
        inputs = np.zeros((len(batch), batch[-1].length), dtype=np.int64)
        targets = np.zeros_like(inputs)
        is_charged = np.zeros(inputs.shape, dtype=bool)
        for place, piece in enumerate(batch):
            start, stop = piece.window.start, piece.window.stop
            inputs[place, : piece.length] = rows[piece.row][start:stop]
            targets[place, : piece.length] = rows[piece.row][start + 1 : stop + 1]
            is_charged[place, piece.window.first - start : piece.length] = True
        hidden = model.body(_tensor(inputs, model)).hidden
        owners, columns = np.nonzero(is_charged)
        yield Priced(
            rows=np.array([piece.row for piece in batch])[owners],
            places=np.array([piece.window.start for piece in batch])[owners] + columns + 1,
            nats=_nats(model, hidden, targets, is_charged),
        )


def _batches(pieces: Sequence[_Piece]) -> Iterator[Sequence[_Piece]]:
    """Cut pieces, sorted by length, into batches whose padded size stays within TOKENS_PER_BATCH."""
    batch: list[_Piece] = []
    for piece in pieces:
        if batch and (len(batch) + 1) * piece.length > TOKENS_PER_BATCH:
            yield batch
            batch = []
        batch.append(piece)
    if batch:
        yield batch


def _carried(model: LanguageModel, rows: Sequence[Ids]) -> Iterator[Priced]:
    """Texts of similar length side by side, longest first; a finished one leaves the batch."""
    order = sorted((r for r in range(len(rows)) if len(rows[r]) > 1), key=lambda r: -len(rows[r]))
    size = TOKENS_PER_BATCH // CARRY_TIME
    for start in range(0, len(order), size):
        group = order[start : start + size]
        predictions = np.array([len(rows[row]) - 1 for row in group])
        state = model.new_state(len(group), int(predictions[0]))
        for begin in range(0, int(predictions[0]), CARRY_TIME):
            alive = int((predictions > begin).sum())
            if alive < len(group):
                group = group[:alive]
                predictions = predictions[:alive]
                state = state.select(_tensor(np.arange(alive), model))
            end = min(begin + CARRY_TIME, int(predictions[0]))
            inputs = np.zeros((alive, end - begin), dtype=np.int64)
            targets = np.zeros_like(inputs)
            for place, row in enumerate(group):
                until = min(end, int(predictions[place]))
                inputs[place, : until - begin] = rows[row][begin:until]
                targets[place, : until - begin] = rows[row][begin + 1 : until + 1]
            is_charged = np.arange(begin, end)[None, :] < predictions[:, None]
            hidden = model.body(_tensor(inputs, model), state=state).hidden
            owners, columns = np.nonzero(is_charged)
            yield Priced(
                rows=np.array(group)[owners],
                places=begin + columns + 1,
                nats=_nats(model, hidden, targets, is_charged),
            )


def _nats(
    model: LanguageModel,
    hidden: Float[Tensor, "batch time width"],
    targets: NDArray[np.int64],
    is_charged: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Nats of the charged predictions, row by row; logits exist for a few positions at a time only."""
    chosen = hidden[torch.from_numpy(is_charged).to(hidden.device)]  # (places, width)
    wanted = _tensor(targets[is_charged], model)
    places = max(1, LOGIT_BYTES // (4 * model.vocab))
    parts: list[Float64[Tensor, " places"]] = [
        cross_entropy(model.head(part).float(), want, reduction="none").double()
        for part, want in zip(torch.split(chosen, places), torch.split(wanted, places), strict=True)
    ]
    nats: NDArray[np.float64] = torch.cat(parts).cpu().numpy()
    return nats


def _tensor(array: NDArray[np.int64], model: LanguageModel) -> Int[Tensor, "..."]:
    return torch.from_numpy(array).to(model.device)
