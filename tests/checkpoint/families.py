"""Tiny models of each family, made by transformers with random weights far from the start."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from tests.tiny import tiny_tokenizer

TOLERANCE = 1e-5
MAX_TIME = 32


def randomise(model: torch.nn.Module) -> torch.nn.Module:
    """Weights at which every part matters; the same in every run."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.1)
    return model.eval()


def save_theirs(folder: Path, model: Any) -> Path:
    """Their folder, with a tokenizer that fits."""
    model.save_pretrained(folder)
    tiny_tokenizer().save(folder)
    return folder


def make(build: Callable[..., Any], config: Any) -> Any:
    """One of their models with random weights, whatever the global random stream holds."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return randomise(build(config))


def vocab() -> int:
    return tiny_tokenizer().vocab


def difference(ours: torch.Tensor | None, other: torch.Tensor) -> float:
    assert ours is not None
    return float((ours - other).abs().max())
