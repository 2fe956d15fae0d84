"""One harness for every model of the ladder: how many bits does it need for each held-out document?

The text of a document is predicted token by token after the begin token; the end token is not part of the
text and is not charged. Bits are summed per document, so that every metric is a ratio of sums and every
interval resamples documents.

    attention   windows of `time` tokens that overlap by half (objective/window.py): every prediction counts
                once, and outside the first window it has at least `time / 2` tokens of context
    others      (recurrent, n-gram: `max_time` is None) the state is carried through the whole document

Documents of similar length share a batch, the head is applied to a few positions at a time, and only one block
of documents is held at once: memory does not grow with the data. All sums are float64 over float32 logits.
Source of the windows: the strided evaluation of Baevski and Auli (2019), section 5.1. Left out: packing
several short documents into one row (their batches are already dense).
"""

import hashlib
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import torch
from jaxtyping import Float, Float64, Int
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from zhixing.core.errors import CheckpointError, DataError, UsageError
from zhixing.core.progress import Progress
from zhixing.corpus.document import Document
from zhixing.evaluate.score import Signature
from zhixing.model.protocol import LanguageModel
from zhixing.objective import window as cut

TOKENS_PER_BATCH = 8192
LOGIT_BYTES = 2**26
"""The head is applied to as many positions as give this many bytes of logits."""
BLOCK_CHARACTERS = 2**22
"""Documents are tokenised in blocks of about this many characters."""
CARRY_TIME = 512
"""Tokens a model with carried state reads per call; the result does not depend on it."""

Ids = NDArray[np.int64]


class DocumentEncoder(Protocol):
    """What the harness needs of a tokenizer."""

    @property
    def hash(self) -> str:
        """Identifies the tokenizer."""

    @property
    def is_lossless(self) -> bool:
        """Decoding an encoded text gives that text, always."""

    def encode_documents(self, texts: Sequence[str]) -> list[list[int]]:
        """Begin token (where there is one), the text, end token: as trained on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """How many tokens a model with attention sees at once, at least 2; windows overlap by half of it."""

    time: int = 256

    def __post_init__(self) -> None:
        if self.time < 2:
            raise UsageError(f"window = {self.time}: a window has at least 2 tokens; 256 is usual")


@dataclass(frozen=True, kw_only=True, slots=True)
class DocumentScore:
    """The price of one document: `bits` for its `bytes` of UTF-8, over `tokens` predictions.

    `text_hash` (SHA-256 of the text) lets two runs prove that they read the same document.
    """

    id: str
    language: str
    bits: float
    bytes: int
    tokens: int
    text_hash: str


class _Piece(NamedTuple):
    """One window of one row of tokens."""

    row: int
    window: cut.Window

    @property
    def length(self) -> int:
        """Tokens to read."""
        return self.window.stop - self.window.start


def score_documents(
    model: LanguageModel,
    tokenizer: DocumentEncoder,
    documents: Iterable[Document],
    *,
    window: Window,
    progress: Progress,
) -> list[DocumentScore]:
    """The bits of every document, in the order given.

    Raises UsageError when the window is longer than the model's attention, DataError on text that is not valid
    Unicode, CheckpointError when the model gives a probability that is zero or not a number.
    """
    if model.max_time is not None and window.time > model.max_time:
        raise UsageError(
            f"window = {window.time} is longer than the {model.max_time} tokens this model can attend to; "
            f"use --window {model.max_time} or less"
        )
    total = sum(len(d.text) for d in documents) if isinstance(documents, Sequence) else None
    progress.start("scoring", total=total, unit="characters")
    scores: list[DocumentScore] = []
    with torch.inference_mode(), _evaluating(model):
        for block in _blocks(documents):
            scores += _score_block(model, tokenizer, block, window, progress)
    progress.finish(f"scored {len(scores):,} documents, {sum(s.tokens for s in scores):,} tokens")
    return scores


def signature(
    model: LanguageModel,
    tokenizer: DocumentEncoder,
    scores: Sequence[DocumentScore],
    *,
    window: Window,
) -> Signature:
    """What the numbers of these scores depend on; the data hash does not depend on the order."""
    facts = sorted(f"{score.id}\t{score.language}\t{score.text_hash}" for score in scores)
    data = hashlib.sha256("\n".join(facts).encode("utf-8", "surrogatepass")).hexdigest()
    weight = next((p for p in model.parameters() if p.is_floating_point()), None)
    dtype = "float32" if weight is None else str(weight.dtype).removeprefix("torch.")
    return Signature(
        tokenizer=tokenizer.hash,
        window=None if model.max_time is None else window.time,
        dtype=dtype,
        data=data,
        is_lossless=tokenizer.is_lossless,
        has_begin=len(tokenizer.encode_documents([""])[0]) > 1,
    )


@contextmanager
def _evaluating(model: LanguageModel) -> Iterator[None]:
    """Dropout off, and back as it was."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)


