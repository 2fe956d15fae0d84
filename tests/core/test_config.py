import datetime
import tomllib
from pathlib import Path
from typing import Annotated, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field, ValidationError, model_validator

from zhixing.core.config import Config, build, merge_overrides, read_recipe, read_table, to_toml
from zhixing.core.errors import ConfigError


class Decoder(Config):
    kind: Literal["decoder"] = "decoder"
    width: int = Field(64, gt=0)
    heads: int = Field(4, gt=0)

    @model_validator(mode="after")
    def _divides(self) -> "Decoder":
        if self.width % self.heads:
            raise ValueError(f"width = {self.width} is not a multiple of heads = {self.heads}")
        return self


class Recurrent(Config):
    kind: Literal["lstm", "gru"]
    layers: int = 2


class Source(Config):
    name: str
    weight: float = Field(1.0, ge=0)


class Corpus(Config):
    sources: list[Source] = Field(default_factory=list)
    shuffle: bool = True
    limit: int | None = None


class Optimizer(Config):
    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.95)


class Train(Config):
    steps: int = Field(10, ge=1)
    precision: Literal["float32", "bfloat16"] = "float32"
    optimizer: Optimizer = Optimizer()


class Recipe(Config):
    name: str = "tiny"
    corpus: Corpus = Corpus()
    model: Annotated[Decoder | Recurrent, Field(discriminator="kind")] = Decoder()
    train: Train = Train()


def read(folder: Path, text: str, *overrides: str, base: str | None = None) -> Recipe:
    if base is not None:
        (folder / "base.toml").write_text(base, "utf-8")
        text = f'base = "base.toml"\n{text}'
    (folder / "recipe.toml").write_text(text, "utf-8")
    return read_recipe(folder / "recipe.toml", Recipe, overrides)


