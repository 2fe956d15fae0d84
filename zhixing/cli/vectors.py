"""`zhixing vectors`: learn word vectors, look at neighbours and analogies, measure them, change their format."""

import shlex
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from zhixing.cli.console import Json, Log, Settings, print_json, reporter
from zhixing.core.errors import DataError, UsageError

if TYPE_CHECKING:
    from zhixing.cli.vector_recipe import VectorRecipe
    from zhixing.vectors.table import Neighbour

app = App(name="vectors", help="Learn, look at, measure and convert word vectors.")

Source = Annotated[
    str,
    Parameter(
        help="A folder of vectors; a word2vec, GloVe, .vec or .kv file; or a published name."
    ),
]
Limit = Annotated[
    int | None, Parameter(help="Use only the first words, in most files the most frequent ones.")
]
AnalogyMethod = Annotated[
    Literal["add", "mul"],
    Parameter(
        help="add: 3CosAdd, the largest cos(d, b - a + c); mul: 3CosMul (Levy & Goldberg 2014)."
    ),
]
Target = Literal["folder", "word2vec-text", "word2vec-binary"]
TestName = Literal["wordsim353", "simlex999", "questions-words"]
TESTS: tuple[TestName, ...] = ("wordsim353", "simlex999", "questions-words")

_RESUME = Parameter(negative="", help="Continue the unfinished run in the folder.")
_TEST = Parameter(
    negative="",
    help="Published English sets; default: all of them, or none where files of your own are given.",
)
_PAIRS = Parameter(negative="", help="Your judgements: lines of word, word, number between tabs.")
_QUESTIONS = Parameter(
    negative="", help="Your questions: lines of four words, sections after a colon."
)
_FRESH = Parameter(negative="", help="Begin again in the folder; prepared text is kept.")


@app.command
def train(
    sources: Annotated[
        list[Path], Parameter(negative="", help="One recipe (.toml), or text files and folders.")
    ],
    *,
    out: Annotated[Path | None, Parameter(help="Folder to write; default: runs/NAME.")] = None,
    overrides: Settings = (),
    resume: Annotated[bool, _RESUME] = False,
    fresh: Annotated[bool, _FRESH] = False,
    as_json: Json = False,
    log: Log = "auto",
) -> int:
    """Learn vectors of the words of a text by skip-gram or CBOW with negative sampling.

    Ctrl-C saves and ends with exit code 130; --resume continues to the same vectors. Settings of a run on files are
    given by --set vectors.KEY=VALUE.
    """
    from zhixing.cli.vector_training import learn

    if resume and fresh:
        raise UsageError("--resume continues a run and --fresh deletes it; give one of them")
    recipe = _recipe(sources, overrides)
    folder = out or Path("runs") / recipe.name
    command = ["zhixing", "vectors", "train", *map(str, sources), "--out", str(folder)]
    command += [part for override in overrides for part in ("--set", override)]
    result = learn(
        recipe,
        folder,
        resume=resume,
        fresh=fresh,
        resume_command=shlex.join([*command, "--resume"]),
        progress=reporter(log),
    )
    if as_json:
        print_json(result)
        return 0
    print(f"{folder}: {result['words']:,} words × {result['width']}")
    print(f"next: zhixing vectors nearest {folder} WORD")
    return 0


@app.command
def nearest(
    vectors: Source,
    words: Annotated[list[str], Parameter(negative="", help="As written, or in lower case.")],
    *,
    count: Annotated[int, Parameter(help="How many neighbours.")] = 10,
    limit: Limit = None,
    as_json: Json = False,
    log: Log = "auto",
) -> None:
    """Show the words nearest to each word, with the cosine."""
    from zhixing.vectors.opening import open_vectors

    _check_positive("--count", count)
    opened = open_vectors(vectors, limit=_checked(limit), progress=reporter(log))
    found = {word: opened.nearest(word, count=count) for word in words}
    if as_json:
        print_json({word: [asdict(each) for each in near] for word, near in found.items()})
        return
    for word, near in found.items():
        print(f"{word}: {_listed(near)}")


