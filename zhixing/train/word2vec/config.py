"""Settings of word2vec: what is counted as a word, what is near, and how it is learnt."""

from typing import Literal, Self

from pydantic import Field, model_validator

from zhixing.core.config import Config
from zhixing.kernels.word2vec_limits import MOST_NEGATIVE, MOST_WIDTH


class WordVectorConfig(Config):
    """How word vectors are learnt from the words of the training documents."""

    kind: Literal["skipgram", "cbow"] = "skipgram"
    """skipgram: each near word alone predicts the word, better for rare words; cbow: the mean of the near words does,
    several times faster."""
    width: int = Field(default=100, ge=1, le=MOST_WIDTH)
    """Numbers in a vector."""
    window: int = Field(default=5, ge=1, le=100)
    """Largest distance of a near word; for each word the distance is drawn from 1 to this."""
    negative: int = Field(default=5, ge=1, le=MOST_NEGATIVE)
    """Words drawn at random, with the power 0.75 of their counts, that a near word should not predict."""
    min_count: int = Field(default=5, ge=1)
    """Rarer words have no vector and are passed over as if they were not there."""
    max_words: int | None = Field(default=None, ge=1)
    """Keep only so many of the most frequent words. Not set: all with min_count."""
    subsample: float = Field(default=1e-3, ge=0.0, le=1.0)
    """A word with a larger share of the text is passed over now and then, the more often the more frequent; 0: never."""
    lowercase: bool = True
    """Write words in lower case."""
    epochs: int = Field(default=5, ge=1)
    """Passes over the text."""
    lr: float = Field(default=0.025, gt=0.0, le=1.0)
    """Learning rate at the start; it falls in a straight line."""
    final_lr: float = Field(default=1e-4, ge=0.0, le=1.0)
    """Learning rate at the end."""
    workers: int = Field(default=2, ge=1, le=64)
    """Copies of the vectors that learn side by side and are added up after every block, on as many cores. The result
    depends on this number, not on the machine."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.final_lr > self.lr:
            raise ValueError(f"final_lr = {self.final_lr} is above lr = {self.lr}")
        return self
