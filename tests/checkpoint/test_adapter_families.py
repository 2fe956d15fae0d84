"""The adapter of every family in peft's format: `PeftModel` on transformers' model gives our numbers."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.checkpoint import test_decoder_families, test_encoder_families, test_pair_families
from tests.checkpoint.families import TOLERANCE, difference, save_theirs
from tests.tiny import random_tokens
from zhixing.checkpoint.adapter import Base
from zhixing.checkpoint.folder import ModelInfo, load_network, save_model
from zhixing.checkpoint.manifest import model_hash
from zhixing.model.adapter import adapters_of, add_adapters
from zhixing.model.adapter_config import AdapterConfig
from zhixing.model.encoder_decoder import EncoderDecoder

peft = pytest.importorskip("peft")

FAMILIES = {
    **{name: test_decoder_families for name in ("llama", "mistral", "qwen2", "qwen3", "gpt2")},
    **{
        f"{name}ForSequenceClassification": test_encoder_families
        for name in ("Bert", "Roberta", "DistilBert")
    },
    **{f"Bert{kind}": test_encoder_families for kind in ("ForTokenClassification", "ForQuestionAnswering")},
    **{name: test_pair_families for name in ("t5", "t5-v1.1", "bart", "marian")},
}  # fmt: skip
LAYERS = ("attention.qkv", "attention.out", "feed_forward.down", "source_attention.q")
LAYERS += ("source_attention.kv", "feed_forward.up", "feed_forward.gate_up")


def adapted(name: str, kind: str, folder: Path) -> tuple[Any, Path]:
    """Their model, and the folder of our adapter of it: every linear layer has one that is far from nothing."""
    model = FAMILIES[name].theirs(name)
    base = save_theirs(folder / "base", model)
    loaded = load_network(base)
    network = loaded.model
    places = {each.partition("blocks.")[2].partition(".")[2] for each, _ in network.named_modules()}
    targets = tuple(target for target in LAYERS if target in places)
    torch.manual_seed(1)
    add_adapters(network, AdapterConfig(kind=kind, rank=2, alpha=3.0, targets=targets))
    with torch.no_grad():
        for layer in adapters_of(network).values():
            layer.adapter_b.normal_(std=0.1)
            if kind == "dora":
                layer.magnitude.mul_(1.05)
        for each, weight in network.named_parameters():
            if each.startswith("heads."):
                weight.add_(0.1)
    info = ModelInfo(base=Base(folder=str(base), hash=model_hash(base)))
    save_model(folder / "adapter", network, loaded.tokenizer, info=info)
    return model, folder / "adapter"


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")
@pytest.mark.parametrize("kind", ["lora", "dora"])
@pytest.mark.parametrize("name", FAMILIES)
@torch.inference_mode()
def test_peft_opens_the_adapter_and_gives_our_numbers(name: str, kind: str, tmp_path: Path) -> None:
    with torch.inference_mode(False):
        model, folder = adapted(name, kind, tmp_path)
        ours = load_network(folder).model
        plain = numbers_of_theirs(name, model)
        theirs = peft.PeftModel.from_pretrained(model, folder).eval()
    expected, found = numbers_of_theirs(name, theirs), numbers_of_ours(name, ours)
    assert difference(found, expected) < TOLERANCE
    assert difference(found, plain) > 1e-2


def numbers_of_ours(name: str, ours: Any) -> torch.Tensor:
    tokens = random_tokens(2, 12).clamp(min=4)
    if isinstance(ours, EncoderDecoder):
        return ours(tokens, source=tokens.flip(1)).logits
    hidden = ours.body(tokens).hidden
    if not hasattr(ours, "heads"):
        return ours.head(hidden)
    (kind,) = ours.heads
    answers = ours.heads[kind](hidden, None) if kind == "classify" else ours.heads[kind](hidden)
    return answers[..., 0] if kind == "span" else answers


def numbers_of_theirs(name: str, theirs: Any) -> torch.Tensor:
    tokens = random_tokens(2, 12).clamp(min=4)
    if FAMILIES[name] is test_pair_families:
        return theirs(input_ids=tokens.flip(1), decoder_input_ids=tokens).logits
    found = theirs(input_ids=tokens)
    return found.start_logits if "QuestionAnswering" in name else found.logits
