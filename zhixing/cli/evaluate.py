"""`zhixing evaluate MODEL`: score a model on held-out text; `compare A B`: is the difference real?

Results go to standard output, progress to standard error.
"""

import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from zhixing.cli.baselines import baselines
from zhixing.cli.console import FLAT, Fresh, Json, Log, check_out, print_json, reporter
from zhixing.cli.eleuther import lm_eval
from zhixing.cli.pairs import pairs
from zhixing.cli.scores import NONE, figure, interval
from zhixing.cli.suite import suite
from zhixing.cli.task_scores import score
from zhixing.cli.writing import writing
from zhixing.core.errors import DataError, UsageError
from zhixing.core.files import new_folder

if TYPE_CHECKING:
    from zhixing.checkpoint.folder import Loaded
    from zhixing.core.progress import Progress
    from zhixing.evaluate.metrics import Comparison, Scored
    from zhixing.model.protocol import LanguageModel

app = App(name="evaluate", help="Score a model, with intervals.")
app.command(score)
app.command(lm_eval, name="lm-eval")
app.command(baselines)
app.command(pairs)
app.command(writing)
app.command(suite)


@dataclass(frozen=True, kw_only=True)
class Data:
    """What to score on, and how."""

    data: Path | None = None
    """A corpus folder (zhixing data build), or files or folders in any format that it reads."""
    split: str | None = None
    """Which part of a corpus: train, validation or test (test unless given)."""
    window: int | None = None
    """Tokens of context for models with attention; all the model can use (at most 4096) unless given."""
    seed: int = 42
    """Of the bootstrap behind the intervals."""


_OUT = Parameter(
    help="Write the scores, every document's too, to this JSON file; `compare` reads such files."
)


@app.default
def evaluate(
    model: Annotated[Path, Parameter(help="A model folder.")],
    *,
    data: Annotated[Data, FLAT] = Data(),
    out: Annotated[Path | None, _OUT] = None,
    fresh: Fresh = False,
    as_json: Json = False,
    log: Log = "auto",
) -> None:
    """Bits per byte and perplexity of held-out text: `zhixing evaluate runs/quickstart/gpt --data runs/quickstart/data/corpus`."""
    source = _required(data)
    if out is not None:
        check_out(out, [source], fresh=fresh)
    progress = reporter(log)
    with nullcontext() if out is None else new_folder(out.parent):  # refused before the work
        began = time.monotonic()
        loaded = _open(model, progress)
        window = _window([loaded], data.window)
        scored = _score(model, loaded, source, window, data.split, progress)
        seconds = time.monotonic() - began
        from zhixing.evaluate.result import save_result, to_json

        result = to_json(scored, seed=data.seed) | {"seconds": round(seconds, 3)}
        if out is not None:
            save_result(out, scored, seed=data.seed)
    if as_json:
        print_json(result)
    else:
        print(_table(result))


@app.command
def compare(
    a: Annotated[Path, Parameter(help="A model folder, or a file written by evaluate --out.")],
    b: Annotated[Path, Parameter(help="Another one.")],
    *,
    data: Annotated[Data, FLAT] = Data(),
    as_json: Json = False,
    log: Log = "auto",
) -> None:
    """Test whether A is better than B on the same documents: `zhixing evaluate compare A B --data DIR`."""
    first, second = _both(a, b, data, reporter(log))
    from zhixing.evaluate.metrics import compare as compare_scores

    results = compare_scores(first, second, seed=data.seed)
    if as_json:
        found = [asdict(c) | {"is_significant": c.is_significant} for c in results]
        value = {
            "a": str(a),
            "b": str(b),
            "signatures": [str(first.signature), str(second.signature)],
            "comparisons": found,
        }
        print_json(value)
        return
    print(_verdicts(str(a), str(b), results))


def _required(data: Data) -> Path:
    if data.data is None:
        raise UsageError(
            "--data is missing: give a corpus folder (zhixing data build), or a file or folder of text "
            "(txt, md, html, jsonl, csv, tsv, parquet)"
        )
    if not data.data.exists() and not any(mark in str(data.data) for mark in "*?["):
        raise DataError(
            f"--data {data.data} does not exist; name a corpus folder, or files or a folder of text"
        )
    return data.data


def _open(model: Path, progress: "Progress") -> "Loaded[LanguageModel]":
    progress.start(f"opening {model}")
    from zhixing.checkpoint.folder import load_model

    loaded = load_model(model)
    progress.finish(f"{model}: {loaded.manifest.model_kind}")
    return loaded


