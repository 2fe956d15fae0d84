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
UNSEEN_STEP = 0.0001  # between the scores of bytes that the library's Unigram trainer never saw


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
    sample = even_sample(texts, min(config.max_sample_bytes, plan.max_bytes), progress=report)
    if not any(text.strip() for text in sample):
        raise DataError("there is no text to train a tokenizer on: every document is empty")
    tokenizer = Tokenizer.from_learnt(_learn_kind(sample, config, plan))
    report.finish(f"tokenizer: {tokenizer.vocab} ids ({config.kind})")
    return tokenizer


def even_sample(texts: Iterable[str], max_bytes: int, *, progress: Progress) -> list[str]:
    """At most `max_bytes` (UTF-8) of `texts`, spread evenly over them, in their order."""
    kept: list[tuple[int, int, str]] = []  # (hash, bytes, text)
    total = 0
    limit = 2**64
    longest = min(CHUNK_CHARACTERS, max(64, max_bytes // 64))  # so that a sample is many pieces
    for number, text in enumerate(_chunks(texts, longest)):
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


def _chunks(texts: Iterable[str], longest: int) -> Iterator[str]:
    """Cut texts of more than `longest` characters, so that one of them cannot be the whole sample."""
    for text in texts:
        if len(text) <= longest:
            yield text
            continue
        for start in range(0, len(text), longest):
            yield text[start : start + longest]


def _hash(number: int) -> int:
    """A fixed 64-bit scramble of a number."""
    digest = hashlib.blake2b(number.to_bytes(8, "little"), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def _learn_kind(
    sample: Sequence[str], config: TokenizerConfig, plan: kinds.Blueprint
) -> dict[str, Any]:
    """The content of a tokenizer.json, the same in every run."""
    if config.kind == "wordpiece":
        return _learn_wordpiece(sample, config.vocab)
    if config.kind == "unigram":
        return _settled_unigram(_learn(sample, plan))
    return _learn(sample, plan)


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
    kept, alphabet = _wordpiece_alphabet(counts, vocab)
    plan = kinds.wordpiece_blueprint(vocab, alphabet)
    rare = {ord(character): " " for character in counts.keys() - kept}
    learnt = _learn([text.translate(rare) for text in sample], plan)
    learnt["added_tokens"] = learnt["added_tokens"][: len(Special)]
    return learnt


def _wordpiece_alphabet(counts: Counter[str], vocab: int) -> tuple[set[str], list[str]]:
    """The most frequent characters, and the pieces that spell them: at most half of the vocabulary.

    The other half is for what is learnt. A character that always stands alone (Chinese) needs no `##x`.
    """
    common = sorted(counts, key=lambda character: (-counts[character], character))
    kept: set[str] = set()
    pieces: list[str] = []
    for character in common:
        forms = [character]
        if kinds.continues_a_word(character):
            forms.append(kinds.CONTINUES + character)
        if len(pieces) + len(forms) > max(2, (vocab - len(kinds.SPECIALS)) // 2):
            break
        kept.add(character)
        pieces += forms
    return kept, sorted(pieces)


def _settled_unigram(learnt: dict[str, Any]) -> dict[str, Any]:
    """Scores and order made the same in every run.

    The library sums in the order of a randomly seeded hash table, which moves the last digits, and hands the
    bytes it never saw slightly rising scores in that order. Here they all get the lowest score.
    """
    specials = learnt["model"]["vocab"][: len(Special)]
    pieces = learnt["model"]["vocab"][len(Special) :]
    lowest = min(score for _, score in pieces)
    floor = lowest + kinds.NUM_BYTES * UNSEEN_STEP
    settled = [
        [piece, round(lowest if len(piece) == 1 and score <= floor else score, 6)]
        for piece, score in pieces
    ]
    learnt["model"]["vocab"] = specials + sorted(settled, key=lambda item: (-item[1], item[0]))
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
