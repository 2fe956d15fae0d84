"""textgenrnn's windows: the network is asked what the original asks it, however the text comes in."""

import pytest
import torch

from zhixing.checkpoint.foreign.textgenrnn import WINDOW, Windowed
from zhixing.core.errors import UnsupportedError
from zhixing.model.averaging import Averaging
from zhixing.model.sequence_config import AveragingConfig

VOCAB = 11


@pytest.fixture
def model() -> Windowed:
    torch.manual_seed(0)
    return Windowed(Averaging(AveragingConfig(embedding=4, width=5, layers=2), VOCAB).eval())


def text(length: int) -> torch.Tensor:
    return torch.randint(1, VOCAB, (2, length), generator=torch.Generator().manual_seed(1))


@torch.inference_mode()
def test_every_place_sees_the_last_window_alone(model: Windowed) -> None:
    tokens = text(WINDOW + 9)
    found = model(tokens).logits
    for place in (0, 3, WINDOW - 1, WINDOW, WINDOW + 8):
        seen = tokens[:, max(0, place + 1 - WINDOW) : place + 1]
        padded = torch.nn.functional.pad(seen, (WINDOW - seen.shape[1], 0))
        expected = model.model(padded).logits[:, -1]
        torch.testing.assert_close(found[:, place], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("step", [1, 7, WINDOW, WINDOW + 5])
@torch.inference_mode()
def test_reading_in_parts_is_reading_at_once(model: Windowed, step: int) -> None:
    tokens = text(2 * WINDOW + 3)
    state = model.new_state(2, 0)
    parts = [model(part, state=state).logits for part in tokens.split(step, dim=1)]
    expected = model(tokens).logits
    torch.testing.assert_close(torch.cat(parts, dim=1), expected, rtol=1e-5, atol=1e-6)
    assert state.length == tokens.shape[1]
    assert state.ids.shape[1] == WINDOW - 1, "a new place is the last one of its window"


def test_packed_rows_are_refused(model: Windowed) -> None:
    tokens = text(6)
    with pytest.raises(UnsupportedError, match="one document per row"):
        model(tokens, documents=torch.zeros_like(tokens))


@torch.inference_mode()
def test_positions_that_follow_change_nothing_and_others_are_refused(model: Windowed) -> None:
    tokens = text(6)
    places = torch.arange(6).expand_as(tokens)
    torch.testing.assert_close(model(tokens, positions=places).logits, model(tokens).logits)
    with pytest.raises(UnsupportedError, match="from position 0; leave positions out"):
        model(tokens, positions=places + 1)
    state = model.new_state(2, 0)
    model(tokens, state=state)
    assert model(tokens, positions=places + 6, state=state).state.length == 12
    with pytest.raises(UnsupportedError, match="from position 12"):
        model(tokens, positions=places, state=state)
    assert state.length == 12, "what is refused is not read"
