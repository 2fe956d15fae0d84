"""What the loop relies on, for every objective: counts known before, sums that add up, padding that changes nothing."""

from typing import Any

import pytest
import torch

from tests.objective.tiny import CASES, Case, in_float64, similar_case
from zhixing.objective.loss import add_counts


@torch.no_grad()
def totals(case: Case, items: list[Any]) -> dict[str, float]:
    losses = case.objective.losses(case.model, case.objective.collate(items))
    return {name: float(loss.total) for name, loss in losses.items()}


def gradient(case: Case, parts: list[list[Any]]) -> torch.Tensor:
    """Of all weights, from the losses of `parts` divided by the targets of all."""
    counts = add_counts(case.objective.counts(item) for part in parts for item in part)
    case.model.zero_grad()
    for part in parts:
        losses = case.objective.losses(case.model, case.objective.collate(part))
        torch.autograd.backward([loss.total / counts[name] for name, loss in losses.items()])
    found = [weight.grad for weight in case.model.parameters()]
    return torch.cat([each.flatten() for each in found if each is not None])


@pytest.mark.parametrize("name", CASES)
@torch.no_grad()
def test_the_counts_of_items_are_those_of_their_losses(name: str) -> None:
    case = CASES[name]()
    losses = case.objective.losses(case.model, case.objective.collate(case.items))
    counts = add_counts(map(case.objective.counts, case.items))
    assert counts == {name: loss.count for name, loss in losses.items()}
    assert all(counts.values())


@pytest.mark.parametrize("name", CASES)
def test_one_by_one_is_all_together_so_padding_changes_nothing(name: str) -> None:
    case = CASES[name]()
    whole = totals(case, case.items)
    single = [totals(case, [item]) for item in case.items]
    for key, value in whole.items():
        assert value == pytest.approx(sum(each[key] for each in single), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_micro_batches_give_the_gradient_of_the_whole(name: str) -> None:
    case = in_float64(CASES[name]())
    whole = gradient(case, [case.items])
    parts = gradient(case, [case.items[:1], case.items[1:]])
    torch.testing.assert_close(parts, whole, rtol=1e-9, atol=1e-12)
    assert whole.abs().max() > 1e-3


@pytest.mark.parametrize("name", CASES)
@torch.no_grad()
def test_measuring_gives_the_same_counts_and_scores_between_0_and_1(name: str) -> None:
    case = CASES[name]()
    measured = case.objective.measure(case.model, case.objective.collate(case.items))
    counts = add_counts(map(case.objective.counts, case.items))
    assert {name: loss.count for name, loss in measured.losses.items()} == counts
    for key, tally in measured.scores.items():
        assert tally.total >= 0
        assert key == "absolute_error" or tally.mean <= 1


@pytest.mark.parametrize("name", [name for name in CASES if name not in ("preference", "chat")])
@torch.no_grad()
def test_a_model_that_looks_at_padding_would_be_noticed(name: str) -> None:
    """The deliberate mistake: `keep` is True everywhere."""
    case = CASES[name]()
    batch = case.objective.collate(case.items)
    right = {
        name: float(loss.total) for name, loss in case.objective.losses(case.model, batch).items()
    }
    changed = {
        field: torch.ones_like(getattr(batch, field))
        for field in type(batch).__dataclass_fields__
        if field.endswith("keep")
    }
    fields = {field: getattr(batch, field) for field in type(batch).__dataclass_fields__}
    wrong = case.objective.losses(case.model, type(batch)(**{**fields, **changed}))
    assert any(abs(float(loss.total) - right[name]) > 1e-4 for name, loss in wrong.items())


def test_in_batch_negatives_depend_on_the_micro_batch_and_only_they() -> None:
    case = similar_case("contrastive")
    alone = sum(totals(case, [item])["loss"] for item in case.items)
    assert alone == pytest.approx(0.0, abs=1e-6)  # one candidate: nothing to choose
    assert totals(case, case.items)["loss"] > 0.1
