"""Learn a tokenizer from text: an even sample in bounded memory, the same result every time.

The corpus is read once and may be endless. Texts are kept until the sample is full; then half of what is kept
is dropped, by a hash of each text's number, and from there on the same share of new texts is let in. So the
sample is spread evenly over all of the corpus and does not depend on chance (an exact, seedless form of
Bernoulli sampling with a shrinking rate).
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from threading import Thread
from typing import Any

from tokenizers import Tokenizer as Pipeline

from zhixing.core.errors import ConfigError, DataError
from zhixing.core.progress import Progress, Silent
from zhixing.tokenizer import kinds
from zhixing.tokenizer.config import TokenizerConfig
from zhixing.tokenizer.encoding import Special
from zhixing.tokenizer.tokenizer import Tokenizer, num_bytes

CHUNK_CHARACTERS = 1 << 18


def train(
    texts: Iterable[str], config: TokenizerConfig, *, progress: Progress | None = None
) -> Tokenizer:
    """Learn a tokenizer of `config.kind` with at most `config.vocab` ids from `texts`, read once.

    Raises ConfigError when `vocab` is too small for the kind and DataError when there is no text.
    """
    report = progress or Silent()
    plan = kinds.blueprint(config.kind, config.vocab)
    if config.vocab < plan.min_vocab:
        raise ConfigError(
            f"tokenizer.vocab = {config.vocab} is too small for kind {config.kind!r}, "
            f"which needs at least {plan.min_vocab}"
        )
    report.start(f"tokenizer ({config.kind}, at most {config.vocab} ids)", unit="bytes")
    sample = even_sample(texts, config.max_sample_bytes, progress=report)
    if not any(text.strip() for text in sample):
        raise DataError("there is no text to train a tokenizer on: every document is empty")
    is_wordpiece = config.kind == "wordpiece"
    learnt = _learn_wordpiece(sample, config.vocab) if is_wordpiece else _learn(sample, plan)
    tokenizer = Tokenizer.from_learnt(learnt)
    report.finish(f"tokenizer: {tokenizer.vocab} ids ({config.kind})")
    return tokenizer


def even_sample(texts: Iterable[str], max_bytes: int, *, progress: Progress) -> list[str]:
    """At most `max_bytes` (UTF-8) of `texts`, spread evenly over them, in their order."""
    kept: list[tuple[int, int, str]] = []  # (hash, bytes, text)
    total = 0
    limit = 2**64
    for number, text in enumerate(_chunks(texts)):
        place = _hash(number)
        if place >= limit:
            continue
        size = num_bytes(text)
        kept.append((place, size, text))
        total += size
        progress.advance(size)
        while total > max_bytes and limit > 1:
            limit //= 2
            kept = [item for item in kept if item[0] < limit]
            total = sum(size for _, size, _ in kept)
    return [text for _, _, text in kept]


def _chunks(texts: Iterable[str]) -> Iterator[str]:
    """Cut very long texts, so that one of them cannot be the whole sample."""
    for text in texts:
        if len(text) <= CHUNK_CHARACTERS:
            yield text
            continue
        for start in range(0, len(text), CHUNK_CHARACTERS):
            yield text[start : start + CHUNK_CHARACTERS]


def _hash(number: int) -> int:
    """A fixed 64-bit scramble of a number."""
    digest = hashlib.blake2b(number.to_bytes(8, "little"), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def _learn(sample: Sequence[str], plan: kinds.Blueprint) -> dict[str, Any]:
    """Run the trainer; gives the content of a tokenizer.json."""
    _interruptible_train(plan.pipeline, sample, plan.trainer)
    learnt: dict[str, Any] = json.loads(plan.pipeline.to_str())
    return learnt


def _learn_wordpiece(sample: Sequence[str], vocab: int) -> dict[str, Any]:
    """Like `_learn`, with the alphabet chosen here.

    The library numbers the `##x` forms in the order of a randomly seeded hash table, and breaks ties by that
    number, so its result changes from run to run. Handing them in as special tokens fixes their numbers.
    """
    counts = Counter[str]()
    for text in sample:
        counts.update(text)
    common = sorted(counts, key=lambda character: (-counts[character], character))
    alphabet = sorted(common[: max(1, (vocab - len(kinds.SPECIALS)) // 2)])
    plan = kinds.wordpiece_blueprint(vocab, alphabet)
    rare = {ord(character): " " for character in counts.keys() - set(alphabet)}
    learnt = _learn([text.translate(rare) for text in sample], plan)
    learnt["added_tokens"] = learnt["added_tokens"][: len(Special)]
    return learnt


def _interruptible_train(pipeline: Pipeline, sample: Sequence[str], trainer: Any) -> None:
    """The trainer does not listen to Ctrl-C; this thread does, while another one runs the trainer."""
    failures: list[BaseException] = []

    def work() -> None:
        try:
            pipeline.train_from_iterator(sample, trainer, length=len(sample))
        except BaseException as error:  # handed to the caller below
            failures.append(error)

    thread = Thread(target=work, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(timeout=0.2)
    if failures:
        raise failures[0]
