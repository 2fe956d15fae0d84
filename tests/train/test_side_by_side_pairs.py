"""Pairs shared out to threads, each share padded by itself, give the gradient of the whole batch."""

import numpy as np
import pytest
import torch

from tests.objective.tiny import TIME, shaken, tokenizer
from zhixing.model.sequence_config import SequenceToSequenceConfig
from zhixing.model.sequence_to_sequence import SequenceToSequence
from zhixing.objective.loss import add_counts
from zhixing.objective.seq2seq import Seq2Seq
from zhixing.train.config import TrainConfig
from zhixing.train.loop import accumulate
from zhixing.train.side_by_side import threads_for


def test_pairs_on_three_threads_give_the_gradient_of_one() -> None:
    objective = Seq2Seq(tokenizer(), time=TIME, start=0, smoothing=0.1)
    config = SequenceToSequenceConfig(embedding=8, width=8, input_feeding=False)
    model = shaken(SequenceToSequence(config, tokenizer().vocab))
    random = np.random.default_rng(1)
    items = [
        {"source": random.integers(4, 90, size=n), "target": random.integers(4, 90, size=9 - n)}
        for n in range(1, 8)
    ]
    counts = add_counts(map(objective.counts, items))
    before, found = torch.get_num_threads(), {}
    try:
        for threads in (3, 1):
            torch.set_num_threads(threads)
            assert threads_for(model, objective) == threads
            model.zero_grad()
            settings = TrainConfig(steps=1, precision="float32")
            losses = accumulate(model, objective, items, counts, settings)
            gradients = [weight.grad.clone() for weight in model.parameters()]
            found[threads] = (losses, gradients)
    finally:
        torch.set_num_threads(before)
    assert found[3][0] == pytest.approx(found[1][0], rel=1e-6)
    for got, want in zip(found[3][1], found[1][1], strict=True):
        torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)
