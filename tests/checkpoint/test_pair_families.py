"""T5, BART, Marian: transformers' tiny random models and ours are the same; the 2017 Transformer is torch's own."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from tests.checkpoint.families import MAX_TIME, TOLERANCE, difference, make, save_theirs, vocab
from tests.tiny import random_tokens, tiny_tokenizer
from zhixing.checkpoint.folder import ModelInfo, load_network, save_model
from zhixing.core.errors import CheckpointError, UnsupportedError
from zhixing.engine.search import SearchOptions, Written, translate
from zhixing.model.config import EncoderDecoderConfig
from zhixing.model.encoder_decoder import EncoderDecoder

transformers = pytest.importorskip("transformers")

T5: dict[str, Any] = {
    "d_model": 24,
    "d_kv": 8,
    "d_ff": 40,
    "num_layers": 3,
    "num_decoder_layers": 2,
    "num_heads": 4,
    "relative_attention_num_buckets": 8,
    "relative_attention_max_distance": 12,
}
BART: dict[str, Any] = {
    "d_model": 24,
    "encoder_layers": 3,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 40,
    "decoder_ffn_dim": 32,
    "max_position_embeddings": MAX_TIME,
}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "t5": ("T5", T5),
    "t5-v1.1": ("T5", T5 | {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}),
    "bart": ("Bart", BART | {"decoder_start_token_id": 2, "forced_bos_token_id": 1}),
    "bart-relu": ("Bart", BART | {"decoder_start_token_id": 2, "activation_function": "relu"}),
    "marian": (
        "Marian",
        BART
        | {"activation_function": "swish", "scale_embedding": True, "decoder_start_token_id": 0},
    ),
}
CLASSES = {
    "T5": "T5ForConditionalGeneration",
    "Bart": "BartForConditionalGeneration",
    "Marian": "MarianMTModel",
}


def theirs(case: str) -> Any:
    prefix, settings = CASES[case]
    tokenizer = tiny_tokenizer()
    config = getattr(transformers, f"{prefix}Config")(
        **settings,
        vocab_size=vocab(),
        pad_token_id=tokenizer.pad,
        eos_token_id=tokenizer.end,
        bos_token_id=tokenizer.begin,
        **({} if prefix == "T5" else {"forced_eos_token_id": None}),
    )
    model = make(getattr(transformers, CLASSES[prefix]), config)
    if case == "t5-v1.1":  # as T5 1.1 was trained; transformers' own new models share the two
        model.lm_head.weight = nn.Parameter(model.lm_head.weight.detach().flip(0) * 0.2)
    if prefix != "T5":
        noise = torch.randn(1, vocab(), generator=torch.Generator().manual_seed(1))
        model.final_logits_bias.copy_(noise)
    if prefix == "Marian":  # computed, not learnt
        for half in (model.model.encoder, model.model.decoder):
            half.embed_positions.weight.data.copy_(half.embed_positions.create_weight())
    generation = model.generation_config
    generation.decoder_start_token_id = settings.get("decoder_start_token_id", tokenizer.pad)
    generation.forced_bos_token_id = settings.get("forced_bos_token_id")
    return model


def saved(case: str, folder: Path, other: Any) -> Path:
    save_theirs(folder, other)
    if case == "t5-v1.1":  # the files of the real ones: untied and with a matrix of its own
        tensors = load_file(folder / "model.safetensors")
        tensors["lm_head.weight"] = other.lm_head.weight.detach().clone()
        save_file(tensors, folder / "model.safetensors", {"format": "pt"})
        edit_config(folder, {"tie_word_embeddings": False, "scale_decoder_outputs": None})
    return folder


def opened(folder: Path) -> EncoderDecoder:
    model = load_network(folder).model
    assert isinstance(model, EncoderDecoder)
    return model


def sources() -> tuple[Tensor, Tensor]:
    """Two sources, the second one padded."""
    source, keep = random_tokens(2, 14).clamp(min=4), torch.ones(2, 14, dtype=torch.bool)
    keep[1, 9:] = False
    source[~keep] = tiny_tokenizer().pad
    return source, keep


@pytest.fixture(params=list(CASES))
def case(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@torch.inference_mode()
def test_logits_are_theirs_at_once_and_with_a_cache_and_padding(case: str, tmp_path: Path) -> None:
    other = theirs(case)
    ours = opened(saved(case, tmp_path / "m", other))
    (source, keep), target = sources(), random_tokens(2, 13).clamp(min=4)
    found = other(input_ids=source, attention_mask=keep.long(), decoder_input_ids=target)
    memory = ours.encode(source, keep=keep)
    assert difference(memory.hidden[keep], found.encoder_last_hidden_state[keep]) < TOLERANCE
    assert difference(ours(target, source=source, keep=keep).logits, found.logits) < TOLERANCE
    state = ours.new_state(2, 13)
    pieces = [
        ours.decode(part, memory, state=state).hidden for part in target.split([4, 1, 1, 7], dim=1)
    ]
    assert difference(ours.head(torch.cat(pieces, dim=1)), found.logits) < TOLERANCE


@torch.inference_mode()
def test_theirs_to_ours_to_theirs_changes_nothing(case: str, tmp_path: Path) -> None:
    other = theirs(case)
    ours = opened(saved(case, tmp_path / "m", other))
    save_model(tmp_path / "back", ours, tiny_tokenizer(), info=ModelInfo())
    assert opened(tmp_path / "back").config == ours.config
    back = transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "back").eval()
    assert type(back) is type(other)
    (source, keep), target = sources(), random_tokens(2, 9)
    asked = {"input_ids": source, "attention_mask": keep.long(), "decoder_input_ids": target}
    assert difference(back(**asked).logits, other(**asked).logits) < TOLERANCE
    tensors = load_file(tmp_path / "back/model.safetensors")
    known = other.state_dict()
    assert all(torch.equal(tensor, known[name]) for name, tensor in tensors.items())


@torch.inference_mode()
def test_greedy_generation_is_theirs(case: str, tmp_path: Path) -> None:
    other = theirs(case)
    ours = opened(saved(case, tmp_path / "m", other))
    source, keep = sources()
    want = other.generate(
        input_ids=source,
        attention_mask=keep.long(),
        max_new_tokens=12,
        do_sample=False,
        num_beams=1,
    )
    given = len(ours.opening)
    end = tiny_tokenizer().end
    for found, row in zip(most_probable(ours, 13 - given), want.tolist(), strict=True):
        assert tuple(row[:given]) == ours.opening
        assert tuple(row[given : given + len(found.ids)]) == found.ids
        assert given + len(found.ids) == 13 or row[given + len(found.ids)] == end
    if case == "bart":
        assert ours.opening[1:] == (1,)  # forced_bos_token_id


def most_probable(model: EncoderDecoder, max_tokens: int) -> list[Written]:
    """What a beam of one writes of the sources, without their padding."""
    source, keep = sources()
    rows = [row[kept].tolist() for row, kept in zip(source, keep, strict=True)]
    return translate(
        model, rows, SearchOptions(ends=(tiny_tokenizer().end,), max_tokens=max_tokens)
    )


@torch.inference_mode()
def test_a_token_that_is_never_generated_is_not(tmp_path: Path) -> None:
    other = theirs("marian")
    folder = saved("marian", tmp_path / "m", other)
    first = most_probable(opened(folder), 1)[0].ids[0]
    edit_config(folder, {"bad_words_ids": [[first]]})
    ours = opened(folder)
    assert ours.config.never == (first,)
    assert most_probable(ours, 1)[0].ids[0] != first
    edit_config(folder, {"bad_words_ids": [[first, 7]]})
    with pytest.raises(UnsupportedError, match="bad_words_ids"):
        opened(folder)


def test_a_table_of_places_that_is_not_the_computed_one_is_refused(tmp_path: Path) -> None:
    folder = saved("marian", tmp_path / "m", theirs("marian"))
    tensors = load_file(folder / "model.safetensors")
    name = "model.decoder.embed_positions.weight"
    other = dict.fromkeys((name,), torch.ones(MAX_TIME, 24))
    save_file(tensors | other, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(CheckpointError, match="sines and cosines"):
        load_network(folder)


MISTAKES: dict[str, tuple[str, dict[str, Any]]] = {
    "an output that is not scaled": ("t5", {"scale_decoder_outputs": False}),
    "fewer distances": ("t5", {"relative_attention_max_distance": 10}),
    "embeddings that are not scaled": ("marian", {"scale_embedding": False}),
    "another function": ("bart", {"activation_function": "relu"}),
    "more heads": ("bart", {"decoder_attention_heads": 4}),
}


@pytest.mark.parametrize("mistake", list(MISTAKES))
@torch.inference_mode()
def test_a_mistake_in_the_configuration_would_be_noticed(mistake: str, tmp_path: Path) -> None:
    name, settings = MISTAKES[mistake]
    other = theirs(name)
    folder = saved(name, tmp_path / "m", other)
    edit_config(folder, settings)
    (source, keep), target = sources(), random_tokens(2, 13)
    want = other(input_ids=source, attention_mask=keep.long(), decoder_input_ids=target).logits
    got = opened(folder)(target, source=source, keep=keep).logits
    assert difference(got, want) > 10 * TOLERANCE


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("t5", {"feed_forward_proj": "gated-mish"}),
        ("bart", {"normalize_before": True}),
        ("marian", {"share_encoder_decoder_embeddings": False}),
        ("marian", {"decoder_vocab_size": 7}),
        ("bart", {"architectures": ["BartForSequenceClassification"]}),
        ("bart", {"add_final_layer_norm": True}),
    ],
)
def test_what_we_do_not_compute_is_refused_by_name(
    name: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    folder = saved(name, tmp_path / "m", theirs(name))
    edit_config(folder, settings)
    with pytest.raises(UnsupportedError, match=next(iter(settings))):
        load_network(folder)


def test_a_folder_that_does_not_say_how_a_target_begins_is_refused(tmp_path: Path) -> None:
    folder = saved("bart", tmp_path / "m", theirs("bart"))
    (folder / "generation_config.json").unlink()
    edit_config(folder, {"decoder_start_token_id": None})
    with pytest.raises(CheckpointError, match="decoder_start_token_id"):
        load_network(folder)


@torch.inference_mode()
def test_the_transformer_of_2017_is_the_one_in_torch() -> None:
    """The same weights in torch.nn.Transformer give the same vectors, source padded, target causal."""
    ours = _transformer()
    reference = _torch_twin(ours)
    (source, keep), target = sources(), random_tokens(2, 11)
    got = ours.decode(target, ours.encode(source, keep=keep)).hidden
    torch.backends.mha.set_fastpath_enabled(False)  # its nested tensors warn
    try:
        assert difference(got, _run(reference, ours, source, keep, target)) < TOLERANCE
        reference.decoder.layers[0].norm2.weight.mul_(1.01)  # a mistake would be noticed
        assert difference(got, _run(reference, ours, source, keep, target)) > 10 * TOLERANCE
    finally:
        torch.backends.mha.set_fastpath_enabled(True)


def _transformer() -> EncoderDecoder:
    half = {"shape": "transformer", "width": 24, "layers": 2, "heads": 4, "kv_heads": 4}
    half |= {"head_dim": 6, "hidden": 40, "max_time": MAX_TIME}
    config = EncoderDecoderConfig.model_validate({"encoder": half, "decoder": half})
    return make(lambda c: EncoderDecoder(c, vocab()), config)


def _torch_twin(ours: EncoderDecoder) -> nn.Transformer:
    """torch's module has a last norm behind each half, which the paper has not."""
    twin = nn.Transformer(24, 4, 2, 2, 40, dropout=0.0, batch_first=True).eval()
    twin.encoder.norm = twin.decoder.norm = None
    for theirs_half, our_half in ((twin.encoder, ours.encoder), (twin.decoder, ours.decoder)):
        for layer, block in zip(theirs_half.layers, our_half.blocks, strict=True):
            own, cross = block.attention, getattr(block, "source_attention", None)
            _copy(layer.self_attn.in_proj_weight, own.qkv.weight)
            _copy(layer.self_attn.in_proj_bias, own.qkv.bias)
            pairs = {"self_attn.out_proj": own.out, "norm1": block.attention_norm}
            pairs |= {"linear1": block.feed_forward.up, "linear2": block.feed_forward.down}
            if cross is not None:
                stacked = layer.multihead_attn
                _copy(stacked.in_proj_weight, torch.cat([cross.q.weight, cross.kv.weight]))
                _copy(stacked.in_proj_bias, torch.cat([cross.q.bias, cross.kv.bias]))
                pairs |= {"multihead_attn.out_proj": cross.out, "norm2": block.source_norm}
            pairs["norm2" if cross is None else "norm3"] = block.feed_forward_norm
            for name, module in pairs.items():
                layer.get_submodule(name).load_state_dict(module.state_dict())
    return twin


def _copy(into: Tensor, tensor: Tensor) -> None:
    into.data.copy_(tensor)


def _run(
    reference: nn.Transformer, ours: EncoderDecoder, source: Tensor, keep: Tensor, target: Tensor
) -> Tensor:
    def inputs(tokens: Tensor) -> Tensor:
        places = torch.arange(tokens.shape[1], dtype=torch.float64)[:, None]
        angles = places / 10_000 ** (torch.arange(0, 24, 2, dtype=torch.float64) / 24)
        table = torch.empty(tokens.shape[1], 24)
        table[:, 0::2], table[:, 1::2] = angles.sin(), angles.cos()
        return ours.embed(tokens) * 24**0.5 + table

    hidden: Tensor = reference(
        inputs(source),
        inputs(target),
        tgt_mask=nn.Transformer.generate_square_subsequent_mask(target.shape[1]) < 0,
        src_key_padding_mask=~keep,
        memory_key_padding_mask=~keep,
    )
    return hidden


def edit_config(folder: Path, settings: dict[str, Any]) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | settings), "utf-8")
