"""The n-gram model as an ARPA file, which KenLM, SRILM, pocketsphinx and others read.

One section per order; each line holds log10 p(last token | tokens before), the tokens, and, where the n-gram is a context
itself, log10 of its back-off weight γ. As smoothing is interpolated, p already holds the share of the shorter contexts:

    p(w | h) = the line of h w           if there is one
             = γ(h) p(w | h')            otherwise

The begin token gets the customary probability 10^-99, because it is only ever context. `<unk>` gets what a token that was
never counted has. Format: Doug Paul's, as described in SRILM's ngram-format(5). Left out: reading ARPA files, which hold
probabilities but not the counts that our models are made of.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from zhixing.core.errors import UnsupportedError
from zhixing.core.files import atomic_open
from zhixing.model.ngram import NGram
from zhixing.model.ngram_level import LevelTable

LINES = 100_000
"""N-grams turned into text at a time."""


def write_arpa(model: NGram, path: Path, *, names: Sequence[str], begin: int) -> None:
    """Write `model` to `path`; `names[i]` is how token i is written (begin and end: `<s>` and `</s>`).

    Raises UnsupportedError for a name that is empty, repeated or holds white space, which the format cannot express.
    """
    _check_names(names, model.vocab)
    tables = [cast(LevelTable, level) for level in model.levels]
    counted = [np.flatnonzero(table.counts.cpu().numpy() > 0) for table in tables]
    counted[0] = np.union1d(counted[0], [begin])
    with atomic_open(path) as file:
        header = [f"ngram {n}={len(rows)}" for n, rows in enumerate(counted, start=1)]
        header[0] = f"ngram 1={len(counted[0]) + 1}"
        file.write(("\\data\\\n" + "\n".join(header) + "\n").encode())
        for n, rows in enumerate(counted, start=1):
            file.write(f"\n\\{n}-grams:\n".encode())
            if n == 1:
                lowest = float(np.log10(float(tables[0].gamma[0]) / model.vocab))
                file.write(f"{lowest:.7f}\t<unk>\t0\n".encode())
            for part in np.array_split(rows, len(rows) // LINES + 1):
                lines = _lines(model, n, part, names, begin)
                file.write("".join(lines).encode())
        file.write(b"\n\\end\\\n")


def _lines(
    model: NGram, n: int, rows: NDArray[np.int64], names: Sequence[str], begin: int
) -> Iterator[str]:
    tokens = _spell(model, n, rows)
    context = torch.from_numpy(tokens)
    previous = torch.full((len(rows), model.order - 1), model.vocab)
    if n > 1:
        previous[:, model.order - n :] = context[:, :-1]
    logs = model.log_prob_in(previous.to(torch.float32), context[:, -1]).numpy() / np.log(10)
    gammas = _gammas(model, n, rows)
    for row, log, gamma in zip(tokens.tolist(), logs.tolist(), gammas.tolist(), strict=True):
        log = -99.0 if n == 1 and row[0] == begin else log
        backoff = f"\t{gamma:.7f}" if n < model.order else ""
        yield f"{log:.7f}\t{' '.join(names[token] for token in row)}{backoff}\n"


def _spell(model: NGram, n: int, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The tokens of n-grams given by number: (rows, n)."""
    columns = []
    for level in reversed([cast(LevelTable, level) for level in model.levels][:n]):
        columns.append(level.tokens.cpu().numpy()[rows].astype(np.int64))
        rows = level.keys.cpu().numpy()[rows] // level.stride
    return np.stack(columns[::-1], axis=1)


def _gammas(model: NGram, n: int, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """log10 of the back-off weights of contexts given by number; 0 where nothing followed."""
    if n == model.order:
        return np.zeros(len(rows))
    table = cast(LevelTable, model.levels[n])
    return np.asarray(np.log10(table.gamma.cpu().numpy()[rows].astype(np.float64)))


def _check_names(names: Sequence[str], vocab: int) -> None:
    if len(names) != vocab or len(set(names)) != vocab:
        raise UnsupportedError(
            f"an ARPA file needs {vocab} different token names; given are {len(names)}, "
            f"{len(set(names))} of them different"
        )
    for token, name in enumerate(names):
        if name == "<unk>":
            raise UnsupportedError(
                f"token {token} is named <unk>, which an ARPA file calls what was never counted"
            )
        if not name or name.split() != [name]:
            raise UnsupportedError(
                f"token {token} is named {name!r}; an ARPA file cannot hold names with white space"
            )
