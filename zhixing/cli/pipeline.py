"""The parts wired together: corpus -> tokenizer -> shards -> model. Every step already done is reused.

FOLDER/corpus      documents and their card
FOLDER/tokenizer   learnt from the training documents
FOLDER/shards      token ids of each split
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from zhixing.checkpoint.adapter import LEARNT_HEADS, Base
from zhixing.cli.examples import card, places, texts
from zhixing.cli.origin import Origin
from zhixing.cli.recipe import Recipe
from zhixing.cli.tasks import Task, completed, fitted_tokenizer, learnt, make_task, with_heads
from zhixing.core.card import CorpusCard
from zhixing.core.config import to_toml
from zhixing.core.errors import ConfigError, DataError
from zhixing.core.files import read_json, sha256_json, write_json, write_text
from zhixing.core.progress import Progress
from zhixing.corpus.build import build
from zhixing.corpus.document import Document
from zhixing.corpus.store import read_documents
from zhixing.data.build import tokenise
from zhixing.data.shard import TokenShard
from zhixing.data.source import first_items
from zhixing.model.assembly import Network, build_network
from zhixing.model.config import NGramConfig
from zhixing.tokenizer.stats import measure
from zhixing.tokenizer.tokenizer import Tokenizer
from zhixing.tokenizer.train import train as learn_tokenizer
from zhixing.train.counting import run as count
from zhixing.train.counts import begin_with_counts, counting_members
from zhixing.train.finetune import Taken, choose, take_over
from zhixing.train.finetune_config import FinetuneConfig
from zhixing.train.folder import Start
from zhixing.train.hooks import ProgressHook
from zhixing.train.initial import set_embedding
from zhixing.train.loop import run as learn
from zhixing.train.session import Inputs, Result
from zhixing.vectors.opening import open_vectors

_OF_TOKENS = ("causal", "masked", "two-way", "denoise", "seq2seq", "chat")
"""Objectives whose targets are tokens; those of others are labels, tags, spans or pairs."""
TOKENIZER_STAMP = "made_from.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """Text made ready for models. `corpus` holds documents, or nothing where a recipe reads examples alone."""

    corpus: Path
    card: CorpusCard
    tokenizer: Tokenizer
    train: list[TokenShard]
    validation: list[TokenShard]
    origin: Origin | None = None
    """What the model begins from, if it is a trained one."""

    def split_bytes(self, split: str) -> int:
        """UTF-8 size of the text of one split."""
        return sum(amount.bytes for amount in self.card.kept.get(split, {}).values())


def prepare(
    recipe: Recipe, folder: Path, progress: Progress, origin: Origin | None = None
) -> Prepared:
    """Build, or find built, what a recipe's model is to learn from. `origin` is what it begins from (`begin`)."""
    if not recipe.reads_corpus:
        return _prepare_examples(recipe, folder, progress, origin)
    corpus = folder / "corpus"
    card = build(recipe.corpus, corpus, progress=progress)
    tokenizer = origin.tokenizer if origin else _learnt_from_corpus(recipe, folder, card, progress)
    shards = {
        split: tokenise(
            read_documents(corpus, split),
            tokenizer,
            folder / "shards",
            split,
            source_hash=card.data_hash,
            progress=progress,
        )
        for split in ("train", "validation")
        if card.kept.get(split)
    }
    if "train" not in shards:
        raise DataError(
            f"no document of {corpus} is left to train on; see zhixing data show {corpus}"
        )
    return Prepared(
        corpus=corpus,
        card=card,
        tokenizer=fitted_tokenizer(tokenizer, recipe),
        train=shards["train"],
        validation=shards.get("validation", []),
        origin=origin,
    )


def _learnt_from_corpus(
    recipe: Recipe, folder: Path, card: CorpusCard, progress: Progress
) -> Tokenizer:
    corpus = folder / "corpus"
    documents = (document.text for document in read_documents(corpus, "train"))
    tokenizer, is_new = _tokenizer(recipe, folder, card, documents, progress)
    if is_new:
        _tell_statistics(tokenizer, corpus, progress)
    return tokenizer


def _prepare_examples(
    recipe: Recipe, folder: Path, progress: Progress, origin: Origin | None
) -> Prepared:
    """The tokenizer alone: examples are made when the objective is known."""
    found = places(recipe, folder, progress)
    about = card(recipe, found)
    if origin:
        tokenizer = origin.tokenizer
    else:
        learnt_from = texts(found.train, recipe.objective.kind)
        tokenizer, _ = _tokenizer(recipe, folder, about, learnt_from, progress)
    return Prepared(
        corpus=folder / "corpus",
        card=about,
        tokenizer=fitted_tokenizer(tokenizer, recipe),
        train=[],
        validation=[],
        origin=origin,
    )


