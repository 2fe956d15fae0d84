"""Rows that a command printed go into the pages, and one table of all tasks into these and both READMEs:

    scripts/row spam-lstm > rows.md && python scripts/fill_applications.py labels=rows.md

Between the marks of `labels` in docs/{en,zh}/applications.md a row takes the place of the one of the same data and system, or
stands behind the last one of its data. The table between <!-- tasks --> and <!-- /tasks --> is made of those rows; nobody types a number by hand.
"""

import re
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

sys.path.insert(0, str(Path(__file__).parents[1]))
from scripts import rows
from tests.house.tree import ROOT
from zhixing.cli.recipe import Recipe
from zhixing.core.config import read_recipe

PAGES = {language: ROOT / "docs" / language / "applications.md" for language in ("en", "zh")}
TITLES = ROOT / "docs" / "tasks.toml"
READMES = {"en": ROOT / "README.md", "zh": ROOT / "README.zh-CN.md"}
TABLE = re.compile(r"(?<=<!-- tasks -->\n).*?(?=<!-- /tasks -->)", re.DOTALL)
REGION = re.compile(r"<!-- rows: ([\w-]+) -->\n.*?<!-- /rows: \1 -->", re.DOTALL)
LOWER = frozenset({"bits per byte"})
"""Measures of which less is better."""

