"""Accuracy, precision, recall and F1: four numbers from one table of right and wrong answers.

The example is a spam filter on rare spam, where accuracy alone would praise a filter that finds nothing.
"""

from collections.abc import Sequence

import numpy as np

from zhixing.evaluate.resampling import Floats
from zhixing.evaluate.tasks.counts import f1, mean_of_defined, precision, recall
from zhixing.theory.idea import Bilingual, Idea, Step

TRUTH = (1, 0, 0, 1, 0, 0, 0, 0, 1, 0)
GUESS = (1, 0, 1, 0, 0, 0, 0, 0, 1, 0)
NEVER = (0,) * len(TRUTH)
THREE_TRUTH = ("a", "a", "a", "a", "b", "b", "c")
THREE_GUESS = ("a", "a", "a", "b", "b", "a", "b")


def idea() -> Idea:
    """One class against the rest, then the averages over several classes."""
    return Idea(
        formula=r"""
\begin{aligned}
\text{accuracy} &= \frac{TP + TN}{\text{all}}, \qquad \text{precision} = \frac{TP}{TP + FP}, \qquad
\text{recall} = \frac{TP}{TP + FN} \\
F_1 &= \frac{2\, \text{precision} \cdot \text{recall}}{\text{precision} + \text{recall}} = \frac{2\,TP}{2\,TP + FP + FN} \\
\text{macro} &= \frac{1}{C} \sum_c F_1^{(c)}, \qquad
\text{micro} = \frac{2 \sum_c TP_c}{2 \sum_c TP_c + \sum_c FP_c + \sum_c FN_c}
\end{aligned}
""",
        plain="accuracy = (TP + TN) / all;  precision = TP / (TP + FP);  recall = TP / (TP + FN)\n"
        "F1 = 2 TP / (2 TP + FP + FN);  macro = mean F1 of the classes;  micro = F1 of the summed counts",
        steps=(*_spam(), *_classes()),
        source="van Rijsbergen 1979, *Information Retrieval*, chapter 7; Manning, Raghavan & Schütze 2008, "
        "*Introduction to Information Retrieval*, §8.3 and §13.6",
    )


def count(truth: Sequence[object], guess: Sequence[object], label: object) -> Floats:
    """One class against the rest: how often it was rightly found, found at all, and is there."""
    pairs = list(zip(truth, guess, strict=True))
    right = sum(t == label == g for t, g in pairs)
    return np.array([right, sum(g == label for g in guess), sum(t == label for t in truth)], float)


def accuracy(truth: Sequence[object], guess: Sequence[object]) -> float:
    """Share of right answers."""
    return sum(t == g for t, g in zip(truth, guess, strict=True)) / len(truth)


def _spam() -> tuple[Step, ...]:
    (right, found, true), never = count(TRUTH, GUESS, 1), count(TRUTH, NEVER, 1)
    return (
        Step(
            name="counts",
            says=Bilingual(
                "Ten mails, three of them spam; the filter marks three, two rightly.",
                "十封邮件，其中三封垃圾；过滤器标出三封，两封标对了。",
            ),
            formula="[TP  FP  FN]",
            value=(int(right), int(found - right), int(true - right)),
        ),
        Step(
            name="scores",
            says=Bilingual(
                "Accuracy, precision, recall and F1 of the filter.",
                "该过滤器的准确率、精确率、召回率和 F1。",
            ),
            formula="[8/10  2/3  2/3  4/6]",
            value=(accuracy(TRUTH, GUESS), *_scores(right, found, true)),
        ),
        Step(
            name="never",
            says=Bilingual(
                'The same of a "filter" that never marks anything: 70 % right, and worthless.',
                "从不标记任何邮件的“过滤器”：70 % 正确，却毫无用处。",
            ),
            formula="[7/10  0  0  0]",
            value=(accuracy(TRUTH, NEVER), *_scores(*never)),
        ),
    )


def _classes() -> tuple[Step, ...]:
    each = np.array([count(THREE_TRUTH, THREE_GUESS, label) for label in "abc"])
    of_each = f1(*each.T)
    return (
        Step(
            name="each",
            says=Bilingual(
                "Three classes, truth a a a a b b c, guesses a a a b b a b: F1 of a, b and c.",
                "三个类别，正确 a a a a b b c，预测 a a a b b a b：a、b、c 各自的 F1。",
            ),
            formula="[F1(a)  F1(b)  F1(c)]",
            value=tuple(of_each.tolist()),
        ),
        Step(
            name="macro",
            says=Bilingual(
                "Macro: every class counts alike, also the rare c that was never found.",
                "宏平均：各类同等重要，从未找到的少数类 c 也一样。",
            ),
            formula="mean F1",
            value=float(mean_of_defined(of_each[None])[0]),
        ),
        Step(
            name="micro",
            says=Bilingual(
                "Micro: every sample counts alike; with one label each it is the accuracy.",
                "微平均：各样本同等重要；每个样本一个标签时就是准确率。",
            ),
            formula="[micro F1  accuracy]",
            value=(float(f1(*each.sum(axis=0))), accuracy(THREE_TRUTH, THREE_GUESS)),
        ),
    )


def _scores(right: Floats, found: Floats, true: Floats) -> tuple[float, ...]:
    return tuple(float(score(right, found, true)) for score in (precision, recall, f1))
