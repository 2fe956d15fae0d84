"""Optimizers: which way and how far to move the weights, given the gradient.

SGD, momentum, Adam, AdamW and Muon from the same start on the same narrow valley, and the learning-rate schedules.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from zhixing.theory.idea import Bilingual, Idea, Step, values
from zhixing.train.config import TrainConfig
from zhixing.train.muon import orthogonal
from zhixing.train.schedule import rate

START = (1.0, 1.0)
SCALES = (1.0, 25.0)
"""The valley: loss = (1·x² + 25·y²) / 2, twenty-five times as steep across as along."""
STEPS = 20


def idea() -> Idea:
    """One step of each rule by hand, twenty steps of each, Muon's matrix, and the schedules."""
    return Idea(
        formula=r"""
\begin{aligned}
\text{SGD} \quad & w \leftarrow w - \eta\, g \\
\text{Adam} \quad & m \leftarrow \beta_1 m + (1 - \beta_1) g, \qquad v \leftarrow \beta_2 v + (1 - \beta_2) g^2, \qquad
w \leftarrow w - \eta\, \frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon} \\
\text{AdamW} \quad & w \leftarrow (1 - \eta \lambda)\, w, \qquad \text{then as Adam} \\
\text{Muon} \quad & m \leftarrow \beta m + (1 - \beta) g, \qquad
W \leftarrow (1 - \eta \lambda) W - \eta\, U V^{\top} \sqrt{\max(1, \tfrac{\text{rows}}{\text{columns}})}
\quad \text{where} \quad \beta m + (1 - \beta) g = U S V^{\top}
\end{aligned}
""",
        plain="SGD    w ← w − η g\n"
        "Adam   m ← β1 m + (1−β1) g;  v ← β2 v + (1−β2) g²;  w ← w − η (m/(1−β1ᵗ)) / (√(v/(1−β2ᵗ)) + ε)\n"
        "AdamW  w ← (1 − η λ) w, then as Adam\n"
        "Muon   W ← (1 − η λ) W − η U Vᵀ √max(1, rows/columns),  momentum = U S Vᵀ",
        steps=(*_one_step(), _races(), *_muon(), *_schedules()),
        source="Kingma & Ba 2015, *Adam*, algorithm 1; Loshchilov & Hutter 2019, *Decoupled weight decay "
        "regularization*, algorithm 2; Jordan et al. 2024, *Muon*; Loshchilov & Hutter 2017, *SGDR*, eq. 5",
    )


def rules() -> dict[str, Callable[[list[nn.Parameter]], torch.optim.Optimizer]]:
    """The rules by name, each with a learning rate that suits the valley."""
    return {
        "SGD": lambda weights: torch.optim.SGD(weights, lr=0.05),
        "momentum": lambda weights: torch.optim.SGD(weights, lr=0.02, momentum=0.8),
        "Adam": lambda weights: torch.optim.Adam(weights, lr=0.1),
        "AdamW": lambda weights: torch.optim.AdamW(weights, lr=0.1, weight_decay=0.1),
    }


def valley(w: Tensor) -> Tensor:
    """The loss of the example."""
    return (torch.tensor(SCALES) * w.square()).sum() / 2


def path(rule: str, steps: int) -> Tensor:
    """Where a rule goes from START: (steps + 1, 2)."""
    weight = nn.Parameter(torch.tensor(START))
    optimizer = rules()[rule]([weight])
    places = [weight.detach().clone()]
    for _ in range(steps):
        optimizer.zero_grad()
        weight.grad = torch.autograd.grad(valley(weight), weight)[0]
        optimizer.step()
        places.append(weight.detach().clone())
    return torch.stack(places)


def _one_step() -> tuple[Step, ...]:
    return (
        Step(
            name="gradient",
            says=Bilingual(
                "The loss (x² + 25 y²) / 2 at [1 1]: across the valley the gradient is 25 times as large.",
                "损失 (x² + 25 y²) / 2 在 [1 1] 处的梯度：横着山谷的方向大 25 倍。",
            ),
            formula="g = [x  25 y]",
            value=values(torch.tensor(SCALES) * torch.tensor(START)),
            digits=0,
        ),
        Step(
            name="sgd",
            says=Bilingual("SGD, learning rate 0.05.", "SGD，学习率 0.05。"),
            formula="[1 1] − 0.05 g",
            value=values(path("SGD", 1)[1]),
        ),
        Step(
            name="adam",
            says=Bilingual(
                "Adam, learning rate 0.1: the first step is as long in both directions, whatever the gradient's size.",
                "Adam，学习率 0.1：第一步在两个方向上一样长，与梯度大小无关。",
            ),
            formula="[1 1] − 0.1 g / √g²",
            value=values(path("Adam", 1)[1]),
        ),
        Step(
            name="adamw",
            says=Bilingual(
                "AdamW, weight decay 0.1: first 1 % shorter, then the same step.",
                "AdamW，权重衰减 0.1：先缩短 1 %，再走同样的一步。",
            ),
            formula="0.99 [1 1] − 0.1 g / √g²",
            value=values(path("AdamW", 1)[1]),
        ),
    )


def _races() -> Step:
    return Step(
        name="races",
        says=Bilingual("The loss after 20 steps (it was 13).", "20 步之后的损失（开始时是 13）。"),
        formula="L",
        value=tuple((rule, valley(path(rule, STEPS)[-1]).item()) for rule in rules()),
    )


def _muon() -> tuple[Step, ...]:
    matrix = torch.tensor([[3.0, -1.0], [1.0, 1.0]])
    made = orthogonal(matrix[None], dtype=torch.float32)[0]
    u, _, v = torch.linalg.svd(matrix)
    return (
        Step(
            name="exact",
            says=Bilingual(
                "Muon: of the momentum [3 −1; 1 1] only the directions count, U Vᵀ, here a rotation.",
                "Muon：动量 [3 −1; 1 1] 只有方向起作用，即 U Vᵀ，这里是一个旋转。",
            ),
            formula="U Vᵀ = [4 −2; 2 4] / √20",
            value=values(u @ v),
        ),
        Step(
            name="newton_schulz",
            says=Bilingual(
                "Five Newton-Schulz steps come close without a decomposition: singular values before and after.",
                "五次 Newton-Schulz 迭代，无需分解即可接近：之前与之后的奇异值。",
            ),
            formula="singular values",
            value=values(torch.stack([torch.linalg.svdvals(m) for m in (matrix, made)])),
        ),
    )


def _schedules() -> tuple[Step, ...]:
    places = (0.0, 0.01, 0.02, 0.25, 0.5, 0.75, 1.0)
    cosine = TrainConfig(steps=100, schedule="cosine")
    stable = TrainConfig(steps=100, schedule="wsd")
    return (
        Step(
            name="schedules",
            says=Bilingual(
                "Learning rate as a share of its highest, at 0, 1, 2, 25, 50, 75 and 100 % of the training, with the "
                "default warm-up of 2 % and a last share of a tenth: cosine, then warm-up-stable-decay.",
                "学习率占最高值的份额，训练进行到 0、1、2、25、50、75、100 % 时；预热 2 %，最后降到十分之一：先余弦，后“预热-稳定-衰减”。",
            ),
            formula="rate(progress)",
            value=tuple(tuple(rate(config, p) for p in places) for config in (cosine, stable)),
        ),
    )
