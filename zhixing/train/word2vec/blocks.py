"""From the file of words to the blocks that are learnt: chosen words, thinned out, cut for the workers.

A word with a share f of the text stays with probability √(t / f) + t / f, where t is `subsample` (Mikolov et al. 2013b,
§2.3, as their program has it); negatives are drawn with the power 0.75 of their counts (§2.2). All random numbers
follow from (seed, epoch, block), so that a run can go on at any block.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from zhixing.kernels.word2vec import Noise, WordBlock
from zhixing.train.word2vec.config import WordVectorConfig
from zhixing.train.word2vec.words import BREAK, Vocabulary, WordFile

LEAST_BLOCK = 20_000
NOISE_POWER = 0.75


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where in the training a run is: the epoch, and the block of its shuffled order."""

    epoch: int = 0
    block: int = 0


class Blocks:
    """All blocks of all epochs of one run."""

    def __init__(
        self, file: WordFile, vocabulary: Vocabulary, config: WordVectorConfig, seed: int
    ) -> None:
        self._file, self._rows = file, vocabulary.rows
        self._config, self._seed = config, seed
        self._stay = stay_probability(vocabulary.counts, config.subsample)
        # Larger vocabularies take longer to merge, and their words meet less often in one block.
        self._size = config.workers * max(LEAST_BLOCK, 2 * len(vocabulary.words))
        self.per_epoch = math.ceil(len(file.numbers) / self._size)

    def numbers_in(self, place: Place) -> int:
        """How many words of the file (and sentence ends) the block at a place covers."""
        start = self._start(place)
        return min(self._size, len(self._file.numbers) - start)

    def seed_of(self, place: Place) -> int:
        """Seed of the negatives of a block."""
        return int(self._random(place, 1).integers(2**63))

    def at(self, place: Place) -> WordBlock:
        """The block at a place."""
        start = self._start(place)
        numbers = np.array(self._file.numbers[start : start + self._size])
        sentences = np.cumsum(numbers == BREAK, dtype=np.int32)
        rows = np.where(numbers == BREAK, np.int32(-2), self._rows[numbers])
        random = self._random(place, 0)
        keep = rows >= 0
        keep[keep] = random.random(int(keep.sum())) < self._stay[rows[keep]]
        rows, sentences = rows[keep], sentences[keep]
        reach = random.integers(1, self._config.window + 1, len(rows), dtype=np.int32)
        bounds = np.linspace(0, len(rows), self._config.workers + 1).astype(np.int64)
        return WordBlock(
            words=torch.from_numpy(rows),
            sentences=torch.from_numpy(sentences),
            reach=torch.from_numpy(reach),
            bounds=torch.from_numpy(bounds),
        )

    def _start(self, place: Place) -> int:
        order = np.random.default_rng([self._seed, place.epoch]).permutation(self.per_epoch)
        return int(order[place.block]) * self._size

    def _random(self, place: Place, purpose: int) -> np.random.Generator:
        return np.random.default_rng([self._seed, place.epoch, place.block, purpose])


def stay_probability(counts: NDArray[np.int64], subsample: float) -> NDArray[np.float64]:
    """How likely each word is to stay; 1 for all when `subsample` is 0."""
    share = counts / counts.sum()
    if subsample == 0:
        return np.ones(len(counts))
    return np.minimum(1.0, np.sqrt(subsample / share) + subsample / share)


def noise(counts: NDArray[np.int64]) -> Noise:
    """The alias table (Vose 1991) of the counts to the power 0.75."""
    weights = counts.astype(np.float64) ** NOISE_POWER
    share = weights / weights.sum() * len(counts)
    alias = np.arange(len(counts), dtype=np.int32)
    small = [row for row in range(len(share)) if share[row] < 1]
    large = [row for row in range(len(share)) if share[row] >= 1]
    while small and large:
        poor, rich = small.pop(), large[-1]
        alias[poor] = rich
        share[rich] -= 1 - share[poor]
        if share[rich] < 1:
            small.append(large.pop())
    for row in (*small, *large):  # what rounding left over
        share[row] = 1.0
    return Noise(share=torch.from_numpy(share.astype(np.float32)), alias=torch.from_numpy(alias))
