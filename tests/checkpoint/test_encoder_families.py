"""BERT, RoBERTa, DistilBERT with every head: transformers' tiny random models and ours are the same."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.checkpoint.families import MAX_TIME, TOLERANCE, difference, make, save_theirs, vocab
from tests.tiny import random_tokens, tiny_tokenizer
from zhixing.checkpoint.folder import ModelInfo, load_network, save_model
from zhixing.core.errors import CheckpointError, UnsupportedError
from zhixing.model.config import EncoderConfig, HeadConfig
from zhixing.model.encoder import Encoder

transformers = pytest.importorskip("transformers")

BERT: dict[str, Any] = {
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 40,
    "max_position_embeddings": MAX_TIME,
}
DISTILBERT: dict[str, Any] = {
    "dim": 24,
    "n_layers": 2,
    "n_heads": 4,
    "hidden_dim": 40,
    "max_position_embeddings": MAX_TIME,
}
SIZES = {"Bert": BERT, "Roberta": BERT | {"type_vocab_size": 1}, "DistilBert": DISTILBERT}
HEADS = ("Model", "ForMaskedLM", "ForSequenceClassification", "ForTokenClassification")
HEADS += ("ForQuestionAnswering",)
CASES = [f"{name}{head}" for name in SIZES for head in HEADS]
CASES += ["BertForPreTraining", "BertForNextSentencePrediction"]
NAMES = ("B-人", "I-人", "O")


def theirs(case: str) -> Any:
    settings: dict[str, Any] = {}
    name = next(name for name in SIZES if case.startswith(name))
    if "ForSequence" in case or "ForToken" in case:
        settings["id2label"] = dict(enumerate(NAMES))
        settings["label2id"] = {label: index for index, label in enumerate(NAMES)}
    config = getattr(transformers, f"{name}Config")(
        **{**SIZES[name], **settings},
        vocab_size=vocab(),
        pad_token_id=tiny_tokenizer().pad,
        bos_token_id=None,
        eos_token_id=None,
    )
    return make(getattr(transformers, case), config)


def opened(folder: Path) -> Encoder:
    model = load_network(folder).model
    assert isinstance(model, Encoder)
    return model


def inputs(case: str) -> tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor]]:
    """Two rows, the second one padded by seven; RoBERTa takes ids unlike its padding for tokens."""
    tokens, keep = random_tokens(2, 20).clamp(min=1), torch.ones(2, 20, dtype=torch.bool)
    keep[1, 13:] = False
    tokens[~keep] = tiny_tokenizer().pad
    segments = torch.zeros_like(tokens)
    segments[:, 8:] = 1
    return tokens, keep, {"segments": segments} if case.startswith("Bert") else {}


def our_answers(ours: Encoder, case: str) -> dict[str, torch.Tensor]:
    """Every tensor that their class gives, by its name there."""
    tokens, keep, extra = inputs(case)
    hidden = ours.body(tokens, keep=keep, **extra).hidden
    answers = {"last_hidden_state": hidden}
    for kind, head in ours.heads.items():
        if kind in ("masked", "tag"):
            answers["prediction_logits" if "PreTraining" in case else "logits"] = head(hidden)
        elif kind == "span":
            answers["start_logits"], answers["end_logits"] = head(hidden).unbind(-1)
        else:
            name = {"pool": "pooler_output"}.get(kind, "logits")
            name = "seq_relationship_logits" if "PreTraining" in case else name
            answers[name] = head(hidden, keep)
    return answers


def their_answers(other: Any, case: str) -> dict[str, torch.Tensor]:
    tokens, keep, extra = inputs(case)
    named = {"token_type_ids": extra["segments"]} if extra else {}
    found = other(tokens, attention_mask=keep.long(), output_hidden_states=True, **named)
    return {**found, "last_hidden_state": found.hidden_states[-1]}


def worst(ours: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    """The largest difference at places that are not padding."""
    keep = inputs("")[1]
    assert len(ours) > 1 or "pooler_output" not in other
    return max(
        difference(value[keep], other[name][keep])
        if value.shape[:2] == keep.shape
        else difference(value, other[name])
        for name, value in ours.items()
    )


@pytest.mark.parametrize("case", CASES)
@torch.inference_mode()
def test_hidden_vectors_and_every_head_are_theirs_both_ways(case: str, tmp_path: Path) -> None:
    other = theirs(case)
    folder = save_theirs(tmp_path / "m", other)
    ours = opened(folder)
    want = their_answers(other, case)
    answers = our_answers(ours, case)
    assert len(answers) >= (1 if case == "DistilBertModel" else 2)
    assert worst(answers, want) < TOLERANCE
    save_model(tmp_path / "back", ours, tiny_tokenizer(), info=ModelInfo())
    back = getattr(transformers, case).from_pretrained(tmp_path / "back").eval()
    assert all(torch.equal(w, back.state_dict()[k]) for k, w in other.state_dict().items())
    assert opened(tmp_path / "back").config == ours.config
    if "ForSequence" in case or "ForToken" in case:
        assert back.config.id2label == dict(enumerate(NAMES))
        assert ours.config.heads_on_top[0].names == NAMES


@torch.inference_mode()
def test_an_encoder_without_a_pooler_has_no_head(tmp_path: Path) -> None:
    config = transformers.BertConfig(**BERT, vocab_size=vocab(), pad_token_id=0)
    other = make(lambda c: transformers.BertModel(c, add_pooling_layer=False), config)
    ours = opened(save_theirs(tmp_path / "m", other))
    assert ours.config.heads_on_top == ()
    assert worst(our_answers(ours, "BertModel"), their_answers(other, "BertModel")) < TOLERANCE


# One deliberate mistake for each idea that tells the families apart.
MISTAKES: dict[str, tuple[str, dict[str, Any]]] = {
    "another epsilon": ("BertModel", {"layer_norm_eps": 1e-2}),
    "the other GELU": ("BertForMaskedLM", {"hidden_act": "gelu_new"}),
    "ReLU for GELU": ("DistilBertModel", {"activation": "relu"}),
}


@pytest.mark.parametrize("mistake", list(MISTAKES))
@torch.inference_mode()
def test_a_mistake_in_the_configuration_would_be_noticed(mistake: str, tmp_path: Path) -> None:
    case, settings = MISTAKES[mistake]
    other = theirs(case)
    folder = save_theirs(tmp_path / "m", other)
    edit_config(folder, settings)
    assert worst(our_answers(opened(folder), case), their_answers(other, case)) > 10 * TOLERANCE


@pytest.mark.parametrize("what", ["segments", "offset", "the head's function"])
@torch.inference_mode()
def test_a_mistake_in_the_model_would_be_noticed(what: str, tmp_path: Path) -> None:
    case = {
        "segments": "BertModel",
        "offset": "RobertaModel",
        "the head's function": "DistilBertForSequenceClassification",
    }[what]
    other = theirs(case)
    ours = opened(save_theirs(tmp_path / "m", other))
    if what == "segments":
        ours.stack.inputs.segments.weight.data.copy_(ours.stack.inputs.segments.weight.flip(0))
    elif what == "offset":
        ours.stack.inputs.places.offset += 1
    else:
        ours.heads["classify"].pool.activation = torch.tanh
    assert worst(our_answers(ours, case), their_answers(other, case)) > 100 * TOLERANCE


@torch.inference_mode()
def test_older_folders_open(tmp_path: Path) -> None:
    """Names without the prefix, gamma and beta, a table of places, and the heads of another class."""
    other = theirs("BertForMaskedLM")
    folder = save_theirs(tmp_path / "m", other)
    tensors = load_file(folder / "model.safetensors")
    old = {
        key.removeprefix("bert.")
        .replace("LayerNorm.weight", "LayerNorm.gamma")
        .replace("LayerNorm.bias", "LayerNorm.beta"): tensor
        for key, tensor in tensors.items()
    }
    old["embeddings.position_ids"] = torch.arange(MAX_TIME)[None]
    old["cls.seq_relationship.weight"] = torch.ones(2, 24)
    old["cls.seq_relationship.bias"] = torch.ones(2)
    save_file(old, folder / "model.safetensors", {"format": "pt"})
    case = "BertForMaskedLM"
    assert worst(our_answers(opened(folder), case), their_answers(other, case)) < TOLERANCE
    save_file(old | {"something.else": torch.ones(2)}, folder / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"not part of this model: something\.else"):
        opened(folder)


@pytest.mark.parametrize(
    ("case", "settings"),
    [
        ("BertModel", {"position_embedding_type": "relative_key"}),
        ("BertModel", {"is_decoder": True}),
        ("BertModel", {"hidden_act": "mish"}),
        ("RobertaModel", {"hidden_act": "relu"}),
        ("BertModel", {"architectures": ["BertForMultipleChoice"]}),
        ("DistilBertModel", {"tie_word_embeddings": False}),
        ("DistilBertModel", {"rotary_value": True}),
    ],
)
def test_what_we_do_not_compute_is_refused_by_name(
    case: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    folder = save_theirs(tmp_path / "m", theirs(case))
    edit_config(folder, settings)
    with pytest.raises(UnsupportedError, match=next(iter(settings))):
        load_network(folder)


def test_labels_that_are_not_numbered_are_refused(tmp_path: Path) -> None:
    folder = save_theirs(tmp_path / "m", theirs("BertForTokenClassification"))
    edit_config(folder, {"id2label": {"0": "a", "2": "b"}})
    with pytest.raises(CheckpointError, match="id2label"):
        load_network(folder)


def test_a_roberta_whose_padding_is_elsewhere_keeps_our_own_form(tmp_path: Path) -> None:
    """transformers counts places from behind pad_token_id, which is the tokenizer's."""
    sizes = {"width": 24, "layers": 1, "heads": 4, "kv_heads": 4, "head_dim": 6, "hidden": 40}
    for offset, kind in ((1, "roberta"), (2, "zhixing-encoder")):
        config = EncoderConfig.model_validate(
            {"shape": "roberta", **sizes, "position_offset": offset}
        )
        model = Encoder(config, vocab())
        save_model(tmp_path / kind, model, tiny_tokenizer(), info=ModelInfo())
        assert json.loads((tmp_path / kind / "config.json").read_text())["model_type"] == kind
        assert opened(tmp_path / kind).config == config


def test_heads_are_sorted_and_their_names_counted() -> None:
    heads = (HeadConfig(kind="next-sentence"), HeadConfig(kind="masked"))
    assert [head.kind for head in EncoderConfig(heads_on_top=heads).heads_on_top] == [
        "masked",
        "next-sentence",
    ]
    assert HeadConfig(kind="tag", names=NAMES).labels == 3
    with pytest.raises(ValueError, match="labels = 4, but names has 3"):
        HeadConfig(kind="tag", names=NAMES, labels=4)


def edit_config(folder: Path, settings: dict[str, Any]) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | settings), "utf-8")
