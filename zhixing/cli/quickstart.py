"""`zhixing quickstart`: text to a measured ladder of language models, in one command.

    corpus -> tokenizer -> n-gram, RNN, LSTM, GPT, mixture -> one harness -> report.html

Every step that is finished is reused and a rung that was interrupted continues, so the same command typed again
after Ctrl-C goes on where it stopped.
"""

import json
import shlex
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from zhixing.cli import duration
from zhixing.cli.console import Json, Log, Settings, Switch, print_json, reporter
from zhixing.cli.scores import interval
from zhixing.core.errors import InterruptedRunError, UnsupportedError

if TYPE_CHECKING:
    from zhixing.cli.ladder import Judged
    from zhixing.cli.recipe import Recipe
    from zhixing.core.progress import Progress
    from zhixing.tokenizer.tokenizer import Tokenizer

RUNGS = ("ngram", "rnn", "lstm", "gpt")
"""The recipes quickstart-NAME.toml, from simple to rich; the mixture of the first and the last comes on top."""

OVERHEAD = 0.08
"""Share of the budget that counting the n-gram and fitting the mixture get; the networks share the rest."""


def _gpt(*, width: int, layers: int) -> tuple[str, ...]:
    """Settings of a decoder of this size: heads of 64, a feed-forward layer of twice the width."""
    heads = width // 64
    sizes = {
        "width": width,
        "layers": layers,
        "heads": heads,
        "kv_heads": heads,
        "hidden": 2 * width,
    }
    return tuple(f"model.{name}={size}" for name, size in sizes.items())


LARGE_STEP = ("train.batch_tokens=8192", "train.lr=0.04", "train.matrix_lr=0.06")

SIZES: dict[str, tuple[tuple[float, tuple[str, ...]], ...]] = {
    "rnn": ((30, ("train.batch_tokens=8192",)),),  # wider was no better (docs/log.md)
    "lstm": ((150, ("model.width=384",)), (1200, ("model.width=768",))),
    "gpt": (
        (30, LARGE_STEP),
        (150, (*LARGE_STEP, *_gpt(width=256, layers=3))),
        (600, (*LARGE_STEP, *_gpt(width=320, layers=4))),
        (2400, (*LARGE_STEP, *_gpt(width=384, layers=6))),
    ),
}
"""From so many seconds of training per network on, other settings than the recipe's. Seconds of two cores that multiply
bf16 in hardware (docs/log.md)."""

WITHOUT_BF16 = 1 / 6
"""What a second is worth in SIZES on a machine that computes in float32."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What one call is to do."""

    texts: tuple[Path, ...]
    out: Path
    budget_seconds: float
    seed: int
    overrides: tuple[str, ...]
    command: str


@dataclass(frozen=True, kw_only=True)
class Making:
    """How to make the models."""

    out: Path = Path("runs/quickstart")
    """Folder for data, models and report."""
    budget: str = "4m"
    """Training time of the whole ladder, such as 90s, 4m or 1h."""
    seed: int = 42
    """Of weights, order and samples."""
    overrides: Settings = ()
    """table.key=value over the recipes of all rungs, such as --set tokenizer.vocab=8000."""
    fresh: Annotated[bool, Switch] = False
    """Train everything again; the prepared text is kept where it still fits."""


def quickstart(
    *texts: Annotated[
        Path,
        Parameter(
            help="Your own files or folders (txt, md, html, jsonl, csv, tsv, parquet; also .gz, .zst). Default: the "
            "documentation that every Python carries, and the People's Daily of January 1998."
        ),
    ],
    making: Annotated[Making, Parameter(name="*")] = Making(),
    as_json: Json = False,
    log: Log = "auto",
) -> int:
    """Make and measure the whole ladder of models on English and Chinese text, and write a report.

    Typed again after Ctrl-C it continues where it stopped.
    """
    from zhixing.core.files import locked

    plan = Plan(
        texts=texts,
        out=making.out,
        budget_seconds=duration.parse(making.budget),
        seed=making.seed,
        overrides=making.overrides,
        command=_command(texts, making),
    )
    with locked(making.out):
        if making.fresh:
            _forget(making.out)
        try:
            result, samples = run(plan, reporter(log))
        except KeyboardInterrupt as interrupt:
            raise InterruptedRunError(
                f"stopped; every finished step is kept in {plan.out}; to continue, type: {plan.command}"
            ) from interrupt
    if as_json:
        print_json(result)
    else:
        print(_told(result, samples, plan.out))
    return 0


