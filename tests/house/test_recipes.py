"""Every recipe loads, whole and strictly, and no recipe is alone in the world."""

import tomllib

import pytest

from tests.house.tree import ROOT, short
from zhixing.core.config import read_recipe
from zhixing.core.errors import ConfigError

FILES = sorted((ROOT / "recipes").glob("**/*.toml"))
TABLES = {path: tomllib.loads(path.read_text("utf-8")) for path in FILES}
BASES = {path.parent / table["base"] for path, table in TABLES.items() if "base" in table}
# What several recipes share is not one itself while it names no model.
RECIPES = [path for path in FILES if path not in BASES or {"model", "finetune"} & {*TABLES[path]}]
VECTOR_RECIPES = [path for path in RECIPES if "vectors" in TABLES[path]]
MODEL_RECIPES = [path for path in RECIPES if path not in VECTOR_RECIPES]


def test_there_are_recipes() -> None:
    assert RECIPES


@pytest.mark.parametrize("path", MODEL_RECIPES, ids=short)
def test_the_recipe_loads(path) -> None:
    from zhixing.cli.recipe import Recipe

    read_recipe(path, Recipe)


@pytest.mark.parametrize("path", VECTOR_RECIPES, ids=short)
def test_the_recipe_of_word_vectors_loads_strictly(path) -> None:
    from zhixing.cli.vector_recipe import VectorRecipe

    read_recipe(path, VectorRecipe)
    with pytest.raises(ConfigError, match=r"unknown key 'vectors\.epoch'.*epochs"):
        read_recipe(path, VectorRecipe, ["vectors.epoch=3"])


@pytest.mark.parametrize("path", MODEL_RECIPES, ids=short)
def test_a_misspelt_key_is_refused_by_name(path) -> None:
    from zhixing.cli.recipe import Recipe

    with pytest.raises(ConfigError, match=r"unknown key 'train\.stepz'"):
        read_recipe(path, Recipe, ["train.stepz=3"])


@pytest.mark.parametrize("path", MODEL_RECIPES, ids=short)
def test_the_rows_per_step_are_whole(path) -> None:
    from zhixing.cli.recipe import Recipe
    from zhixing.train.config import rows_per_step

    recipe = read_recipe(path, Recipe)
    if recipe.train is not None and recipe.data is not None:
        assert rows_per_step(recipe.train, recipe.data.time) > 0
