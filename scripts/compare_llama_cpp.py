"""Perplexity of an exported model in llama.cpp beside ours: `python scripts/compare_llama_cpp.py MODEL GGUF CORPUS`.

Scored are the first tokens of a few test documents of a corpus folder. Needs llama-cpp-python.
"""

import math
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

import zhixing
from zhixing.api import Model
from zhixing.corpus.store import read_documents

DOCUMENTS, TIME, LINES = 30, 256, 400


def nats(logits: Tensor, ids: list[int]) -> float:
    """-log p of every id but the first, given those before it."""
    return float(F.cross_entropy(logits[:-1].double(), torch.tensor(ids[1:]), reduction="sum"))


def theirs(program: Any, ids: list[int]) -> Tensor:
    """Logits of llama.cpp, (time, vocab)."""
    program.reset()
    program.eval(ids)
    return torch.from_numpy(np.array(program.scores[: len(ids)]))


def same_ids(model: Model, program: Any, lines: list[str]) -> int:
    """How many lines llama.cpp cuts into our ids."""
    found = (program.tokenize(line.encode(), add_bos=False, special=False) for line in lines)
    return sum(
        one == model.tokenizer.encode_text(line) for one, line in zip(found, lines, strict=True)
    )


def main(folder: Path, gguf: Path, corpus: Path) -> None:
    """Print both perplexities, and how many lines have the same ids."""
    from llama_cpp import Llama

    model = zhixing.load(folder)
    program = Llama(
        str(gguf), n_ctx=TIME, n_batch=TIME, n_ubatch=TIME, logits_all=True, n_threads=1, verbose=False
    )  # fmt: skip
    texts = [document.text for document in islice(read_documents(corpus, "test"), DOCUMENTS)]
    rows = [ids for text in texts if len(ids := model.encode(text)[:TIME]) > 1]
    targets = sum(len(ids) - 1 for ids in rows)
    for name, total in {
        "ours": sum(nats(model.logits(ids), ids) for ids in rows),
        "llama.cpp": sum(nats(theirs(program, ids), ids) for ids in rows),
    }.items():
        mean = total / targets
        print(f"{name}: {mean:.6f} nats per token, perplexity {math.exp(mean):.4f}")
    lines = [line for text in texts for line in text.splitlines() if line.strip()][:LINES]
    print(
        f"{targets:,} targets; the same ids for {same_ids(model, program, lines)} of {len(lines)} lines"
    )


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
