"""Positions: attention alone cannot tell "dog bites man" from "man bites dog", so the place is told to it.

Three ways: add a vector per place (sinusoidal or learned), turn queries and keys (rotary), or add a number per
distance to the scores (relative).
"""

import torch
from torch import Tensor

from zhixing.kernels.attention import ScoreRule, attend, visible
from zhixing.kernels.rotary import angles, rotate
from zhixing.model.positions import buckets, sinusoids
from zhixing.theory.idea import Bilingual, Idea, Step, values


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
    table = sinusoids(20, 8, halves=False)
    return (
        Step(
            name="table",
            says=Bilingual(
                "Sinusoidal: the rows of positions 0, 1, 2 with width 4; the first pair turns fast, the second slowly.",
                "正弦编码：位置 0、1、2 的行，宽度 4；前一对转得快，后一对转得慢。",
            ),
            formula="PE",
            value=values(sinusoids(3, 4, halves=False)),
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
    distance = (
        torch.arange(3) - torch.arange(3)[:, None]
    )  # place of the key less place of the query
    bias = torch.tensor([0.5, 0.0, -1.0])[distance.neg().clamp_min(0)]
    nothing, identity = torch.zeros(1, 1, 3, 3), torch.eye(3)[None, None]
    mask = visible(torch.zeros(1, 3, dtype=torch.long))
    shares = attend(nothing, nothing, identity, mask, ScoreRule(bias=bias[None, None]))
    far = torch.tensor([0, -1, -2, -3, -4, -6, -8, -12, -16, -100])
    return (
        Step(
            name="relative",
            says=Bilingual(
                "Relative: a number per distance, 0.5, 0 and −1, is added to the scores; with all else equal these are "
                "the shares of three causal queries.",
                "相对位置：每个距离一个数 0.5、0、−1，加在得分上；其他都相等时，三个因果查询的份额如下。",
            ),
            formula="softmax(0 + bias(m − n))",
            value=values(shares[0, 0]),
        ),
        Step(
            name="buckets",
            says=Bilingual(
                "T5 sorts distances into buckets, here 8 up to distance 16: 0 1 2 3 4 6 8 12 16 100 fall into these.",
                "T5 把距离分进若干格，这里是 8 格、最远 16：距离 0 1 2 3 4 6 8 12 16 100 分别落入下列各格。",
            ),
            formula="bucket",
            value=values(buckets(far, count=8, longest=16, both_ways=False)),
        ),
    )


def turn(x: Tensor, position: int) -> Tensor:
    """A vector of two numbers, rotated by its position in radians."""
    rotation = angles(torch.tensor([[position]]), 2, 10_000.0)
    return rotate(x.view(1, 1, 1, 2), rotation).flatten()
