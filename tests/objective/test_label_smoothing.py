"""Smoothed labels: what is learnt from, what is measured, and where they make no sense."""

import pytest
import torch
from pydantic import ValidationError

from tests.objective.tiny import LABELS, TIME, classify_case, tokenizer
from zhixing.objective.classify import Classify
from zhixing.objective.config import ClassifyConfig
from zhixing.objective.reading import text_logits


def test_the_learnt_loss_is_smoothed_and_the_measured_one_is_not() -> None:
    case, share = classify_case(), 0.5
    objective = Classify(tokenizer(), time=TIME, labels=LABELS, smoothing=share)
    batch = objective.collate(case.items)
    logits = text_logits(case.model, batch.tokens, batch.keep, batch.segments)
    logs = logits.log_softmax(-1)
    right = logs[torch.arange(len(batch.labels)), batch.labels]
    expected = -((1 - share) * right + share * logs.mean(-1)).sum()
    learnt = objective.losses(case.model, batch)["loss"].total
    measured = objective.measure(case.model, batch).losses["loss"].total
    torch.testing.assert_close(learnt, expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(measured, -right.sum(), rtol=1e-5, atol=1e-5)
    assert not torch.allclose(learnt, measured, rtol=1e-4, atol=1e-4)


def test_a_margin_has_no_target_to_smooth() -> None:
    table = {"kind": "classify", "loss": "hinge", "label_smoothing": 0.1}
    with pytest.raises(ValidationError, match="label_smoothing"):
        ClassifyConfig.model_validate({**table, "examples": {"train": "a.jsonl"}})
