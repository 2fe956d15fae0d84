"""A convolutional network for text: a small pattern is slid along the sentence, and the best match is kept."""

import torch
from torch import Tensor

from zhixing.model.convolution import Patterns
from zhixing.theory.idea import Bilingual, Idea, Step, values

SENTENCE = (("the", 0.0), ("film", 0.2), ("is", 0.0), ("not", -1.0), ("good", 1.0))
"""Words with an embedding of one number each, so that a filter can be followed by eye."""
FILTERS = ((0.0, 1.0), (-1.0, 1.0))
"""Two filters over two words: "this word is good", "not, then good"."""


def idea() -> Idea:
    """Slide, cut below zero, keep the largest, classify."""
    return Idea(
        formula=r"""
c_{t,f} = \operatorname{ReLU}\Bigl(\sum_{j=1}^{k} w_{f,j} \cdot x_{t-k+j} + b_f\Bigr), \qquad
\hat c_f = \max_t\, c_{t,f}, \qquad p = \operatorname{softmax}(W \hat c + b)
""",
        plain="c[t, f] = ReLU(Σ_j w[f, j]·x[t−k+j] + b[f]),  ĉ[f] = max_t c[t, f],  p = softmax(W ĉ + b)",
        steps=(*_slid(), *_decided()),
        source="Kim 2014, *Convolutional neural networks for sentence classification*, §2, eq. 1-4",
    )


def patterns() -> Patterns:
    """The two filters, as the project's classifier holds them, without a bias."""
    made = Patterns(embedding=1, filters=2, window=2)
    with torch.no_grad():
        made.filters.weight.copy_(torch.tensor(FILTERS)[:, None])
        assert made.filters.bias is not None
        made.filters.bias.zero_()
    return made


def _matches() -> tuple[Tensor, Tensor]:
    """The fit of each filter at each place, and what is kept of it."""
    x = sentence()
    found = patterns()
    with torch.no_grad():
        return found.filters(x)[0], found(x, torch.ones_like(x))[0]


def sentence() -> Tensor:
    """The numbers of the words: (batch, embedding, time)."""
    return torch.tensor([[[number for _, number in SENTENCE]]])


def _slid() -> tuple[Step, ...]:
    matched, _ = _matches()
    return (
        Step(
            name="x",
            says=Bilingual(
                '"the film is not good", one number a word.',
                "“the film is not good”，每个词一个数。",
            ),
            formula="x",
            value=values(sentence()[0, 0]),
            digits=1,
        ),
        Step(
            name="slid",
            says=Bilingual(
                "Two filters over two neighbouring words, [0 1] and [−1 1], at six places: at the first and the last they "
                "hang over an end, where there is 0.",
                "两个滤波器 [0 1] 与 [−1 1]，各看相邻两个词，共六个位置：在第一个和最后一个位置上伸出端外，端外是 0。",
            ),
            formula="w_f · (x[t−1], x[t])",
            value=values(matched),
            digits=1,
        ),
        Step(
            name="by_hand",
            says=Bilingual(
                'The second filter at "not good", by hand.',
                "第二个滤波器在 “not good” 处，手算。",
            ),
            formula="−1·(−1) + 1·1",
            value=-1 * -1.0 + 1 * 1.0,
            digits=1,
        ),
    )


def _decided() -> tuple[Step, ...]:
    matched, kept = _matches()
    weights = torch.tensor([[1.0, -1.0], [-1.0, 1.0]])  # rows: positive, negative
    return (
        Step(
            name="kept",
            says=Bilingual(
                "After the ReLU the largest over time: where it was no longer matters, that it was there does.",
                "ReLU 之后沿时间取最大：在哪里出现不再重要，重要的是出现过。",
            ),
            formula="max_t ReLU(·)",
            value=values(kept),
            digits=1,
        ),
        Step(
            name="places",
            says=Bilingual(
                "Where each filter found it, from 0.", "各滤波器在哪里找到，从 0 数起。"
            ),
            formula="argmax_t",
            value=values(matched.relu().argmax(dim=1)),
        ),
        Step(
            name="probabilities",
            says=Bilingual(
                'Positive and negative: "good" speaks for the first, "not good" louder for the second.',
                "正面与负面：“good” 支持前者，“not good” 更有力地支持后者。",
            ),
            formula="softmax([[1 −1] [−1 1]] ĉ)",
            value=values((weights @ kept).softmax(0)),
        ),
    )
