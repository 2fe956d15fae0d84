"""The command line: one file per command, each imported only when it is typed."""

import errno
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from zhixing import __version__
from zhixing.core.errors import UsageError, ZhixingError

if TYPE_CHECKING:
    from cyclopts import App

SUMMARY = "From your own text, English or Chinese, to a language model you understand."

COMMANDS = {
    "quickstart": ("zhixing.cli.quickstart:quickstart", "Text to a measured ladder of models."),
    "data": ("zhixing.cli.data:app", "List, fetch, build and inspect text."),
    "tokenizer": ("zhixing.cli.tokenizer:app", "Train and inspect tokenizers."),
    "preview": ("zhixing.cli.preview:preview", "Show the first examples that a recipe learns."),
    "train": ("zhixing.cli.train:train", "Train what a recipe says."),
    "vectors": ("zhixing.cli.vectors:app", "Learn, look at and measure word vectors."),
    "evaluate": ("zhixing.cli.evaluate:app", "Score a model, with intervals."),
    "apply": ("zhixing.cli.apply:apply", "A model's answers to every row of a file."),
    "calibrate": (
        "zhixing.cli.calibrate:calibrate",
        "Probabilities of labels that mean what they say.",
    ),
    "generate": ("zhixing.cli.generate:generate", "Continue a prompt."),
    "chat": ("zhixing.cli.chat:chat", "Talk to a model that has learnt to answer."),
    "theory": (
        "zhixing.cli.theory:theory",
        "The ideas behind the models, worked out with numbers.",
    ),
    "export": ("zhixing.cli.export:export", "Write a model for other programs."),
    "adapter": ("zhixing.cli.adapter:app", "Merge what was learnt beside a model into it."),
    "import": ("zhixing.cli.import_:import_", "Take in a folder made elsewhere."),
    "verify": ("zhixing.cli.verify:app", "Check the promises of parity on this machine."),
    "bench": ("zhixing.cli.bench:bench", "Measure our speeds beside those of others."),
    "doctor": ("zhixing.cli.doctor:doctor", "What this machine has, and what is missing."),
}


def overview() -> str:
    """What `zhixing --help` shows: known without loading any library, so that it is there at once."""
    named = {name: summary for name, (_, summary) in COMMANDS.items()}
    options = {"--help (-h)": "Display this message and exit.", "--version": "Show the version."}
    lines = [f"  {name:<12}{summary}" for name, summary in {**named, **options}.items()]
    return "\n".join(["Usage: zhixing COMMAND", "", SUMMARY, "", *lines])


def build_app() -> "App":
    """The command tree; nothing below a command is imported until it is used."""
    from cyclopts import App

    app = App(
        name="zhixing",
        version=__version__,
        help=SUMMARY,
        help_format="plaintext",  # Markdown would load a parser for every --help
        suppress_keyboard_interrupt=False,  # `main` answers it, with a word
    )
    for name, (target, summary) in COMMANDS.items():
        app.command(target, name=name, help=summary)
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Exit code: 0 done, 1 failed, 2 gate not met, 3 wrong usage, 130 interrupted."""
    try:
        code = _run(arguments)
        sys.stdout.flush()  # here, where a failure is known for what it is
    except BrokenPipeError:  # the reader of our output has gone (`| head`)
        _forget_output()
        return 0
    except OSError as error:
        if error.errno is None:  # not of the system: a library's word for a mistake of ours
            raise
        return _failed(error)
    return code


def _failed(error: OSError) -> int:
    """Say what the system refused, and the exit code of that."""
    try:
        sys.stdout.flush()
    except OSError:  # it is the output itself that cannot be written
        _forget_output()
    where = error.filename or "the output"
    cure = "; free some space and run the same command again" if error.errno == errno.ENOSPC else ""
    print(f"zhixing: {where}: {error.strerror or error}{cure}", file=sys.stderr)
    return ZhixingError.exit_code


def _forget_output() -> None:
    """Let what is still to be written go nowhere, so that Python does not try again, and complain, when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _run(arguments: Sequence[str] | None) -> int:
    # On a shared machine a thread that waits for its sibling by spinning (libgomp: 4 ms) takes the very core the
    # sibling needs; after 0.1 ms it sleeps instead. Read when torch loads, so it must be set before.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    if list(sys.argv[1:] if arguments is None else arguments) in ([], ["--help"], ["-h"]):
        print(overview())
        return 0
    from cyclopts.exceptions import CycloptsError

    app = build_app()
    try:
        with _termination_as_ctrl_c():
            result = app(
                arguments, exit_on_error=False, print_error=True, result_action="return_value"
            )
    except CycloptsError:
        return UsageError.exit_code
    except ZhixingError as error:
        print(f"zhixing: {error}", file=sys.stderr)
        return error.exit_code
    except PermissionError as error:  # a folder that may not even be looked into
        print(
            f"zhixing: {error.filename} cannot be opened ({error.strerror}); check who may read and write it",
            file=sys.stderr,
        )
        return ZhixingError.exit_code
    except KeyboardInterrupt:
        print("zhixing: interrupted", file=sys.stderr)
        return 130
    return result if isinstance(result, int) else 0


@contextmanager
def _termination_as_ctrl_c() -> Iterator[None]:
    """SIGTERM (a scheduler, a service manager, `kill`) stops a command as Ctrl-C does: tidied up, with a word, 130."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    is_ours = (
        threading.current_thread() is threading.main_thread()  # Python allows it nowhere else
        and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL  # not `nohup`-like or an embedder's
    )
    if is_ours:
        signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        if is_ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
