"""N-grams: how often was this token seen after that one? And what to do when never.

The example is a bigram model of "a b a c a b", small enough to smooth by hand.
"""

import math

import numpy as np
import torch

from zhixing.model.config import NGramConfig
from zhixing.model.kneser_ney import Level, count_levels, smooth
from zhixing.model.ngram import count
from zhixing.theory.idea import Bilingual, Idea, Step

BEGIN, END, A, B, C = range(5)
TEXT = np.array([BEGIN, A, B, A, C, A, B, END])
VOCAB = 5


def idea() -> Idea:
    """Count, discount, back off, and check that the probabilities add up to 1."""
    unigrams, bigrams = count_levels(TEXT, np.array([len(TEXT)]), vocab=VOCAB, order=2)
    return Idea(
        formula=r"""
p(w \mid h) = \frac{\max\bigl(a(hw) - D(a(hw)),\, 0\bigr)}{\sum_{v} a(hv)} + \gamma(h)\, p(w \mid h'),
\qquad \gamma(h) = \frac{\sum_{v} D(a(hv))}{\sum_{v} a(hv)}
""",
        plain="p(w | h) = max(a(hw) − D, 0) / Σ a(h·) + γ(h) p(w | h')\nγ(h) = Σ D / Σ a(h·)",
        steps=(*_counted(unigrams, bigrams), *_smoothed(unigrams, bigrams), *_model()),
        source="Chen & Goodman 1999, *An empirical study of smoothing techniques for language modeling*, "
        "§3 (eq. 26) and §4.1.6",
    )


def _counted(unigrams: Level, bigrams: Level) -> tuple[Step, ...]:
    after_a = _followers(unigrams, bigrams.counts)
    return (
        Step(
            name="counts",
            says=Bilingual(
                'In "a b a c a b", what follows a: b twice, c once.',
                "在 “a b a c a b” 中，a 之后：b 两次，c 一次。",
            ),
            formula="[a(ab)  a(ac)]",
            value=after_a,
        ),
        Step(
            name="unsmoothed",
            says=Bilingual(
                "Shares alone: b, c, and a, which was never seen there and gets 0; a text with it would have no "
                "probability at all.",
                "只用比例：b、c，以及从未在此出现的 a，它得 0；含有它的文本概率就成了零。",
            ),
            formula="[p(b|a)  p(c|a)  p(a|a)]",
            value=(after_a[0] / sum(after_a), after_a[1] / sum(after_a), 0.0),
        ),
        Step(
            name="continuations",
            says=Bilingual(
                "Below, a token counts once for each different token before it: end, a, b, c.",
                "在下一级，一个词元按它前面有多少个不同的词元来计数：结束符、a、b、c。",
            ),
            formula="[a(⏎)  a(a)  a(b)  a(c)]",
            value=tuple(unigrams.counts[[END, A, B, C]].tolist()),
        ),
    )


def _smoothed(unigrams: Level, bigrams: Level) -> tuple[Step, ...]:
    low = smooth(unigrams, np.array([VOCAB]))
    high = smooth(bigrams, unigrams.branches)
    base = low.alpha + low.gamma[0] / VOCAB
    alpha = _followers(unigrams, high.alpha)
    gamma = float(high.gamma[A])
    return (
        Step(
            name="discounts",
            says=Bilingual(
                "What is taken from a count of 1, 2, 3 or more (the fixed values for tiny data).",
                "从计数 1、2、3 及以上中各拿走多少（数据极少时用固定值）。",
            ),
            formula="[D1  D2  D3+]",
            value=tuple(high.discounts.tolist()),
            digits=1,
        ),
        Step(
            name="below",
            says=Bilingual(
                "Without context: the discounted share, and the rest spread evenly over 5 ids: a and b.",
                "没有上文时：折扣后的比例，余下的平均分给 5 个编号：a 与 b。",
            ),
            formula="[p(a)  p(b)]",
            value=(float(base[A]), float(base[B])),
        ),
        Step(
            name="gamma",
            says=Bilingual("The share that was taken after a.", "在 a 之后被拿走的份额。"),
            formula="γ(a) = (D2 + D1) / 3",
            value=gamma,
        ),
        Step(
            name="p_b_after_a",
            says=Bilingual("b after a, seen twice.", "a 之后的 b，见过两次。"),
            formula="p(b|a) = (2 − D2)/3 + γ(a) p(b)",
            value=float(alpha[0] + gamma * base[B]),
        ),
        Step(
            name="p_a_after_a",
            says=Bilingual(
                "a after a, never seen: all of it comes from below.",
                "a 之后的 a，从未见过：全部来自下一级。",
            ),
            formula="p(a|a) = 0 + γ(a) p(a)",
            value=float(gamma * base[A]),
        ),
    )


def _model() -> tuple[Step, ...]:
    model = count(TEXT, np.array([len(TEXT)]), VOCAB, NGramConfig(order=2))
    logits = model(torch.tensor([[A]])).logits[0, 0]
    return (
        Step(
            name="model",
            says=Bilingual(
                "The model's own distribution after a, over begin, end, a, b, c.",
                "模型自己给出的 a 之后的分布：起始符、结束符、a、b、c。",
            ),
            formula="p(·|a)",
            value=tuple(logits.exp().tolist()),
        ),
        Step(
            name="total",
            says=Bilingual("Together.", "总和。"),
            formula="Σ p(·|a)",
            value=math.fsum(logits.exp().tolist()),
        ),
    )


def _followers(unigrams: Level, column: np.ndarray) -> tuple[float, ...]:
    """The entries of a column of the bigrams that belong to the context a: b, then c."""
    first = int(unigrams.branches[:A].sum())
    return tuple(column[first : first + int(unigrams.branches[A])].tolist())
