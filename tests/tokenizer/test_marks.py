"""Special tokens added after learning: text keeps its ids, and the mask is named where others look for it."""

import json
from pathlib import Path

import pytest

from tests.tiny import TEXTS, tiny_tokenizer
from zhixing.core.errors import UnsupportedError
from zhixing.tokenizer.marks import MASK
from zhixing.tokenizer.tokenizer import Tokenizer


def test_marks_get_new_ids_and_no_text_changes() -> None:
    plain = tiny_tokenizer()
    marked = plain.with_marks([MASK, "<|span0|>"])
    assert (marked.mark(MASK), marked.mark("<|span0|>")) == (plain.vocab, plain.vocab + 1)
    assert marked.vocab == plain.vocab + 2
    for text in (*TEXTS, MASK, f"a {MASK} b"):
        assert marked.encode_text(text) == plain.encode_text(text)
        assert marked.decode(marked.encode_text(text)) == text
    assert marked.decode([marked.mark(MASK)]) == ""
    assert marked.hash != plain.hash
    assert marked.is_lossless


def test_a_mark_is_added_once_and_survives_saving(tmp_path: Path) -> None:
    marked = tiny_tokenizer().with_marks([MASK])
    assert marked.with_marks([MASK]).hash == marked.hash
    marked.save(tmp_path)
    again = Tokenizer.load(tmp_path)
    assert again.mark(MASK) == marked.mark(MASK)
    assert again.hash == marked.hash
    assert json.loads((tmp_path / "tokenizer_config.json").read_text())["mask_token"] == MASK


def test_a_tokenizer_without_the_mark_says_so() -> None:
    with pytest.raises(UnsupportedError, match=r"no special token '<\|mask\|>'"):
        tiny_tokenizer().mark(MASK)


def test_transformers_finds_the_mask(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    marked = tiny_tokenizer().with_marks([MASK])
    marked.save(tmp_path)
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    assert theirs.mask_token_id == marked.mark(MASK)