@app.command
def analogy(
    vectors: Source,
    words: Annotated[list[str], Parameter(negative="", help="Three words: A, B and C.")],
    *,
    method: AnalogyMethod = "add",
    count: Annotated[int, Parameter(help="How many answers.")] = 5,
    limit: Limit = None,
    as_json: Json = False,
    log: Log = "auto",
) -> None:
    """Say what is to C as B is to A: man king woman → queen."""
    from zhixing.vectors.opening import open_vectors

    _check_positive("--count", count)
    if len(words) != 3:
        raise UsageError(f"an analogy takes three words, such as man king woman, not {len(words)}")
    a, b, c = words
    opened = open_vectors(vectors, limit=_checked(limit), progress=reporter(log))
    found = opened.analogy(a, b, c, method=method, count=count)
    if as_json:
        print_json({"a": a, "b": b, "c": c, "method": method, "answers": list(map(asdict, found))})
        return
    print(_listed(found))


@app.command
def evaluate(
    vectors: Source,
    *,
    test: Annotated[tuple[TestName, ...], _TEST] = (),
    pairs: Annotated[tuple[Path, ...], _PAIRS] = (),
    questions: Annotated[tuple[Path, ...], _QUESTIONS] = (),
    method: AnalogyMethod | None = None,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """Compare vectors with people's judgements, and answer analogy questions; random vectors stand beside them."""
    from zhixing.cli.vector_scores import QUESTIONS, score, told
    from zhixing.vectors.opening import open_vectors

    for path in (*pairs, *questions):
        if not path.is_file():
            raise DataError(f"{path} does not exist")
    chosen = test or (() if pairs or questions else TESTS)
    if method is not None and not questions and QUESTIONS not in chosen:
        raise UsageError(
            f"--method {method} would do nothing: no analogies are asked; leave it out, or add --test {QUESTIONS}"
        )
    opened = open_vectors(vectors, limit=_checked(limit), progress=reporter("none"))
    result = score(opened, chosen, pairs=pairs, questions=questions, method=method or "add")
    if as_json:
        print_json(result)
    else:
        print(told(result))


@app.command
def convert(
    vectors: Source,
    *,
    out: Annotated[Path, Parameter(help="The folder or file to write.")],
    to: Annotated[Target, Parameter(help="What to write.")] = "folder",
    limit: Limit = None,
    as_json: Json = False,
    log: Log = "auto",
) -> None:
    """Write vectors in another format: a folder that opens at once, or a word2vec file (gzipped if named .gz)."""
    from zhixing.vectors import folder
    from zhixing.vectors.blocks import blocks_of
    from zhixing.vectors.formats import write
    from zhixing.vectors.opening import convert_to_folder, open_vectors

    if to == "folder" and out.is_file():
        raise UsageError(
            f"{out} is a file; a folder was asked for (--to word2vec-text writes files)"
        )
    if to != "folder" and out.is_dir():
        raise UsageError(f"{out} is a folder; --to {to} writes a file")
    progress = reporter(log)
    if to == "folder" and limit is None:
        saved = convert_to_folder(vectors, out, progress=progress)
    else:
        opened = open_vectors(vectors, limit=_checked(limit), progress=progress)
        saved = folder.Saved(words=len(opened), width=opened.width)
        if to == "folder":
            folder.save(blocks_of(opened), out, origin=Path(vectors).name)
        else:
            write(opened, out, to)
    if as_json:
        print_json({"out": str(out), "format": to, **asdict(saved)})
        return
    print(f"{out}: {saved.words:,} words × {saved.width}")


def _recipe(sources: Sequence[Path], overrides: Sequence[str]) -> "VectorRecipe":
    from zhixing.cli.vector_recipe import load_vector_recipe, recipe_of_files

    if not sources:
        raise UsageError("name one recipe (.toml), or text files and folders")
    recipes = [source for source in sources if source.suffix == ".toml"]
    is_name = len(sources) == 1 and not sources[0].exists() and not sources[0].suffix
    if len(sources) == 1 and (recipes or is_name):
        return load_vector_recipe(sources[0], overrides)
    if recipes:
        raise UsageError(f"{recipes[0]} is a recipe; give it alone, without text files")
    return recipe_of_files(sources, overrides)


def _check_positive(name: str, value: int) -> None:
    if value < 1:
        raise UsageError(f"{name} {value}: a number of words, at least 1")


def _checked(limit: int | None) -> int | None:
    if limit is not None:
        _check_positive("--limit", limit)
    return limit


def _listed(near: Sequence["Neighbour"]) -> str:
    return "  ".join(f"{each.word} {each.score:.3f}" for each in near)
