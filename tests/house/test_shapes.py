"""The import hook of conftest.py really checks shapes."""

import pytest
import torch
from jaxtyping import TypeCheckError
from torch import Tensor

from zhixing.model.protocol import LanguageModel, Output, State


class Identity(LanguageModel):
    """The smallest language model: logits are the one-hot input."""

    vocab = 3
    max_time = None

    def body(self, tokens, *, positions=None, documents=None, state=None) -> Output:
        return Output(hidden=torch.nn.functional.one_hot(tokens, self.vocab).float())

    def head(self, hidden: Tensor) -> Tensor:
        return hidden

    def new_state(self, batch: int, capacity: int) -> State:
        raise NotImplementedError


def test_a_right_shape_passes() -> None:
    assert Identity()(torch.tensor([[0, 2]])).logits.shape == (1, 2, 3)


def test_a_wrong_number_of_axes_is_caught() -> None:
    with pytest.raises(TypeCheckError, match="tokens"):
        Identity()(torch.tensor([0, 2]))


def test_axes_that_disagree_are_caught() -> None:
    with pytest.raises(TypeCheckError, match="positions"):
        Identity()(torch.tensor([[0, 2]]), positions=torch.tensor([[0, 1, 2]]))