def make_model(
    recipe: Recipe,
    prepared: Prepared,
    out: Path,
    *,
    start: Start,
    progress: Progress,
    resume_command: str,
) -> Result:
    """Train (or count) the model of a recipe and leave it in `out`, with the resolved recipe beside it."""
    torch.manual_seed(recipe.seed)
    recipe = completed(recipe, prepared.tokenizer)
    model = new_model(recipe, prepared)
    taken, rates = _begun(recipe, prepared, model, progress)
    if recipe.initial_vectors and start is not Start.RESUME:
        begin_with_vectors(model, prepared.tokenizer, recipe.initial_vectors, progress)
    task = make_task(recipe, prepared, model, progress)
    if start is not Start.RESUME:
        _begun_with_counts(model, task, progress)
    inputs = Inputs(
        model=model,
        tokenizer=prepared.tokenizer,
        objective=task.objective,
        train=task.train,
        validation=task.validation,
        time=recipe.data.time,
        seed=recipe.seed,
        validate_tokens=recipe.data.validate_tokens,
        tokens_per_byte=task.tokens_per_byte,
        learnt=learnt(recipe),
        length_penalty=getattr(recipe.objective, "length_penalty", 1.0),
        base=_base(recipe, prepared),
        rates=rates,
        recipe=facts(recipe, prepared.origin),
        card=_model_card(recipe, prepared, taken),
        resume_command=resume_command,
    )
    title = f"{recipe.network.kind} in {out}"
    if isinstance(recipe.model, NGramConfig):
        result = count(recipe.model, inputs, out, start=start, progress=progress)
    else:
        assert recipe.train is not None, "the recipe was validated"
        hook = ProgressHook(progress, title)
        result = learn(recipe.train, inputs, out, start=start, hooks=[hook])
        progress.finish(_summary(recipe, result))
    write_text(out / "recipe.toml", to_toml(_as_written(recipe, prepared)))
    return result


def new_model(recipe: Recipe, prepared: Prepared) -> Network:
    """The model of a completed recipe with random weights from torch's current generator, and the heads of its objective."""
    origin = prepared.origin
    vocab = max(origin.model.vocab if origin else 0, prepared.tokenizer.vocab)
    return build_network(with_heads(recipe), vocab)


def _begun(
    recipe: Recipe, prepared: Prepared, model: Network, progress: Progress
) -> tuple[Taken | None, dict[str, float]]:
    """What `model` took over from the model it begins from, and the learning rates of its weights."""
    if prepared.origin is None or recipe.finetune is None:
        return None, {}
    folder = prepared.origin.folder
    progress.start(f"weights of {folder}")
    taken = take_over(model, prepared.origin.model)
    _refuse_random_heads(recipe.finetune, taken)
    rates = choose(model, recipe.finetune)
    moves = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    total = sum(weight.numel() for weight in model.parameters())
    progress.finish(f"{folder}: {taken.told()}; {moves:,} of {total:,} weights learn")
    return taken, rates


def _refuse_random_heads(config: FinetuneConfig, taken: Taken) -> None:
    """Beside an adapter only heads for labels and answers are learnt; others must have been learnt before."""
    random = [name for name in taken.new if not f"{name}.".startswith(LEARNT_HEADS)]
    if config.adapter is not None and random:
        raise ConfigError(
            f"finetune.folder = {config.folder!r} has no {random[0]}, which would stay random beside an adapter; learn "
            "all weights (leave [finetune.adapter] out), or begin from a model that has it"
        )


def _base(recipe: Recipe, prepared: Prepared) -> Base | None:
    """Where the model is whose adapter is learnt."""
    if prepared.origin is None or recipe.finetune is None or recipe.finetune.adapter is None:
        return None
    return Base(folder=f"{prepared.origin.folder.resolve()}", hash=prepared.origin.hash)


def begin_with_vectors(
    model: Network, tokenizer: Tokenizer, source: str, progress: Progress
) -> None:
    """Put the vectors of words at `source` into the embedding, and say how many tokens they cover."""
    progress.start(f"vectors of words from {source}")
    covered = set_embedding(model, tokenizer, open_vectors(source, progress=progress))
    share = covered.covered / covered.vocab
    progress.finish(
        f"{source}: vectors for {covered.covered:,} of {covered.vocab:,} tokens ({share:.1%}); "
        "the others begin with random numbers"
    )


