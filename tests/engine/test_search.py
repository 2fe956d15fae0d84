"""Beam search against every possible target, for recurrent networks and Transformers."""

from collections.abc import Iterator
from itertools import product

import pytest
import torch

from zhixing.core.errors import UsageError
from zhixing.engine.search import SearchOptions, search, translate
from zhixing.model.config import EncoderDecoderConfig
from zhixing.model.encoder_decoder import EncoderDecoder
from zhixing.model.sequence_config import SequenceToSequenceConfig
from zhixing.model.sequence_to_sequence import SequenceToSequence
from zhixing.model.writer import Writer

VOCAB, START, END, LONGEST = 4, 0, 3, 4
SOURCES = [[1, 2, 1], [2], [3, 3, 1, 2]]


def _writer(kind: str) -> Writer:
    torch.manual_seed(5)
    if kind == "transformer":
        half = {"width": 8, "layers": 1, "heads": 2, "kv_heads": 2, "head_dim": 4, "hidden": 16}
        config = EncoderDecoderConfig.model_validate(
            {"encoder": half, "decoder": half, "start": START}
        )
        model = EncoderDecoder(config, VOCAB)
    else:
        settings = {"attention": kind, "input_feeding": kind != "none", "embedding": 6, "width": 6}
        config = SequenceToSequenceConfig.model_validate({**settings, "start": START})
        model = SequenceToSequence(config, VOCAB)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.9)
    return model.eval()


KINDS = ["none", "additive", "transformer"]


@torch.no_grad()
def _all_targets(model: Writer, source: list[int]) -> Iterator[tuple[tuple[int, ...], float]]:
    """Every target that ends within LONGEST tokens, with its log-probability read at once."""
    memory = model.encode(torch.tensor([source]), keep=None)
    others = [token for token in range(VOCAB) if token != END]
    for length in range(LONGEST):
        for ids in product(others, repeat=length):
            written = torch.tensor([[START, *ids]])
            logits = model.head(model.decode(written, memory, state=None).hidden)
            each = logits.log_softmax(-1)[0, range(length + 1), [*ids, END]]
            yield ids, each.sum().item()


@pytest.mark.parametrize("penalty", [0.0, 1.0])
@pytest.mark.parametrize("kind", KINDS)
def test_a_beam_wide_enough_finds_the_best_of_all_targets(kind: str, penalty: float) -> None:
    model = _writer(kind)
    options = SearchOptions(ends=(END,), width=VOCAB**LONGEST, max_tokens=LONGEST, penalty=penalty)
    for source, found in zip(SOURCES, search(model, SOURCES, options), strict=True):
        ranked = sorted(
            (
                (total / (len(ids) + 1) ** penalty, ids)
                for ids, total in _all_targets(model, source)
            ),
            reverse=True,
        )
        assert [written.ids for written in found[:5]] == [ids for _, ids in ranked[:5]]
        assert [written.score for written in found[:5]] == pytest.approx(
            [score for score, _ in ranked[:5]], abs=1e-5
        )


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_a_beam_of_one_takes_the_best_token_at_every_step(kind: str) -> None:
    model = _writer(kind)
    for source in SOURCES:
        memory, ids = model.encode(torch.tensor([source]), keep=None), [START]
        while len(ids) <= 6 and ids[-1] != END:
            hidden = model.decode(torch.tensor([ids]), memory, state=None).hidden
            ids.append(int(model.head(hidden[0, -1]).argmax()))
        (found,) = translate(model, [source], SearchOptions(ends=(END,), max_tokens=6))
        assert found.ids == tuple(token for token in ids[1:] if token != END)
        assert found.is_finished == (ids[-1] == END)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_found_does_not_depend_on_what_runs_beside_it(kind: str) -> None:
    model, options = _writer(kind), SearchOptions(ends=(END,), width=3, max_tokens=8)
    together = search(model, SOURCES, options)
    for source, found in zip(SOURCES, together, strict=True):
        (alone,) = search(model, [source], options)
        assert [one.ids for one in found] == [one.ids for one in alone]
        assert [one.score for one in found] == pytest.approx([one.score for one in alone], abs=1e-5)


def test_a_wide_beam_never_writes_what_is_never_written() -> None:
    half = {"width": 8, "layers": 1, "heads": 2, "kv_heads": 2, "head_dim": 4, "hidden": 16}
    config = EncoderDecoderConfig.model_validate(
        {"encoder": half, "decoder": half, "start": START, "never": [0, 2]}
    )
    torch.manual_seed(5)
    model = EncoderDecoder(config, VOCAB).eval()
    for found in search(model, SOURCES, SearchOptions(ends=(END,), width=8, max_tokens=3)):
        assert found
        assert all(set(written.ids) <= {1} for written in found)


def test_a_target_that_does_not_end_in_time_says_so() -> None:
    model = _writer("none")
    model.unembed.weight.data[END] = 0
    model.unembed.weight.data[1] = 40 * model.unembed.weight.data[1].abs()
    found = translate(model, SOURCES, SearchOptions(ends=(END,), max_tokens=3))
    assert any(not written.is_finished for written in found)
    assert all(len(written.ids) == 3 for written in found if not written.is_finished)
    for written in found:  # the end token counts where there is one
        length = len(written.ids) + written.is_finished
        assert written.score == pytest.approx(written.log_prob / length, rel=1e-6)


def test_nothing_to_do_and_impossible_requests() -> None:
    model = _writer("none")
    assert translate(model, [], SearchOptions(ends=(END,))) == []
    with pytest.raises(UsageError, match="without any token"):
        translate(model, [[1], []], SearchOptions(ends=(END,)))
    with pytest.raises(UsageError, match="beam of 0"):
        SearchOptions(ends=(END,), width=0)
