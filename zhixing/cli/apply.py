"""`zhixing apply`: a model's answers to every row of a file, line by line."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from zhixing.cli.apply_lines import (
    Amount,
    Line,
    Output,
    Told,
    answered,
    groups,
    measure,
    of_the_row,
    parse,
)
from zhixing.cli.apply_lines import read_lines as read_file
from zhixing.cli.apply_tasks import TASKS, How, Library, Task, num_tokens, picked
from zhixing.cli.console import FLAT, Json, Log, Switch, check_out, print_json, reporter
from zhixing.core.errors import (
    DataError,
    InterruptedRunError,
    UnsupportedError,
    UsageError,
    ZhixingError,
)
from zhixing.core.files import explained, json_line, sha256_json
from zhixing.core.interrupt import StopRequest, stop_requests
from zhixing.corpus.raw import inner_suffix
from zhixing.corpus.tables import MAX_RECORD_CHARACTERS

if TYPE_CHECKING:
    from zhixing.api import Model
    from zhixing.core.progress import Progress

TaskName = Literal[
    "classify",
    "regress",
    "tag",
    "answer",
    "rank",
    "recommend",
    "embed",
    "search",
    "translate",
    "summarise",
    "generate",
    "chat",
]
TEXT_SUFFIXES = (".txt", ".md")


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the fields of a row are called, and how to answer; an option that a task does not read is refused."""

    text: str | None = None
    """Field of the text (text)."""
    text1: str | None = None
    """Field of the first text of a pair (text1)."""
    text2: str | None = None
    """Field of the second text of a pair (text2)."""
    tokens: str | None = None
    """Field of a list of words to tag (tokens)."""
    predicate: str | None = None
    """Field of the place of the word that tags are about, from 0 (predicate)."""
    question: str | None = None
    """Field of the question (question)."""
    context: str | None = None
    """Field of the text with the answer (context)."""
    query: str | None = None
    """Field of the query (query)."""
    texts: str | None = None
    """Field of the list of texts to order (texts)."""
    messages: str | None = None
    """Field of the list of messages to answer (messages)."""
    history: str | None = None
    """Field of the list of items that a user took, in order (history)."""
    items: Path | None = None
    """File of the items, {item, text} a line, of which some are recommended."""
    documents: Path | None = None
    """File of the documents to search, {id, text} a line."""
    count: int | None = None
    """How many documents to list for a query, or items for a history (10)."""
    cut: Annotated[bool, Switch] = False
    """Let longer texts lose their last tokens, as in training, instead of refusing them (roles: the words far from the predicate)."""
    at_least: float | None = None
    """The label is "abstain" where none is so probable, 0 to 1 (0)."""
    beam: int | None = None
    """Width of the search for a translation or a summary (1: the most probable token each time)."""
    max_tokens: int | None = None
    """Most tokens to generate (256)."""
    temperature: float | None = None
    """Below 1 safer, above 1 wilder; 0 always takes the most probable token (1)."""
    top_p: float | None = None
    """Keep the fewest most probable tokens that reach this probability together (1)."""
    seed: int | None = None
    """Same seed, model and prompt: same text (42)."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where answers go, and what happens to rows without one."""

    out: Path | None = None
    """File of the answers, one JSON object a line; without it they go to standard output."""
    keep: tuple[str, ...] = ()
    """Field of the row to copy beside its answer, under "input"; may be given several times."""
    on_error: Literal["stop", "record"] = "stop"
    """At a row that cannot be answered: stop, or write {"line": …, "error": …} and go on."""
    resume: Annotated[bool, Switch] = False
    """Continue the file behind its last whole line."""
    fresh: Annotated[bool, Switch] = False
    """Begin the file again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What the functions below share."""

    model: "Model"
    task: Task
    names: Mapping[str, str]
    how: How
    place: Place
    origin: str
    is_typed: bool = False
    """Rows come from a terminal: Ctrl-C ends at once, for nothing is at work while a line is waited for."""