FAMILIES = ("lstm", "transformer", "other")
KINDS = {
    "lstm": "lstm", "rnn": "lstm", "gru": "lstm", "tagger": "lstm", "recurrent-classifier": "lstm",
    "recurrent-reader": "lstm", "two-way": "lstm", "seq2seq": "lstm",
    "ngram": "counted", "decoder": "transformer", "encoder": "transformer", "encoder-decoder": "transformer",
}  # fmt: skip
"""The column that a kind of model is in; of the others all are in the last one. What is counted is a baseline."""
RUNGS = {"ngram": "counted", "rnn": "lstm", "lstm": "lstm", "gpt": "transformer"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A row of the table between the marks of `region`."""

    region: str
    data: str
    system: str
    scores: str
    parameters: str
    training: str
    against: str

    @property
    def folder(self) -> str | None:
        """Where the model is; None for a baseline."""
        found = re.match(r"`(runs/[\w./-]+)", self.system)
        return found[1] if found else None

    def score(self, measure: str) -> str | None:
        """A score with its interval as it is written, such as `0.928 [0.920, 0.935]`."""
        parts = self.scores.split(" · ")
        return next(
            (
                each[len(measure) + 1 :]
                for each in parts
                if re.match(rf"{re.escape(measure)} \S+( \[|$)", each)
            ),
            None,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """A line of the table of all tasks: its data, what it is called, and what is not the first measure or the best baseline."""

    region: str
    data: str
    measure: str
    en: str
    zh: str
    baseline: str = ""
    also: tuple[str, ...] = ()


TASKS = tuple(
    Task(**each | {"also": (*each.get("also", ()),)})
    for each in tomllib.loads(TITLES.read_text("utf-8"))["tasks"]
)


def read_row(line: str, region: str) -> Row | None:
    """A line of a page as a row, if it is one with six cells."""
    cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
    if not line.startswith("| ") or len(cells) != 6 or set(cells[0]) <= {"-"}:
        return None
    names = ("data", "system", "scores", "parameters", "training", "against")
    return Row(region=region, **dict(zip(names, cells, strict=True)))


def read_rows(page: str) -> list[Row]:
    """Every row of the page, in its order."""
    found = [(match[1], line) for match in REGION.finditer(page) for line in match[0].splitlines()]
    return [row for region, line in found if (row := read_row(line, region))]


def put(page: str, region: str, lines: Sequence[str]) -> str:
    """The page with each of these rows in its place. Raises LookupError where the region has no rows of their data."""

    def filled(match: re.Match[str]) -> str:
        table = match[0].splitlines()
        for line in lines if match[1] == region else ():
            if new := read_row(line, region):
                _put_row(table, new, line)
        return "\n".join(table)

    return REGION.sub(filled, page)


def _put_row(table: list[str], new: Row, line: str) -> None:
    olds = [read_row(each, new.region) for each in table]
    of_data = [n for n, old in enumerate(olds) if old and old.data == new.data]
    same = [n for n in of_data if (old := olds[n]) and old.system == new.system]
    if not of_data:
        raise LookupError(f"the table of {new.region} has no rows of {new.data}")
    if same:
        table[same[0]] = line
    else:
        table.insert(of_data[-1] + 1, line)


def summary(page: str, language: str, families: dict[str, str]) -> str:
    """The table of all tasks: the best baseline and the best model of each family, with what two paired tests say of the best."""
    known = read_rows(page)
    head = _HEADS[language]
    lines = [head, "|" + "---|" * (head.count("|") - 1)]
    for task in TASKS:
        of_task = [row for row in known if (row.region, row.data) == (task.region, task.data)]
        lines.append(_line(task, of_task, language, families))
    return "\n".join(lines) + "\n"


def families_of(page: Sequence[rows.Command]) -> dict[str, str]:
    """The column of each folder with a model that a command of the page trains."""
    found: dict[str, str] = {}
    for command in page:
        if command.makes and command.words[1] == "train":
            found[command.makes] = _family(command, page)
        elif command.makes and command.words[1] == "quickstart":
            found |= {f"{command.makes}/{rung}": family for rung, family in RUNGS.items()}
        elif command.makes and command.words[1] == "vectors":
            found[command.makes] = "other"
    return {folder: family for folder, family in found.items() if family != "counted"}


def _family(command: rows.Command, page: Sequence[rows.Command]) -> str:
    changes = [command.words[n + 1] for n, word in enumerate(command.words) if word == "--set"]
    recipe = read_recipe(
        ROOT / "recipes" / f"{rows.recipe_name(command.words[2])}.toml", Recipe, changes
    )
    if recipe.model is not None:
        return KINDS.get(recipe.model.kind, "other")
    assert recipe.finetune is not None
    begun = recipe.finetune.folder
    if PurePosixPath(begun).name in RUNGS:
        return RUNGS[PurePosixPath(begun).name]
    maker = next(each for each in page if each.makes == begun)
    return _family(maker, page)


_HEADS = {
    "en": "| task | best baseline | LSTM | Transformer | other network | the best network against the baseline |",
    "zh": "| 任务 | 最好的基线 | LSTM | Transformer | 其他网络 | 最好的网络与基线相比 |",
}
_VERDICTS = {
    "en": {"better": "ahead", "worse": "**loses**", "no difference was found": "level"},
    "zh": {"better": "领先", "worse": "**落后**", "no difference was found": "没有发现差别"},
}
_DETAILS = {
    "en": "{score}<br>{name}, {parameters}, {training}",
    "zh": "{score}<br>{name}，{parameters}，{training}",
}


def _line(task: Task, known: Sequence[Row], language: str, families: dict[str, str]) -> str:
    beside = (
        next(row for row in known if row.system == task.baseline) if task.baseline else _best(known)
    )
    models = [row for row in known if row.folder in families and row.score(task.measure)]
    columns = {
        each: [row for row in models if families[row.folder or ""] == each] for each in FAMILIES
    }
    chosen = {each: _first(found, task.measure) for each, found in columns.items()}
    best = _first([row for row in chosen.values() if row], task.measure)
    if best is None:
        raise LookupError(f"no model is measured on {task.data}")
    cells = [
        _cell(row, task.measure, language, bold=row is best) if row else "–"
        for row in chosen.values()
    ]
    title = task.en if language == "en" else task.zh
    shown = [beside, *(row for row in known if row.system in task.also)]
    baseline = "<br>".join(
        f"{row.score(task.measure)} {row.system.replace('runs/', '')}" for row in shown
    )
    return (
        f"| {title} | {baseline} | {' | '.join(cells)} | {_verdict(best, task.measure, language)} |"
    )


def _best(known: Sequence[Row]) -> Row:
    return next(
        row for row in known if row.against in ("the best baseline", "what is compared with")
    )


def _first(found: Sequence[Row], measure: str) -> Row | None:
    sign = -1 if measure in LOWER else 1
    return max(
        found, key=lambda row: sign * float((row.score(measure) or "nan").split()[0]), default=None
    )


def _cell(row: Row, measure: str, language: str, *, bold: bool) -> str:
    value, _, interval = (row.score(measure) or "").partition(" ")
    score = f"**{value}** {interval}" if bold else f"{value} {interval}"
    name = "`" + (row.folder or "").removeprefix("runs/") + "`"
    return _DETAILS[language].format(
        score=score, name=name, parameters=row.parameters, training=_minutes(row.training, language)
    )


def _minutes(training: str, language: str) -> str:
    """`556 s after 808 s` as minutes; under one as seconds."""

    def say(seconds: str) -> str:
        number = float(seconds.replace(",", ""))
        unit = {"en": ("s", "min"), "zh": ("秒", "分钟")}[language]
        return f"{number:.0f} {unit[0]}" if number < 60 else f"{number / 60:.0f} {unit[1]}"

    own, *before = [say(each) for each in re.findall(r"([\d,]+) s", training)] or ["–"]
    if not before:
        return own
    return f"{own} after {before[0]}" if language == "en" else f"{before[0]}之后 {own}"


def _verdict(row: Row, measure: str, language: str) -> str:
    """What the row's own paired test says of this measure."""
    found = re.search(
        rf"(?:^|; ){re.escape(measure)} (\S+ \[[^\]]*\]), p = ([\d.]+): (better|worse|no difference was found)",
        row.against,
    )
    if found is None:
        raise LookupError(f"{row.data}, {row.system}: no comparison of {measure}")
    return f"{_VERDICTS[language][found[3]]}<br>{found[1]}, p = {found[2]}"


def main(given: Sequence[str]) -> None:
    """Put the rows of REGION=FILE into the pages, then make the tables of all tasks again, there and in both READMEs."""
    families = families_of(rows.read_page())
    for language, path in PAGES.items():
        page = path.read_text("utf-8")
        for region, _, name in (each.partition("=") for each in given):
            page = put(page, region, Path(name).read_text("utf-8").splitlines())
        path.write_text(page, "utf-8")
        table = summary(page, language, families)
        for place in (path, READMES[language]):
            text = place.read_text("utf-8")
            place.write_text(TABLE.sub(lambda _, t=table: t, text, count=1), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