def _begun_with_counts(model: Network, task: Task, progress: Progress) -> None:
    """Bags that begin as naive Bayes count the training examples."""
    for bag in counting_members(model):
        progress.start("counting the training texts")
        number = begin_with_counts(bag, first_items(task.train, None))
        progress.finish(f"a bag of words begins as naive Bayes of {number:,} training texts")


def facts(recipe: Recipe, origin: Origin | None = None) -> dict[str, object]:
    """What makes two runs the same run; the name and the prompts of a recipe do not, nor where a model is kept."""
    found = recipe.model_dump(
        mode="json", exclude={"name": True, "samples": True, "finetune": {"folder"}}
    )
    return found | ({"model to begin from": origin.hash} if origin else {})


def _as_written(recipe: Recipe, prepared: Prepared) -> dict[str, Any]:
    """The recipe as a person would write it: a model to begin from brings its tokenizer along, and mostly its sizes."""
    unused: set[str] = set()
    if prepared.origin is not None:
        unused = {"tokenizer", "tokenizer_text", "initial_vectors"}
        unused |= set() if prepared.origin.is_part else {"model"}
    if not recipe.reads_corpus:
        unused |= {"corpus"}
    return recipe.model_dump(mode="json", exclude=unused)


def _tokenizer(
    recipe: Recipe, folder: Path, card: CorpusCard, texts: Iterator[str], progress: Progress
) -> tuple[Tokenizer, bool]:
    """Learn it, or find it learnt, and whether it is new."""
    place = folder / "tokenizer"
    made_from = sha256_json([recipe.tokenizer.model_dump(mode="json"), card.data_hash])
    stamp = place / TOKENIZER_STAMP
    if stamp.exists() and read_json(stamp) == made_from:
        return Tokenizer.load(place), False
    tokenizer = learn_tokenizer(texts, recipe.tokenizer, progress=progress)
    tokenizer.save(place)
    write_json(stamp, made_from)
    return tokenizer, True


def _tell_statistics(tokenizer: Tokenizer, corpus: Path, progress: Progress) -> None:
    progress.start("tokenizer statistics")
    stats = measure(tokenizer, _texts_by_language(corpus))
    told = ", ".join(f"{tag} {each.bytes_per_token:.2f}" for tag, each in sorted(stats.items()))
    progress.finish(f"bytes per token on validation documents: {told}")


def _texts_by_language(corpus: Path) -> Iterator[tuple[str, str]]:
    documents: Iterator[Document] = read_documents(corpus, "validation")
    return ((document.language, document.text) for document in documents)


def _summary(recipe: Recipe, result: Result) -> str:
    kind = recipe.objective.kind
    learnt, unit = ("tokens", "nats per token") if kind in _OF_TOKENS else ("targets", "per target")
    best = "" if result.best is None else f", held-out loss {result.best.loss:.3f} {unit}"
    speed = result.tokens / result.seconds if result.seconds else 0.0
    return (
        f"{recipe.network.kind}: {result.step:,} steps, {result.tokens:,} {learnt} in "
        f"{result.seconds:.0f} s ({speed:,.0f} {learnt}/s){best}"
    )


def _model_card(recipe: Recipe, prepared: Prepared, taken: Taken | None) -> str:
    sources = "\n".join(
        f"* {source.name} ({source.origin}), licence: {source.license or 'not stated'}"
        for source in prepared.card.sources
    )
    return (
        f"# {recipe.name}\n\nA model of kind `{recipe.network.kind}`, made with Zhixing.\n\n"
        f"{_told_origin(prepared, taken)}"
        f"## Text it learnt from\n\n{sources}\n\nData hash: `{prepared.card.data_hash}`\n\n"
        f"## Recipe\n\n```toml\n{to_toml(_as_written(recipe, prepared))}```\n"
    )


def _told_origin(prepared: Prepared, taken: Taken | None) -> str:
    if prepared.origin is None or taken is None:
        return ""
    lists = {"New": taken.new, "Left out": taken.left_out}
    told = "\n".join(
        f"* {what}: {', '.join(f'`{name}`' for name in names) or 'none'}"
        for what, names in lists.items()
    )
    return (
        f"## Model it began from\n\n`{prepared.origin.folder}`, SHA-256 of its configuration, weights and tokenizer: "
        f"`{prepared.origin.hash}`\n\n{told}\n\n"
    )
