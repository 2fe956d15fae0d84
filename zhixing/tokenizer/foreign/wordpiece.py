"""BERT's vocab.txt: one piece per line, the line number is the id.

The text is cleaned of control characters, Chinese characters are set apart, and (uncased models) it is lower-cased
and stripped of accents; then words are cut greedily into the longest known pieces, `##` marks a piece inside a word
(Devlin et al. 2019, arXiv:1810.04805; the multilingual notes of its code release). DistilBERT and ELECTRA are the same.
"""

from pathlib import Path

from tokenizers import Tokenizer as Pipeline
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors

from zhixing.core.errors import CheckpointError
from zhixing.tokenizer.foreign.settings import Settings

VOCAB = "vocab.txt"
SPECIALS = {"unk": "[UNK]", "pad": "[PAD]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
_HONOURED = ("do_lower_case", "tokenize_chinese_chars", "strip_accents", "wordpieces_prefix")


def open_wordpiece(folder: Path, settings: Settings) -> Pipeline:
    """The pipeline of a folder with vocab.txt. Raises CheckpointError when a special token is not in it."""
    settings.refuse_others(_HONOURED, "a WordPiece vocabulary")
    vocab = _read_vocab(folder / VOCAB)
    tokens = {role: settings.token(role, text) or text for role, text in SPECIALS.items()}
    for role in ("unk", "cls", "sep"):
        if tokens[role] not in vocab:
            raise CheckpointError(
                f"{folder / VOCAB} has no {tokens[role]!r}, which {folder} names as {role}_token"
            )
    prefix = str(settings.config.get("wordpieces_prefix") or "##")
    pipeline = Pipeline(
        models.WordPiece(vocab, unk_token=tokens["unk"], continuing_subword_prefix=prefix)
    )
    accents = settings.config.get("strip_accents")
    pipeline.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=settings.flag("tokenize_chinese_chars", True),
        strip_accents=None if accents is None else settings.flag("strip_accents", False),
        lowercase=settings.flag("do_lower_case", True),
    )
    pipeline.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    pipeline.decoder = decoders.WordPiece(prefix=prefix)
    pipeline.add_tokens(settings.added_tokens(SPECIALS))
    pipeline.post_processor = processors.BertProcessing(
        (tokens["sep"], vocab[tokens["sep"]]), (tokens["cls"], vocab[tokens["cls"]])
    )
    return pipeline


def _read_vocab(path: Path) -> dict[str, int]:
    # Only a line feed ends a line: pieces such as U+0085 or U+2028 are lines of their own.
    lines = path.read_text("utf-8").split("\n")
    if lines[-1] == "":
        lines.pop()
    return {line: number for number, line in enumerate(lines)}
