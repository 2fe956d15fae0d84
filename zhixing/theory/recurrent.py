"""Recurrent networks: one vector remembers what was read; the gates of LSTM and GRU decide what it keeps.

The cells are the project's own, with states of one number, so that each line can be checked with a calculator.
"""

import math

import torch
from torch import Tensor

from zhixing.kernels.through_time import CELLS, Kind, gru_cell, long_short_term_cell, rnn_cell
from zhixing.theory.idea import Bilingual, Idea, Step

FORGET = 0.98
"""How open the forget gate of the remembering LSTM is."""
TIMES = (1, 5, 20, 50)
KINDS: tuple[Kind, ...] = ("rnn", "gru", "lstm")


def idea() -> Idea:
    """A step of each cell, and how much of a gradient survives many steps."""
    return Idea(
        formula=r"""
\begin{aligned}
\text{RNN} \quad & h' = \tanh(W x + U h + b) \\
\text{LSTM} \quad & c' = f \odot c + i \odot g, \qquad h' = o \odot \tanh(c') \\
& i, f, o = \sigma(W_{i,f,o}\, x + U_{i,f,o}\, h + b_{i,f,o}), \qquad g = \tanh(W_g x + U_g h + b_g) \\
\text{GRU} \quad & h' = (1 - z) \odot n + z \odot h, \qquad n = \tanh\bigl(W_n x + b_n + r \odot (U_n h + c_n)\bigr) \\
& r, z = \sigma(W_{r,z}\, x + U_{r,z}\, h + b_{r,z})
\end{aligned}
""",
        plain="RNN   h' = tanh(W x + U h + b)\n"
        "LSTM  c' = f ⊙ c + i ⊙ g,  h' = o ⊙ tanh(c')\n"
        "GRU   h' = (1 − z) ⊙ n + z ⊙ h,  n = tanh(W x + b + r ⊙ (U h + c))",
        steps=(*_cells(), *_gradients()),
        source="Elman 1990, *Finding structure in time*; Hochreiter & Schmidhuber 1997, *Long short-term memory*; "
        "Cho et al. 2014, *Learning phrase representations*, §2.3",
    )


def _cells() -> tuple[Step, ...]:
    (h,) = rnn_cell(_row(0.5), _row(1.0), (_row(0.0),))
    gates = _row(0.0, math.log(3), 1.0, 0.0)  # i = 1/2, f = 3/4, g = tanh 1, o = 1/2
    lstm_h, lstm_c = long_short_term_cell(gates, torch.zeros(1, 4), (_row(0.0), _row(2.0)))
    wx, uh = _row(0.0, math.log(3), 0.2), _row(0.0, 0.0, 0.6)  # r = 1/2, z = 3/4
    (gru_h,) = gru_cell(wx, uh, (_row(1.0),))
    return (
        Step(
            name="rnn",
            says=Bilingual(
                "RNN: what was read gives W x + b = 0.5, what was remembered U h = 1.",
                "RNN：读到的给出 W x + b = 0.5，记住的给出 U h = 1。",
            ),
            formula="h' = tanh(0.5 + 1)",
            value=h.item(),
        ),
        Step(
            name="lstm",
            says=Bilingual(
                "LSTM with memory c = 2: three quarters are kept (f = ¾), half of tanh 1 is added (i = ½), half of the "
                "result is shown (o = ½).",
                "LSTM，记忆 c = 2：保留四分之三（f = ¾），加入 tanh 1 的一半（i = ½），结果露出一半（o = ½）。",
            ),
            formula="[c'  h'] = [¾·2 + ½·tanh 1  ½·tanh c']",
            value=(lstm_c.item(), lstm_h.item()),
        ),
        Step(
            name="gru",
            says=Bilingual(
                "GRU with h = 1: the candidate sees half of the past (r = ½), and takes a quarter of the place (z = ¾).",
                "GRU，h = 1：候选值看到过去的一半（r = ½），占四分之一的位置（z = ¾）。",
            ),
            formula="h' = ¼·tanh(0.2 + ½·0.6) + ¾·1",
            value=gru_h.item(),
        ),
        Step(
            name="gates",
            says=Bilingual(
                "How many matrices for what is read (and as many for what is remembered): RNN, GRU, LSTM.",
                "处理输入的矩阵个数（处理记忆的同样多）：RNN、GRU、LSTM。",
            ),
            formula="gates",
            value=tuple(CELLS[kind][1] for kind in KINDS),
        ),
    )


def _gradients() -> tuple[Step, ...]:
    return (
        Step(
            name="rnn_gradient",
            says=Bilingual(
                "How much the state after 1, 5, 20, 50 steps still depends on the first: RNN with U = 0.9, h = 0.5.",
                "经过 1、5、20、50 步之后，状态对最初状态还有多少依赖：RNN，U = 0.9，h = 0.5。",
            ),
            formula="∂h_t/∂h_0",
            value=tuple(rnn_gradient(0.9, steps) for steps in TIMES),
            digits=6,
        ),
        Step(
            name="lstm_gradient",
            says=Bilingual(
                "The memory of an LSTM with forget gate 0.98 and nothing new to write: 0.98 to the power of the steps.",
                "LSTM 的记忆，遗忘门 0.98，没有新内容写入：0.98 的步数次方。",
            ),
            formula="∂c_t/∂c_0",
            value=tuple(lstm_gradient(FORGET, steps) for steps in TIMES),
            digits=6,
        ),
    )


def rnn_gradient(recurrent: float, steps: int) -> float:
    """Derivative of the last state by the first, through `steps` applications of the project's cell."""
    first = torch.tensor([0.5], dtype=torch.float64, requires_grad=True)
    state: tuple[Tensor, ...] = (first,)
    for _ in range(steps):
        state = rnn_cell(torch.zeros(1, dtype=torch.float64), recurrent * state[0], state)
    (slope,) = torch.autograd.grad(state[0], first)
    return slope.item()


def lstm_gradient(forget: float, steps: int) -> float:
    """Derivative of the last memory by the first, with a forget gate that stays where it is and a closed input gate."""
    first = torch.tensor([[0.5]], requires_grad=True)
    gates = _row(-100.0, math.log(forget / (1 - forget)), 0.0, 0.0)
    state: tuple[Tensor, ...] = (torch.zeros(1, 1), first)
    for _ in range(steps):
        state = long_short_term_cell(gates, torch.zeros(1, 4), state)
    (slope,) = torch.autograd.grad(state[1], first)
    return slope.item()


def _row(*numbers: float) -> Tensor:
    return torch.tensor([numbers])
