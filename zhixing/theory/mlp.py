"""A multilayer perceptron, forwards and backwards by hand: the network of article 003, with the numbers put right.

Every gradient is worked out by the formula and again by automatic differentiation; `idea()` shows the former, the
tests compare.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zhixing.model.perceptron import Perceptron
from zhixing.theory.idea import Bilingual, Idea, Step, values

X = (1.0, 2.0, 3.0)
Y = (1.0, 0.0)
LR = 0.01


@dataclass(frozen=True, kw_only=True, slots=True)
class Gradients:
    """Derivatives of the loss: at the logits, at the hidden units, and for both matrices."""

    delta2: Tensor
    delta1: Tensor
    second: Tensor
    first: Tensor


def network() -> Perceptron:
    """The project's perceptron with the weights of article 003, §4.5: 3 inputs, 2 hidden units, 2 outputs."""
    net = Perceptron((3, 2, 2), "relu")
    first, second = layers(net)
    with torch.no_grad():
        first.weight.copy_(torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
        first.bias.copy_(torch.tensor([1.0, 2.0]))
        second.weight.copy_(torch.tensor([[7.0, 8.0], [9.0, 10.0]]))
        second.bias.copy_(torch.tensor([3.0, 4.0]))
    return net


def layers(net: Perceptron) -> tuple[nn.Linear, nn.Linear]:
    """The two linear layers."""
    first, second = net.layers
    assert isinstance(first, nn.Linear)
    assert isinstance(second, nn.Linear)
    return first, second


def backpropagate(net: Perceptron, x: Tensor, y: Tensor) -> Gradients:
    """The chain rule, from the loss down: one line per step."""
    first, second = layers(net)
    h1 = first(x)
    a1 = net.activation(h1)
    h2 = second(a1)
    delta2 = h2.softmax(0) - y
    delta1 = (second.weight.T @ delta2) * (h1 > 0)
    return Gradients(
        delta2=delta2,
        delta1=delta1,
        second=torch.outer(delta2, a1),
        first=torch.outer(delta1, x),
    )


def move(net: Perceptron, by: Gradients, lr: float) -> None:
    """One step of gradient descent."""
    first, second = layers(net)
    first.weight -= lr * by.first
    first.bias -= lr * by.delta1
    second.weight -= lr * by.second
    second.bias -= lr * by.delta2


@torch.no_grad()
def idea() -> Idea:
    """Forwards, the loss, backwards, one step of gradient descent, and the loss again."""
    net, x, y = network(), torch.tensor(X), torch.tensor(Y)
    return Idea(
        formula=r"""
\begin{aligned}
h^{(l)} &= W^{(l)} a^{(l-1)} + b^{(l)}, \qquad a^{(l)} = f\bigl(h^{(l)}\bigr) \\
\delta^{(L)} &= \operatorname{softmax}\bigl(h^{(L)}\bigr) - y \\
\delta^{(l)} &= f'\bigl(h^{(l)}\bigr) \odot {\bigl(W^{(l+1)}\bigr)}^{\!\top} \delta^{(l+1)} \\
\frac{\partial L}{\partial W^{(l)}} &= \delta^{(l)} {\bigl(a^{(l-1)}\bigr)}^{\!\top}, \qquad
\frac{\partial L}{\partial b^{(l)}} = \delta^{(l)}
\end{aligned}
""",
        plain="h(l) = W(l) a(l−1) + b(l),  a(l) = f(h(l))\n"
        "δ(L) = softmax(h(L)) − y,  δ(l) = f'(h(l)) ⊙ W(l+1)ᵀ δ(l+1)\n"
        "∂L/∂W(l) = δ(l) a(l−1)ᵀ,  ∂L/∂b(l) = δ(l)",
        steps=(*_forwards(net, x, y), *_backwards(net, x, y)),
        source="Rumelhart, Hinton & Williams 1986, *Learning representations by back-propagating errors*, eq. 4-7",
    )


def _forwards(net: Perceptron, x: Tensor, y: Tensor) -> tuple[Step, ...]:
    h1 = layers(net)[0](x)
    h2 = net(x)
    return (
        Step(
            name="h1",
            says=Bilingual(
                "x = [1 2 3] through the first matrix [1 2 3; 4 5 6] and bias [1 2].",
                "x = [1 2 3] 经过第一个矩阵 [1 2 3; 4 5 6] 和偏置 [1 2]。",
            ),
            formula="h1 = W1 x + b1",
            value=values(h1),
            digits=0,
        ),
        Step(
            name="a1",
            says=Bilingual("The ReLU keeps what is positive.", "ReLU 保留正数。"),
            formula="a1 = max(h1, 0)",
            value=values(net.activation(h1)),
            digits=0,
        ),
        Step(
            name="h2",
            says=Bilingual(
                "Through the second matrix [7 8; 9 10] and bias [3 4]: the logits of two classes.",
                "经过第二个矩阵 [7 8; 9 10] 和偏置 [3 4]：两个类别的对数几率。",
            ),
            formula="h2 = W2 a1 + b2",
            value=values(h2),
            digits=0,
        ),
        Step(
            name="log_p",
            says=Bilingual(
                "Their log-probabilities: the second class is all but certain.",
                "它们的对数概率：几乎肯定是第二类。",
            ),
            formula="log softmax(h2)",
            value=values(h2.log_softmax(0)),
        ),
        Step(
            name="loss",
            says=Bilingual(
                "The first was right, y = [1 0]: a large loss.",
                "正确的是第一类，y = [1 0]：损失很大。",
            ),
            formula="L = −Σ y log softmax(h2)",
            value=F.cross_entropy(h2, y).item(),
        ),
    )


def _backwards(net: Perceptron, x: Tensor, y: Tensor) -> tuple[Step, ...]:
    found = backpropagate(net, x, y)
    move(net, found, LR)
    return (
        Step(
            name="delta2",
            says=Bilingual("The error at the logits.", "对数几率处的误差。"),
            formula="δ2 = softmax(h2) − y",
            value=values(found.delta2),
        ),
        Step(
            name="delta1",
            says=Bilingual(
                "Back through W2, transposed; the ReLU lets it through, its slope is 1 where h1 > 0.",
                "经转置的 W2 传回；h1 > 0 处 ReLU 的斜率是 1，原样通过。",
            ),
            formula="δ1 = ReLU'(h1) ⊙ W2ᵀ δ2",
            value=values(found.delta1),
        ),
        Step(
            name="grad2",
            says=Bilingual("The gradient of W2.", "W2 的梯度。"),
            formula="δ2 a1ᵀ",
            value=values(found.second),
        ),
        Step(
            name="grad1",
            says=Bilingual("The gradient of W1.", "W1 的梯度。"),
            formula="δ1 xᵀ",
            value=values(found.first),
        ),
        Step(
            name="loss_after",
            says=Bilingual(
                "The loss after one step with learning rate 0.01: both matrices moved, and it fell.",
                "学习率 0.01 走一步之后的损失：两个矩阵都动了，损失下降。",
            ),
            formula="L(W − 0.01 ∂L/∂W)",
            value=F.cross_entropy(net(x), y).item(),
        ),
    )
