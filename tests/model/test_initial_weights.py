"""Weights before training: the spread that the papers ask for, matrix by matrix."""

import math

import torch

from zhixing.model.config import DecoderConfig
from zhixing.model.decoder import Decoder
from zhixing.model.recurrent_layer import RecurrentLayer


def test_what_writes_to_the_residual_stream_begins_smaller() -> None:
    torch.manual_seed(0)
    layers = 8
    config = DecoderConfig(shape="gpt2", width=128, layers=layers, hidden=256)
    model = Decoder(config, 200)
    for name, weight in model.named_parameters():
        if weight.ndim < 2:
            assert torch.equal(weight, torch.full_like(weight, float("norm.weight" in name)))
            continue
        writes = name.endswith(("attention.out.weight", "feed_forward.down.weight"))
        wanted = 0.02 / math.sqrt(2 * layers) if writes else 0.02
        assert abs(float(weight.detach().std()) / wanted - 1) < 0.05, name


def test_a_cell_begins_orthogonal_and_an_lstm_remembering() -> None:
    torch.manual_seed(0)
    layer = RecurrentLayer("lstm", 6, 16).initialise()
    for gate in layer.weight_hh.chunk(4):
        torch.testing.assert_close(gate @ gate.T, torch.eye(16), rtol=0, atol=1e-5)
    forget = layer.bias_ih + layer.bias_hh
    assert forget.tolist() == [0.0] * 16 + [1.0] * 16 + [0.0] * 32
    assert float(layer.weight_ih.detach().abs().max()) <= 16**-0.5
