"""Losses measure how wrong a prediction is; regularisation keeps the weights from learning the noise.

Squared error, cross-entropy and hinge of small predictions; dropout, L1, L2 and early stopping.
"""

import torch
from torch.nn import functional as F

from zhixing.kernels.cross_entropy import linear_cross_entropy, softmax_cross_entropy_reference
from zhixing.theory.idea import Bilingual, Idea, Step, values

LOGITS = ((2.0, 1.0, 0.0), (0.0, 0.0, 3.0))
TARGETS = (0, 1)
WEIGHTS = (0.5, -2.0, 0.0)
VALIDATION = (2.31, 1.94, 1.72, 1.75, 1.81, 1.90)
PATIENCE = 2


def idea() -> Idea:
    """Each loss of one small prediction, then the four ways to hold back."""
    return Idea(
        formula=r"""
\begin{aligned}
\text{MSE} &= \frac{1}{m} \sum_i (\hat y_i - y_i)^2, \qquad
\text{hinge} = \frac{1}{m} \sum_i \max(0,\, 1 - y_i s_i), \quad y_i = \pm 1 \\
\text{CE} &= -\frac{1}{m} \sum_i \sum_c y_{ic} \log p_{ic}, \qquad
p_i = \operatorname{softmax}(z_i), \qquad \frac{\partial\, \text{CE}}{\partial z_i} = \frac{p_i - y_i}{m} \\
\text{L2} &= \lambda \lVert w \rVert_2^2, \qquad \text{L1} = \lambda \lVert w \rVert_1, \qquad
\operatorname{dropout}(x) = \frac{r \odot x}{1 - q}, \quad r_j \sim \operatorname{Bernoulli}(1 - q)
\end{aligned}
""",
        plain="MSE = mean (ŷ − y)²;  hinge = mean max(0, 1 − y s);  CE = −mean Σ_c y log p,  ∂CE/∂z = (p − y)/m\n"
        "L2 = λ Σ w²;  L1 = λ Σ |w|;  dropout(x) = r ⊙ x / (1 − q)",
        steps=(*_losses(), _hinge(), *_regularisation()),
        source="Goodfellow, Bengio & Courville 2016, *Deep Learning*, §6.2.2, §7.1, §7.8; "
        "Cortes & Vapnik 1995 (hinge); Srivastava et al. 2014, *Dropout*, §4",
    )


def _losses() -> tuple[Step, ...]:
    logits, targets = torch.tensor(LOGITS), torch.tensor(TARGETS)
    nats, gradient = softmax_cross_entropy_reference(logits, targets)
    total = linear_cross_entropy(logits, torch.eye(3), targets)
    guessed, true = torch.tensor([2.5, 0.0, 2.0]), torch.tensor([3.0, -0.5, 2.0])
    return (
        Step(
            name="mse",
            says=Bilingual(
                "Squared error of [2.5 0 2] when [3 −0.5 2] is right.",
                "正确值为 [3 −0.5 2] 时，预测 [2.5 0 2] 的均方误差。",
            ),
            formula="(0.25 + 0.25 + 0) / 3",
            value=F.mse_loss(guessed, true).item(),
        ),
        Step(
            name="probabilities",
            says=Bilingual(
                "Two predictions over three classes, logits [2 1 0] and [0 0 3]: their probabilities.",
                "两个样本、三个类别，对数几率 [2 1 0] 与 [0 0 3]：它们的概率。",
            ),
            formula="p = softmax(z)",
            value=values(logits.softmax(-1)),
        ),
        Step(
            name="nats",
            says=Bilingual(
                "Cross-entropy where classes 0 and 1 are right: small for a good guess, large for a confident mistake.",
                "正确类别为 0 和 1 时各自的交叉熵：猜得好则小，自信地犯错则大。",
            ),
            formula="−log p[right]",
            value=values(nats),
        ),
        Step(
            name="gradient",
            says=Bilingual(
                "Its gradient at the logits: the probability, less 1 at the right class.",
                "它在对数几率处的梯度：概率，在正确类别处减 1。",
            ),
            formula="p − y",
            value=values(gradient),
        ),
        Step(
            name="total",
            says=Bilingual(
                "The sum, by the function that training calls; it is divided by the number of targets only at the end.",
                "训练所调用的函数给出的总和；直到最后才除以目标个数。",
            ),
            formula="Σ −log p",
            value=total.item(),
        ),
    )


def _hinge() -> Step:
    scores, signs = torch.tensor([0.4, 2.0, 0.5]), torch.tensor([1.0, 1.0, -1.0])
    return Step(
        name="hinge",
        says=Bilingual(
            "Hinge loss of the scores 0.4, 2, 0.5 for +1, +1, −1: right by a margin of 1 costs nothing.",
            "得分 0.4、2、0.5 对标签 +1、+1、−1 的合页损失：以间隔 1 答对则没有损失。",
        ),
        formula="max(0, 1 − y s)",
        value=values((1 - signs * scores).clamp_min(0)),
    )


def _regularisation() -> tuple[Step, ...]:
    w = torch.tensor(WEIGHTS, requires_grad=True)
    squares, absolute = w.square().sum(), w.abs().sum()
    (by_squares,) = torch.autograd.grad(squares, w)
    (by_absolute,) = torch.autograd.grad(absolute, w)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        kept = F.dropout(torch.ones(100_000), 0.25)
    return (
        Step(
            name="penalties",
            says=Bilingual("L2 and L1 of the weights [0.5 −2 0].", "权重 [0.5 −2 0] 的 L2 与 L1。"),
            formula="[Σ w²  Σ |w|]",
            value=(squares.item(), absolute.item()),
        ),
        Step(
            name="pulls",
            says=Bilingual(
                "Their gradients, a row each: L2 pulls large weights harder, L1 pulls all alike and so makes zeros.",
                "它们的梯度，各一行：L2 对大的权重拉得更重，L1 对所有权重一样拉，因而产生零。",
            ),
            formula="[2w; sign w]",
            value=(values(by_squares), values(by_absolute)),
        ),
        Step(
            name="dropout",
            says=Bilingual(
                "Dropout of a quarter: what is kept is multiplied by 4/3, so that the mean stays; mean of 100 000 ones.",
                "丢弃四分之一：保留的乘以 4/3，均值不变；十万个 1 的均值。",
            ),
            formula="mean(r ⊙ 1 / 0.75)",
            value=kept.mean().item(),
            digits=2,
        ),
        Step(
            name="stopped",
            says=Bilingual(
                "Early stopping: validation losses 2.31 1.94 1.72 1.75 1.81 1.90 and a patience of 2; the best check, "
                "and the one at which training stops, counted from 1.",
                "提前停止：验证损失 2.31 1.94 1.72 1.75 1.81 1.90，耐心为 2；最好的一次，以及停止的那一次，从 1 数起。",
            ),
            formula="[best  stopped]",
            value=early_stop(VALIDATION, PATIENCE),
        ),
    )


def early_stop(losses: tuple[float, ...], patience: int) -> tuple[int, int]:
    """The number of the best loss, and of the one after which `patience` checks brought nothing better."""
    best = 0
    for number, loss in enumerate(losses):
        if loss < losses[best]:
            best = number
        if number - best == patience:
            return best + 1, number + 1
    return best + 1, len(losses)
