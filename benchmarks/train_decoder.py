"""Training of the quickstart's GPT, beside transformers' Qwen3ForCausalLM of the same weights with torch's fused AdamW.

The same random batches, the same number type (bf16 where the processor has it), AdamW on both sides: what differs is
the code of the step. `muon` is ours with the optimizer of the recipe.
"""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zhixing.checkpoint.model_files import write_model
from zhixing.cli.bench import SEED, Size
from zhixing.cli.recipe import load_recipe
from zhixing.core.errors import MissingExtraError
from zhixing.evaluate.race import OURS, Work
from zhixing.model.assembly import build_model
from zhixing.model.protocol import LanguageModel
from zhixing.objective.causal import CausalBatch, loss
from zhixing.train.config import TrainConfig
from zhixing.train.optimizer import build_optimizer
from zhixing.train.precision import computing_in, resolve

UNIT = "tokens/s"
VOCAB = 6000
SHAPES: Mapping[Size, tuple[int, int]] = {"short": (2, 32), "full": (16, 256)}
"""Rows and time of a step."""
STEPS: Mapping[Size, int] = {"short": 1, "full": 8}
CONFIG = load_recipe(Path("quickstart-gpt")).network


def contestants(size: Size) -> Mapping[str, Callable[[], Work]]:
    """Ours with AdamW, ours with Muon, transformers."""
    return {
        OURS: lambda: _ours(size, "adamw"),
        "muon": lambda: _ours(size, "muon"),
        "transformers": lambda: _transformers(size),
    }


def _model() -> LanguageModel:
    torch.manual_seed(SEED)
    return build_model(CONFIG, VOCAB)


def _batch(size: Size) -> Tensor:
    generator = torch.Generator().manual_seed(SEED)
    rows, time = SHAPES[size]
    return torch.randint(VOCAB, (rows, time + 1), generator=generator)


def _ours(size: Size, optimizer: Any) -> Work:
    model = _model().train()
    mover = build_optimizer(model, TrainConfig(steps=1, optimizer=optimizer))
    tokens = _batch(size)
    batch = CausalBatch(
        tokens=tokens[:, :-1],
        targets=tokens[:, 1:],
        positions=torch.arange(tokens.shape[1] - 1).expand(len(tokens), -1),
        documents=torch.zeros_like(tokens[:, 1:]),
    )

    def step() -> None:
        with computing_in(resolve("auto", model.device), model.device):
            made = loss(model, batch)
        torch.autograd.backward(made.total / made.count)
        mover.step()

    return _repeated(step, size)


def _transformers(size: Size) -> Work:
    try:
        from transformers import Qwen3ForCausalLM
    except ImportError as error:
        raise MissingExtraError("transformers", "dev", "this benchmark") from error
    with tempfile.TemporaryDirectory(prefix="zhixing-bench-") as scratch:
        write_model(Path(scratch), _model(), {})
        model = Qwen3ForCausalLM.from_pretrained(scratch, use_cache=False).train()
    mover = torch.optim.AdamW(model.parameters(), lr=3e-3, betas=(0.9, 0.95), fused=True)
    tokens = _batch(size)

    def step() -> None:
        with computing_in(resolve("auto", torch.device("cpu")), torch.device("cpu")):
            logits = model(input_ids=tokens[:, :-1]).logits
            made = torch.nn.functional.cross_entropy(
                logits.flatten(0, 1).float(), tokens[:, 1:].flatten()
            )
        torch.autograd.backward(made)
        mover.step()
        mover.zero_grad(set_to_none=True)

    return _repeated(step, size)


def _repeated(step: Callable[[], None], size: Size) -> Work:
    rows, time = SHAPES[size]

    def work() -> float:
        for _ in range(STEPS[size]):
            step()
        return rows * time * STEPS[size]

    return work
