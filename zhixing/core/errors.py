"""The family of errors a user may see; everything else that escapes is a bug of ours.

ZhixingError (exit 1)
├── UsageError (exit 3)           the command line was wrong
│   └── ConfigError (exit 3)      a recipe was wrong: names file, line, key, nearest valid key
├── DataError (exit 1)            a file or a text cannot be used: names the file and what is allowed
├── CheckpointError (exit 1)      a model folder is broken, edited or unsafe
├── UnsupportedError (exit 1)     asked for something this model or build cannot do, refused by name
├── MissingExtraError (exit 1)    an optional library is not installed: names the command to type
├── GateError (exit 2)            a quality gate was not met
└── InterruptedRunError (130)     stopped by the user after everything was saved
"""

from typing import ClassVar


class ZhixingError(Exception):
    """Root of the family. The message says what was given, where, what is allowed, what to type."""

    exit_code: ClassVar[int] = 1


class UsageError(ZhixingError):
    """The command line cannot be understood or asks for something impossible."""

    exit_code = 3


class ConfigError(UsageError):
    """A recipe or an override is wrong."""


class DataError(ZhixingError):
    """A file, folder or text cannot be used as data."""


class CheckpointError(ZhixingError):
    """A model folder is missing files, was edited, is truncated or would run code when opened."""


class UnsupportedError(ZhixingError):
    """A setting, file version or request that we know of and do not support."""


class GateError(ZhixingError):
    """A measured quality did not reach the gate that was asked for."""

    exit_code = 2


class InterruptedRunError(ZhixingError):
    """Stopped by Ctrl-C or SIGTERM after the work so far was saved."""

    exit_code = 130


class MissingExtraError(ZhixingError):
    """An optional library is needed for this and is not installed."""

    def __init__(self, library: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the library {library!r}, which is not installed; "
            f"type: pip install 'zhixing[{extra}]'"
        )
