"""What `zhixing.load` returns for a folder of word vectors: nearest words, analogies, vectors of texts.

It has the names of a language model's facade too: what vectors cannot do is refused by name when it is called.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn, final

import numpy as np
from numpy.typing import NDArray

from zhixing.core.errors import DataError, UnsupportedError
from zhixing.text.segment import language_of
from zhixing.text.terms import terms
from zhixing.vectors.opening import open_vectors
from zhixing.vectors.table import Method, Neighbour, Vectors

NOT_HERE = (
    "encode", "decode", "logits", "score", "generate", "stream", "run",
    "classify", "regress", "tag", "answer", "answers", "translate", "summarise", "rank",
)  # fmt: skip
"""Methods of other models that vectors of words do not have."""


@final
class WordModel:
    """Opened word vectors."""

    kind = "vectors"
    methods = ("nearest", "analogy", "similarity", "embed")
    """What they answer to; the others refuse."""

    def __init__(self, folder: str | Path) -> None:
        self.vectors: Vectors = open_vectors(folder)

    @property
    def num_parameters(self) -> int:
        """Numbers in all vectors."""
        return len(self.vectors) * self.vectors.width

    def nearest(self, word: str, *, count: int = 10) -> list[Neighbour]:
        """The nearest words, with their cosines."""
        return self.vectors.nearest(word, count=count)

    def analogy(
        self, a: str, b: str, c: str, *, method: Method = "add", count: int = 10
    ) -> list[Neighbour]:
        """What is to `c` as `b` is to `a`."""
        return self.vectors.analogy(a, b, c, method=method, count=count)

    def similarity(self, one: str, other: str) -> float:
        """The cosine between two words."""
        return self.vectors.similarity(one, other)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One vector of unit length per text, (texts, width): the mean of its words' unit vectors.

        Words without a vector are passed over; DataError for a text that has no other.
        """
        rows = [self._mean(text) for text in texts]
        return np.array(rows, dtype=np.float32).reshape(len(rows), self.vectors.width)

    def require(self, method: str) -> None:
        """Raise UnsupportedError unless vectors answer to `method`."""
        if method not in self.methods:
            raise _refusal(method)

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        """A method of other models refuses when it is called; any other name does not exist."""
        if name not in NOT_HERE:
            raise AttributeError(f"word vectors have no {name!r}")

        def refuse(*given: object, **settings: object) -> NoReturn:
            raise _refusal(name)

        return refuse

    def _mean(self, text: str) -> NDArray[np.float32]:
        words = terms(text, language_of([text]), lowercase=False)
        found = [self.vectors.find(word) for word in words]
        rows = [row for row in found if row is not None]
        if not rows:
            raise DataError(f"no word of {text[:60]!r} has a vector")
        mean = self.vectors.units(rows).mean(axis=0)
        unit: NDArray[np.float32] = mean / max(float(np.linalg.norm(mean)), 1e-12)
        return unit


def _refusal(method: str) -> UnsupportedError:
    return UnsupportedError(
        f"these are vectors of words: they cannot {method}. They offer {', '.join(WordModel.methods)}; {method} needs a "
        "model that reads whole texts"
    )
