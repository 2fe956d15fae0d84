"""The loop with other objectives than causal: two losses at once, penalties, sgd, and exact resumption."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.objective.tiny import TIME, encoder, masked, tokenizer
from tests.tiny import TEXTS
from tests.train.tiny import TINY, first_difference, tiny_inputs, weights_of
from zhixing.checkpoint.folder import load_network
from zhixing.core.errors import DataError
from zhixing.core.records import read_records
from zhixing.data.examples import write_examples
from zhixing.data.order import Cursor
from zhixing.data.sentences import FIELDS, SentencePairs
from zhixing.model.config import HeadConfig
from zhixing.objective.loss import add_counts
from zhixing.objective.masked import document_example
from zhixing.train.config import TrainConfig
from zhixing.train.folder import Start
from zhixing.train.hooks import Hook
from zhixing.train.loop import accumulate, penalise, run
from zhixing.train.optimizer import split
from zhixing.train.report import StepReport
from zhixing.train.session import Inputs


def config(**changes: object) -> TrainConfig:
    return TrainConfig.model_validate({**TINY.model_dump(), "batch_tokens": 4 * TIME, **changes})


def bert_inputs(folder: Path) -> Inputs:
    texts = [*TEXTS[:2], "One is here. Two is there. Three.", "It rains. It pours. He snores."] * 3
    languages = ["en", "zh", "en", "en"] * 3
    made = (
        document_example(t, lang, tokenizer()) for t, lang in zip(texts, languages, strict=True)
    )
    store = write_examples(folder, "s", made, fields=FIELDS, tokenizer_hash="t", source_hash="s")
    source = SentencePairs(store, masked().item, room=TIME - 3, short=0.1, paired=True)
    model = encoder(HeadConfig(kind="masked"), HeadConfig(kind="next-sentence"))
    return Inputs(
        model=model,
        tokenizer=tokenizer(),
        objective=masked(),
        train=source,
        validation=source,
        time=TIME,
        recipe={"name": "bert"},
    )


class CrashError(Exception):
    pass


class CrashAfter(Hook):
    def __init__(self, step: int) -> None:
        self.step = step

    def on_step(self, report: StepReport, progress: float) -> None:
        if report.step == self.step:
            raise CrashError


def test_a_bert_trains_saves_and_resumes_bit_for_bit(tmp_path: Path) -> None:
    settings = config(steps=9, save_every=2, micro_batch=3)
    whole = bert_inputs(tmp_path)
    run(settings, whole, tmp_path / "whole")
    with pytest.raises(CrashError):
        run(settings, bert_inputs(tmp_path), tmp_path / "cut", hooks=[CrashAfter(5)])
    torch.manual_seed(999)
    resumed = bert_inputs(tmp_path)
    run(settings, resumed, tmp_path / "cut", start=Start.RESUME)
    assert first_difference(weights_of(resumed.model), weights_of(whole.model)) is None
    loaded = load_network(tmp_path / "cut")
    assert first_difference(weights_of(loaded.model), weights_of(whole.model)) is None
    assert loaded.tokenizer.mark("<|mask|>") == tokenizer().mark("<|mask|>")


def test_both_losses_and_all_scores_are_on_the_curve(tmp_path: Path) -> None:
    run(config(steps=4), bert_inputs(tmp_path), tmp_path / "run")
    found = {
        (r.kind, r.name): r for r in read_records(tmp_path / "run/records.jsonl") if r.step == 4
    }
    parts = [found["train", f"loss/{name}"].value for name in ("masked", "next_sentence")]
    assert found["train", "loss"].value == pytest.approx(sum(parts))
    for name in ("masked_accuracy", "masked_accuracy_of_a_guess", "next_sentence_accuracy"):
        assert 0 <= found["validation", name].value <= 1
    assert (
        found["validation", "next_sentence_accuracy"].count
        < found["validation", "masked_accuracy"].count
    )


def test_two_losses_are_divided_by_their_own_counts_whatever_the_micro_batch(
    tmp_path: Path,
) -> None:
    inputs = bert_inputs(tmp_path)
    inputs.model.double()
    items = list(inputs.train.epoch(0, 1))[:6]
    counts = add_counts(map(inputs.objective.counts, items))
    assert counts["masked"] > counts["next_sentence"] == 6
    gradients = []
    for micro_batch in (6, 4, 1):
        inputs.model.zero_grad()
        accumulate(inputs.model, inputs.objective, items, counts, config(micro_batch=micro_batch))
        gradients.append(torch.cat([w.grad.flatten() for w in inputs.model.parameters()]))
    for other in gradients[1:]:
        torch.testing.assert_close(other, gradients[0], rtol=1e-9, atol=1e-12)


def test_penalties_add_their_own_gradient_once_and_spare_what_does_not_decay() -> None:
    inputs = tiny_inputs()
    inputs.model.zero_grad()
    parts = penalise(inputs.model, config(l1=0.25, l2=0.5, weight_decay=0.0))
    matrices = split(inputs.model).matrices
    assert parts["l1"] == pytest.approx(
        sum(0.25 * float(w.detach().abs().sum()) for w in matrices.values()), rel=1e-5
    )
    assert parts["l2"] == pytest.approx(
        sum(0.25 * float((w.detach() ** 2).sum()) for w in matrices.values()), rel=1e-5
    )
    for name, weight in inputs.model.named_parameters():
        if name in matrices:
            torch.testing.assert_close(weight.grad, 0.25 * weight.sign() + 0.5 * weight)
        else:
            assert weight.grad is None
    assert penalise(inputs.model, config()) == {}


def test_l2_beside_weight_decay_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"l2 = 0.5 and weight_decay = 0.1 both make weights smaller"
    ):
        config(l2=0.5, weight_decay=0.1)


def test_penalties_are_parts_of_the_curve_and_not_of_the_loss(tmp_path: Path) -> None:
    inputs = tiny_inputs()
    settings = TrainConfig.model_validate({**TINY.model_dump(), "steps": 2, "l1": 1e-4})
    run(settings, inputs, tmp_path / "run")
    found = {
        r.name: r.value
        for r in read_records(tmp_path / "run/records.jsonl")
        if r.step == 2 and r.kind == "train"
    }
    assert found["loss/l1"] > 0
    assert found["loss"] == pytest.approx(found["loss/loss"])


def test_sgd_with_momentum_is_the_formula_and_resumes(tmp_path: Path) -> None:
    settings = TrainConfig.model_validate(
        {
            **TINY.model_dump(),
            "steps": 6,
            "save_every": 2,
            "optimizer": "sgd",
            "lr": 0.1,
            "momentum": 0.9,
        }
    )
    whole = tiny_inputs()
    run(settings, whole, tmp_path / "whole")
    with pytest.raises(CrashError):
        run(settings, tiny_inputs(), tmp_path / "cut", hooks=[CrashAfter(5)])
    resumed = tiny_inputs()
    run(settings, resumed, tmp_path / "cut", start=Start.RESUME)
    assert first_difference(weights_of(resumed.model), weights_of(whole.model)) is None


def test_an_objective_without_targets_is_refused() -> None:
    inputs = tiny_inputs()
    row = next(inputs.train.read(Cursor()))[0]
    empty = replace(row, targets=np.full_like(row.targets, -100))
    with pytest.raises(DataError, match="not one of 1 examples has a target"):
        accumulate(inputs.model, inputs.objective, [empty], {"loss": 0}, config())
