"""Quantisation: store a weight as a small whole number and share one scale among many.

Symmetric int8 and int4 of a row, its error, and why groups help when one number is large.
"""

import torch
from torch import Tensor

from zhixing.theory.idea import Bilingual, Idea, Step, values

ROW = (0.117, -0.506, 0.333, 0.041, 0.274, -0.083, 2.54, -0.192)
X = (1.0, 0.5, -1.0, 2.0, 0.0, 1.0, 0.1, -0.5)


def idea() -> Idea:
    """Round, restore, measure the error, and do it again in groups."""
    return Idea(
        formula=r"""
s = \frac{\max_j |w_j|}{2^{b-1} - 1}, \qquad q_j = \operatorname{round}\Bigl(\frac{w_j}{s}\Bigr), \qquad
\hat w_j = s\, q_j, \qquad |\hat w_j - w_j| \le \frac{s}{2}
""",
        plain="s = max |w| / (2^(b−1) − 1),  q = round(w / s),  ŵ = s q,  |ŵ − w| ≤ s / 2",
        steps=(*_eight_bits(), *_four_bits(), *_cost()),
        source="Jacob et al. 2018, *Quantization and training of neural networks for efficient "
        "integer-arithmetic-only inference*, §2.1; Dettmers et al. 2022, *LLM.int8()*, §2",
    )


def quantise(weights: Tensor, bits: int) -> tuple[Tensor, Tensor]:
    """Whole numbers and one scale per row of `weights` (rows, columns)."""
    largest = 2 ** (bits - 1) - 1
    scale = weights.abs().amax(dim=-1, keepdim=True) / largest
    return (weights / scale).round(), scale


def restore(numbers: Tensor, scale: Tensor) -> Tensor:
    """What the whole numbers stand for."""
    return numbers * scale


def _eight_bits() -> tuple[Step, ...]:
    row = torch.tensor([ROW])
    numbers, scale = quantise(row, 8)
    error = restore(numbers, scale) - row
    return (
        Step(
            name="scale",
            says=Bilingual(
                "Eight weights, 0.117 −0.506 0.333 0.041 0.274 −0.083 2.54 −0.192; the largest becomes 127.",
                "八个权重 0.117 −0.506 0.333 0.041 0.274 −0.083 2.54 −0.192；最大的变成 127。",
            ),
            formula="s = 2.54 / 127",
            value=scale.item(),
        ),
        Step(
            name="numbers",
            says=Bilingual("Whole numbers that fit a byte.", "一个字节装得下的整数。"),
            formula="q = round(w / s)",
            value=values(numbers[0]),
            digits=0,
        ),
        Step(
            name="error",
            says=Bilingual(
                "Largest error; it cannot be above s / 2 = 0.01.",
                "最大误差；不可能超过 s / 2 = 0.01。",
            ),
            formula="max |s q − w|",
            value=error.abs().max().item(),
        ),
        Step(
            name="product",
            says=Bilingual(
                "A product with the input [1 0.5 −1 2 0 1 0.1 −0.5]: exact, and from the whole numbers, scaled once.",
                "与输入 [1 0.5 −1 2 0 1 0.1 −0.5] 的点积：精确值，以及用整数算、最后只乘一次 s 的值。",
            ),
            formula="[w·x  s (q·x)]",
            value=(
                (row[0] @ torch.tensor(X)).item(),
                (scale[0, 0] * (numbers[0] @ torch.tensor(X))).item(),
            ),
        ),
    )


def _four_bits() -> tuple[Step, ...]:
    row = torch.tensor([ROW])
    whole, groups = (row, row.view(2, 4))
    return (
        Step(
            name="four_bits",
            says=Bilingual(
                "With four bits (−7 … 7) the one large weight takes the range: for all others −1, 0 and 1 must do.",
                "用四位（−7 … 7）时，一个大权重占满了范围：其余的只剩 −1、0、1 可用。",
            ),
            formula="q = round(w / (2.54 / 7))",
            value=values(quantise(whole, 4)[0][0]),
            digits=0,
        ),
        Step(
            name="groups",
            says=Bilingual(
                "In two groups of four, each with its own scale: the first group is saved.",
                "分成两组、每组四个、各有比例：第一组得救了。",
            ),
            formula="q per group",
            value=values(quantise(groups, 4)[0]),
            digits=0,
        ),
        Step(
            name="errors",
            says=Bilingual(
                "Root mean square error: int8, int4, int4 in groups of four.",
                "均方根误差：int8、int4、每组四个的 int4。",
            ),
            formula="√mean (ŵ − w)²",
            value=(error(whole, 8), error(whole, 4), error(groups, 4)),
        ),
    )


def _cost() -> tuple[Step, ...]:
    return (
        Step(
            name="bits",
            says=Bilingual(
                "Bits per weight with a 16-bit scale per group of 32: int8 and int4 (as q8_0 and q4_0 of GGUF).",
                "每 32 个一组、每组一个 16 位比例时，每个权重的位数：int8 与 int4（即 GGUF 的 q8_0 与 q4_0）。",
            ),
            formula="[8 + 16/32  4 + 16/32]",
            value=(8 + 16 / 32, 4 + 16 / 32),
            digits=1,
        ),
    )


def error(weights: Tensor, bits: int) -> float:
    """Root mean square difference between weights and what remains of them."""
    return (restore(*quantise(weights, bits)) - weights).square().mean().sqrt().item()
