"""`zhixing.load` on a folder of word vectors."""

from pathlib import Path

import numpy as np
import pytest

import zhixing
from zhixing.core.errors import DataError, UnsupportedError
from zhixing.vectors import folder
from zhixing.vectors.blocks import blocks_of
from zhixing.vectors.table import Vectors
from zhixing.vectors.word_model import NOT_HERE


@pytest.fixture
def model(tmp_path: Path):
    words = Vectors(["cat", "dog", "北京"], np.array([[2, 0], [0, 3], [1, 1]], dtype=np.float32))
    folder.save(blocks_of(words), tmp_path / "v", origin="test")
    return zhixing.load(tmp_path / "v")


def test_it_offers_nearest_words_and_vectors_of_texts(model) -> None:
    assert model.kind == "vectors"
    assert model.nearest("cat", count=1)[0].word == "北京"
    assert model.similarity("cat", "dog") == 0.0
    embedded = model.embed(["A cat, a dog!", "北京", "cat"])
    assert embedded == pytest.approx(np.array([[1, 1], [1, 1], [2**0.5, 0]]) / 2**0.5)
    with pytest.raises(DataError, match="no word of 'xyz'"):
        model.embed(["xyz"])


@pytest.mark.parametrize("name", NOT_HERE)
def test_what_needs_a_language_model_is_refused_by_name(model, name: str) -> None:
    with pytest.raises(UnsupportedError, match=f"cannot {name}"):
        getattr(model, name)("text")


def test_a_name_that_no_model_has_does_not_exist(model) -> None:
    assert not hasattr(model, "nearst")
