r"""Five ways to cut text, each as an untrained pipeline and its trainer.

The pipeline of every kind is: cut into words by a pattern, then let the model cut each word into pieces.
`WORDS` decides what a piece can never cross. It follows the pattern of GPT-4 (digits in groups of three, a
space or mark belongs to the word after it), with one addition: a run of Chinese characters ends where another
script begins, so that no piece glues 用 to Python. docs/log.md has the measurements behind it.

* byte_bpe (Sennrich et al. 2016, arXiv:1508.07909; over bytes as in GPT-2): merge the most frequent pair.
* unigram (Kudo 2018, arXiv:1804.10959, section 3.2): keep the pieces that make the corpus most likely. Over
  bytes too, so nothing is ever unknown, unlike SentencePiece without its byte fallback.
* wordpiece (Devlin et al. 2019, arXiv:1810.04805): greedy longest match, `##` marks a piece inside a word. As
  in BERT a Chinese character is a word by itself; unlike BERT case and white space are kept.
* words: the most frequent words. A tokenizer.json cannot hold a dictionary segmenter, so a Chinese character is
  a word here; `zhixing.text.segment` finds real Chinese words.
* characters: one token per Unicode character.

Left out: lower-casing, accent stripping and every other normalisation (text is repaired before, in `text`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from zhixing.tokenizer.config import Kind
from zhixing.tokenizer.encoding import Special

SPECIALS = [special.value for special in Special]
NUM_BYTES = 256

CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
LETTERS = r"[\p{L}\p{M}&&[^\p{Han}]]"
REST = r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"
WORDS = rf"{CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?(?:\p{{Han}}+|{LETTERS}+)|{REST}"

# Whole words: a word keeps the space before it, a mark stands alone, a Chinese character is a word.
# 64 letters bound the work of the greedy search; a `#` stands alone so that `##` can only mean "continues".
SINGLE = rf" ?{LETTERS}{{1,64}}|\p{{Han}}| ?\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]|\s"
CONTINUES = "##"


@dataclass(frozen=True, kw_only=True, slots=True)
class Blueprint:
    """An untrained pipeline, the trainer that fills it, and the fewest ids it can do with."""

    pipeline: Tokenizer
    trainer: trainers.Trainer
    min_vocab: int


def blueprint(kind: Kind, vocab: int) -> Blueprint:
    """The pipeline and trainer of `kind` for at most `vocab` ids."""
    return BLUEPRINTS[kind](vocab)


def _byte_bpe(vocab: int) -> Blueprint:
    trainer = trainers.BpeTrainer(
        vocab_size=vocab,
        special_tokens=SPECIALS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        min_frequency=2,
        show_progress=False,
    )
    return _over_bytes(models.BPE(), trainer)


def _unigram(vocab: int) -> Blueprint:
    trainer = trainers.UnigramTrainer(
        vocab_size=vocab,
        special_tokens=SPECIALS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        unk_token=Special.UNKNOWN.value,
        show_progress=False,
    )
    return _over_bytes(models.Unigram(), trainer)


def _over_bytes(model: models.Model, trainer: trainers.Trainer) -> Blueprint:
    pipeline = Tokenizer(model)
    pipeline.pre_tokenizer = pre_tokenizers.Sequence(
        [_split(WORDS), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    pipeline.decoder = decoders.ByteLevel()
    return Blueprint(pipeline=pipeline, trainer=trainer, min_vocab=NUM_BYTES + len(SPECIALS))


def _characters(vocab: int) -> Blueprint:
    return _whole(r"[\s\S]", vocab)


def _words(vocab: int) -> Blueprint:
    return _whole(SINGLE, vocab)


def _whole(pattern: str, vocab: int) -> Blueprint:
    pipeline = Tokenizer(models.WordLevel(unk_token=Special.UNKNOWN.value))
    pipeline.pre_tokenizer = _split(pattern)
    pipeline.decoder = decoders.Fuse()
    trainer = trainers.WordLevelTrainer(
        vocab_size=vocab, special_tokens=SPECIALS, show_progress=False
    )
    return Blueprint(pipeline=pipeline, trainer=trainer, min_vocab=len(SPECIALS) + 1)


def _wordpiece(vocab: int) -> Blueprint:
    return wordpiece_blueprint(vocab, alphabet=())


def wordpiece_blueprint(vocab: int, alphabet: Sequence[str]) -> Blueprint:
    """WordPiece whose characters, alone and as `##x`, get the ids after the special tokens in this order."""
    pipeline = Tokenizer(models.WordPiece(unk_token=Special.UNKNOWN.value))
    pipeline.pre_tokenizer = _split(SINGLE)
    pipeline.decoder = decoders.Sequence(
        [decoders.Replace(Regex(f"^{CONTINUES}"), ""), decoders.Fuse()]
    )
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocab,
        special_tokens=[*SPECIALS, *alphabet, *(CONTINUES + character for character in alphabet)],
        continuing_subword_prefix=CONTINUES,
        min_frequency=2,
        show_progress=False,
    )
    return Blueprint(pipeline=pipeline, trainer=trainer, min_vocab=len(SPECIALS) + 2)


def _split(pattern: str) -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.Split(Regex(pattern), behavior="isolated")


BLUEPRINTS: Mapping[Kind, Callable[[int], Blueprint]] = {
    "byte_bpe": _byte_bpe,
    "characters": _characters,
    "words": _words,
    "wordpiece": _wordpiece,
    "unigram": _unigram,
}