def apply(
    model: Annotated[Path, Parameter(help="A model folder.")],
    file: Annotated[
        Path | None, Parameter(help="A jsonl or txt file, also .gz or .zst; else standard input.")
    ] = None,
    *,
    task: Annotated[TaskName, Parameter(help="What to ask.")],
    options: Annotated[Options, FLAT] = Options(),
    place: Annotated[Place, FLAT] = Place(),
    as_json: Json = False,
    log: Log = "auto",
) -> None:
    """Answer every row of a file: `zhixing apply runs/mine --task classify reviews.jsonl --out labels.jsonl`.

    One line out for each row in, in order. Ctrl-C ends with 130 after what is at work is written; --resume continues. A line that
    is typed on a terminal is answered at once; Ctrl-D ends.
    """
    _check(file, task, options, place)
    _sampling(options)
    is_typed = file is None and sys.stdin.isatty()
    is_shown = place.out is None and sys.stdout.isatty()
    has_no_room = log == "auto" and (
        is_typed or is_shown
    )  # for a bar: lines would be mixed with it
    progress = reporter("plain" if has_no_room else log)
    progress.start(f"opening {model}")
    from zhixing.api import load

    opened = load(model)
    opened.require(TASKS[task].method)
    if not (opened.learnt and opened.learnt.predicate):
        if options.predicate:
            raise UsageError("--predicate would do nothing: this model has learnt tags without one")
        if options.cut and task == "tag":
            raise UsageError(
                "--cut would do nothing: without a predicate a longer text is read in windows"
            )
    progress.finish(f"{model}: {opened.kind}")
    known = TASKS[task]
    job = Job(
        model=opened,
        task=replace(known, together=1) if is_typed else known,
        names={name: getattr(options, name) or name for name in _FIELDS},
        how=_how(options, opened, progress),
        place=place,
        origin=str(file or "standard input"),
        is_typed=is_typed,
    )
    told = _from_file(job, model, file, task, progress) if file else _from_pipe(job, progress)
    if as_json:
        rows = {"model": str(model), "task": task, "rows": told.rows, "errors": told.errors}
        rows["unknown_tokens"] = told.unknown
        print_json({**rows, "out": str(place.out) if place.out else ""})


_FIELDS = (
    *(
        "text",
        "text1",
        "text2",
        "tokens",
        "predicate",
        "question",
        "context",
        "query",
        "texts",
        "messages",
    ),
    "history",
)
NEEDED = {
    "search": ("documents", "the documents: --documents NAME.jsonl with {id, text} a line"),
    "recommend": ("items", "the items: --items NAME.jsonl with {item, text} a line"),
}
"""Task -> the option without which it cannot be done, and what to type."""


def _check(file: Path | None, task: str, options: Options, place: Place) -> None:
    """Raise UsageError for what would do nothing or cannot be."""
    known = TASKS[task]
    read = {name for each in known.fields for name in each} | {*known.reads}
    values = {f.name: getattr(options, f.name) for f in fields(options)}
    given = {name for name, value in values.items() if value is not None and value is not False}
    if unread := sorted(given - read):
        flag = unread[0].replace("_", "-")
        raise UsageError(f"--{flag} would do nothing for task {task}; leave it out")
    if options.at_least is not None and not 0.0 <= options.at_least <= 1.0:
        raise UsageError(f"--at-least {options.at_least:g}: a probability is between 0 and 1")
    for name, number in (("beam", options.beam), ("count", options.count)):
        if number is not None and number < 1:
            raise UsageError(f"--{name} {number} must be at least 1")
    option, needed = NEEDED.get(task, ("", ""))
    if option and getattr(options, option) is None:
        raise UsageError(f"task {task} needs {needed}")
    if place.resume and place.fresh:
        raise UsageError("--resume continues a file and --fresh begins it again; give one of them")
    if place.out is None and (place.resume or place.fresh):
        raise UsageError("--resume and --fresh need the file of the answers: --out NAME")
    if file is None and place.resume:
        raise UsageError("standard input cannot be continued, it is gone: give a file")
    if place.out is not None:
        sources = [path for path in (file, options.documents, options.items) if path]
        check_out(place.out, sources, fresh=True)  # Output looks at what is there
    if file is None:
        return
    if file.is_dir():
        raise DataError(f"{file} is a folder; give one jsonl or txt file")
    if not file.is_file():
        cure = "; to read standard input, leave it out" if file.exists() else ""  # a pipe
        raise DataError(f"there is no file {file}{cure}")
    suffix = inner_suffix(file)
    if suffix not in (".jsonl", *TEXT_SUFFIXES):
        raise UsageError(
            f"{file} is neither .jsonl nor .txt (also .gz, .zst); convert it first, type: zhixing data convert {file} --out "
            f"{file.with_suffix('.jsonl')}"
        )
    if suffix in TEXT_SUFFIXES and ("text",) not in known.fields:
        wanted = ", ".join(known.fields[0])
        raise UsageError(
            f"task {task} reads the fields {wanted}, which a line of {file} has not: give a jsonl file"
        )
    if suffix in TEXT_SUFFIXES and (place.keep or options.text):
        raise UsageError(
            f"a line of {file} has no fields to name or keep; leave --keep and --text out"
        )


