"""Attention: every query is compared with every key, and takes the values in proportion.

Scaled dot-product attention as the models use it, several heads, the causal mask, and the two older scores of
sequence-to-sequence networks (additive and dot).
"""

import torch
from torch import Tensor

from zhixing.kernels.attention import attend, visible
from zhixing.model.source_attention import AdditiveScore, DotScore
from zhixing.theory.idea import Bilingual, Idea, Step, values

Q = ((1.0, 0.0), (0.0, 1.0), (1.0, 1.0))
K = ((1.0, 0.0), (0.0, 1.0), (-1.0, 1.0))
V = ((10.0, 0.0), (0.0, 10.0), (5.0, 5.0))


def idea() -> Idea:
    """Scores, weights, the mixture, the same under a causal mask, and additive scores."""
    return Idea(
        formula=r"""
\begin{aligned}
\operatorname{Attention}(Q, K, V) &= \operatorname{softmax}\Bigl(\frac{Q K^{\top}}{\sqrt{d}} + M\Bigr) V, \qquad
M_{ts} = \begin{cases} 0 & \text{seen} \\ -\infty & \text{hidden} \end{cases} \\
\operatorname{head}_i &= \operatorname{Attention}(X W_i^Q, X W_i^K, X W_i^V), \qquad
Y = [\operatorname{head}_1, \dots, \operatorname{head}_h]\, W^O \\
\text{additive} \quad e_{ts} &= v^{\top} \tanh(W q_t + U k_s), \qquad \text{dot} \quad e_{ts} = q_t \cdot k_s
\end{aligned}
""",
        plain="Attention(Q, K, V) = softmax(Q Kᵀ / √d + M) V,  M = 0 (seen) or −∞ (hidden)\n"
        "additive e = vᵀ tanh(W q + U k),  dot e = q·k",
        steps=(*_scaled(), *_masked(), *_additive()),
        source="Vaswani et al. 2017, *Attention Is All You Need*, §3.2; Bahdanau, Cho & Bengio 2015, §3.1; "
        "Luong, Pham & Manning 2015, §3.1",
    )


def _scaled() -> tuple[Step, ...]:
    q, k, v = (torch.tensor(rows) for rows in (Q, K, V))
    scores = q @ k.T / 2**0.5
    return (
        Step(
            name="scores",
            says=Bilingual(
                "Three queries [1 0], [0 1], [1 1] and three keys [1 0], [0 1], [−1 1]; d = 2.",
                "三个查询 [1 0]、[0 1]、[1 1]，三个键 [1 0]、[0 1]、[−1 1]；d = 2。",
            ),
            formula="Q Kᵀ / √2",
            value=values(scores),
        ),
        Step(
            name="weights",
            says=Bilingual(
                "Each row becomes shares that add up to 1.", "每一行变成加起来等于 1 的份额。"
            ),
            formula="A = softmax(Q Kᵀ / √2)",
            value=values(scores.softmax(-1)),
        ),
        Step(
            name="mixed",
            says=Bilingual(
                "The values [10 0], [0 10], [5 5] are mixed in these shares, here by the function that the models call.",
                "值 [10 0]、[0 10]、[5 5] 按这些份额混合；这里由模型所调用的函数算出。",
            ),
            formula="A V",
            value=values(_attend(q, k, v, None)),
        ),
    )


def _masked() -> tuple[Step, ...]:
    q, k, v = (torch.tensor(rows) for rows in (Q, K, V))
    mask = visible(torch.zeros(1, 3, dtype=torch.long))
    hidden = torch.where(mask[0, 0], 0.0, -torch.inf)
    changed = v.clone()
    changed[2] = 100.0
    first, again = (_attend(q, k, rows, mask) for rows in (v, changed))
    return (
        Step(
            name="causal_weights",
            says=Bilingual(
                "Causal: place t sees the places up to t. What is hidden has weight 0, the rest still adds up to 1.",
                "因果：位置 t 只看到 t 为止。被遮住的权重为 0，其余仍加起来等于 1。",
            ),
            formula="softmax(Q Kᵀ / √2 + M)",
            value=values((q @ k.T / 2**0.5 + hidden).softmax(-1)),
        ),
        Step(
            name="causal_mixed",
            says=Bilingual("The mixture under this mask.", "在这个掩码下的混合结果。"),
            formula="softmax(Q Kᵀ / √2 + M) V",
            value=values(first),
        ),
        Step(
            name="future",
            says=Bilingual(
                "Changing the last value to [100 100] changes the first two rows by this much: the future cannot be seen.",
                "把最后一个值改成 [100 100]，前两行改变了这么多：未来看不见。",
            ),
            formula="max |Δ|",
            value=(first - again)[:2].abs().max().item(),
        ),
    )


def _additive() -> tuple[Step, ...]:
    q, hidden = torch.tensor([[[1.0, 0.0]]]), torch.tensor([K])
    multiplied = DotScore(2)(q, hidden)[0, 0]
    additive = additive_score()
    added = additive(q, additive.keys(hidden))[0, 0].detach()
    return (
        Step(
            name="dot",
            says=Bilingual(
                "Dot scores of the query [1 0] with the three keys, as shares.",
                "查询 [1 0] 与三个键的点积得分，化为份额。",
            ),
            formula="softmax(q·k)",
            value=values(multiplied.softmax(0)),
        ),
        Step(
            name="additive",
            says=Bilingual(
                "Additive scores of the same, with W = U = 1 and v = [1 −1]; a small network judges each pair.",
                "同样的加性得分，W = U = 1，v = [1 −1]；由一个小网络评判每一对。",
            ),
            formula="vᵀ tanh(W q + U k)",
            value=values(added),
        ),
        Step(
            name="additive_weights",
            says=Bilingual("As shares.", "化为份额。"),
            formula="softmax(·)",
            value=values(added.softmax(0)),
        ),
    )


def additive_score() -> AdditiveScore:
    """The additive score with W = U = 1 and v = [1 −1]."""
    score = AdditiveScore(2)
    with torch.no_grad():
        score.query.weight.copy_(torch.eye(2))
        score.key.weight.copy_(torch.eye(2))
        score.vector.copy_(torch.tensor([1.0, -1.0]))
    return score


def _attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    """One head of one row."""
    mixed: Tensor = attend(q[None, None], k[None, None], v[None, None], mask)[0, 0]
    return mixed
