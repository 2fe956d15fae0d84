"""Embeddings: a row of numbers for every token, such that tokens used alike have rows that point alike.

The example takes one step of skip-gram with negative sampling and watches two words move together.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zhixing.kernels.word2vec import Noise, Rule, WordBlock, learn_block_reference
from zhixing.theory.idea import Bilingual, Idea, Step, values
from zhixing.vectors.table import Vectors

WORDS = ("cat", "dog", "tax")
TABLE = ((0.5, 0.1), (0.4, 0.3), (-0.2, 0.6))
CONTEXTS = ((0.3, 0.2), (0.1, -0.4), (0.6, 0.1))
LR = 1.0


def idea() -> Idea:
    """Look up, compare, and learn from one pair of words and one that does not belong."""
    embed = nn.Embedding(len(WORDS), 2, _weight=torch.tensor(TABLE))
    return Idea(
        formula=r"""
\begin{aligned}
\cos(u, v) &= \frac{u \cdot v}{\lVert u \rVert\, \lVert v \rVert} \\
\ell &= -\log \sigma(u_o \cdot v_c) - \sum_{k=1}^{K} \log \sigma(-u_k \cdot v_c)
\end{aligned}
""",
        plain="cos(u, v) = u·v / (|u| |v|)\nℓ = −log σ(u_o·v_c) − Σ_k log σ(−u_k·v_c)",
        steps=(*_looked_up(embed), *_learned(embed)),
        source="Mikolov et al. 2013, *Distributed representations of words and phrases and their "
        "compositionality*, eq. 4",
    )


def _looked_up(embed: nn.Embedding) -> tuple[Step, ...]:
    one_hot = F.one_hot(torch.tensor(1), len(WORDS)).float()
    rows = embed.weight.detach()
    vectors = Vectors(WORDS, rows.numpy())
    return (
        Step(
            name="row",
            says=Bilingual(
                'The embedding of "dog" (id 1) is row 1 of the table.',
                "“dog”（编号 1）的嵌入就是表的第 1 行。",
            ),
            formula="E[1]",
            value=values(embed(torch.tensor(1)).detach()),
        ),
        Step(
            name="one_hot",
            says=Bilingual(
                "The same by a product with a one-hot vector, which no program computes: it is 0 almost everywhere.",
                "用独热向量相乘得到的结果一样；没有程序真这样算，因为它几乎处处是 0。",
            ),
            formula="[0 1 0] E",
            value=values(one_hot @ rows),
        ),
        Step(
            name="cosines",
            says=Bilingual(
                'Cosines of "cat" with cat, dog, tax: 1 points alike, 0 has nothing in common.',
                "“cat” 与 cat、dog、tax 的余弦：1 方向相同，0 毫无共同之处。",
            ),
            formula="cos(E[0], E[·])",
            value=tuple(vectors.similarity("cat", word) for word in WORDS),
        ),
    )


def _learned(embed: nn.Embedding) -> tuple[Step, ...]:
    contexts = torch.tensor(CONTEXTS)
    loss = skip_gram(embed(torch.tensor(0)), contexts[1], contexts[2:])
    (gradient,) = torch.autograd.grad(loss, embed.weight)
    inputs, other = learned()
    moved = inputs[0]
    after = skip_gram(moved, other[1], other[2:])
    return (
        Step(
            name="loss",
            says=Bilingual(
                'Skip-gram: near "cat" stood "dog" (true), and "tax" was drawn as a word that did not.',
                "跳字模型：“cat” 附近出现过 “dog”（真）；另抽一个没有出现的 “tax”。",
            ),
            formula="−log σ(u_dog·v_cat) − log σ(−u_tax·v_cat)",
            value=loss.item(),
        ),
        Step(
            name="gradient",
            says=Bilingual(
                'Its gradient at the row of "cat".',
                "损失对 “cat” 那一行的梯度。",
            ),
            formula="(σ(u_dog·v) − 1) u_dog + σ(u_tax·v) u_tax",
            value=values(gradient[0]),
        ),
        Step(
            name="untouched",
            says=Bilingual(
                "The other rows get none: a step costs as much as the words in it, not as the vocabulary.",
                "其他行没有梯度：一步的代价取决于其中的词，而不是词表大小。",
            ),
            formula="∂ℓ/∂E[1]",
            value=values(gradient[1]),
        ),
        Step(
            name="scores",
            says=Bilingual(
                "After one step of size 1, by the function that learns word vectors: products of cat with dog and with tax, before "
                "and after.",
                "由学习词向量的那个函数走一步（步长 1）：cat 与 dog、与 tax 的点积，前与后。",
            ),
            formula="[u_dog·v_cat  u_tax·v_cat]",
            value=(
                values(contexts[1:] @ embed.weight.detach()[0]),
                values(other[1:] @ moved),
            ),
        ),
        Step(
            name="loss_after",
            says=Bilingual("The loss after the step.", "这一步之后的损失。"),
            formula="ℓ'",
            value=after.item(),
        ),
    )


def learned() -> tuple[Tensor, Tensor]:
    """Both tables after "cat dog" was read once, with "dog" as the word, "cat" near it and "tax" drawn."""
    inputs, outputs = torch.tensor([TABLE]), torch.tensor([CONTEXTS])
    block = WordBlock(
        words=torch.tensor([0, 1], dtype=torch.int32),
        sentences=torch.zeros(2, dtype=torch.int32),
        reach=torch.tensor([0, 1], dtype=torch.int32),
        bounds=torch.tensor([0, 2]),
    )
    always_tax = Noise(share=torch.zeros(3), alias=torch.full((3,), 2))
    rule = Rule(cbow=False, negative=1, lr=LR, seed=0)
    learn_block_reference(inputs, outputs, block, always_tax, rule)
    return inputs[0], outputs[0]


def skip_gram(center: Tensor, near: Tensor, drawn: Tensor) -> Tensor:
    """The loss of one pair and its negative samples, the rows of `drawn`."""
    return -F.logsigmoid(near @ center) - F.logsigmoid(-(drawn @ center)).sum()
