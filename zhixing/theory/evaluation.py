"""Accuracy, precision, recall and F1: four numbers from one table of right and wrong answers.

The example is a spam filter on rare spam, where accuracy alone would praise a filter that finds nothing.
"""

from dataclasses import dataclass

from zhixing.theory.idea import Bilingual, Idea, Step

TRUTH = (1, 0, 0, 1, 0, 0, 0, 0, 1, 0)
GUESS = (1, 0, 1, 0, 0, 0, 0, 0, 1, 0)
NEVER = (0,) * len(TRUTH)
THREE_TRUTH = ("a", "a", "a", "a", "b", "b", "c")
THREE_GUESS = ("a", "a", "a", "b", "b", "a", "b")


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """How often a class was rightly found, wrongly found, and missed."""

    found: int
    wrongly: int
    missed: int

    @property
    def precision(self) -> float:
        """Of what was found, how much is right; 0 where nothing was found."""
        return _share(self.found, self.found + self.wrongly)

    @property
    def recall(self) -> float:
        """Of what is there, how much was found; 0 where there is nothing."""
        return _share(self.found, self.found + self.missed)

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return _share(2 * self.found, 2 * self.found + self.wrongly + self.missed)


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


def count(truth: tuple[object, ...], guess: tuple[object, ...], label: object) -> Counts:
    """One class against the rest."""
    pairs = list(zip(truth, guess, strict=True))
    return Counts(
        found=sum(t == label == g for t, g in pairs),
        wrongly=sum(t != label == g for t, g in pairs),
        missed=sum(t == label != g for t, g in pairs),
    )


def accuracy(truth: tuple[object, ...], guess: tuple[object, ...]) -> float:
    """Share of right answers."""
    return sum(t == g for t, g in zip(truth, guess, strict=True)) / len(truth)


def _spam() -> tuple[Step, ...]:
    filter_, never = count(TRUTH, GUESS, 1), count(TRUTH, NEVER, 1)
    return (
        Step(
            name="counts",
            says=Bilingual(
                "Ten mails, three of them spam; the filter marks three, two rightly.",
                "十封邮件，其中三封垃圾；过滤器标出三封，两封标对了。",
            ),
            formula="[TP  FP  FN]",
            value=(filter_.found, filter_.wrongly, filter_.missed),
        ),
        Step(
            name="scores",
            says=Bilingual(
                "Accuracy, precision, recall and F1 of the filter.",
                "该过滤器的准确率、精确率、召回率和 F1。",
            ),
            formula="[8/10  2/3  2/3  4/6]",
            value=(accuracy(TRUTH, GUESS), filter_.precision, filter_.recall, filter_.f1),
        ),
        Step(
            name="never",
            says=Bilingual(
                'The same of a "filter" that never marks anything: 70 % right, and worthless.',
                "从不标记任何邮件的“过滤器”：70 % 正确，却毫无用处。",
            ),
            formula="[7/10  0  0  0]",
            value=(accuracy(TRUTH, NEVER), never.precision, never.recall, never.f1),
        ),
    )


def _classes() -> tuple[Step, ...]:
    each = [count(THREE_TRUTH, THREE_GUESS, label) for label in "abc"]
    micro = Counts(
        found=sum(one.found for one in each),
        wrongly=sum(one.wrongly for one in each),
        missed=sum(one.missed for one in each),
    )
    return (
        Step(
            name="each",
            says=Bilingual(
                "Three classes, truth a a a a b b c, guesses a a a b b a b: F1 of a, b and c.",
                "三个类别，正确 a a a a b b c，预测 a a a b b a b：a、b、c 各自的 F1。",
            ),
            formula="[F1(a)  F1(b)  F1(c)]",
            value=tuple(one.f1 for one in each),
        ),
        Step(
            name="macro",
            says=Bilingual(
                "Macro: every class counts alike, also the rare c that was never found.",
                "宏平均：各类同等重要，从未找到的少数类 c 也一样。",
            ),
            formula="mean F1",
            value=sum(one.f1 for one in each) / len(each),
        ),
        Step(
            name="micro",
            says=Bilingual(
                "Micro: every sample counts alike; with one label each it is the accuracy.",
                "微平均：各样本同等重要；每个样本一个标签时就是准确率。",
            ),
            formula="[micro F1  accuracy]",
            value=(micro.f1, accuracy(THREE_TRUTH, THREE_GUESS)),
        ),
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