def _how(options: Options, model: "Model", progress: "Progress") -> How:
    return How(
        cut=options.cut,
        at_least=options.at_least or 0.0,
        beam=options.beam or 1,
        sampling=_sampling(options),
        count=10 if options.count is None else options.count,
        library=_library(options, model, progress),
        items=_items(options, model),
    )


def _sampling(options: Options) -> dict[str, Any]:
    """What was said about sampling. Raises UsageError for a value that cannot be."""
    from zhixing.engine.request import sampling_params

    names = ("max_tokens", "temperature", "top_p", "seed")
    given = {name: getattr(options, name) for name in names}
    said = {name: value for name, value in given.items() if value is not None}
    sampling_params(said)
    return said


def _library(options: Options, model: "Model", progress: "Progress") -> Library | None:
    """The documents of a search with their vectors; None for other tasks. Raises DataError for what is no document."""
    if options.documents is None:
        return None
    from zhixing.api.searching import Index
    from zhixing.core.files import sha256_file
    from zhixing.corpus.searches import read_documents

    path = options.documents
    documents = read_documents(path)
    progress.start(f"vectors of {len(documents):,} documents")
    try:
        index = Index(model, [*documents.values()], cut=options.cut)
    except (DataError, UnsupportedError) as error:
        raise type(error)(f"{path}: {error} (--cut reads the beginning of a longer one)") from error
    progress.finish(f"{path}: {len(index):,} documents")
    return Library(names=(*documents,), index=index, sha256=sha256_file(path))


def _items(options: Options, model: "Model") -> Mapping[str, str] | None:
    """The items to choose from; None for other tasks. What is wrong with one is told before the work."""
    if options.items is None:
        return None
    from zhixing.corpus.histories import items_of
    from zhixing.corpus.rows import find_tables, placed_rows

    items = items_of(placed_rows(find_tables(str(options.items))), origin=str(options.items))
    try:
        model.recommend([], items, cut=options.cut)
    except (DataError, UnsupportedError) as error:
        raise type(error)(f"{options.items}: {error}") from error
    return items


def _from_file(job: Job, folder: Path, file: Path, task: str, progress: "Progress") -> Told:
    amount = measure(file)
    is_text = inner_suffix(file) in TEXT_SUFFIXES
    lines = read_file(file, is_text=is_text)
    if job.place.out is None:
        return _answer_all(job, lines, sys.stdout.buffer, amount.lines, progress, done=Told())
    output = Output(job.place.out, _stamp(job, folder, task, amount))
    done = output.begin(resume=job.place.resume, fresh=job.place.fresh)
    how_to_go_on = "to continue, type the same command with --resume"
    try:
        with output.path.open("ab") as target:
            return _answer_all(job, lines, target, amount.lines, progress, done=done)
    except InterruptedRunError as error:
        raise InterruptedRunError(f"{error} to {output.path}; {how_to_go_on}") from error
    except OSError as error:  # reading tells its own
        raise ZhixingError(f"{explained(error, output.path)}; {how_to_go_on}") from error


def _from_pipe(job: Job, progress: "Progress") -> Told:
    """Rows of standard input: jsonl where the first line is a JSON object, else texts."""
    lines = _piped()
    if job.place.out is None:
        return _answer_all(job, lines, sys.stdout.buffer, None, progress, done=Told())
    Output(job.place.out, {}).begin(resume=False, fresh=job.place.fresh)
    with job.place.out.open("ab") as target:
        return _answer_all(job, lines, target, None, progress, done=Told())


