"""The first examples as the model will see them: token by token, with what it must predict at each place.

tokens   <begin>|The| cat|<mask>|<end>
targets  –|–|–| sat|–                        –: no loss here
"""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

import torch
from torch import Tensor

from zhixing.core.targets import IGNORED
from zhixing.objective.protocol import Objective
from zhixing.tokenizer.tokenizer import Tokenizer

_IDS = ("tokens", "targets", "source", "first", "second")
"""Fields of batches that hold token ids."""


def preview(
    items: Sequence[Any], objective: Objective[Any, Any], tokenizer: Tokenizer
) -> Iterator[str]:
    """One block of lines for each item."""
    for number, item in enumerate(items, start=1):
        batch = objective.collate([item])
        lines = [
            f"example {number} of objective {objective.kind}, targets {dict(objective.counts(item))}"
        ]
        for field in fields(batch):
            value = getattr(batch, field.name)
            if isinstance(value, Tensor) and value.dtype != torch.bool:
                lines += _rows(field.name, value, tokenizer)
        yield "\n".join(lines)


def _rows(name: str, value: Tensor, tokenizer: Tokenizer) -> Iterator[str]:
    shown = _pieces if name in _IDS else _numbers
    for row in value if value.dim() == 2 else [value]:
        yield f"  {name:<10} {shown(row, tokenizer)}"


def _pieces(row: Tensor, tokenizer: Tokenizer) -> str:
    added = tokenizer.files.pipeline.get("added_tokens") or ()
    names = {token["id"]: token["content"] for token in added if token["special"]}
    names |= {number: f"<{special.name.lower()}>" for special, number in tokenizer.specials.items()}
    ids = row.tolist()
    return "|".join("–" if n == IGNORED else names.get(n) or _piece(n, tokenizer) for n in ids)


def _piece(number: int, tokenizer: Tokenizer) -> str:
    return tokenizer.decode([number]).replace("\n", "⏎") or f"<{number}>"


def _numbers(row: Tensor, tokenizer: Tokenizer) -> str:
    return " ".join("–" if value == IGNORED else f"{value:g}" for value in row.tolist())
