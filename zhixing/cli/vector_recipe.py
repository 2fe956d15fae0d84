"""A recipe for word vectors: text and how to learn from it, in a TOML file with a table [vectors]."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from zhixing.cli.recipe import find_recipe
from zhixing.core.config import Config, build, merge_overrides, read_recipe
from zhixing.core.errors import ConfigError
from zhixing.corpus.config import CorpusConfig
from zhixing.train.word2vec.config import WordVectorConfig


class VectorRecipe(Config):
    """A recipe for word vectors, read by `zhixing vectors train`."""

    name: str = Field(min_length=1, pattern=r"^[\w.-]+$")
    """Name of the run; its folder is runs/NAME unless --out says otherwise."""
    seed: int = Field(default=42, ge=0, lt=2**63)
    """Of the vectors that learning begins with, and of the words that are drawn."""
    corpus: CorpusConfig = Field(default_factory=CorpusConfig)
    """Where the text comes from and which of it is kept."""
    vectors: WordVectorConfig = Field(default_factory=WordVectorConfig)
    """How word vectors are learnt."""


def load_vector_recipe(path: Path, overrides: Sequence[str] = ()) -> VectorRecipe:
    """Read a recipe by path, or by the name of one that ships."""
    return read_recipe(find_recipe(path), VectorRecipe, overrides)


def recipe_of_files(files: Sequence[Path], overrides: Sequence[str] = ()) -> VectorRecipe:
    """The recipe that files on the command line stand for: all of their text, nothing held out."""
    missing = [file for file in files if not file.exists()]
    if missing:
        raise ConfigError(
            f"{missing[0]} does not exist; give text files, folders, or one recipe (.toml)"
        )
    sources = [
        {"name": f"{number}-{_plain(file.stem)}", "path": str(file)}
        for number, file in enumerate(files, start=1)
    ]
    corpus = {"sources": sources, "splits": {"validation": 0.0, "test": 0.0}}
    table = merge_overrides({"name": _plain(files[0].stem), "corpus": corpus}, overrides)
    return build(table, VectorRecipe, origin=Path("vectors train"), overrides=overrides)


def _plain(name: str) -> str:
    return "".join(c if c.isalnum() or c in "._-" else "-" for c in name) or "files"