def _piped() -> Iterator[Line]:
    is_text: bool | None = None
    given = iter(lambda: sys.stdin.buffer.readline(MAX_RECORD_CHARACTERS + 1), b"")
    for number, raw in enumerate(given, start=1):
        if len(raw) > MAX_RECORD_CHARACTERS:
            raise DataError(
                f"standard input:{number} has more than {MAX_RECORD_CHARACTERS} bytes in one line"
            )
        try:
            line = raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise DataError(
                f"standard input:{number} is not UTF-8 text; convert it first, such as with iconv -f GB18030 -t UTF-8, or give "
                "a file: its encoding is told by its content"
            ) from error
        if is_text is None:
            is_text = not line.lstrip().startswith("{")
        yield from parse(line, number, is_text=is_text)


def _stamp(job: Job, folder: Path, task: str, amount: Amount) -> dict[str, Any]:
    """What answers are made from: a file that is continued must have the same."""
    from zhixing.checkpoint.manifest import NAME, hashes, read_manifest

    is_ours = (folder / NAME).is_file()
    files = dict(read_manifest(folder).files) if is_ours else hashes(folder)
    settings = {"task": task, "names": dict(job.names), "how": job.how.settings()}
    return {
        "input": amount.sha256,
        "model": sha256_json(files),
        "task or option": sha256_json({**settings, "keep": list(job.place.keep)}),
    }


def _answer_all(
    job: Job,
    lines: Iterator[Line],
    target: IO[bytes],
    total: int | None,
    progress: "Progress",
    *,
    done: Told,
) -> Told:
    """Answer group after group; the rows in `done` are written already."""
    told = Told(errors=done.errors)
    progress.start(f"answering {job.origin}", total=total, unit="rows")
    size = job.task.together
    with nullcontext(StopRequest()) if job.is_typed else stop_requests() as stop:
        for number, group in enumerate(groups(lines, size)):
            left = done.rows - number * size
            if left >= len(group):
                told.rows += len(group)
            else:
                _write(job, group, target, skip=max(0, left), told=told)
            progress.advance(len(group), f"{told.rows:,} rows")
            _check_stop(stop, told)
    progress.finish(f"{job.origin}: {told}")
    return told


def _write(job: Job, group: Sequence[Line], target: IO[bytes], *, skip: int, told: Told) -> None:
    """Write the answers of a group but for the first `skip`. Raises DataError at a row that stops the run."""
    made: list[bytes] = []
    failure: ZhixingError | None = None
    for line, found in zip(group, _answers(job, group, told), strict=True):
        if isinstance(found, ZhixingError) and job.place.on_error == "stop":
            failure = DataError(f"{job.origin}:{line.number}: {of_the_row(found)}")
            break
        if isinstance(found, ZhixingError):
            told.errors += len(made) >= skip
            found = {"error": of_the_row(found), "line": line.number}
        made.append(json_line(found))
    target.write(b"".join(made[skip:]))
    target.flush()
    told.rows += len(made)
    if failure is not None:
        raise failure


def _answers(job: Job, group: Sequence[Line], told: Told) -> list[dict[str, Any] | ZhixingError]:
    """The answer to each row of a group, or what is wrong with it; tokens that nothing is known of are counted."""
    picks = [_picked(job, line) for line in group]
    good = [pick for pick in picks if not isinstance(pick, DataError)]
    found = iter(answered(good, lambda given: job.task.answer(job.model, given, job.how)))
    made: list[dict[str, Any] | ZhixingError] = []
    read: list[tuple[Any, ...]] = []
    for line, pick in zip(group, picks, strict=True):
        answer = pick if isinstance(pick, DataError) else next(found)
        if not isinstance(answer, ZhixingError) and not isinstance(pick, DataError):
            read.append(pick)
            kept = {name: line.row[name] for name in job.place.keep}
            answer = {"input": kept, **answer} if kept else answer
        made.append(answer)
    if job.task.method != "recommend":  # which reads names
        tokens, unknown = num_tokens(job.model, read)
        told.tokens += tokens
        told.unknown += unknown
    return made


def _picked(job: Job, line: Line) -> tuple[Any, ...] | DataError:
    if line.problem:
        return DataError(line.problem)
    missing = [name for name in job.place.keep if name not in line.row]
    if missing:
        there = ", ".join(map(str, line.row)) or "none"
        return DataError(f"there is no field {missing[0]!r} to keep; the fields there are {there}")
    try:
        return picked(line.row, job.task, job.names)
    except DataError as error:
        return error


def _check_stop(stop: StopRequest, told: Told) -> None:
    if stop.signal is not None:
        raise InterruptedRunError(
            f"stopped by {stop.signal.name} after {told.rows:,} rows, which are written"
        )
