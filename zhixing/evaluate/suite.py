"""Suites: folders of examples with labels, and how their texts become prompts, in a small TOML file.

    shots = [0, 4]                      one measurement for each number of examples in the prompt

    [[sets]]
    folder = "runs/reviews"             train, validation and test, as for `zhixing evaluate baselines`
    language = "zh"                     the usual template and content-free texts
    words = { positive = "好", … }       how labels are written; else as they are

The scoring is prompting.py.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from zhixing.core.config import Config, read_recipe
from zhixing.core.errors import DataError, UsageError
from zhixing.evaluate.baselines.labels import Parts, read_parts
from zhixing.evaluate.prompting import FREE, TEMPLATES, Wording, wording_of

SHIPPED = Path(__file__).with_name("suites")
"""Suites that can be named."""


class SetConfig(Config):
    """One folder of examples."""

    folder: str = Field(min_length=1)
    """Where train, validation and test are."""
    language: Literal["en", "zh"]
    """Of the usual template and of the texts without content."""
    made_by: str = ""
    """The command that makes the folder, told where it is not there."""
    template: str = ""
    """How an example is written, with {text} and then {label}; empty: the usual one of the language."""
    words: dict[str, str] = Field(default_factory=dict)
    """How labels are written in a prompt; those that are left out are written as they are."""
    free: tuple[str, ...] = ()
    """Texts without content that calibrate; empty: the usual ones of the language."""
    longest: int | None = Field(default=None, ge=1)
    """Characters of a text that stand in a prompt; all unless given."""
    shots: tuple[Annotated[int, Field(ge=0)], ...] = ()
    """Numbers of examples in a prompt; empty: those of the suite."""

    def wording(self, parts: Parts) -> Wording:
        """How the examples of the folder become prompts. Raises UsageError for words of labels that it does not have."""
        labels = sorted({*parts.train.labels})
        if unknown := sorted({*self.words} - {*labels}):
            raise UsageError(
                f"words names the label {unknown[0]!r}; the labels of {self.folder} are {', '.join(labels)}"
            )
        return wording_of(
            self.template or TEMPLATES[self.language],
            {label: self.words.get(label, label) for label in labels},
            free=self.free or FREE[self.language],
            longest=self.longest,
        )


class Suite(Config):
    """What is measured, and with how many examples in a prompt."""

    shots: tuple[Annotated[int, Field(ge=0)], ...] = Field(default=(0, 4), min_length=1)
    """Numbers of examples in a prompt, for sets that do not have their own; each is measured."""
    sets: tuple[SetConfig, ...] = Field(min_length=1)
    """The folders."""


def find_suite(name: str) -> Suite:
    """The suite in a file, or the shipped one of this name. Raises UsageError where there is neither."""
    path = Path(name)
    shipped = SHIPPED / f"{name}.toml"
    if not path.is_file() and path.suffix != ".toml" and shipped.is_file():
        path = shipped
    if not path.is_file():
        names = sorted(each.stem for each in SHIPPED.glob("*.toml"))
        raise UsageError(f"there is no suite {name}; those that ship are: {', '.join(names)}")
    return read_recipe(path, Suite)


def open_set(config: SetConfig) -> Parts:
    """The examples of a set. Raises DataError, with the command that makes them, where they are not there."""
    folder = Path(config.folder)
    if not folder.is_dir() and config.made_by:
        raise DataError(f"there is no folder {folder}; type: {config.made_by}")
    return read_parts(folder)
