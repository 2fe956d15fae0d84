"""How probable endings are behind prompts that are read once, against every prompt with every ending read as a whole."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from tests.tiny import MAX_TIME, tiny_model
from zhixing.model.protocol import LanguageModel
from zhixing.objective import likelihood
from zhixing.objective.likelihood import ending_nats, token_nats

PROMPTS = ([5, 6, 7], [5, 6, 9, 4, 8], [5, 6, 8], [5, 6])
ENDINGS = ([4], [9, 9], [7, 5, 6])


def whole(model: LanguageModel, prompt: Sequence[int], ending: Sequence[int]) -> float:
    """The slow way: prompt and ending as one text."""
    return float(token_nats(model, [*prompt, *ending])[len(prompt) - 1 :].sum())


@pytest.fixture(params=["decoder", "lstm", "ngram"])
def model(request: pytest.FixtureRequest) -> LanguageModel:
    return tiny_model(request.param).eval()


@pytest.mark.parametrize("prompts", [PROMPTS, PROMPTS[:1], ([3], [4, 5])])
@pytest.mark.parametrize("tokens", [1, 8192])
def test_a_prompt_that_is_read_once_gives_what_whole_texts_give(
    model: LanguageModel,
    prompts: Sequence[list[int]],
    tokens: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = [[whole(model, prompt, ending) for ending in ENDINGS] for prompt in prompts]
    monkeypatch.setattr(likelihood, "TOKENS_PER_BATCH", tokens)
    assert ending_nats(model, prompts, ENDINGS) == pytest.approx(np.array(expected), abs=1e-5)


def test_the_comparison_notices_an_ending_that_changes_the_past_of_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = tiny_model("lstm").eval()
    state = type(model.new_state(1, 8))
    expected = [[whole(model, prompt, ending) for ending in ENDINGS] for prompt in PROMPTS]
    real = state.select

    def shared(self: object, rows: torch.Tensor) -> object:
        alike = len(rows) == len(self.layers[0][0])  # type: ignore[attr-defined]
        return self if alike else real(self, rows)  # type: ignore[arg-type]

    monkeypatch.setattr(state, "select", shared)
    assert ending_nats(model, PROMPTS, ENDINGS) != pytest.approx(np.array(expected), abs=1e-5)


def test_the_longest_prompt_that_a_model_reads_has_its_endings() -> None:
    model = tiny_model("decoder").eval()
    prompts = [[3] * (MAX_TIME - 1), [3, 4]]
    found = ending_nats(model, prompts, ENDINGS[:2])
    assert found[0] == pytest.approx([whole(model, prompts[0], e) for e in ENDINGS[:2]], abs=1e-5)
