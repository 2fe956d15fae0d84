"""`zhixing evaluate writing`: what models write behind the same beginnings, and how well they predict what really follows."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from zhixing.cli.baselines import MARKDOWN, training_seconds
from zhixing.cli.console import FLAT, Fresh, Json, Log, check_forms, check_out, print_json, reporter
from zhixing.cli.contest_table import kept_on_stop, require
from zhixing.cli.scores import MISSING
from zhixing.core.errors import UsageError
from zhixing.core.files import write_json_lines

if TYPE_CHECKING:
    from zhixing.api import Model
    from zhixing.cli.task_rows import TaskRow
    from zhixing.core.progress import Progress
    from zhixing.evaluate.generation import Prompt
    from zhixing.evaluate.metrics import Comparison, Scored
    from zhixing.evaluate.score import Score
    from zhixing.evaluate.tasks.writing import Training

TRUE = "what really follows"
SHOWN = ("bits_per_byte", "repetition_4", "distinct_2", "novelty_4", "longest_copy")


@dataclass(frozen=True, kw_only=True)
class Options:
    """What is written, and how much of it."""

    data: Path | None = None
    """A corpus folder (zhixing data build): its test part is continued, its train part is what could be copied."""
    num: int = 100
    """How many documents are continued, evenly spaced."""
    lines: int = 0
    """Lines of a document that are its beginning, such as 2 for title and author; 0: its first 40 characters."""
    max_tokens: int = 100
    """Most tokens to write."""
    temperature: float = 0.8
    """Below 1 safer, above 1 wilder; 0 always takes the most probable token."""
    top_p: float = 1.0
    """Keep the fewest most probable tokens that reach this probability together."""
    seed: int = 42
    """Of the first text and of the bootstrap."""
    out: Path | None = None
    """Write the beginnings with all that was written to this jsonl file."""
    fresh: Fresh = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Writer:
    """A model, or the documents themselves (no `scored`): texts, and what is told of it."""

    name: str
    texts: Sequence[str]
    parameters: int | None = None
    seconds: float | None = None
    scored: "Scored | None" = None


_MODELS = Parameter(help="Model folders; the first is what the others are compared with.")


def writing(
    *models: Annotated[Path, _MODELS],
    options: Annotated[Options, FLAT] = Options(),
    markdown: Annotated[bool, MARKDOWN] = False,
    as_json: Json = False,
    log: Log = "auto",
) -> None:
    """Continue held-out documents: `zhixing evaluate writing runs/quickstart/ngram runs/quickstart/gpt --data runs/quickstart/data/corpus`.

    For each model and language: bits per byte, repetition, variety, and how much is new beside the training text. Ctrl-C keeps
    in --out what models have written that are finished.
    """
    data = _checked(models, options, markdown=markdown, as_json=as_json)
    opened = [(folder, _opened(folder)) for folder in models]
    from zhixing.corpus.store import read_documents
    from zhixing.evaluate.generation import prompts_of, what_followed

    progress = reporter(log)
    documents = list(read_documents(data, "test"))
    prompts = prompts_of(documents, num=options.num, lines=options.lines)
    writers: list[Writer] = []
    with kept_on_stop(progress, lambda: _kept(options.out, prompts, writers)):
        for folder, model in opened:
            writers.append(_write(folder, model, documents, prompts, options, progress))
    true = Writer(name=TRUE, texts=what_followed(prompts, [each.texts for each in writers]))
    if options.out is not None:
        _save(options.out, prompts, [*writers, true])
    learnt = _learnt(data, {each.language for each in prompts}, progress)
    found = [
        (language, writer, _scores(writer, language, prompts, learnt[language], options.seed))
        for language in sorted(learnt)
        for writer in (*writers, true)
    ]
    differences = _differences(writers, options.seed)
    if as_json:
        print_json(_as_json(options, prompts, found, differences))
    else:
        from zhixing.cli.task_rows import markdown as line

        rows = [_row(data, *each, differences, writers[0].name) for each in found]
        print("\n".join(map(line if markdown else _told, rows)))


def _checked(models: Sequence[Path], options: Options, *, markdown: bool, as_json: bool) -> Path:
    """The corpus, when everything that was typed can be done."""
    from zhixing.corpus.texts import is_corpus

    check_forms(markdown=markdown, as_json=as_json)
    if not models:
        raise UsageError(
            "name one model folder or more: zhixing evaluate writing MODEL… --data CORPUS"
        )
    if options.data is None or not is_corpus(options.data):
        raise UsageError(
            f"--data {options.data or 'is missing'}: give the folder of a built corpus, such as runs/quickstart/data/corpus"
        )
    if options.out is not None:
        check_out(options.out, fresh=options.fresh)
    return options.data


def _opened(folder: Path) -> "Model":
    """A model that predicts text and writes it. Raises UnsupportedError for another."""
    import zhixing

    model = zhixing.load(folder)
    require(model, folder, "score")
    require(model, folder, "generate")
    return model


def _write(
    folder: Path,
    model: "Model",
    documents: Sequence[Any],
    prompts: "Sequence[Prompt]",
    options: Options,
    progress: "Progress",
) -> Writer:
    from zhixing.cli.judge import judge
    from zhixing.engine.request import sampling_params
    from zhixing.evaluate.generation import continuations

    names = ("max_tokens", "temperature", "top_p", "seed")
    params = sampling_params({name: getattr(options, name) for name in names})
    scored = judge(model, list(documents), name=str(folder), progress=progress)
    progress.start(f"texts of {folder}")
    texts = continuations(model, prompts, params)
    progress.finish(f"{folder}: {len(texts):,} texts, {sum(map(len, texts)):,} characters")
    return Writer(
        name=str(folder),
        texts=texts,
        parameters=model.num_parameters,
        seconds=training_seconds(folder),
        scored=scored,
    )


def _learnt(data: Path, languages: set[str], progress: "Progress") -> "dict[str, Training]":
    from zhixing.corpus.store import read_documents
    from zhixing.evaluate.tasks.writing import training_of

    found = {}
    for language in sorted(languages):
        progress.start(f"words of the training documents in {language}")
        texts = (d.text for d in read_documents(data, "train") if d.language == language)
        found[language] = training_of(texts, language)
        progress.finish(f"{language}: {found[language].num_words:,} words to learn from")
    return found


def _scores(
    writer: Writer, language: str, prompts: "Sequence[Prompt]", learnt: "Training", seed: int
) -> "list[Score]":
    from zhixing.evaluate.metrics import summarise
    from zhixing.evaluate.tasks.measure import scores
    from zhixing.evaluate.tasks.writing import judge_writing

    texts = [
        text for text, each in zip(writer.texts, prompts, strict=True) if each.language == language
    ]
    made = {
        each.name: each
        for each in scores(judge_writing(texts, learnt, language=language), seed=seed)
    }
    if writer.scored is not None:
        signature = writer.scored.signature
        made |= summarise(writer.scored.scores, seed=seed, signature=signature)[language]
    return [made[name] for name in SHOWN if name in made]


def _differences(writers: Sequence[Writer], seed: int) -> "dict[tuple[str, str], Comparison]":
    """Model and language -> its bits per byte beside those of the first model."""
    from zhixing.evaluate.metrics import compare

    first = writers[0].scored
    return {
        (writer.name, one.language): one
        for writer in writers[1:]
        if writer.scored is not None and first is not None
        for one in compare(writer.scored, first, seed=seed)
    }


def _row(
    data: Path,
    language: str,
    writer: Writer,
    scores: "Sequence[Score]",
    differences: "Mapping[tuple[str, str], Comparison]",
    first: str,
) -> "TaskRow":
    from zhixing.cli.task_rows import TaskRow, told_system

    found = differences.get((writer.name, language))
    verdict = "what is compared with" if writer.name == first else MISSING
    if found is not None:
        low, high = found.low or 0.0, found.high or 0.0
        word = "better" if found.difference < 0 else "worse"
        verdict = (
            f"bits per byte {found.difference:+.3f} [{low:+.3f}, {high:+.3f}], p = {found.p_value:.4f}: "
            f"{word if found.is_significant else 'no difference was found'}"
        )
    return TaskRow(
        data=language,
        system=told_system(writer.name, is_model=writer.scored is not None),
        scores=scores,
        parameters=writer.parameters,
        seconds=writer.seconds,
        verdict=verdict,
    )


def _told(row: "TaskRow") -> str:
    from zhixing.cli.task_rows import told_count, told_score, told_seconds

    cost = f"parameters {told_count(row.parameters)}, training {told_seconds(row.seconds, None)}"
    lines = [f"{row.data}  {row.system}", *(f"  {told_score(each)}" for each in row.scores)]
    return "\n".join([*lines, f"  {cost}", f"  {row.verdict}", ""])


def _as_json(
    options: Options,
    prompts: "Sequence[Prompt]",
    found: "Sequence[tuple[str, Writer, list[Score]]]",
    differences: "Mapping[tuple[str, str], Comparison]",
) -> dict[str, Any]:
    rows = []
    for language, writer, scores in found:
        one = differences.get((writer.name, language))
        rows.append(
            {
                "language": language,
                "name": writer.name,
                "scores": {score.name: asdict(score) for score in scores},
                "parameters": writer.parameters,
                "seconds": writer.seconds,
                "against_first": asdict(one) | {"is_significant": one.is_significant}
                if one
                else None,
            }
        )
    return {"data": str(options.data), "texts": len(prompts), "systems": rows}


def _kept(out: Path | None, prompts: "Sequence[Prompt]", writers: "Sequence[Writer]") -> str:
    """Keep what is written when the command is stopped; a word about it."""
    if out is None or not writers:
        return "nothing is kept"
    _save(out, prompts, writers)
    return f"{out} has what was written (models: {len(writers)})"


def _save(out: Path, prompts: "Sequence[Prompt]", writers: Sequence[Writer]) -> None:
    rows = (
        {"prompt": prompt.text, "language": prompt.language}
        | {writer.name: writer.texts[place] for writer in writers}
        for place, prompt in enumerate(prompts)
    )
    write_json_lines(out, rows)
