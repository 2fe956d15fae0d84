"""From a recipe's `[objective]` to what a run is given: the objective, its training items and its held-out ones.

causal, two-way     rows of packed documents
masked              pairs of text segments, from documents cut into sentences
denoise             pieces of documents
all others          examples from files of the user
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from zhixing.checkpoint.model_files import head_fields
from zhixing.cli.augmentation import AUGMENT_VERSION, augment_of, augmented, hashes_of
from zhixing.cli.examples import oriented, places, read_from, rows_for
from zhixing.cli.recipe import HEADS, Recipe
from zhixing.core.errors import ConfigError, DataError
from zhixing.core.files import sha256_json
from zhixing.core.progress import Progress
from zhixing.corpus.rows import find_tables, placed_rows, rows
from zhixing.corpus.store import read_documents
from zhixing.data.examples import (
    Example,
    Examples,
    ExampleStore,
    Made,
    reuse_examples,
    write_examples,
)
from zhixing.data.sentences import FIELDS, SentencePairs
from zhixing.data.shard import TokenShard
from zhixing.data.source import PackedRows, Pieces, Source
from zhixing.model.assembly import Network
from zhixing.model.config import (
    LABELLED,
    POOLED,
    EncoderConfig,
    EncoderDecoderConfig,
    HeadConfig,
    HeadKind,
    NetworkConfig,
)
from zhixing.model.protocol import LanguageModel
from zhixing.model.sequence_config import (
    LabelledConfig,
    SequenceToSequenceConfig,
    with_labels,
)
from zhixing.objective.causal import Causal
from zhixing.objective.chat import Chat
from zhixing.objective.classify import Classify, Regress, balanced
from zhixing.objective.config import (
    ChatConfig,
    ClassifyConfig,
    DenoiseConfig,
    ExamplesConfig,
    MaskedConfig,
    PreferenceConfig,
    RankConfig,
    Seq2SeqConfig,
    SimilarConfig,
    SpanConfig,
    TagConfig,
    TaskConfig,
)
from zhixing.objective.denoise import Denoise, sentinel
from zhixing.objective.learnt import READING, Learnt, have_predicates, learnt_of
from zhixing.objective.masked import Masked, document_example
from zhixing.objective.preference import Preference
from zhixing.objective.protocol import Objective
from zhixing.objective.rank import Rank
from zhixing.objective.records import check_losses, labels_of, make_examples
from zhixing.objective.seq2seq import Seq2Seq
from zhixing.objective.similar import Similar
from zhixing.objective.span import SEGMENTS, Span
from zhixing.objective.tag import Tag
from zhixing.objective.two_way import TwoWayLanguage
from zhixing.tokenizer.chat import with_chatml
from zhixing.tokenizer.marks import MASK
from zhixing.tokenizer.tokenizer import Tokenizer
from zhixing.train.config import rows_per_step

if TYPE_CHECKING:
    from zhixing.cli.pipeline import Prepared

ALIKE = ("seq2seq", "tag", "classify", "regress", "similar", "chat", "preference")
"""Objectives whose examples are put together by length, so that little of a step is padding."""
EVENED = {"seq2seq": "target"}
"""Of these, objectives whose steps have equally many tokens of a field instead of equally many examples."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """What a run learns, and from what. `tokens_per_byte` is known where every token of the text is a target."""

    objective: Objective[Any, Any]
    train: Source[Any]
    validation: Source[Any] | None
    tokens_per_byte: float | None = None


def marks(recipe: Recipe) -> list[str]:
    """The special tokens that the objective of a recipe needs."""
    if isinstance(recipe.objective, MaskedConfig):
        return [MASK]
    if isinstance(recipe.objective, DenoiseConfig):
        return [sentinel(number) for number in range(recipe.objective.sentinels)]
    return []


def fitted_tokenizer(tokenizer: Tokenizer, recipe: Recipe) -> Tokenizer:
    """A tokenizer with the special tokens that an objective needs, which puts around texts what its examples have."""
    if isinstance(recipe.objective, ChatConfig):
        return tokenizer if tokenizer.files.templates else with_chatml(tokenizer)
    marked = tokenizer.with_marks(marks(recipe))
    if recipe.objective.kind not in READING:
        return marked
    return marked.framed(with_segments=getattr(recipe.model, "segments", 0) > 1)


def learnt(recipe: Recipe) -> Learnt | None:
    """What the finished model of a recipe can be asked; None for one that continues or writes texts."""
    config = recipe.objective
    if config.kind not in READING:
        return None
    found = rows(find_tables(config.examples.train)) if isinstance(config, TaskConfig) else ()
    return learnt_of(config, time=recipe.data.time, labels=labels(recipe), rows=found)


def labels(recipe: Recipe) -> tuple[str, ...]:
    """The labels of classify and tag: as the recipe says, else those of the training examples; empty for the rest."""
    config = recipe.objective
    if not isinstance(config, ClassifyConfig | TagConfig):
        return ()
    place = config.examples.train
    found = config.labels or labels_of(rows(find_tables(place)), config.kind, origin=place)
    if len(set(found)) < len(found):
        raise ConfigError(f"objective.labels has a label twice: {', '.join(found)}")
    if len(found) < 2:
        raise DataError(
            f"{config.examples.train} has the labels {', '.join(found) or 'none'}; there must be two at least"
        )
    return found


def completed(recipe: Recipe, tokenizer: Tokenizer) -> Recipe:
    """A recipe with what its examples and its tokenizer know, where it does not say it: the number of labels, and the token that
    targets are begun with. A model to begin from has its own.

    Raises ConfigError for another number of labels than the examples have, and for a token that there is not.
    """
    model: Any = recipe.network
    if isinstance(model, LabelledConfig):
        number = num_outputs(recipe)
        if model.labels is not None:
            _refuse_other_number(model.labels, number)
        model = with_labels(model, number)
    elif isinstance(model, EncoderDecoderConfig | SequenceToSequenceConfig):
        if "start" not in model.model_fields_set and recipe.finetune is None:
            model = model.model_copy(update={"start": tokenizer.begin})
        if model.start >= tokenizer.vocab:
            raise ConfigError(
                f"model.start = {model.start}, but the tokenizer has the ids 0 to {tokenizer.vocab - 1}; leave it out to take "
                f"its begin token, {tokenizer.begin}"
            )
    return recipe.model_copy(update={"model": model})


def with_heads(recipe: Recipe) -> NetworkConfig:
    """The model of a completed recipe; an encoder without heads gets those that its objective needs.

    Raises ConfigError when a head that the recipe gives has not as many outputs as there are labels.
    """
    model, config = recipe.network, recipe.objective
    kinds = HEADS.get(config.kind, ())
    if not isinstance(model, EncoderConfig):
        return model
    if model.heads_on_top:
        for head in model.heads_on_top:
            if head.kind in kinds and head.kind in LABELLED:
                _refuse_other_number(head.labels, num_outputs(recipe))
        return model
    if isinstance(config, MaskedConfig) and not config.next_sentence:
        kinds = ("masked",)
    heads = [
        HeadConfig.model_validate(
            {"kind": kind, **head_fields(model, kind), **_outputs(kind, recipe)}
        )
        for kind in kinds
    ]
    return model.model_copy(update={"heads_on_top": tuple(heads)})


def num_outputs(recipe: Recipe) -> int:
    """How many logits a text or a word has under the objective of a recipe."""
    sizes = {"regress": 1, "rank": 1}
    return sizes.get(recipe.objective.kind) or len(labels(recipe)) or 2


def _weights(config: ClassifyConfig, names: Sequence[str]) -> tuple[float, ...] | None:
    """What an example of each label counts; None where all count the same."""
    if config.weights == "equal":
        return None
    if config.weights != "balanced":
        if len(config.weights) != len(names):
            raise ConfigError(
                f"objective.weights has {len(config.weights)} numbers for {len(names)} labels ({', '.join(names)}); "
                "write one for each, in this order"
            )
        return config.weights
    found = Counter(
        f"{row.get('label')}"
        for row in rows(find_tables(config.examples.train))
        if not isinstance(row, str)
    )
    without = [name for name in names if not found[name]]
    if without:
        raise DataError(
            f'{config.examples.train} has no example of {", ".join(without)}, so objective.weights = "balanced" '
            "would be infinite; take the label out, or give weights as numbers"
        )
    return balanced([found[name] for name in names])


def _outputs(kind: HeadKind, recipe: Recipe) -> dict[str, Any]:
    """How many outputs a head of this kind has, by name where they have names; and how it pools, where that is said."""
    if kind not in LABELLED:
        return {}
    names = labels(recipe)
    sizes: dict[str, Any] = {"names": names} if names else {"labels": num_outputs(recipe)}
    pooling = recipe.finetune.pooling if recipe.finetune else None
    return {**sizes, "pooling": pooling} if kind in POOLED and pooling else sizes


def _refuse_other_number(given: int, wanted: int) -> None:
    if given != wanted:
        raise ConfigError(
            f"model.labels = {given}, but the examples need {wanted}; write that, or leave it out"
        )


def make_task(recipe: Recipe, prepared: "Prepared", model: Network, progress: Progress) -> Task:
    """The objective of a recipe with its items."""
    config = recipe.objective
    if config.kind == "causal":
        return _causal(recipe, prepared)
    if config.kind == "two-way":
        return _packed(recipe, prepared, TwoWayLanguage())
    if isinstance(config, MaskedConfig):
        return _masked(recipe, config, prepared, progress)
    if isinstance(config, DenoiseConfig):
        return _denoise(recipe, config, prepared, model)
    return _from_files(recipe, config, prepared, model, progress)


def _causal(recipe: Recipe, prepared: "Prepared") -> Task:
    task, text_bytes = _packed(recipe, prepared, Causal()), prepared.split_bytes("validation")
    held = cast(PackedRows | None, task.validation)
    if not (prepared.tokenizer.is_lossless and held and text_bytes):  # what is dropped is free
        return task
    return replace(task, tokens_per_byte=held.num_targets / text_bytes)


def _packed(recipe: Recipe, prepared: "Prepared", objective: Objective[Any, Any]) -> Task:
    time = recipe.data.time
    held = PackedRows(shards=prepared.validation, time=time) if prepared.validation else None
    train = PackedRows(shards=prepared.train, time=time)
    return Task(objective=objective, train=train, validation=held)


def _denoise(recipe: Recipe, config: DenoiseConfig, prepared: "Prepared", model: Network) -> Task:
    assert isinstance(recipe.model, EncoderDecoderConfig | SequenceToSequenceConfig)
    objective = Denoise(config, prepared.tokenizer, start=recipe.model.start)

    def source(shards: Sequence[TokenShard]) -> Pieces[Any]:
        return Pieces(shards, time=recipe.data.time, make=objective.item)

    held = source(prepared.validation) if prepared.validation else None
    return Task(objective=objective, train=source(prepared.train), validation=held)


def _masked(recipe: Recipe, config: MaskedConfig, prepared: "Prepared", progress: Progress) -> Task:
    common = int(np.argmax(_frequencies(prepared.train, prepared.tokenizer)))
    objective = Masked(config, prepared.tokenizer, time=recipe.data.time, common=common)

    def source(split: str) -> SentencePairs[Any]:
        pairs = SentencePairs(
            _sentence_store(prepared, split, progress),
            objective.item,
            room=objective.room,
            short=config.short,
            paired=config.next_sentence,
        )
        long, total = pairs.num_too_long()
        progress.start(f"text pairs of {split}")
        progress.finish(
            f"{split}: {total:,} inputs an epoch, {long:,} of them cut to {recipe.data.time} tokens"
        )
        return pairs

    held = source("validation") if prepared.validation else None
    return Task(objective=objective, train=source("train"), validation=held)


def _frequencies(shards: Sequence[TokenShard], tokenizer: Tokenizer) -> np.ndarray[Any, Any]:
    counts = sum(np.bincount(shard.ids, minlength=tokenizer.vocab) for shard in shards)
    found = np.array(counts)
    found[[*tokenizer.specials.values()]] = 0
    return found


def _sentence_store(prepared: "Prepared", split: str, progress: Progress) -> ExampleStore:
    folder, name = prepared.corpus.parent / "examples", f"{split}-sentences"
    stamps = {"tokenizer_hash": prepared.tokenizer.hash, "source_hash": prepared.card.data_hash}
    if store := reuse_examples(folder, name, **stamps):
        return store
    progress.start(f"sentences and words of {split}", unit="documents")

    def made() -> Iterator[Any]:
        for document in read_documents(prepared.corpus, split):
            yield document_example(document.text, document.language, prepared.tokenizer)
            progress.advance(1)

    store = write_examples(folder, name, made(), fields=FIELDS, **stamps)
    progress.finish(f"{split}: {store.losses}")
    return store


def _from_files(
    recipe: Recipe, config: TaskConfig, prepared: "Prepared", model: Network, progress: Progress
) -> Task:
    objective = _task_objective(recipe, prepared.tokenizer, model)
    found = places(recipe, prepared.corpus.parent, progress)
    stores: dict[str, ExampleStore] = {}

    def source(place: str, name: str, *, alike: int = 1, evened: str = "") -> Examples[Example]:
        store = _example_store(recipe, objective, prepared, progress, place=place, name=name)
        progress.start(f"examples of {name}")
        known = "".join(_told_in_both(store, learnt) for learnt in stores.values())
        stores[name] = store
        progress.finish(f"{name}: {store.losses}{known}")
        first = partial(_first_lost, place, objective, config.examples)
        check_losses(store.losses, config.examples, origin=place, first=first)
        return Examples(store, lambda example, _: example, alike=alike, evened=evened)

    held = found.validation
    return Task(
        objective=objective,
        train=source(found.train, "train", alike=_alike(recipe), evened=_evened(recipe)),
        validation=source(held, "validation") if held else None,
    )


def _told_in_both(held: ExampleStore, learnt: ExampleStore) -> str:
    """How many held-out examples are learnt from as well, label and all; empty for none."""
    wanted = Counter(_contents(held))
    count = sum(wanted[each] for each in {*_contents(learnt)} & wanted.keys())
    return f"; {count:,} of them are also learnt from" * bool(count)


def _contents(store: ExampleStore) -> Iterator[int]:
    """A number for what each example holds."""
    size = len(store.fields)
    for first in range(0, size * len(store), size):
        yield hash(tuple(store.shard.document(first + n).tobytes() for n in range(size)))


def _first_lost(place: str, objective: Any, examples: ExamplesConfig, name: str) -> str:
    """Where the first row is that was truncated or dropped (`name`), and why; nothing of pairs that several files make."""
    if objective.kind == "similar":
        return ""
    for where, given in placed_rows(find_tables(place)):
        (row,) = oriented([given], examples)
        try:
            (made,) = make_examples([row], objective, origin=where)
        except DataError:  # what the first row must have; of later ones it is a reason
            made = Made(dropped="missing_key")
        if name == "dropped" and made.dropped:
            return f" (the first is {where}: {made.dropped})"
        if name == "truncated" and made.truncated:
            return f" (the first is {where})"
    return ""


def _alike(recipe: Recipe) -> int:
    """How many examples in a row are to be about equally long: those that pass through the model at once, so that little
    of them is padding. A step of several micro-batches then has several lengths; evened steps are sorted on their own.
    """
    if recipe.objective.kind not in ALIKE or recipe.train is None or _evened(recipe):
        return 1
    return recipe.train.micro_batch or rows_per_step(recipe.train, recipe.data.time)


def _evened(recipe: Recipe) -> str:
    """The field by whose tokens the steps are evened; none where a step has several micro-batches, each of so many examples."""
    has_parts = recipe.train is None or recipe.train.micro_batch
    return "" if has_parts else EVENED.get(recipe.objective.kind, "")


def _example_store(
    recipe: Recipe,
    objective: Any,
    prepared: "Prepared",
    progress: Progress,
    *,
    place: str,
    name: str,
) -> ExampleStore:
    assert isinstance(recipe.objective, TaskConfig), "only these read files"
    found = find_tables(place)
    folder, stored = prepared.corpus.parent / "examples", f"{name}-{objective.kind}"
    facts = [recipe.objective.model_dump(mode="json"), recipe.data.time, labels(recipe)]
    augment = augment_of(recipe.objective) if name == "train" else None
    if augment is not None:
        facts += [AUGMENT_VERSION, recipe.seed, *hashes_of(augment)]
    stamps = {
        "tokenizer_hash": prepared.tokenizer.hash,
        "source_hash": sha256_json([read_from(place, objective.kind).sha256(), *facts]),
    }
    if store := reuse_examples(folder, stored, **stamps):
        return store
    learnt_from = oriented(rows_for(found, objective.kind), recipe.objective.examples)
    if augment is not None:
        learnt_from = augmented(learnt_from, augment, seed=recipe.seed, progress=progress)
    made = make_examples(learnt_from, objective, origin=place)
    return write_examples(folder, stored, made, fields=objective.fields, origin=place, **stamps)


def _task_objective(recipe: Recipe, tokenizer: Tokenizer, model: Network) -> Any:
    config, time = recipe.objective, recipe.data.time
    if isinstance(config, ClassifyConfig):
        names = labels(recipe)
        return Classify(
            tokenizer,
            time=time,
            labels=names,
            loss=config.loss,
            weights=_weights(config, names),
            smoothing=config.label_smoothing,
        )
    if isinstance(config, TagConfig):
        given = have_predicates(rows(find_tables(config.examples.train)))
        return Tag(tokenizer, time=time, labels=labels(recipe), with_predicate=given)
    if isinstance(config, SimilarConfig):
        return Similar(
            tokenizer,
            time=time,
            loss=config.loss,
            temperature=config.temperature,
            both_ways=config.both_ways,
        )
    if isinstance(config, RankConfig):
        return Rank(tokenizer, time=time, loss=config.loss)
    if isinstance(config, PreferenceConfig):
        return Preference(tokenizer, time=time, beta=config.beta, model=cast(LanguageModel, model))
    if isinstance(config, Seq2SeqConfig):
        assert isinstance(recipe.model, EncoderDecoderConfig | SequenceToSequenceConfig)
        start, smoothing = recipe.model.start, config.label_smoothing
        return Seq2Seq(tokenizer, time=time, start=start, smoothing=smoothing)
    if isinstance(config, SpanConfig):
        has = getattr(recipe.network, "segments", 0)
        if config.mark_shared and has < SEGMENTS:
            raise ConfigError(
                f"objective.mark_shared = true needs {SEGMENTS} segments, and the model has {has}; set model.segments = {SEGMENTS}"
            )
        return Span(tokenizer, time=time, mark_shared=config.mark_shared)
    return {"regress": Regress, "chat": Chat}[config.kind](tokenizer, time=time)
