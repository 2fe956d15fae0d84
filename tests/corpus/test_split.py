"""Which documents go where: exact shares, and never a language without training text."""

import numpy as np
import pytest

from zhixing.core.errors import DataError
from zhixing.corpus.config import SplitConfig
from zhixing.corpus.split import TEST, TRAIN, VALIDATION, assign

EN, ZH = 0, 1


def _split(num_english: int, num_chinese: int, *, share: float = 0.1, seed: int = 42):
    count = num_english + num_chinese
    digests = np.random.default_rng(7).integers(2**63, size=(count, 2), dtype=np.uint64)
    languages = np.array([EN] * num_english + [ZH] * num_chinese, dtype=np.uint8)
    splits = SplitConfig(validation=share, test=share)
    return assign(digests, languages, np.ones(count, dtype=np.bool_), splits, seed)


def test_each_language_is_split_by_its_own_shares() -> None:
    assigned = _split(50, 20)
    for language, wanted in ((assigned[:50], [40, 5, 5]), (assigned[50:], [16, 2, 2])):
        assert [int((language == part).sum()) for part in (TRAIN, VALIDATION, TEST)] == wanted


def test_another_seed_holds_out_other_documents() -> None:
    assert (_split(50, 0) == _split(50, 0)).all()
    assert (_split(50, 0) != _split(50, 0, seed=1)).any()


@pytest.mark.parametrize("few", [1, 2])
def test_a_language_too_small_to_leave_training_text_is_all_training_text(few: int) -> None:
    assigned = _split(50, few)
    assert (assigned[50:] == TRAIN).all()
    assert (assigned[:50] != TRAIN).sum() == 10
    with pytest.raises(DataError, match="too few for training, validation and test"):
        _split(few, 0)
