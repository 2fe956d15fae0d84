"""The numbers of the errata, each computed: what the articles' formulas give, and what the right ones give."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from zhixing.kernels.attention import attend, visible
from zhixing.kernels.recurrence import lstm_cell_reference
from zhixing.kernels.through_time import rnn_cell
from zhixing.model.positions import sinusoids
from zhixing.theory.idea import Bilingual, Step, Value, values
from zhixing.theory.mlp import layers, network

FOUND = "5 7 3 2 4 9 1 6 8 0"
"""What article 001 prints as generated text."""


def steps() -> tuple[Step, ...]:
    """All numbers, in the order of the errata."""
    return (
        *_positions_000(),
        *_mask_000(),
        *_embedding_and_recurrence_001(),
        *_attention_001(),
        *_bag_and_table_002(),
        *_network_003(),
        *_losses_003(),
        *_block_003(),
        _batch_004(),
    )


def _step(name: str, en: str, zh: str, formula: str, value: Value, digits: int = 4) -> Step:
    return Step(name=name, says=Bilingual(en, zh), formula=formula, value=value, digits=digits)


def _positions_000() -> Iterator[Step]:
    yield _step(
        "seed_encoding",
        "000 §4.2: the article's entry for i = 1, the same at every position.",
        "000 §4.2：原文公式在 i = 1 处的值，与位置无关。",
        "sin(10000 · 2 / 10000^(1/2))",
        math.sin(10000 * 2 / 10000**0.5),
    )
    yield _step(
        "encoding",
        "Right: positions 0, 1 and 2 with width d = 4, a row each.",
        "正确：位置 0、1、2，宽度 d = 4，每个位置一行。",
        "PE(p, 2i) = sin(p / 10000^(2i/4)), PE(p, 2i+1) = cos(…)",
        values(sinusoids(3, 4, halves=False)),
    )


def _mask_000() -> Iterator[Step]:
    scores = torch.tensor([1.0, 2.0, 3.0])
    yield _step(
        "mask_of_ones",
        "000 §4: a mask of 0 and 1, added to scores [1 2 3]: the third key is not hidden.",
        "000 §4：把 0 和 1 组成的掩码加到得分 [1 2 3] 上：第三个键没有被遮住。",
        "softmax([1 2 3] + [0 0 1])",
        values((scores + torch.tensor([0.0, 0.0, 1.0])).softmax(0)),
    )
    yield _step(
        "mask_of_infinity",
        "Right: with −∞ its weight is exactly 0.",
        "正确：加上 −∞ 后，它的权重恰好为 0。",
        "softmax([1 2 3] + [0 0 −∞])",
        values((scores + torch.tensor([0.0, 0.0, -torch.inf])).softmax(0)),
    )


def _embedding_and_recurrence_001() -> Iterator[Step]:
    table = torch.tensor([[0.5, -1.0], [2.0, 0.25], [-0.75, 3.0]])
    yield _step(
        "row",
        "001 §4.1: the embedding of id 1 is row 1 of the table; it need not be positive or add up to 1.",
        "001 §4.1：编号 1 的嵌入就是表的第 1 行；不必为正，也不必加起来等于 1。",
        "[0 1 0] E = E[1]",
        values(torch.tensor([0.0, 1.0, 0.0]) @ table),
    )
    yield _step(
        "two_matrices",
        "001 §4.2.2: W_h = 2, W_x = −1, h = 0.5, x = 1; right, and with U = 2 for both.",
        "001 §4.2.2：W_h = 2，W_x = −1，h = 0.5，x = 1；前者正确，后者两处都用 U = 2。",
        "[tanh(2·0.5 − 1·1)  tanh(2·0.5 + 2·1)]",
        (_rnn(-1.0), _rnn(2.0)),
    )
    before = torch.tensor([[0.0, math.log(3), 1.0, 0.0]])
    h, c = lstm_cell_reference(before, torch.zeros(1, 4), torch.tensor([[2.0]]))
    yield _step(
        "lstm",
        "001 §4.2.3: from c = 2 with i = ½, f = ¾, g = tanh 1, o = ½.",
        "001 §4.2.3：从 c = 2 出发，i = ½，f = ¾，g = tanh 1，o = ½。",
        "[c'  h'] = [¾·2 + ½·tanh 1  ½·tanh c']",
        (c.item(), h.item()),
    )


def _rnn(input_weight: float) -> float:
    (h,) = rnn_cell(torch.tensor([input_weight * 1.0]), torch.tensor([2.0 * 0.5]), ())
    return h.item()


def _attention_001() -> Iterator[Step]:
    one = torch.eye(2)[None, None]
    mixed = attend(one, one, one, None)[0, 0]
    yield _step(
        "attention",
        "001 §4.1: two queries, keys and values, all [1 0] and [0 1]; each query prefers its own key.",
        "001 §4.1：两个查询、键和值，都是 [1 0] 和 [0 1]；每个查询更看重自己的键。",
        "softmax(Q Kᵀ / √2) V",
        values(mixed),
    )
    seen = visible(torch.zeros(1, 3, dtype=torch.long))[0, 0]
    yield _step(
        "causal",
        "001 §5.2: a causal mask; row = query, column = key, 1 = may be seen.",
        "001 §5.2：因果掩码；行是查询，列是键，1 表示可见。",
        "visible",
        values(seen.long()),
    )
    digits = sorted(int(word) for word in FOUND.split())
    yield _step(
        "permutation",
        f'001 §5.2: the "generated text" {FOUND}, sorted.',
        f"001 §5.2：“生成的文本” {FOUND}，排序之后。",
        "sorted(…)",
        tuple(digits),
    )


def _bag_and_table_002() -> Iterator[Step]:
    words = {"dog": 0, "bites": 1, "man": 2}
    ids = torch.tensor(
        [[words[w] for w in text.split()] for text in ("dog bites man", "man bites dog")]
    )
    bags = F.one_hot(ids, len(words)).sum(1)
    yield _step(
        "bags",
        '002: bags of words of "dog bites man" and "man bites dog", a row each.',
        "002：“dog bites man” 和 “man bites dog” 的词袋，每句一行。",
        "counts of (dog, bites, man)",
        values(bags),
    )
    yield _step(
        "ids",
        "The token ids that a model reads.",
        "模型读入的词元编号。",
        "ids",
        values(ids),
    )
    places = torch.arange(2.0)[:, None]
    divisor = torch.exp(torch.arange(0, 4, 2) * (-math.log(10000.0) / 4))
    table = torch.zeros(2, 4)
    table[:, 0::2], table[:, 1::2] = places * divisor, divisor
    yield _step(
        "seed_table",
        "002: the article's table with num_layers = 2 rows and width 4.",
        "002：原文的位置表，num_layers = 2 行，宽度 4。",
        "[p·div  div]",
        values(table),
    )
    yield _step(
        "table",
        "Right: as many rows as there are places, here 4.",
        "正确：有多少个位置就有多少行，这里是 4 行。",
        "[sin(p·div)  cos(p·div)]",
        values(sinusoids(4, 4, halves=False)),
    )


def _network_003() -> Iterator[Step]:
    own, labels = torch.tensor([14.0, 29.0]), torch.tensor([1.0, 0.0])
    first_layer, second_layer = layers(network())
    first = first_layer(torch.tensor([1.0, 2.0, 3.0])).detach()
    second = second_layer(first.relu()).detach()
    yield _step(
        "h1", "003 §4.5: the hidden layer.", "003 §4.5：隐藏层。", "W1 x + b1", values(first), 0
    )
    yield _step(
        "h2",
        "The output layer from it.",
        "由它得到的输出层。",
        "W2 [15 34] + b2",
        values(second),
        0,
    )
    yield _step(
        "h2_own",
        "From the article's own hidden layer.",
        "由原文自己的隐藏层得到的输出层。",
        "W2 [14 29] + b2",
        values(second_layer(own).detach()),
        0,
    )
    yield _step(
        "seed_loss", "The article's loss.", "原文的损失。", "−½ log 249", -0.5 * math.log(249)
    )
    loss = F.cross_entropy(second, labels)
    yield _step(
        "loss",
        "Right: softmax first; log(1 + e^(479 − 380)).",
        "正确：先做 softmax；log(1 + e^(479 − 380))。",
        "−log softmax([380 479])₁",
        loss.item(),
    )
    at = torch.tensor([380.0], requires_grad=True)
    (slope,) = torch.autograd.grad(at.relu(), at)
    yield _step("slope", "ReLU′ at 380.", "380 处的 ReLU′。", "ReLU′(380)", slope.item())
    delta = second.softmax(0) - labels
    yield _step(
        "delta2",
        "The gradient at the logits (softmax and cross-entropy together).",
        "对数几率处的梯度（softmax 与交叉熵合在一起）。",
        "δ2 = softmax([380 479]) − [1 0]",
        values(delta),
    )
    yield from _transposed_003(second_layer.weight.detach(), delta)


def _transposed_003(second: Tensor, delta: Tensor) -> Iterator[Step]:
    yield _step(
        "delta1",
        "003 §4.4: back through the second layer.",
        "003 §4.4：反向经过第二层。",
        "W2ᵀ δ2",
        values(second.T @ delta),
    )
    yield _step(
        "delta1_seed",
        "Without the transposition.",
        "不转置的结果。",
        "W2 δ2",
        values(second @ delta),
    )


def _losses_003() -> Iterator[Step]:
    truth = torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    given = torch.tensor([[0.2, 0.7, 0.1], [0.5, 0.3, 0.2]])
    yield _step(
        "cross_entropy",
        "003 §4.3: two samples, three classes; p of the right classes 0.7 and 0.5.",
        "003 §4.3：两个样本、三个类别；正确类别的概率是 0.7 和 0.5。",
        "−Σᵢ Σ_c y_ic log p_ic / 2",
        (-(truth * given.log()).sum() / 2).item(),
    )
    scores, signs = torch.tensor([0.4, 2.0, -0.5]), torch.tensor([1.0, 1.0, 1.0])
    yield _step(
        "hinge",
        "The hinge loss of scores 0.4, 2 and −0.5 for y = +1.",
        "得分 0.4、2 和 −0.5 在 y = +1 时的合页损失。",
        "max(0, 1 − y s)",
        values((1 - signs * scores).clamp_min(0)),
    )


def _block_003() -> Iterator[Step]:
    width, heads = 512, 8
    yield _step(
        "projections",
        "003 §5.2: weights of the four projections, width 512, 8 heads, head_dim = 512 / 8.",
        "003 §5.2：四个投影的权重个数，宽度 512，8 个头，头维度 = 512 / 8。",
        "4 · 512 · (8 · 64)",
        4 * width * heads * (width // heads),
    )
    yield _step(
        "projections_seed",
        "With key_dim = d_model.",
        "当 key_dim = d_model 时。",
        "4 · 512 · (8 · 512)",
        4 * width * heads * width,
    )
    rows = torch.tensor([[1.0, 0.0], [0.0, 3.0]])
    yield _step(
        "averages",
        "The average of two words, and of the same words in the other order.",
        "两个词的平均，以及同样两个词换个次序的平均。",
        "mean over time",
        values(torch.stack([rows.mean(0), rows.flip(0).mean(0)])),
    )


def _batch_004() -> Step:
    batch, time = 1, 3
    table = sinusoids(8, 2, halves=False)
    added = table[:batch].expand(batch, time, 2)  # what article 004 adds to (batch, time, width)
    return _step(
        "by_batch",
        "004: positions taken by the batch, one sentence of three words: three times position 0.",
        "004：按批的下标取位置，一句三个词：三次都是位置 0。",
        "table[:batch]",
        values(added[0]),
    )
