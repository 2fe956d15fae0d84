"""Invariants of every published shape: cached == uncached, padded == unpadded, what may not be seen changes nothing."""

import pytest
import torch

from zhixing.core.errors import UnsupportedError
from zhixing.kernels import native
from zhixing.model.assembly import build_network
from zhixing.model.config import (
    DecoderConfig,
    EncoderConfig,
    EncoderDecoderConfig,
    HeadConfig,
    NetworkConfig,
)
from zhixing.model.decoder import Decoder
from zhixing.model.encoder import Encoder
from zhixing.model.encoder_decoder import EncoderDecoder
from zhixing.model.stack_config import StackConfig

VOCAB = 50
SIZES = {
    "width": 24,
    "layers": 2,
    "heads": 4,
    "kv_heads": 4,
    "head_dim": 6,
    "hidden": 40,
    "max_time": 32,
}
DECODERS = ("qwen3", "qwen3-moe", "llama", "mistral", "qwen2", "gpt2")
ENCODERS = ("bert", "roberta", "distilbert")
PAIRS = ("transformer", "t5", "t5-v1.1", "bart", "marian")
SHARED_KEYS = {"kv_heads": 2}
TOLERANCE = 1e-5


def stack(shape: str) -> StackConfig:
    return StackConfig.model_validate({"shape": shape, **SIZES})


def config(shape: str) -> NetworkConfig:
    if shape in ENCODERS:
        heads = tuple(HeadConfig(kind=kind) for kind in ("masked", "classify", "tag", "span"))
        return EncoderConfig.model_validate({"shape": shape, **SIZES, "heads_on_top": heads})
    if shape in PAIRS:
        return EncoderDecoderConfig(encoder=stack(shape), decoder=stack(shape))
    extra = {} if shape == "gpt2" else SHARED_KEYS
    extra |= {"window": 5, "full_layers": 1} if shape in ("mistral", "qwen2") else {}
    return DecoderConfig.model_validate({"shape": shape, **SIZES, **extra})


def network(shape: str) -> torch.nn.Module:
    """Random weights far from the start, where every part matters."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build_network(config(shape), VOCAB).eval()
        for parameter in model.parameters():
            parameter.data.add_(torch.randn_like(parameter) * 0.2)
    return model


def tokens(batch: int, time: int) -> torch.Tensor:
    return torch.randint(VOCAB, (batch, time), generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize("shape", DECODERS)
@torch.inference_mode()
def test_a_decoder_with_a_cache_gives_what_it_gives_at_once(shape: str) -> None:
    model = network(shape)
    assert isinstance(model, Decoder)
    row = tokens(2, 20)
    whole = model(row).logits
    state = model.new_state(2, 20)
    pieces = [model(part, state=state).logits for part in row.split([7, 1, 1, 3, 8], dim=1)]
    assert torch.allclose(torch.cat(pieces, dim=1), whole, atol=TOLERANCE)


@pytest.mark.parametrize(
    "shape", [shape for shape in (*DECODERS, *ENCODERS) if shape != "qwen3-moe"]
)
@torch.inference_mode()
def test_a_model_in_bfloat16_differs_by_rounding_alone(shape: str) -> None:
    model, row = network(shape), tokens(2, 20)
    full = model.body(row).hidden
    found = model.to(torch.bfloat16).body(row).hidden.float()
    # A bfloat16 rounds by 2^-9 at most, about ten times on the way; with experts it may choose others.
    assert (found - full).norm() < 0.03 * full.norm()


@pytest.mark.parametrize("shape", DECODERS)
@torch.inference_mode()
def test_future_tokens_do_not_change_the_past(shape: str) -> None:
    model = network(shape)
    row = tokens(1, 20)
    changed = row.clone()
    changed[0, 12] = (row[0, 12] + 1) % VOCAB
    before, after = model(row).logits, model(changed).logits
    assert torch.allclose(before[:, :12], after[:, :12], atol=TOLERANCE)
    assert not torch.allclose(before[:, 12:], after[:, 12:], atol=1e-2)


@pytest.mark.parametrize("shape", ["mistral", "qwen2"])
@torch.inference_mode()
def test_a_window_hides_what_lies_before_it(shape: str) -> None:
    """Two blocks, of which one has a window of 5, carry nothing over more places than its window alone."""
    settings = config(shape).model_dump() | {"full_layers": 0, "layers": 1}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = Decoder(DecoderConfig.model_validate(settings), VOCAB).eval()
    row = tokens(1, 20)
    changed = row.clone()
    changed[0, 10] = (row[0, 10] + 1) % VOCAB
    differs = (model(row).hidden - model(changed).hidden).abs().amax(dim=(0, 2)) > 1e-6
    assert differs.nonzero().flatten().tolist() == [10, 11, 12, 13, 14]


@pytest.mark.parametrize("shape", ["llama", "gpt2", "mistral"])
@torch.inference_mode()
def test_packed_documents_are_as_if_alone(shape: str) -> None:
    model = network(shape)
    row = tokens(1, 20)
    documents = torch.tensor([[0] * 9 + [1] * 11])
    positions = torch.cat([torch.arange(9), torch.arange(11)])[None]
    packed = model(row, positions=positions, documents=documents).logits
    assert torch.allclose(packed[:, :9], model(row[:, :9]).logits, atol=TOLERANCE)
    assert torch.allclose(packed[:, 9:], model(row[:, 9:]).logits, atol=TOLERANCE)


@pytest.mark.parametrize("shape", ENCODERS)
@torch.inference_mode()
def test_padding_changes_nothing_that_an_encoder_reads(shape: str) -> None:
    model = network(shape)
    assert isinstance(model, Encoder)
    row = tokens(1, 9)
    padded = torch.cat([row, tokens(1, 4)], dim=1)
    keep = torch.tensor([[True] * 9 + [False] * 4])
    alone, together = model(row).hidden, model(padded, keep=keep).hidden
    assert torch.allclose(alone, together[:, :9], atol=TOLERANCE)
    for name in ("classify",):
        head = model.heads[name]
        assert torch.allclose(head(alone, None), head(together, keep), atol=TOLERANCE)
    assert not torch.allclose(alone, model(padded).hidden[:, :9], atol=1e-3)  # a forgotten mask


@pytest.mark.parametrize("shape", [*ENCODERS, *PAIRS])
def test_an_encoder_with_native_code_is_the_one_without(
    shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values at all places and the gradient of every weight, with ragged rows and one of a single token."""
    model, row = network(shape), tokens(3, 12)
    keep = torch.arange(12) < torch.tensor([[12], [7], [1]])
    reader = model.embed, model.stack if isinstance(model, Encoder) else model.encoder
    weights = [weight for part in reader for weight in part.parameters()]
    found = []
    for library in (native.library, lambda: None):
        monkeypatch.setattr(native, "library", library)
        hidden = reader[1](reader[0](row), keep=keep)
        loss = hidden[keep].square().mean()
        found.append([hidden, *torch.autograd.grad(loss, weights)])
    for fast, slow in zip(*found, strict=True):
        torch.testing.assert_close(fast, slow, rtol=TOLERANCE, atol=TOLERANCE)


