"""Documents that are read once and then searched: the nearest to a query, by the cosine of their vectors.

    index = Index(model, ["how to print", "how to save"])
    index.search(["printing"], count=1)[0][0].text

Exact: every document is compared. A million vectors of 256 numbers take a gigabyte.
"""

from collections.abc import Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from zhixing.api.model import Model
from zhixing.api.results import Ranked
from zhixing.core.errors import DataError, UsageError
from zhixing.vectors.nearest import nearest
from zhixing.vectors.word_model import WordModel


@final
class Index:
    """Texts with the vectors that a model gives them; any model that offers `embed`, word vectors too."""

    def __init__(
        self, model: Model | WordModel, texts: Sequence[str], *, cut: bool = False
    ) -> None:
        """cut: longer texts lose their last tokens. Raises DataError for no text or an empty one, and what `embed` does."""
        if not texts:
            raise DataError("there are no documents to search")
        self._model, self._texts = model, tuple(texts)
        self._vectors = vectors(model, self._texts, cut=cut)

    def __len__(self) -> int:
        return len(self._texts)

    def search(
        self, queries: Sequence[str], *, count: int = 10, cut: bool = False
    ) -> list[list[Ranked]]:
        """For each query at most `count` documents, the nearest first; `score` is the cosine, `index` the place."""
        if count < 1:
            raise UsageError(f"count = {count}: a number of documents, at least 1")
        asked = vectors(self._model, queries, cut=cut)
        return [
            [
                Ranked(index=each.row, text=self._texts[each.row], score=min(1.0, each.score))
                for each in near
            ]
            for near in nearest(asked, self._vectors, count=count)
        ]


def vectors(
    model: Model | WordModel, texts: Sequence[str], *, cut: bool = False
) -> NDArray[np.float32]:
    """One vector of unit length per text; see Model.embed. Raises UsageError for a cut where nothing is ever too long."""
    if not isinstance(model, WordModel):
        return model.embed(texts, cut=cut)
    if cut:
        raise UsageError("vectors of words read texts of any length: cut would do nothing")
    return model.embed(texts)
