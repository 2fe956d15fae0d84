"""One harness for every model of the ladder: how many bits does it need for each held-out document?

The text of a document is predicted token by token after the begin token; the end token is not part of the
text and is not charged. Bits are summed per document, so that every metric is a ratio of sums and every
interval resamples documents.
How tokens are priced is objective/likelihood.py. Only one block of documents is held at once: memory does not grow with
the data. All sums are float64.
"""

import hashlib
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from zhixing.core.batches import batches
from zhixing.core.errors import CheckpointError, DataError, UsageError
from zhixing.core.progress import Progress
from zhixing.corpus.document import Document
from zhixing.evaluate.score import Signature
from zhixing.model.protocol import LanguageModel
from zhixing.objective.likelihood import priced

BLOCK_CHARACTERS = 2**20
"""Documents are tokenised in blocks of about this many characters; of a tokenizer's answer each takes up to 150 bytes."""
BLOCK_DOCUMENTS = 65_536
WIDEST = 4096
"""Tokens of the longest window that is taken unless another is asked for."""


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


def widest(models: Iterable[LanguageModel]) -> Window:
    """The longest window that every one of `models` can use, at most WIDEST tokens."""
    limits = [model.max_time for model in models if model.max_time is not None]
    return Window(time=min([*limits, WIDEST]))


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
    blocks = batches(
        documents, lambda d: len(d.text), max_size=BLOCK_CHARACTERS, max_items=BLOCK_DOCUMENTS
    )
    with torch.inference_mode(), _evaluating(model):
        for block in blocks:
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
    return Signature(
        tokenizer=tokenizer.hash,
        window=None if model.max_time is None else window.time,
        dtype=dtype_of(model),
        data=data,
        is_lossless=tokenizer.is_lossless,
        has_begin=len(tokenizer.encode_documents([""])[0]) > 1,
    )


def dtype_of(model: LanguageModel) -> str:
    """In what numbers a model computes, such as float32 or bfloat16."""
    weight = next((p for p in model.parameters() if p.is_floating_point()), None)
    return "float32" if weight is None else str(weight.dtype).removeprefix("torch.")


@contextmanager
def _evaluating(model: LanguageModel) -> Iterator[None]:
    """Dropout off, and back as it was."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)


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
    time = None if model.max_time is None else window.time
    for part in priced(model, rows, time):
        np.add.at(bits, part.rows, part.nats / math.log(2))
        progress.advance(len(part.nats) * per_token)
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
