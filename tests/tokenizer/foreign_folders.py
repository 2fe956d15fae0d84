"""Tiny folders in the older forms, made by the libraries that define them."""

import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import sentencepiece
from tokenizers import BertWordPieceTokenizer, ByteLevelBPETokenizer

from tests.tokenizer.material import CHINESE, ENGLISH

LINES = [line.strip() for line in ENGLISH + CHINESE] + ["a b c ( ) < > / s . , ! ? ' [ ] 0 1 2"]
BERT = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ROBERTA = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


@cache
def sentencepiece_model(kind: str, options: str = "") -> bytes:
    """A model file; `options` are more of the trainer's settings as `name=value name=value`."""
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(LINES * 3),
        model_writer=out,
        model_type=kind,
        vocab_size=430 if "byte_fallback" in options else 330,
        character_coverage=0.98,
        hard_vocab_limit=False,
        minloglevel=2,
        **dict(option.split("=") for option in options.split()),
    )
    return out.getvalue()


T5 = "pad_id=0 eos_id=1 unk_id=2 bos_id=-1"
LLAMA = (
    "byte_fallback=true normalization_rule_name=identity remove_extra_whitespaces=false "
    "pad_id=-1 unk_id=0 bos_id=1 eos_id=2"
)


def write_sentencepiece(
    folder: Path, content: bytes, name: str, config: dict[str, Any] | None = None
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    write_config(folder, config or {})
    return folder


def write_config(folder: Path, config: dict[str, Any]) -> None:
    (folder / "tokenizer_config.json").write_text(json.dumps(config), "utf-8")


def write_wordpiece(folder: Path, config: dict[str, Any], *, lower: bool = True) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    trained = BertWordPieceTokenizer(lowercase=lower)
    trained.train_from_iterator(LINES, vocab_size=400, special_tokens=BERT, show_progress=False)
    vocab = sorted(trained.get_vocab(), key=trained.get_vocab().__getitem__)
    (folder / "vocab.txt").write_text("\n".join(vocab) + "\n", "utf-8")
    write_config(folder, config)
    return folder


def write_gpt2(folder: Path, config: dict[str, Any], specials: list[str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    trained = ByteLevelBPETokenizer()
    trained.train_from_iterator(LINES, vocab_size=500, special_tokens=specials, show_progress=False)
    trained.save_model(str(folder))
    write_config(folder, config)
    return folder


def write_marian(folder: Path) -> Path:
    """English to Chinese: two models, one table of ids in which some pieces of either are missing."""
    folder.mkdir(parents=True, exist_ok=True)
    pieces: dict[str, int] = {"</s>": 0, "<unk>": 1, ">>cmn_Hans<<": 2}
    for name, lines in (("source.spm", ENGLISH), ("target.spm", CHINESE)):
        out = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter([line.strip() for line in lines] * 3),
            model_writer=out,
            vocab_size=150,
            hard_vocab_limit=False,
            minloglevel=2,
        )
        (folder / name).write_bytes(out.getvalue())
        model = sentencepiece.SentencePieceProcessor(model_proto=out.getvalue())
        for number in range(3, model.get_piece_size() - 12):
            pieces.setdefault(model.id_to_piece(number), len(pieces))
    pieces["<pad>"] = len(pieces)
    (folder / "vocab.json").write_text(json.dumps(pieces, ensure_ascii=False), "utf-8")
    write_config(folder, {"tokenizer_class": "MarianTokenizer"})
    return folder
