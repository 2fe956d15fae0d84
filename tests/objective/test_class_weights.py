"""What an example counts by its label: worked by hand, equal to torch's, and refused where it makes no sense."""

import pytest
import torch

from zhixing.objective.classify import balanced
from zhixing.objective.functions import cross_entropy, hinge

LOGITS = torch.tensor([[2.0, 0.5, -1.0], [0.0, 1.5, 1.0], [0.3, 0.1, 0.2]])
TARGETS = torch.tensor([0, 2, 1])
WEIGHTS = torch.tensor([1.0, 0.5, 3.0])


@pytest.mark.parametrize("loss", [cross_entropy, hinge])
def test_a_row_counts_as_its_label(loss) -> None:
    rows = [loss(LOGITS[i : i + 1], TARGETS[i : i + 1]) for i in range(3)]
    expected = sum(WEIGHTS[TARGETS[i]] * rows[i] for i in range(3))
    assert torch.allclose(loss(LOGITS, TARGETS, weights=WEIGHTS), expected, atol=1e-6)
    assert torch.allclose(loss(LOGITS, TARGETS, weights=torch.ones(3)), sum(rows), atol=1e-6)


def test_balanced_labels_count_the_same_together_and_an_example_counts_one_on_average() -> None:
    counts = (90, 9, 1)
    weights = balanced(counts)
    shares = [weight * count for weight, count in zip(weights, counts, strict=True)]
    assert shares == pytest.approx([100 / 3] * 3)
    assert weights[2] == pytest.approx(100 / 3)
