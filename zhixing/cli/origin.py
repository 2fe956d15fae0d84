"""The model that a recipe with `[finetune]` begins from: opened once, and fitted to the recipe's objective."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from zhixing.checkpoint.folder import load_network
from zhixing.checkpoint.manifest import model_hash
from zhixing.cli.recipe import FITS, Recipe, TrainedConfig
from zhixing.cli.tasks import fitted_tokenizer
from zhixing.core.errors import ConfigError
from zhixing.core.progress import Progress
from zhixing.model.assembly import Network, config_of
from zhixing.model.config import EncoderConfig, MixtureConfig, NGramConfig
from zhixing.model.two_way import TwoWay
from zhixing.objective.config import ChatConfig, SpanConfig
from zhixing.objective.span import SEGMENTS
from zhixing.tokenizer.tokenizer import Tokenizer
from zhixing.train.finetune import can_begin, encoders_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """An opened folder to begin from. `hash` is that of its configuration, weights and tokenizer.

    is_part: whether a recipe has a model of its own, of which this one is a part.
    """

    folder: Path
    hash: str
    model: Network
    tokenizer: Tokenizer
    is_part: bool


def begin(recipe: Recipe, progress: Progress) -> tuple[Recipe, Origin | None]:
    """The recipe with the model that its folder has, and what was opened; without [finetune] both are as they were.

    A two-way model is the begin of another, which has a table [model].

    Raises CheckpointError for a folder that does not open, ConfigError for a model that cannot learn the objective.
    """
    if recipe.finetune is None:
        return recipe, None
    folder = Path(recipe.finetune.folder).expanduser()
    progress.start(f"opening {folder}")
    loaded = load_network(folder)
    if loaded.base is not None:
        raise ConfigError(
            f"finetune.folder = {str(folder)!r} is an adapter of {loaded.base.folder}; write a whole model first: "
            f"zhixing adapter merge {folder} OUT"
        )
    origin = Origin(
        folder=folder,
        hash=model_hash(folder),
        model=loaded.model,
        tokenizer=loaded.tokenizer,
        is_part=recipe.model is not None,
    )
    fitted = _around_encoder(recipe, origin) if origin.is_part else _fitted(recipe, origin)
    _check_tokens(fitted, origin)
    progress.finish(f"begins from {folder}: {fitted.network.kind}, SHA-256 {origin.hash[:12]}…")
    return fitted, origin


def _around_encoder(recipe: Recipe, origin: Origin) -> Recipe:
    """A recipe with a model of its own, which has the encoder of a two-way model; with any other it has its sizes twice."""
    assert recipe.model is not None, "who calls has looked"
    if not isinstance(origin.model, TwoWay):
        raise ConfigError(
            f"[model] does nothing with [finetune]: the model in {origin.folder} has its sizes; leave the table out"
        )
    if recipe.finetune is not None and recipe.finetune.dropout is not None:
        raise ConfigError("finetune.dropout does nothing beside [model]; write it there")
    trained = origin.model.config.encoder
    if not any(can_begin(each, trained) for each in encoders_of(recipe.model).values()):
        sizes = trained.model_dump(exclude={"kind", "dropout"}, exclude_defaults=True)
        told = ", ".join(f"{name} = {value!r}" for name, value in sizes.items())
        raise ConfigError(
            f"finetune.folder = {str(origin.folder)!r} has an encoder of other sizes than [model]; write encoder = "
            f"{{ {told} }} there"
        )
    return recipe


def _fitted(recipe: Recipe, origin: Origin) -> Recipe:
    """The recipe with the model of its folder, without heads: the objective says which it needs."""
    config = config_of(origin.model)
    if isinstance(config, NGramConfig | MixtureConfig):
        raise ConfigError(
            f"finetune.folder = {str(origin.folder)!r} holds a model of the kind {config.kind!r}, which is counted and "
            "not learnt by gradient; begin from one of another kind"
        )
    _refuse_unfit(recipe.objective.kind, config.kind, origin.folder)
    if isinstance(config, EncoderConfig):
        config = config.model_copy(update={"heads_on_top": ()})
        if isinstance(recipe.objective, SpanConfig) and recipe.objective.mark_shared:
            config = config.model_copy(update={"segments": max(config.segments, SEGMENTS)})
    if recipe.finetune is not None and recipe.finetune.dropout is not None:
        config = _with_dropout(config, recipe.finetune.dropout, origin.folder)
    try:
        model = TypeAdapter[TrainedConfig](TrainedConfig).validate_python(config)
        given = {name: getattr(recipe, name) for name in recipe.model_fields_set}
        return Recipe.model_validate({**given, "model": model})
    except ValidationError as error:
        reasons = "; ".join(fault["msg"].removeprefix("Value error, ") for fault in error.errors())
        raise ConfigError(f"finetune.folder = {str(origin.folder)!r}: {reasons}") from error


def _refuse_unfit(objective: str, kind: str, folder: Path) -> None:
    """Raise ConfigError for a model that cannot learn the objective, and say which to begin from: its kind is not to be set."""
    fitting = FITS[objective]
    if kind in fitting:
        return
    beginning = ", or give this one a table [model] that reads both ways" * (kind == "two-way")
    raise ConfigError(
        f"finetune.folder = {str(folder)!r} holds a model of the kind {kind!r}, which cannot learn the objective "
        f"{objective!r}; begin from one of the kind {' or '.join(fitting)}{beginning}, or choose another objective"
    )


def _with_dropout(config: Any, share: float, folder: Path) -> Any:
    if not hasattr(config, "dropout"):
        raise ConfigError(
            f"finetune.dropout = {share}: the model in {folder} is of the kind {config.kind!r}, which has no such setting "
            "at its top; leave it out"
        )
    return config.model_copy(update={"dropout": share})


def _check_tokens(recipe: Recipe, origin: Origin) -> None:
    """Every token that the objective needs must have a row in the model's embedding."""
    needed, has = fitted_tokenizer(origin.tokenizer, recipe).vocab, origin.model.vocab
    if needed > has and isinstance(recipe.objective, ChatConfig):
        _refuse_frozen_tokens(recipe, origin)
    elif needed > has:
        raise ConfigError(
            f"finetune.folder = {str(origin.folder)!r}: the objective {recipe.objective.kind!r} needs special tokens "
            f"that its tokenizer does not have ({needed} ids, and the model knows {has}); begin from a model that was "
            "trained with this objective, or choose another objective"
        )


def _refuse_frozen_tokens(recipe: Recipe, origin: Origin) -> None:
    """The tokens of a chat template are new to a model that was never in a chat: they have to be learnt."""
    config = recipe.finetune
    assert config is not None, "there is an origin"
    if config.adapter is not None or config.learn == "head" or config.freeze:
        what = "[finetune.adapter]" if config.adapter else "learn" if config.learn == "head" else ""
        raise ConfigError(
            f"finetune.folder = {str(origin.folder)!r} has no chat template and gets two new tokens for one, which "
            f"would stay random with {what or 'freeze'}; learn all weights first (leave {what or 'freeze'} out), "
            "or begin from a chat model"
        )
