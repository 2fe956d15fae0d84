"""Recurrent layers that read a sequence in one direction or in both, for encoders: RNN, GRU, LSTM.

    forward    h_t = cell(x_t, h_{t-1})          reads the past of t
    backward   g_t = cell(x_t, g_{t+1})          reads its future
    output     [h_t ; g_t], which the next layer reads        Schuster & Paliwal 1997, "Bidirectional recurrent …"

Rows of a batch differ in length. Padding is read before the tokens of its row and then forgotten, and its output is
zero, so each direction starts at a real token and ends after one, wherever the padding stands: the meaning of torch's
packed sequences.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from zhixing.kernels.through_time import Kind
from zhixing.model.recurrent_layer import CellState, RecurrentLayer


class RecurrentStack(nn.Module):
    """Layers of passes: `passes[layer][0]` reads forward, `passes[layer][1]`, where there is one, backward.

    The width is that of the output; each direction has an equal share of it.
    """

    def __init__(
        self,
        cell: Kind,
        inputs: int,
        width: int,
        *,
        layers: int,
        bidirectional: bool,
        dropout: float,
    ) -> None:
        super().__init__()
        directions = 2 if bidirectional else 1
        assert width % directions == 0, "the configuration checks that the width is even"
        self.passes = nn.ModuleList(
            nn.ModuleList(
                RecurrentLayer(cell, width if layer else inputs, width // directions).initialise()
                for _ in range(directions)
            )
            for layer in range(layers)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x: Float[Tensor, "batch time inputs"], keep: Bool[Tensor, "batch time"] | None = None
    ) -> tuple[Float[Tensor, "batch time width"], list[CellState]]:
        """The last layer's vectors, and every layer's last state with the directions side by side.

        `keep` is False at padding, where the vectors are zero; a row needs one token at least.
        """
        states: list[CellState] = []
        for layer, directions in enumerate(self.passes):
            assert isinstance(directions, nn.ModuleList)
            x = self.dropout(x) if layer else x
            read = [
                _read(one, x, keep, is_backward=side == 1) for side, one in enumerate(directions)
            ]
            x = torch.cat([output for output, _ in read], dim=-1)
            parts = zip(*(state for _, state in read), strict=True)
            states.append(tuple(torch.cat(part, dim=-1) for part in parts))
        return x, states


def _read(
    layer: nn.Module,
    x: Float[Tensor, "batch time inputs"],
    keep: Bool[Tensor, "batch time"] | None,
    *,
    is_backward: bool,
) -> tuple[Float[Tensor, "batch time width"], CellState]:
    """One layer in one direction: hidden vectors at every time, and the state after the last token read."""
    if is_backward:
        x, keep = x.flip(1), None if keep is None else keep.flip(1)
    output, last = layer(x, None, None) if keep is None else _tokens_last(layer, x, keep)
    return output.flip(1) if is_backward else output, last


def _tokens_last(
    layer: nn.Module, x: Float[Tensor, "batch time inputs"], keep: Bool[Tensor, "batch time"]
) -> tuple[Float[Tensor, "batch time width"], CellState]:
    """Move the padding of each row before its tokens, forget what was read of it, and move the outputs back."""
    order = keep.int().argsort(dim=1, stable=True)
    is_token = keep.gather(1, order)
    begins = is_token.clone()
    begins[:, 1:] &= ~is_token[:, :-1]
    output, last = layer(x.gather(1, order.unsqueeze(-1).expand(x.shape)), begins, None)
    places = order.unsqueeze(-1).expand(output.shape)
    return torch.zeros_like(output).scatter(1, places, output * is_token.unsqueeze(-1)), last
