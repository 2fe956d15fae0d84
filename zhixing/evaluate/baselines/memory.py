"""A translation memory: the target of the training source that is most like the text, by the cosine of their TF-IDF words.

What a translator has who never learnt: where texts repeat each other, as manuals do, it is hard to beat.
"""

from collections.abc import Sequence
from typing import final

from zhixing.core.errors import DataError
from zhixing.vectors.bag_of_words import BaselineConfig, make_vectoriser
from zhixing.vectors.nearest import nearest


@final
class Memory:
    """Pairs that were seen; call it with texts."""

    def __init__(
        self, sources: Sequence[str], targets: Sequence[str], config: BaselineConfig | None = None
    ) -> None:
        """`config` says what is compared: words and pairs of them, unless given. Raises DataError when there is no pair."""
        if not sources or len(sources) != len(targets):
            raise DataError(f"{len(sources)} sources and {len(targets)} targets make no memory")
        self._vectoriser = make_vectoriser(config or BaselineConfig(min_texts=1))
        self._rows = self._vectoriser.fit_transform(sources)
        self._targets = targets

    def __call__(self, texts: Sequence[str]) -> list[str]:
        """The nearest target of each text; empty where not one word of it is known."""
        asked = self._vectoriser.transform(texts)
        found = nearest(asked, self._rows, count=1, above=0.0)
        return [self._targets[near[0].row] if near else "" for near in found]
