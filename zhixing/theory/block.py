"""The block: attention lets places talk, a feed-forward layer lets each think, residuals keep what was there.

With the two norms (LayerNorm and RMSNorm), the activations, and a whole block of the decoder whose two parts are
silenced: what comes out is what went in.
"""

import torch
from torch import nn

from zhixing.kernels.rotary import angles
from zhixing.kernels.swiglu import swiglu_reference
from zhixing.model.activations import ACTIVATIONS
from zhixing.model.attention import View
from zhixing.model.blocks import Block
from zhixing.model.norms import NORMS
from zhixing.model.stack_config import ActivationName, StackConfig
from zhixing.theory.idea import Bilingual, Idea, Step, values

X = (1.0, 2.0, 3.0, 6.0)
AT = (-1.0, 0.5, 2.0)
SHOWN: tuple[ActivationName, ...] = ("relu", "relu6", "sigmoid", "tanh", "gelu", "silu")


def idea() -> Idea:
    """Norms, activations, the gate, and the residual path."""
    return Idea(
        formula=r"""
\begin{aligned}
\text{pre-norm} \quad & y = x + \operatorname{Attention}(\operatorname{Norm}(x)), \qquad
x' = y + \operatorname{FFN}(\operatorname{Norm}(y)) \\
\text{post-norm} \quad & y = \operatorname{Norm}(x + \operatorname{Attention}(x)), \qquad
x' = \operatorname{Norm}(y + \operatorname{FFN}(y)) \\
& \operatorname{LayerNorm}(x) = \frac{x - \bar x}{\sqrt{\operatorname{var}(x) + \epsilon}} \odot w + b, \qquad
\operatorname{RMSNorm}(x) = \frac{x}{\sqrt{\overline{x^2} + \epsilon}} \odot w \\
& \operatorname{FFN}(x) = W_2\, \operatorname{ReLU}(W_1 x + b_1) + b_2, \qquad
\operatorname{SwiGLU}(x) = W_d\bigl(\operatorname{SiLU}(W_g x) \odot W_u x\bigr)
\end{aligned}
""",
        plain="y = x + Attention(Norm(x)),  x' = y + FFN(Norm(y))            (pre-norm)\n"
        "RMSNorm(x) = x / √(mean(x²) + ε) ⊙ w;  LayerNorm subtracts the mean first\n"
        "SwiGLU(x) = W_d (SiLU(W_g x) ⊙ W_u x)",
        steps=(*_norms(), *_activations(), *_residual()),
        source="Vaswani et al. 2017, §3.1 and §3.3; Ba, Kiros & Hinton 2016, *Layer normalization*, eq. 4; "
        "Zhang & Sennrich 2019, eq. 4; Shazeer 2020, eq. 6; Xiong et al. 2020",
    )


def _norms() -> tuple[Step, ...]:
    x = torch.tensor(X)
    layer, rms = (NORMS[name](4, 1e-6) for name in ("layer", "rms"))
    return (
        Step(
            name="layer_norm",
            says=Bilingual(
                "LayerNorm of [1 2 3 6]: less the mean 3, over the deviation √3.5.",
                "[1 2 3 6] 的 LayerNorm：减去均值 3，除以标准差 √3.5。",
            ),
            formula="(x − 3) / √3.5",
            value=values(layer(x).detach()),
        ),
        Step(
            name="rms_norm",
            says=Bilingual(
                "RMSNorm of the same: over the root of the mean square, √12.5; the mean stays.",
                "同一向量的 RMSNorm：除以均方根 √12.5；均值保留。",
            ),
            formula="x / √12.5",
            value=values(rms(x).detach()),
        ),
        Step(
            name="scale",
            says=Bilingual(
                "Both forget the scale: RMSNorm of ten times x, largest difference.",
                "两者都忘掉尺度：十倍 x 的 RMSNorm，最大差别。",
            ),
            formula="max |RMSNorm(10 x) − RMSNorm(x)|",
            value=(rms(10 * x) - rms(x)).abs().max().item(),
        ),
    )


def _activations() -> tuple[Step, ...]:
    at = torch.tensor(AT)
    table = tuple((name, *ACTIVATIONS[name](at).tolist()) for name in SHOWN)
    return (
        Step(
            name="activations",
            says=Bilingual("Activations at −1, 0.5 and 2.", "激活函数在 −1、0.5 和 2 处的值。"),
            formula="f(−1), f(0.5), f(2)",
            value=table,
        ),
        Step(
            name="swiglu",
            says=Bilingual(
                "The gate of SwiGLU with gate [−1 0.5 2] and up [10 10 10].",
                "SwiGLU 的门：gate = [−1 0.5 2]，up = [10 10 10]。",
            ),
            formula="SiLU(gate) ⊙ up",
            value=values(swiglu_reference(torch.cat((at, torch.full((3,), 10.0))))),
        ),
    )


def _residual() -> tuple[Step, ...]:
    config = StackConfig(width=8, heads=2, kv_heads=1, head_dim=4, hidden=16, max_time=8)
    block = Block(config, 0, causal=True, reads_source=False)
    for part in (block.attention.out, block.feed_forward.down):
        assert isinstance(part, nn.Linear)
        nn.init.zeros_(part.weight)
    x = torch.randn(1, 3, 8, generator=torch.Generator().manual_seed(0))
    after = block(x, _view(3))
    attention = sum(weight.numel() for weight in block.attention.parameters())
    return (
        Step(
            name="silenced",
            says=Bilingual(
                "A block of the decoder whose output matrices are 0 passes its input on: largest change.",
                "把解码器一个块的两个输出矩阵置零，输入原样通过：最大改变。",
            ),
            formula="max |block(x) − x|",
            value=(after - x).abs().max().item(),
        ),
        Step(
            name="weights",
            says=Bilingual(
                "Weights of a block of width 8, 2 query heads, 1 key head, head_dim 4, hidden 16: attention with the "
                "norms of q and k, feed-forward, the two norms.",
                "宽度 8、2 个查询头、1 个键头、头维度 4、隐藏 16 的块的权重个数：注意力（含 q、k 的归一化）、前馈、两个归一化。",
            ),
            formula="[8·(8+4+4) + 8·8 + 2·4  8·32 + 16·8  2·8]",
            value=(
                attention,
                sum(weight.numel() for weight in block.feed_forward.parameters()),
                block.attention_norm.weight.numel() + block.feed_forward_norm.weight.numel(),
            ),
        ),
    )


def _view(time: int) -> View:
    """One document of some tokens, as a decoder's block sees it."""
    positions = torch.arange(time)[None]
    return View(
        positions=positions,
        rotation=angles(positions, 4, 10_000.0),
        starts=torch.zeros_like(positions),
    )
