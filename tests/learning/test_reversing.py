"""Sequence to sequence with attention learns to write a sequence backwards, also ones that it has never seen."""

import torch
from torch.nn import functional as F

from zhixing.engine.search import SearchOptions, translate
from zhixing.evaluate.edits import count_edits, judge_edits
from zhixing.evaluate.tasks.measure import scores
from zhixing.model.sequence_config import SequenceToSequenceConfig
from zhixing.model.sequence_to_sequence import SequenceToSequence

START, END, SYMBOLS, LONGEST = 0, 1, 8, 5


def _rows(count: int, seed: int) -> list[list[int]]:
    random = torch.Generator().manual_seed(seed)
    lengths = torch.randint(2, LONGEST + 1, (count,), generator=random).tolist()
    return [torch.randint(2, SYMBOLS, (length,), generator=random).tolist() for length in lengths]


def _loss(model: SequenceToSequence, rows: list[list[int]]) -> torch.Tensor:
    def pad(lists: list[list[int]], value: int) -> torch.Tensor:
        return torch.tensor([[*row, *[value] * (LONGEST + 2 - len(row))] for row in lists])

    source = pad(rows, -1)
    targets = pad([[*row[::-1], END] for row in rows], -100)
    tokens = pad([[START, *row[::-1]] for row in rows], END)
    keep = source >= 0
    logits = model(tokens, source=source.clamp(min=0), keep=keep).logits
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100)


def test_a_reversed_sequence_is_learnt() -> None:
    torch.manual_seed(0)
    config = SequenceToSequenceConfig(
        cell="gru", embedding=24, width=48, attention="general", input_feeding=False, start=START
    )
    model = SequenceToSequence(config, SYMBOLS)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for step in range(150):
        optimizer.zero_grad()
        _loss(model, _rows(64, step)).backward()
        optimizer.step()
    unseen = _rows(100, seed=1_000_000)
    written = translate(model.eval(), unseen, SearchOptions(ends=(END,), width=2, max_tokens=8))
    items = [
        count_edits([str(i) for i in one.ids], [[str(i) for i in row[::-1]]])
        for one, row in zip(written, unseen, strict=True)
    ]
    error_rate, accuracy = scores(judge_edits(items))
    assert error_rate.value < 0.1
    assert accuracy.value > 0.8
