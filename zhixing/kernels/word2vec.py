"""One block of word2vec with negative sampling, and the merging of several workers' copies.

For a word w and the vector h of what is near it, each step goes up the gradient of

    log σ(h · out[w]) + Σ_n log σ(-h · out[n])        n: `negative` words drawn from the noise distribution

(Mikolov et al. 2013b, eq. 4). Skip-gram: h is in[c] for each near word c in turn. CBOW: h is the mean of all in[c], and
each in[c] moves by what h should move by, as in the authors' program (the exact gradient would divide by their number).
A drawn word that is w itself is left out, as there.

Workers learn from different words on copies of the matrices, and their changes are added up: the result depends on
the seed and on the number of workers, never on which was faster.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float, Int
from torch import Tensor

from zhixing.kernels import native
from zhixing.kernels.word2vec_limits import MOST_NEGATIVE, MOST_WIDTH

_MASK = (1 << 64) - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Noise:
    """The distribution of negative words as an alias table: column i is i with `share[i]`, else `alias[i]`."""

    share: Float[Tensor, " vocab"]
    alias: Int[Tensor, " vocab"]


@dataclass(frozen=True, kw_only=True, slots=True)
class WordBlock:
    """Words in reading order; worker k has those from `bounds[k]` to `bounds[k + 1]`.

    `sentences` numbers the sentence of each word, `reach` says how many words to either side are near; both int32.
    """

    words: Int[Tensor, " time"]
    sentences: Int[Tensor, " time"]
    reach: Int[Tensor, " time"]
    bounds: Int[Tensor, " ends"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """How a block is learnt: CBOW or skip-gram, negative words per step, learning rate, seed of the negatives."""

    cbow: bool
    negative: int
    lr: float
    seed: int


def learn_block(
    inputs: Float[Tensor, "workers vocab width"],
    outputs: Float[Tensor, "workers vocab width"],
    block: WordBlock,
    noise: Noise,
    rule: Rule,
) -> None:
    """Change the copies of both matrices in place, each by the words of its worker."""
    assert inputs.shape[-1] <= MOST_WIDTH, "native code has no room for more"
    assert rule.negative <= MOST_NEGATIVE, "native code has no room for more"
    if not native.usable(float32=(inputs, outputs)):
        learn_block_reference(inputs, outputs, block, noise, rule)
        return
    data = (block.words, block.sentences, block.reach, block.bounds, noise.share, noise.alias)
    numbers = (*inputs.shape, rule.negative, rule.seed, int(rule.cbow), float(rule.lr), 0)
    native.call("word2vec_block", (inputs, outputs, *data, *numbers))


def merge(base: Float[Tensor, "vocab width"], copies: Float[Tensor, "workers vocab width"]) -> None:
    """Make base, and every copy, what base was plus the change of each copy."""
    if native.usable(float32=(base, copies)):
        native.call("word2vec_merge", (base, copies, len(copies), base.numel(), 0))
        return
    base += (copies - base).sum(0)
    copies.copy_(base)


def learn_block_reference(
    inputs: Float[Tensor, "workers vocab width"],
    outputs: Float[Tensor, "workers vocab width"],
    block: WordBlock,
    noise: Noise,
    rule: Rule,
) -> None:
    """The definition."""
    bounds = block.bounds.tolist()
    for worker, (begin, end) in enumerate(pairwise(bounds)):
        random = Random((rule.seed + 0xD1342543DE82EF95 * worker) & _MASK)
        for at in range(begin, end):
            near = _near(block, at, begin, end)
            for group in [near] if rule.cbow and near else [[c] for c in near]:
                drawn = [random.draw(noise) for _ in range(rule.negative)]
                _learn(inputs[worker], outputs[worker], group, int(block.words[at]), drawn, rule.lr)


class Random:
    """SplitMix64: the sequence of 64-bit numbers that the native code draws too."""

    def __init__(self, state: int) -> None:
        self._state = state

    def next(self) -> int:
        """The next number, from 0 to 2**64 - 1."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        z = self._state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return z ^ (z >> 31)

    def draw(self, noise: Noise) -> int:
        """A word of the noise distribution: high bits choose the column, low bits toss its coin."""
        bits = self.next()
        column = ((bits >> 32) * len(noise.share)) >> 32
        coin = ((bits & 0xFFFFFFFF) >> 8) / 16777216
        return column if coin < float(noise.share[column]) else int(noise.alias[column])


def _near(block: WordBlock, at: int, begin: int, end: int) -> list[int]:
    """The words in reach of place `at`, in the same sentence and in the same worker's words."""
    reach = int(block.reach[at])
    places = range(max(begin, at - reach), min(end, at + reach + 1))
    same = [p for p in places if p != at and block.sentences[p] == block.sentences[at]]
    return [int(block.words[p]) for p in same]


def _learn(
    inputs: Float[Tensor, "vocab width"],
    outputs: Float[Tensor, "vocab width"],
    near: list[int],
    word: int,
    drawn: list[int],
    lr: float,
) -> None:
    hidden = inputs[near].mean(0)
    targets = [word, *(n for n in drawn if n != word)]
    labels = torch.zeros(len(targets), dtype=hidden.dtype)
    labels[0] = 1.0
    steps = lr * (labels - torch.sigmoid(outputs[targets] @ hidden))
    change = torch.zeros_like(hidden)
    for target, step in zip(targets, steps, strict=True):
        change += step * outputs[target]
        outputs[target] += step * hidden
    for row in near:
        inputs[row] += change
