"""Which document goes to training, validation or test: by its content and the seed, in exact shares per language."""

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from zhixing.core.errors import DataError
from zhixing.corpus.config import SplitConfig

TRAIN, VALIDATION, TEST = range(3)


def assign(
    digests: NDArray[np.uint64],
    languages: NDArray[np.uint8],
    kept: NDArray[np.bool_],
    splits: SplitConfig,
    seed: int,
) -> NDArray[np.uint8]:
    """The split of every document (of those not `kept`, meaningless).

    The documents of a language are put in an order that depends on their text and the seed alone; the first
    go to the test set, the next to validation. A share above 0 gets at least one document; a language with too
    few documents for that is training text. Raises DataError when that is so for every language.
    """
    order = np.argsort(_keys(digests, seed), kind="stable")
    assigned = np.full(len(digests), TRAIN, dtype=np.uint8)
    is_split = False
    for language in np.unique(languages[kept]):
        members = order[kept[order] & (languages[order] == language)]
        num_test, num_validation = _counts(len(members), splits)
        if num_test + num_validation >= len(members):
            continue
        is_split = True
        assigned[members[:num_test]] = TEST
        assigned[members[num_test : num_test + num_validation]] = VALIDATION
    if not is_split:
        raise DataError(
            f"{int(kept.sum())} clean documents are too few for training, validation and test; "
            'add text, or take smaller documents: in the source set documents = "paragraph" or "line", '
            "or lower [corpus] max_characters"
        )
    return assigned


def _keys(digests: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """One number per document; another seed gives another order."""
    salt = int.from_bytes(blake2b(str(seed).encode(), digest_size=8).digest(), "little")
    keys = (digests[:, 0] ^ np.uint64(salt)) * np.uint64(0x9E3779B97F4A7C15)
    keys ^= keys >> np.uint64(32)
    return keys * np.uint64(0xD6E8FEB86659FD93)


def _counts(num_documents: int, splits: SplitConfig) -> tuple[int, int]:
    test, validation = (
        max(round(num_documents * share), 1) if share else 0
        for share in (splits.test, splits.validation)
    )
    return test, validation