def _window(models: Sequence["Loaded[LanguageModel]"], asked: int | None) -> int:
    """The window asked for, else the longest that every model can use."""
    if asked is None:
        from zhixing.evaluate.harness import widest

        return widest([each.model for each in models]).time
    if all(each.model.max_time is None for each in models):
        raise UsageError(
            f"--window {asked}: this kind of model carries its state through the whole text and has no window; "
            "leave --window out"
        )
    return asked


def _score(
    folder: Path,
    loaded: "Loaded[LanguageModel]",
    data: Path,
    window: int,
    split: str | None,
    progress: "Progress",
) -> "Scored":
    from zhixing.corpus.texts import read_texts, with_languages
    from zhixing.evaluate.harness import Window, score_documents, signature
    from zhixing.evaluate.metrics import Scored

    chosen = Window(time=window)
    scores = score_documents(
        loaded.model,
        loaded.tokenizer,
        with_languages(read_texts(data, split=split, usual_split="test")),
        window=chosen,
        progress=progress,
    )
    signed = signature(loaded.model, loaded.tokenizer, scores, window=chosen)
    return Scored(model=str(folder), scores=tuple(scores), signature=signed)


def _both(a: Path, b: Path, data: Data, progress: "Progress") -> tuple["Scored", "Scored"]:
    """Saved scores as they are; model folders scored now, with the window of a saved score if there is one."""
    from zhixing.checkpoint.folder import check_is_model
    from zhixing.evaluate.result import read_result

    for path in (a, b):
        if path.is_file() and path.suffix == ".jsonl":
            raise UsageError(
                f"{path} has one answer a line; two files of answers are compared with: zhixing evaluate score --task TASK "
                f"{a} REFERENCES --against {b}"
            )
    saved = {path: read_result(path) for path in (a, b) if path.is_file()}
    if len(saved) == 2 and (data.data or data.split or data.window):
        raise UsageError(
            f"{a} and {b} are both saved scores, so --data, --split and --window would do nothing; leave them out"
        )
    folders = [path for path in (a, b) if path not in saved]
    for path in folders:  # before the first is opened
        check_is_model(path)
    if folders:
        _required(data)
    models = {path: _open(path, progress) for path in folders}
    scored = dict(saved)
    for path, loaded in models.items():
        used = [s.signature.window for s in saved.values() if s.signature.window is not None]
        keep = data.window is None and used
        window = used[0] if keep else _window(list(models.values()), data.window)
        scored[path] = _score(path, loaded, _required(data), window, data.split, progress)
    return scored[a], scored[b]


def _table(result: dict[str, Any]) -> str:
    """Scores as aligned lines, with what they depend on."""
    lines = [f"{'':10} {'bits/byte':>9}  {'95 % interval':15} {'perplexity':>10}  95 % interval"]
    for language, metrics in result["scores"].items():
        bits, perplexity = metrics.get("bits_per_byte", NONE), metrics["perplexity"]
        lines.append(
            f"{language:10} {figure(bits['value'], 3):>9}  {interval(bits['low'], bits['high'], 3):15} "
            f"{figure(perplexity['value'], 1):>10}  "
            f"{interval(perplexity['low'], perplexity['high'], 1)}"
        )
    lines.append(
        f"{result['documents']:,} documents, {result['bytes']:,} bytes, {result['tokens']:,} tokens "
        f"in {result['seconds']:.1f} s · {result['signature']}"
    )
    if "bits_per_byte" not in result["scores"]["all"]:
        lines.append("no bits per byte: this tokenizer drops part of the text, which would be free")
    if result["documents"] < 2:
        lines.append("no interval: a single document; give several files, or .jsonl")
    return "\n".join(lines)


def _verdicts(a: str, b: str, results: Sequence["Comparison"]) -> str:
    lines = [f"A {a}", f"B {b}", ""]
    lines.append(f"{'':10} {'A':>7} {'B':>7} {'A - B':>8}  {'95 % interval':18} {'p':>7}")
    for one in results:
        span = "–" if one.low is None else f"{one.low:+.4f} – {one.high:+.4f}"
        lines.append(
            f"{one.language:10} {one.a:7.3f} {one.b:7.3f} {one.difference:+8.4f}  {span:18} {one.p_value:7.4f}"
        )
    overall = results[0]
    better = "A" if overall.difference < 0 else "B"
    verdict = f"{better} is better" if overall.is_significant else "no difference was found"
    lines.append(f"\n{verdict} (bits per byte, {overall.count:,} documents, paired)")
    return "\n".join(lines)