def _blocks(documents: Iterable[Document]) -> Iterator[list[Document]]:
    block: list[Document] = []
    characters = 0
    for document in documents:
        block.append(document)
        characters += len(document.text)
        if characters >= BLOCK_CHARACTERS:
            yield block
            block, characters = [], 0
    if block:
        yield block


def _score_block(
    model: LanguageModel,
    tokenizer: DocumentEncoder,
    block: Sequence[Document],
    window: Window,
    progress: Progress,
) -> list[DocumentScore]:
    sizes = [_utf8(document) for document in block]
    encoded = tokenizer.encode_documents([document.text for document in block])
    rows = [np.asarray(ids[:-1], dtype=np.int64) for ids in encoded]  # the end is not text
    bits = np.zeros(len(rows))
    predictions = sum(max(0, len(row) - 1) for row in rows)
    per_token = sum(len(document.text) for document in block) / max(1, predictions)
    is_windowed = model.max_time is not None
    priced = _windowed(model, rows, window.time) if is_windowed else _carried(model, rows)
    for row_of_token, token_bits in priced:
        np.add.at(bits, row_of_token, token_bits)
        progress.advance(len(token_bits) * per_token)
    _check_finite(bits, block)
    return [
        DocumentScore(
            id=document.id,
            language=document.language,
            bits=float(bits[index]),
            bytes=len(sizes[index]),
            tokens=max(0, len(rows[index]) - 1),
            text_hash=hashlib.sha256(sizes[index]).hexdigest(),
        )
        for index, document in enumerate(block)
    ]


Priced = tuple[NDArray[np.int64], NDArray[np.float64]]
"""For a batch of predictions: the row each belongs to, and its bits."""


def _windowed(model: LanguageModel, rows: Sequence[Ids], time: int) -> Iterator[Priced]:
    """Half-overlapping windows, those of similar length together."""
    pieces = [
        _Piece(row, w) for row, ids in enumerate(rows) for w in cut.windows(len(ids) - 1, time)
    ]
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
        owners = np.array([piece.row for piece in batch])
        yield owners[np.nonzero(is_charged)[0]], _bits(model, hidden, targets, is_charged)


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
    """Documents of similar length side by side, longest first; a finished one leaves the batch."""
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
            owners = np.array(group)[np.nonzero(is_charged)[0]]
            yield owners, _bits(model, hidden, targets, is_charged)


def _bits(
    model: LanguageModel,
    hidden: Float[Tensor, "batch time width"],
    targets: NDArray[np.int64],
    is_charged: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Bits of the charged predictions, row by row; logits exist for a few positions at a time only."""
    chosen = hidden[torch.from_numpy(is_charged).to(hidden.device)]  # (places, width)
    wanted = _tensor(targets[is_charged], model)
    places = max(1, LOGIT_BYTES // (4 * model.vocab))
    nats: list[Float64[Tensor, " places"]] = [
        cross_entropy(model.head(part).float(), want, reduction="none").double()
        for part, want in zip(torch.split(chosen, places), torch.split(wanted, places), strict=True)
    ]
    bits: NDArray[np.float64] = torch.cat(nats).cpu().numpy() / math.log(2)
    return bits


def _tensor(array: NDArray[np.int64], model: LanguageModel) -> Int[Tensor, "..."]:
    return torch.from_numpy(array).to(model.device)


def _utf8(document: Document) -> bytes:
    try:
        return document.text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise DataError(
            f"document {document.id!r} is not valid Unicode at character {error.start} (half of a surrogate "
            "pair); build the corpus with `zhixing data build`, which repairs such text"
        ) from error


def _check_finite(bits: NDArray[np.float64], block: Sequence[Document]) -> None:
    broken = np.flatnonzero(~np.isfinite(bits))
    if len(broken):
        raise CheckpointError(
            f"the model gives no usable probability (zero or not a number) somewhere in document "
            f"{block[broken[0]].id!r}, and in {len(broken)} of {len(block)} documents; its weights are damaged or "
            "training diverged"
        )
