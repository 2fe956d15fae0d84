"""Special tokens that an objective needs beside the four of every tokenizer: a mask, marks of missing spans.

They get the ids after all others, so that no text changes its ids. A mask is also named in tokenizer_config.json, where
Hugging Face's libraries look for it.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from zhixing.tokenizer.files import TokenizerFiles

MASK = "<|mask|>"


def special_token(text: str, number: int) -> dict[str, Any]:
    """A special token as a tokenizer.json lists it under `added_tokens`."""
    attributes = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": number, "content": text, **attributes, "special": True}


def add_marks(files: TokenizerFiles, marks: Sequence[str], *, vocab: int) -> TokenizerFiles:
    """`files` with each of `marks` that they lack as a special token, from id `vocab` on."""
    tokens: list[dict[str, Any]] = list(files.pipeline.get("added_tokens") or ())
    known = {token["content"] for token in tokens}
    new = [mark for mark in marks if mark not in known]
    tokens += [special_token(mark, vocab + n) for n, mark in enumerate(new)]
    config = dict(files.config)
    if MASK in new:
        config["mask_token"] = MASK
    return replace(files, pipeline={**files.pipeline, "added_tokens": tokens}, config=config)
