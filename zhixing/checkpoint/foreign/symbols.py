"""Symbols as a tokenizer: one id for each character, in the form that every tokenizer of ours has.

textgenrnn   <s> text                      an unknown character is the id of a missing one, as in the original
g2p-en       letters </s>                  small letters without accents
g2pM         begin mark, characters, end mark
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zhixing.checkpoint.foreign import g2p_en, g2pm, textgenrnn
from zhixing.checkpoint.foreign.folder import Imported
from zhixing.core.errors import CheckpointError
from zhixing.tokenizer.files import TokenizerFiles
from zhixing.tokenizer.framing import template
from zhixing.tokenizer.marks import special_token
from zhixing.tokenizer.tokenizer import Tokenizer

MISSING = "<missing>"
"""The name of a symbol that has none: an empty text cannot be a token."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Around:
    """The side whose symbols a text is written in, what stands before and behind it, and what an unknown one becomes."""

    side: str
    unknown: str
    before: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    ends: str = ""
    normalizer: Mapping[str, Any] | None = None


FORMS: Mapping[str, Around] = {
    "averaging": Around(
        side="characters", unknown=MISSING, before=(textgenrnn.MARK,), ends=textgenrnn.MARK
    ),
    "seq2seq": Around(
        side="source",
        unknown=g2p_en.UNKNOWN,
        behind=(g2p_en.END,),
        normalizer={
            "type": "Sequence",
            "normalizers": [{"type": "NFD"}, {"type": "Lowercase"}, {"type": "StripAccents"}],
        },
    ),
    "tagger": Around(
        side="characters", unknown=g2pm.UNKNOWN, before=(g2pm.BEGIN,), behind=(g2pm.END,)
    ),
}
"""Kind of network -> how its texts become ids."""


def tokenizer_of(imported: Imported) -> Tokenizer:
    """The tokenizer of what an imported model reads. Raises CheckpointError where a symbol that it needs is missing."""
    form = FORMS[imported.config.model_dump()["kind"]]
    names = [symbol or MISSING for symbol in imported.symbols[form.side]]
    numbers = {name: number for number, name in enumerate(names)}
    marks = [form.unknown, *form.before, *form.behind]
    if lacking := [mark for mark in marks if mark not in numbers]:
        raise CheckpointError(f"the symbols lack {', '.join(map(repr, lacking))}")
    pipeline = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [special_token(mark, numbers[mark]) for mark in dict.fromkeys(marks)],
        "normalizer": form.normalizer,
        "pre_tokenizer": {
            "type": "Split",
            "pattern": {"Regex": r"[\s\S]"},
            "behavior": "Isolated",
            "invert": False,
        },
        "post_processor": template(form.before, form.behind, numbers),
        "decoder": {"type": "Fuse"},
        "model": {"type": "WordLevel", "vocab": numbers, "unk_token": form.unknown},
    }
    config = {"unk_token": form.unknown, "clean_up_tokenization_spaces": False}
    if form.ends:
        config |= {"eos_token": form.ends, "bos_token": form.before[0]}
    return Tokenizer(TokenizerFiles(pipeline=pipeline, config=config))


def spelt(imported: Imported, ids: Sequence[int]) -> str:
    """The target of a model with symbols of its own for it: phonemes, with spaces between."""
    symbols = imported.symbols["target"]
    return " ".join(symbols[number] for number in ids if not symbols[number].startswith("<"))


def target_end(imported: Imported) -> int:
    """The id that ends a target."""
    return imported.symbols["target"].index(g2p_en.END)
