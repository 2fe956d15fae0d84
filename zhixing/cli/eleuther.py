"""`zhixing evaluate lm-eval`: the command line of EleutherAI's lm-eval, which knows our models here."""

import sys
from typing import Annotated

from cyclopts import Parameter

from zhixing.core.errors import UsageError

_ARGUMENTS = Parameter(
    allow_leading_hyphen=True,
    help="What lm-eval's own command takes; `lm-eval run --help` lists it.",
)
_WRONG_USAGE = 2
"""What argparse, which lm-eval reads its arguments with, exits with."""


def lm_eval(*arguments: Annotated[str, _ARGUMENTS]) -> int:
    """Run lm-eval with our models beside its own: `zhixing evaluate lm-eval --model zhixing --model_args
    pretrained=runs/quickstart/gpt --tasks NAME`.

    Every argument is lm-eval's; --include_path FOLDER brings tasks of your own.
    """
    from zhixing.evaluate.eleuther import register

    register()
    from lm_eval.__main__ import cli_evaluate

    before, sys.argv = sys.argv, ["lm-eval", *arguments]  # where lm-eval looks for them
    try:
        cli_evaluate()
    except SystemExit as stop:
        return UsageError.exit_code if stop.code == _WRONG_USAGE else int(stop.code or 0)
    finally:
        sys.argv = before
    return 0