def run(plan: Plan, progress: "Progress") -> tuple[dict[str, Any], list[dict[str, str]]]:
    """Do it; return the result as JSON values, and samples of the GPT."""
    from time import monotonic

    from zhixing.cli.ladder import judge_rung, make_mixture, make_rung, test_documents
    from zhixing.cli.ladder_report import as_json, report_of
    from zhixing.cli.pipeline import prepare
    from zhixing.core.files import write_json
    from zhixing.core.provenance import provenance
    from zhixing.report.page import write_report

    began = monotonic()
    recipes = load_recipes(plan)
    seed = recipes["gpt"].seed  # --set may have changed it
    prepared = prepare(recipes["gpt"], plan.out / "data", progress)
    _refuse_lossy(prepared.tokenizer)
    documents = test_documents(prepared)
    rungs = [
        make_rung(recipe, prepared, plan.out / name, command=plan.command, progress=progress)
        for name, recipe in recipes.items()
    ]
    rungs.append(make_mixture(rungs[-1], rungs[0], prepared, plan.out / "mixture", progress))
    prompts = _prompts(recipes["gpt"], prepared.card.kept["test"])
    judged = [judge_rung(rung, documents, prompts, seed=seed, progress=progress) for rung in rungs]
    made_from = provenance(
        config_hash=recipes["gpt"].hash(),
        data_hash=prepared.card.data_hash,
        tokenizer_hash=prepared.tokenizer.hash,
        seed=seed,
    )
    report = report_of(
        judged, prepared.card, made_from, command=plan.command, seconds=monotonic() - began
    )
    progress.start("report")
    write_report(plan.out / "report.html", report)
    result = as_json(report, {rung.name: str(rung.folder) for rung in rungs})
    write_json(plan.out / "result.json", result)
    progress.finish(f"report: {plan.out / 'report.html'}")
    return result, _gpt_samples(judged)


def load_recipes(plan: Plan) -> dict[str, "Recipe"]:
    """The recipe of every rung, with the budget, the seed and the user's text put in."""
    from zhixing.cli.recipe import load_recipe

    seconds = plan.budget_seconds * (1 - OVERHEAD) / (len(RUNGS) - 1)
    recipes = {}
    for name in RUNGS:
        settings = [f"seed={plan.seed}", *_sources(plan.texts)]
        if name != "ngram":
            settings += [f"train.budget_seconds={seconds}", *sized(name, seconds)]
        recipes[name] = load_recipe(
            Path(f"quickstart-{name}.toml"), [*settings, *_for_rung(name, plan.overrides)]
        )
    return recipes


def sized(name: str, seconds: float) -> list[str]:
    """Settings that make a network and its steps as large as its training time can use: the last of SIZES that fits."""
    import torch

    from zhixing.train.precision import has_native_bf16

    worth = seconds if has_native_bf16(torch.device("cpu")) else seconds * WITHOUT_BF16
    fitting = [settings for least, settings in SIZES[name] if worth >= least]
    return list(fitting[-1]) if fitting else []


def _for_rung(name: str, overrides: tuple[str, ...]) -> list[str]:
    """An n-gram model has no training settings to override."""
    return [each for each in overrides if name != "ngram" or not each.startswith("train.")]


def _sources(texts: tuple[Path, ...]) -> list[str]:
    """The user's files as sources of the corpus, each with a name of its own."""
    if not texts:
        return []
    tables = [
        f'{{ name = "text-{number}", path = {json.dumps(str(path), ensure_ascii=False)} }}'
        for number, path in enumerate(texts, start=1)
    ]
    return [f"corpus.sources=[{', '.join(tables)}]"]


def _refuse_lossy(tokenizer: "Tokenizer") -> None:
    """Rungs are ranked by bits per byte, which only means something when no byte is free."""
    if not tokenizer.is_lossless:
        raise UnsupportedError(
            "the ladder compares models by bits per byte, and this kind of tokenizer drops part of the text, which "
            "would be free; use tokenizer.kind = byte_bpe or unigram"
        )


def _prompts(recipe: "Recipe", kept: Container[str]) -> tuple[str, ...]:
    """The prompts in languages that the corpus has; one at least."""
    from zhixing.cli.recipe import prompt_language

    fitting = [prompt for prompt in recipe.samples if prompt_language(prompt) in kept]
    return tuple(fitting) or recipe.samples[:1] or ("The ",)


def _gpt_samples(judged: "list[Judged]") -> list[dict[str, str]]:
    gpt = next(each for each in judged if each.made.name == "gpt")
    return list(gpt.samples)


def _forget(out: Path) -> None:
    """Make every rung look unfinished; training then begins again and replaces it."""
    for name in (*RUNGS, "mixture"):
        (out / name / "effort.json").unlink(missing_ok=True)


def _command(texts: tuple[Path, ...], making: Making) -> str:
    parts = ["zhixing", "quickstart", *map(str, texts), "--out", str(making.out)]
    parts += ["--budget", making.budget]
    parts += ["--seed", str(making.seed)] * (making.seed != Making.seed)
    return shlex.join([*parts, *(part for each in making.overrides for part in ("--set", each))])


def _told(result: dict[str, Any], samples: list[dict[str, str]], out: Path) -> str:
    lines = ["model     bits per byte        parameters  train tok/s  generate tok/s"]
    for rung in sorted(result["ladder"], key=lambda each: each["bits_per_byte"]["all"]):
        lines.append(
            f"{rung['model']:8}  {rung['bits_per_byte']['all']:.3f} "
            f"[{interval(rung['low'], rung['high'], 3)}]  {rung['parameters']:>10,}  "
            f"{rung['train_tokens_per_second']:>11,.0f}  {rung['generate_tokens_per_second']:>14,.0f}"
        )
    for each in samples:
        lines += ["", f"gpt continues {each['prompt']!r}:", f"{each['prompt']}{each['text']}"]
    prompt = samples[0]["prompt"].strip()
    lines += [
        "",
        f"report:              {out / 'report.html'}",
        f'write with it:       zhixing generate {out / "gpt"} --prompt "{prompt}"',
        "on your own text:    zhixing quickstart path/to/your/files --out runs/mine",
        "one model, longer:   zhixing train recipes/quickstart-gpt.toml --set train.budget_seconds=600",
    ]
    return "\n".join(lines)
