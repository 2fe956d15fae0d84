"""Positions: attention alone cannot tell "dog bites man" from "man bites dog", so the place is told to it.

Three ways: add a vector per place (sinusoidal or learned), turn queries and keys (rotary), or add a number per
distance to the scores (relative).
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from zhixing.kernels.rotary import angles, rotate
from zhixing.theory.idea import Bilingual, Idea, Step, values


def sinusoid(positions: Int[Tensor, " time"], width: int) -> Float[Tensor, "time width"]:
    """Sines in the even columns, cosines in the odd ones (Vaswani et al. 2017, §3.5)."""
    divisor = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000.0) / width))
    turned = positions[:, None] * divisor
    return torch.stack((turned.sin(), turned.cos()), dim=-1).flatten(1)


def idea() -> Idea:
    """A sinusoidal table, the distance in it, and a rotation that shows nothing but the distance."""
    return Idea(
        formula=r"""
\begin{aligned}
\mathrm{PE}(p, 2i) &= \sin\bigl(p / 10000^{2i/d}\bigr), \qquad
\mathrm{PE}(p, 2i+1) = \cos\bigl(p / 10000^{2i/d}\bigr) \\
(R_m q) \cdot (R_n k) &= q \cdot (R_{n-m}\, k), \qquad
R_p = \begin{bmatrix} \cos p\theta & -\sin p\theta \\ \sin p\theta & \cos p\theta \end{bmatrix}
\end{aligned}
""",
        plain="PE(p, 2i) = sin(p / 10000^(2i/d)),  PE(p, 2i+1) = cos(p / 10000^(2i/d))\n"
        "(R_m q)·(R_n k) = q·(R_(n−m) k)",
        steps=(*_sinusoidal(), *_rotary(), *_relative()),
        source="Vaswani et al. 2017, *Attention Is All You Need*, §3.5; Su et al. 2021, *RoFormer*, §3.2.2; "
        "Raffel et al. 2020, *T5*, §2.1",
    )


def _sinusoidal() -> tuple[Step, ...]:
    table = sinusoid(torch.arange(20), 8)
    return (
        Step(
            name="table",
            says=Bilingual(
                "Sinusoidal: the rows of positions 0, 1, 2 with width 4; the first pair turns fast, the second slowly.",
                "正弦编码：位置 0、1、2 的行，宽度 4；前一对转得快，后一对转得慢。",
            ),
            formula="PE",
            value=values(sinusoid(torch.arange(3), 4)),
        ),
        Step(
            name="same_distance",
            says=Bilingual(
                "The product of two rows depends on their distance alone: places 2 and 5, places 12 and 15 (width 8).",
                "两行的点积只取决于距离：位置 2 与 5，位置 12 与 15（宽度 8）。",
            ),
            formula="[PE(2)·PE(5)  PE(12)·PE(15)]",
            value=((table[2] @ table[5]).item(), (table[12] @ table[15]).item()),
        ),
    )


def _rotary() -> tuple[Step, ...]:
    q, k = torch.tensor([1.0, 0.0]), torch.tensor([0.6, 0.8])
    pairs = ((2, 5), (12, 15), (2, 6))
    return (
        Step(
            name="turned",
            says=Bilingual(
                "Rotary: the query [1 0] at position 2 is turned by 2 radians.",
                "旋转编码：位置 2 的查询 [1 0] 转过 2 弧度。",
            ),
            formula="R_2 q = [cos 2  sin 2]",
            value=values(turn(q, 2)),
        ),
        Step(
            name="rotary_scores",
            says=Bilingual(
                "Scores of query and key at places (2, 5), (12, 15), (2, 6): equal where the distance is equal.",
                "查询与键在位置 (2, 5)、(12, 15)、(2, 6) 的得分：距离相同则得分相同。",
            ),
            formula="(R_m q)·(R_n k)",
            value=tuple((turn(q, m) @ turn(k, n)).item() for m, n in pairs),
        ),
        Step(
            name="length",
            says=Bilingual(
                "A rotation changes no length: |R_5 k| is that of k.",
                "旋转不改变长度：|R_5 k| 等于 k 的长度。",
            ),
            formula="|R_5 k|",
            value=turn(k, 5).norm().item(),
        ),
    )


def _relative() -> tuple[Step, ...]:
    bias = torch.tensor([0.5, 0.0, -1.0])  # by distance 0, 1, 2
    distance = torch.arange(3)[:, None] - torch.arange(3)
    scores = torch.where(distance >= 0, bias[distance.clamp_min(0)], -torch.inf)
    return (
        Step(
            name="relative",
            says=Bilingual(
                "Relative: a learned number per distance, 0.5, 0 and −1, is added to the scores before the softmax; "
                "with all other scores equal, these are the weights of three causal queries.",
                "相对位置：每个距离一个学到的数 0.5、0、−1，在 softmax 之前加到得分上；其他得分都相等时，三个因果查询的权重如下。",
            ),
            formula="softmax(0 + bias(m − n))",
            value=values(scores.softmax(-1)),
        ),
    )


def turn(x: Tensor, position: int) -> Tensor:
    """A vector of two numbers, rotated by its position in radians."""
    rotation = angles(torch.tensor([[position]]), 2, 10_000.0)
    return rotate(x.view(1, 1, 1, 2), rotation).flatten()