def fault(folder: Path, text: str, *overrides: str, base: str | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        read(folder, text, *overrides, base=base)
    return str(caught.value).replace(f"{folder}/", "")


# What was typed, and what the error must begin with.
FAULTS = {
    "unknown key": (
        "[train]\n# steps\nstpes = 3\n",
        "recipe.toml:3: unknown key 'train.stpes'; did you mean 'steps'? valid keys here: optimizer,",
    ),
    "unknown key at the top": ("nmae = 'x'\n", "recipe.toml:1: unknown key 'nmae'; did you mean 'name'?"),
    "unknown table": ("[trian]\nsteps = 3\n", "recipe.toml:1: unknown key 'trian'; did you mean 'train'?"),
    "unknown and unlike anything": ("[train]\nqqq = 3\n", "recipe.toml:2: unknown key 'train.qqq'; valid keys"),
    "unknown in a nested table": (
        "[train.optimizer]\nlr = 1\nbetaz = [1, 2]\n",
        "recipe.toml:3: unknown key 'train.optimizer.betaz'; did you mean 'betas'?",
    ),
    "unknown as a dotted key": (
        "name = 'x'\ntrain.optimizer.lrr = 1\n",
        "recipe.toml:2: unknown key 'train.optimizer.lrr'; did you mean 'lr'?",
    ),
    "unknown in an inline table": (
        "[train]\nsteps = 1\noptimizer = { lrr = 1 }\n",
        "recipe.toml:3: unknown key 'train.optimizer.lrr'; did you mean 'lr'?",
    ),
    "unknown in the second of an array of tables": (
        "[[corpus.sources]]\nname = 'a'\n[[corpus.sources]]\nname = 'b'\nwieght = 1\n",
        "recipe.toml:5: unknown key 'corpus.sources.1.wieght'; did you mean 'weight'?",
    ),
    "out of range in the second of an array of tables": (
        "[[corpus.sources]]\nname = 'a'\nweight = 1\n[[corpus.sources]]\nname = 'b'\nweight = -1\n",
        "recipe.toml:6: corpus.sources.1.weight = -1: must be greater than or equal to 0",
    ),
    "missing in an array of tables": (
        "[[corpus.sources]]\nname = 'a'\n[[corpus.sources]]\nweight = 1\n",
        "recipe.toml:3: 'corpus.sources.1.name' is required and not set",
    ),
    "out of range": ("[train]\nsteps = 0\n", "recipe.toml:2: train.steps = 0: must be greater"),
    "text for a number": ("[train]\nsteps = '3'\n", "recipe.toml:2: train.steps = '3': must be a number"),
    "true for a number": ("[train]\nsteps = true\n", "recipe.toml:2: train.steps = True: must be a number"),
    "text for an optional number": ("[corpus]\nlimit = '3'\n", "recipe.toml:2: corpus.limit = '3': must be a"),
    "number for a switch": ("[corpus]\nshuffle = 1\n", "recipe.toml:2: corpus.shuffle = 1: must be true or"),
    "number for text": ("name = 3\n", "recipe.toml:1: name = 3: must be a valid string"),
    "value for a table": ("train = 3\n", "recipe.toml:1: train = 3 must be a table: [train]"),
    "not one of the words": (
        "[train]\nprecision = 'bfloat61'\n",
        "recipe.toml:2: train.precision = 'bfloat61': must be 'float32' or 'bfloat16'; "
        "did you mean 'bfloat16'?",
    ),
    "another kind": (
        "[model]\nwidth = 3\nkind = 'decodre'\n",
        "recipe.toml:3: model.kind = 'decodre'; did you mean 'decoder'? allowed: 'decoder', 'lstm', 'gru'",
    ),
    "no kind": ("[model]\nlayers = 3\n", "recipe.toml:1: 'model.kind' is required and not set"),
    "a key of the other kind": (
        "[model]\nkind = 'lstm'\nheads = 3\n",
        "recipe.toml:3: unknown key 'model.heads'; valid keys here: kind, layers",
    ),
    "a rule about two keys": (
        "[model]\nkind = 'decoder'\nwidth = 6\n",
        "recipe.toml:1: [model] width = 6 is not a multiple of heads = 4",
    ),
    "broken syntax": ("[train\n", "recipe.toml: not valid TOML: Expected ']'"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_names_its_line_and_what_is_allowed(
    tmp_path: Path, text: str, message: str
) -> None:
    found = fault(tmp_path, text)
    assert found.startswith(message), found


def test_every_fault_is_reported_at_once(tmp_path: Path) -> None:
    lines = fault(tmp_path, "nmae = 1\n[train]\nsteps = 0\n[corpus]\nx = 1\n").splitlines()
    assert sorted(line.split(":")[1] for line in lines) == ["1", "3", "5"]


def test_a_recipe_from_an_editor_that_marks_utf8_and_ends_lines_like_windows(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.toml").write_bytes("\ufeffname = '知行'\r\n[train]\r\nsteps = 3\r\n".encode())
    assert read_recipe(tmp_path / "a.toml", Recipe).name == "知行"


def test_a_recipe_that_is_not_there_names_those_that_are_alike(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text("")
    with pytest.raises(
        ConfigError, match=r"there is no recipe .*tny\.toml; did you mean tiny\.toml\?"
    ):
        read_recipe(tmp_path / "tny.toml", Recipe)
    with pytest.raises(ConfigError, match=r"is a folder; a recipe is a \.toml file"):
        read_recipe(tmp_path, Recipe)
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"is not UTF-8 text .*iconv"):
        read_recipe(tmp_path / "binary.toml", Recipe)


def test_a_recipe_overrides_its_base_key_by_key_and_lists_as_a_whole(tmp_path: Path) -> None:
    base = "[train]\nsteps = 5\nprecision = 'bfloat16'\n[[corpus.sources]]\nname = 'a'\n"
    recipe = read(tmp_path, "[train]\nsteps = 7\n[[corpus.sources]]\nname = 'b'\n", base=base)
    assert (recipe.train.steps, recipe.train.precision) == (7, "bfloat16")
    assert [source.name for source in recipe.corpus.sources] == ["b"]


def test_another_kind_of_model_takes_nothing_from_the_base(tmp_path: Path) -> None:
    base = "[model]\nkind = 'decoder'\nwidth = 8\n"
    assert read(tmp_path, "[model]\nkind = 'lstm'\n", base=base).model == Recurrent(kind="lstm")
    assert read(tmp_path, "[model]\nheads = 2\n", base=base).model == Decoder(width=8, heads=2)


def test_a_fault_in_the_base_is_placed_in_the_base(tmp_path: Path) -> None:
    found = fault(tmp_path, "[train]\nsteps = 3\n", base="\n[train]\nstpes = 3\n")
    assert found.startswith("base.toml:3: unknown key 'train.stpes'")


def test_a_base_has_no_base_and_must_exist(tmp_path: Path) -> None:
    assert "one level is allowed" in fault(tmp_path, "", base="base = 'other.toml'\n")
    (tmp_path / "a.toml").write_text("base = 'bse.toml'\n")
    with pytest.raises(
        ConfigError, match=r"a\.toml: its base 'bse\.toml' is not there; did you mean base"
    ):
        read_table(tmp_path / "a.toml")
    (tmp_path / "a.toml").write_text("base = 3\n")
    with pytest.raises(ConfigError, match="must be the name of another recipe"):
        read_table(tmp_path / "a.toml")


def test_overrides_win_over_recipe_and_base(tmp_path: Path) -> None:
    overrides = (
        "train.steps=9",
        "train.optimizer.betas=[0.5, 0.6]",
        "name=plain words",
        "model.kind=gru",
    )
    recipe = read(tmp_path, "[train]\nsteps = 7\n", *overrides, base="[model]\nwidth = 8\n")
    assert recipe.train.steps == 9
    assert recipe.train.optimizer.betas == (0.5, 0.6)
    assert recipe.name == "plain words"
    assert recipe.model == Recurrent(kind="gru")


def test_a_fault_in_an_override_is_placed_on_the_command_line(tmp_path: Path) -> None:
    text = "[train]\nsteps = 7\n"
    assert fault(tmp_path, text, "train.stpes=3").startswith("--set train.stpes=3: unknown key")
    assert fault(tmp_path, text, "train.steps=x").startswith(
        "--set train.steps=x: train.steps = 'x'"
    )


@pytest.mark.parametrize("override", ["train.steps", "=3", "train..steps=3", "  =3"])
def test_an_override_that_is_not_key_equals_value_is_refused(override: str) -> None:
    with pytest.raises(ConfigError, match=r"write it as section\.key=value"):
        merge_overrides({}, [override])


def test_a_config_is_frozen_and_its_hash_is_of_its_values() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Train().steps = 3  # type: ignore[misc]
    assert (
        Train(steps=3).hash() == Train.model_validate({"precision": "float32", "steps": 3}).hash()
    )
    assert Train(steps=3).hash() != Train(steps=4).hash()


def test_a_resolved_recipe_written_as_toml_reads_back_the_same(tmp_path: Path) -> None:
    text = "[model]\nkind = 'gru'\n[[corpus.sources]]\nname = '引号\"\\n'\n[[corpus.sources]]\nname = ''\n"
    recipe = read(tmp_path, text)
    (tmp_path / "resolved.toml").write_text(to_toml(recipe.model_dump(mode="json")), "utf-8")
    again = read_recipe(tmp_path / "resolved.toml", Recipe)
    assert again == recipe
    assert again.hash() == recipe.hash()


plain = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.dates()
    | st.datetimes()
)
keys = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
values = st.recursive(
    plain, lambda v: st.lists(v, max_size=3) | st.dictionaries(keys, v, max_size=3)
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(keys, values, max_size=4))
def test_to_toml_is_undone_by_reading(table: dict[str, object]) -> None:
    assert tomllib.loads(to_toml(table)) == table


def test_what_toml_cannot_say_is_refused_or_left_out() -> None:
    assert to_toml({"a": None, "b": {"c": None}}) == "\n[b]\n"
    with pytest.raises(TypeError, match="TOML cannot hold"):
        to_toml({"a": [None]})
    assert to_toml({"day": datetime.date(2026, 1, 2)}) == "day = 2026-01-02\n"


def test_a_faulty_item_is_told_once_and_the_list_not_called_too_short() -> None:
    class Item(Config):
        """One."""

        name: str = ""

    class Items(Config):
        """Some."""

        items: tuple[Item, ...] = Field(default=(), min_length=1)

    with pytest.raises(ConfigError) as caught:
        build({"items": [{"nam": "x"}]}, Items, origin=Path("r.toml"))
    assert "did you mean 'name'" in str(caught.value)
    assert "at least 1 item" not in str(caught.value)
    with pytest.raises(ConfigError, match="at least 1 item"):
        build({"items": []}, Items, origin=Path("r.toml"))


class Hybrid(Config):
    kind: Literal["hybrid"]
    lstm: int = 2
    rates: Literal["equal"] | tuple[Annotated[float, Field(gt=0)], ...] = "equal"


class Mixed(Config):
    model: Annotated[Decoder | Recurrent | Hybrid, Field(discriminator="kind")] = Decoder()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kind = 'lstm'\nheads = 3", "unknown key 'model.heads'; valid keys here: kind, layers"),
        (
            "kind = 'hybrid'\nlstm = 1.5",
            "model.lstm = 1.5: must be a valid integer, got a number with a fractional part",
        ),
        ("kind = 'hybrid'\nrates = [1.0, -2.0]", "model.rates.1 = -2.0: must be greater than 0"),
    ],
)
def test_a_fault_names_the_keys_as_typed_where_a_kind_is_called_like_a_key_of_another(
    tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "mixed.toml").write_text(f"[model]\n{text}\n", "utf-8")
    with pytest.raises(ConfigError) as caught:
        read_recipe(tmp_path / "mixed.toml", Mixed)
    assert str(caught.value).endswith(message)
    assert "literal" not in str(caught.value)