@torch.inference_mode()
def test_the_mean_of_places_leaves_padding_out() -> None:
    settings = {"shape": "bert", **SIZES}
    head = HeadConfig(kind="classify", pooling="mean", labels=3)
    model = Encoder(
        EncoderConfig.model_validate({**settings, "heads_on_top": (head,)}), VOCAB
    ).eval()
    hidden, keep = torch.randn(2, 6, 24), torch.ones(2, 6, dtype=torch.bool)
    keep[1, 4:] = False
    padded, alone = (
        model.heads["classify"](hidden, keep),
        model.heads["classify"](hidden[1:, :4], None),
    )
    assert torch.allclose(padded[1:], alone, atol=1e-6)


@pytest.mark.parametrize("shape", PAIRS)
@torch.inference_mode()
def test_a_target_with_a_cache_is_as_at_once_and_the_source_may_be_padded(shape: str) -> None:
    model = network(shape)
    assert isinstance(model, EncoderDecoder)
    source, target = tokens(2, 11), tokens(2, 9)
    whole = model(target, source=source).logits
    padded = torch.cat([source, tokens(2, 3)], dim=1)
    keep = torch.tensor([[True] * 11 + [False] * 3] * 2)
    memory, state = model.encode(padded, keep=keep), model.new_state(2, 9)
    pieces = [
        model.decode(part, memory, state=state).hidden for part in target.split([3, 1, 5], dim=1)
    ]
    assert torch.allclose(model.head(torch.cat(pieces, dim=1)), whole, atol=TOLERANCE)


@torch.inference_mode()
def test_selected_rows_of_a_cache_go_on_alone() -> None:
    model = network("bart")
    assert isinstance(model, EncoderDecoder)
    source, target = tokens(3, 7), tokens(3, 6)
    memory, state = model.encode(source), model.new_state(3, 6)
    model.decode(target[:, :4], memory, state=state)
    rows = torch.tensor([2, 0])
    rest = model.decode(target[rows, 4:], memory.select(rows), state=state.select(rows)).hidden
    alone = model.decode(target[rows], model.encode(source[rows])).hidden
    assert torch.allclose(rest, alone[:, 4:], atol=TOLERANCE)


@pytest.mark.parametrize("shape", [*DECODERS, *ENCODERS])
def test_more_tokens_than_the_model_reads_are_refused(shape: str) -> None:
    with pytest.raises(UnsupportedError, match="33 tokens are longer than this model's 32"):
        network(shape)(tokens(1, 33))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"shape": "gpt2", "qk_norm": True}, "needs positions"),
        ({"heads": 4, "kv_heads": 3}, "must be a multiple of kv_heads"),
        ({"experts": 4, "gated": False}, "experts are gated"),
        ({"experts": 2, "experts_per_token": 3}, "more than experts"),
        ({"shape": "gpt3"}, "shape"),
        ({"shape": "qwen3-moe", "bias": "all"}, "experts have no biases"),
        ({"renormalised": False}, "does nothing with experts = 0"),
        ({"full_layers": 1}, "does nothing with no window"),
        ({"shape": "gpt2", "rope_base": 1e6}, "does nothing with positions = learned"),
        ({"position_offset": 2}, "does nothing with positions = rotary"),
        ({"relative_buckets": 8}, "does nothing with positions = rotary"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DecoderConfig.model_validate(settings)


def test_an_encoder_has_no_window_and_a_head_no_setting_that_it_does_not_read() -> None:
    with pytest.raises(ValueError, match="window = 8 does nothing with an encoder"):
        EncoderConfig.model_validate({**SIZES, "window": 8})
    half = {"shape": "t5", **SIZES}
    with pytest.raises(ValueError, match="window = 8 does nothing with an encoder"):
        EncoderDecoderConfig.model_validate({"encoder": {**half, "window": 8}, "decoder": half})
    EncoderDecoderConfig.model_validate({"encoder": half, "decoder": {**half, "window": 8}})
    for kind, setting in (("tag", {"pooling": "mean"}), ("span", {"names": ("start", "end")})):
        with pytest.raises(ValueError, match="does nothing with kind"):
            HeadConfig.model_validate({"kind": kind, **setting})
