"""`zhixing data`: the catalogue, the corpus pipeline, and why each document was kept or dropped."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from zhixing.cli.console import Fresh, Json, Log, Settings, print_json, reporter
from zhixing.cli.division import split_file
from zhixing.cli.example_files import FORMAT, convert, show_file
from zhixing.cli.histories import histories
from zhixing.cli.recipe import Recipe, find_recipe
from zhixing.core.card import CorpusCard, to_json
from zhixing.core.config import Config, merge_overrides, read_table
from zhixing.core.config import build as build_config
from zhixing.core.errors import ConfigError, DataError, UsageError
from zhixing.core.files import added_to, new_folder
from zhixing.corpus.config import CorpusConfig
from zhixing.corpus.document import Document
from zhixing.corpus.parts import PARTS, Part
from zhixing.corpus.store import Dropped, read_card, read_documents, read_dropped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from zhixing.corpus.archive import Archive
    from zhixing.corpus.catalogue import Entry

app = App(name="data", help="List, fetch, build and inspect text.")
app.command(convert)
app.command(histories)
app.command(split_file, name="split")

_EXCERPT = 400
_NOTES = 5


@app.command(name="list")
def list_(*, as_json: Json = False) -> None:
    """Show the texts that can be fetched by name, which are in the cache, and what examples are made of them."""
    from zhixing.corpus.catalogue import ENTRIES
    from zhixing.corpus.fetch import is_cached

    if as_json:
        print_json(
            [
                {
                    **asdict(entry),
                    "cached": is_cached(entry),
                    "examples": list(_examples_of(entry.name)),
                    "pairs": list(_pairs_of(entry.name)),
                }
                for entry in ENTRIES.values()
            ]
        )
        return
    width = max(map(len, ENTRIES))
    for entry in ENTRIES.values():
        mark = "✓" if is_cached(entry) else " "
        languages = ",".join(entry.languages)
        print(f"{mark} {entry.name:{width}} {languages:6} {entry.megabytes:6.1f} MB  {entry.what}")
        more = [f"{', '.join(map(str, entry.origins))}; licence: {entry.license}"]
        made = _examples_of(entry.name)
        more += [f"zhixing data examples {n}: {what}" for n, what in made.items()]
        more += [f'pairs for a recipe: examples.name = "{n}"' for n in _pairs_of(entry.name)]
        for line in more:
            print(f"  {'':{width}} {line}")
    print(
        "\nzhixing data examples NAME DIR writes train, validation and test .jsonl; examples of your own: zhixing data split FILE DIR"
    )


def _examples_of(text: str) -> dict[str, str]:
    """What `data examples` calls what is made of a text, or of it and others -> what it says; the text itself where it has labels.

    Examples of a package that is in the catalogue for another text alone stand with that text.
    """
    from zhixing.corpus.catalogue import ENTRIES
    from zhixing.corpus.example_sources import EXAMPLES
    from zhixing.corpus.sources import LABELS

    def is_of_it(entry: "Entry") -> bool:
        if entry.name in ENTRIES:
            return entry.name == text
        return not {*ENTRIES[text].origins}.isdisjoint(entry.origins)

    made = {name: each.what for name, each in EXAMPLES.items() if any(map(is_of_it, each.entries))}
    return {text: LABELS[text], **made} if text in LABELS else made


def _pairs_of(text: str) -> list[str]:
    """What a recipe calls the pairs that are made of a text."""
    from zhixing.corpus.sources import PAIRS

    return [name for name, pairs in PAIRS.items() if text in pairs.entries]


@app.command
def get(name: str, *, as_json: Json = False, log: Log = "auto") -> None:
    """Fetch one text of the catalogue into the cache and check it."""
    from zhixing.corpus.catalogue import find
    from zhixing.corpus.fetch import fetch

    entry = find(name)
    if all(origin.kind == "local" for origin in entry.origins):
        result = {
            "name": name,
            "origin": str(entry.origins[0]),
            "path": "",
            "license": entry.license,
        }
    else:
        path, origin = fetch(entry, progress=reporter(log))
        result = {"name": name, "origin": str(origin), "path": str(path), "license": entry.license}
    if as_json:
        print_json(result)
        return
    place = result["path"] or "already on this machine, nothing to fetch"
    print(f"{name}: {place}\nlicence: {entry.license}")


@app.command
def examples(
    name: Annotated[
        str,
        Parameter(
            help="A text of `zhixing data list` whose documents have labels, or what it says is made of texts."
        ),
    ],
    out: Annotated[
        Path, Parameter(help="The folder to write train, validation and test .jsonl to.")
    ],
    *,
    label: Annotated[str, Parameter(help="Which label, where documents have several.")] = "",
    piece: Annotated[
        int | None,
        Parameter(help="Cut documents into pieces of at most so many characters, all in one part."),
    ] = None,
    fresh: Fresh = False,
    as_json: Json = False,
    log: Log = "auto",
) -> None:
    """Write labels, tags, searches, conversations and more of the catalogue as examples: `zhixing data examples brown-pos runs/pos`.

    Copies, near-copies of labelled texts and conversations, and texts with two different labels are left out before the split;
    tagged sentences are split by document, the queries of a search by page, conversations by their questions, questions about texts
    by what they were made of; of a history the last item is tested.
    """
    from zhixing.corpus.archive import Archive
    from zhixing.corpus.catalogue import find
    from zhixing.corpus.example_sources import EXAMPLES
    from zhixing.corpus.fetch import fetch

    progress = reporter(log)
    entries = EXAMPLES[name].entries if name in EXAMPLES else (find(name, also=EXAMPLES),)
    write = _writer(name, label, piece)
    with new_folder(out):  # what cannot be written is found before the work and not after it
        archives = {
            entry.name: Archive(path=fetch(entry, progress=progress)[0]) for entry in entries
        }
        progress.start(f"examples of {name}")
        with added_to(out, fresh=fresh) as made:
            written = write(archives, made)
    progress.finish(f"{out}: {written}")
    if as_json:
        license = ", ".join(dict.fromkeys(entry.license for entry in entries))
        print_json({"name": name, "written": str(out), "license": license, **asdict(written)})


def _writer(
    name: str, label: str, piece: int | None
) -> "Callable[[Mapping[str, Archive], Path], Any]":
    """What writes the examples called `name`, from fetched archives to a folder."""
    from zhixing.corpus.example_sources import EXAMPLES
    from zhixing.corpus.labelled import Form, write_labelled
    from zhixing.corpus.sources import COMPARED, LABELS, READERS

    if name in EXAMPLES:
        if label or piece is not None:
            raise UsageError(
                f"--label and --piece would do nothing with {name}: they are for documents with labels; leave them out"
            )
        return EXAMPLES[name].write
    if name not in READERS or not (label or name in LABELS):
        raise DataError(
            f"{name} has no labels, so there are no examples to write; which do, says: zhixing data list"
        )
    form = Form(label=label, piece=piece, compared=COMPARED.get(name, str))
    return lambda archives, out: write_labelled(READERS[name](archives[name]), out, form=form)


@app.command
def build(
    recipe: Path,
    *,
    out: Path | None = None,
    overrides: Settings = (),
    as_json: Json = False,
    log: Log = "auto",
) -> None:
    """Build the corpus that the [corpus] table of a recipe describes.

    Written to runs/RECIPE/corpus unless --out says otherwise; --set corpus.key=value overrides the recipe.
    """
    from zhixing.corpus.build import build as build_corpus

    config = read_corpus_config(recipe, overrides)
    folder = out or Path("runs") / recipe.stem / "corpus"
    card = build_corpus(config, folder, progress=reporter(log))
    if as_json:
        print_json({"folder": str(folder), **to_json(card)})
        return
    _print_card(card, folder)
    print(f"\nlook at it: zhixing data show {folder}")


@app.command
def show(
    place: Annotated[Path, Parameter(help="The folder of a corpus, or a file of examples.")],
    *,
    split: Part | None = None,
    format: Annotated[str, FORMAT] = "",
    num: Annotated[int, Parameter(name="--num")] = 3,
    as_json: Json = False,
) -> None:
    """Show the card of a corpus and --num of its documents, evenly spaced; of a file of examples its format and first rows.

    --split picks a part of a corpus (train unless given).
    """
    if num < 0:
        raise UsageError(f"--num {num}: a number of documents, 0 or more")
    if place.is_file():
        if split is not None:
            raise UsageError(f"--split {split}: {place} is one file and has no parts; leave it out")
        show_file(place, format=format, num=num, as_json=as_json)
        return
    if not place.exists():
        raise DataError(f"there is no file or folder {place}")
    if format:
        raise UsageError(f"--format {format}: {place} is no file of examples; leave it out")
    tables = sorted(place.glob("*.jsonl"))
    if tables and not (place / "card.json").is_file():
        raise DataError(
            f"{place} holds no corpus but files of examples; to see one, type: zhixing data show {tables[0]}"
        )
    card = read_card(place)
    documents = _evenly_spaced(place, split or "train", num, card)
    if as_json:
        print_json({"card": to_json(card), "documents": [asdict(each) for each in documents]})
        return
    _print_card(card, place)
    for document in documents:
        print(f"\n── {document.id} ({document.language}, {document.license}) ──")
        print(document.text[:_EXCERPT] + ("…" if len(document.text) > _EXCERPT else ""))


@app.command
def why(folder: Path, document_id: str, *, as_json: Json = False) -> None:
    """Say whether a document (SOURCE:NAME, as in `data show`) was kept and where, or why it was dropped."""
    read_card(folder)
    found = _fates(folder, document_id)
    if not found:
        raise UsageError(
            f"{folder} knows no document {document_id!r}; identities look like SOURCE:NAME, "
            f"see {folder / 'train.jsonl'} and {folder / 'dropped.jsonl'}"
        )
    if as_json:
        print_json(found)
        return
    for fate in found:
        print(_sentence(fate))


def read_corpus_config(recipe: Path, overrides: tuple[str, ...] = ()) -> CorpusConfig:
    """The [corpus] table of a recipe; its other tables must at least be known by name."""
    recipe = find_recipe(recipe)
    table = merge_overrides(read_table(recipe), overrides)
    if unknown := sorted(set(table) - set(Recipe.model_fields)):
        raise ConfigError(
            f"{recipe}: unknown table or key {unknown[0]!r}; a recipe has "
            f"{', '.join(sorted(Recipe.model_fields))}"
        )
    if "corpus" not in table:
        raise ConfigError(f"{recipe} has no [corpus] table; add one with [[corpus.sources]]")
    only = {"corpus": table["corpus"]}
    return build_config(only, _CorpusTable, origin=recipe, overrides=overrides).corpus


class _CorpusTable(Config):
    """A recipe as this command sees it: errors then name keys as they are in the file."""

    corpus: CorpusConfig
    """Where the text comes from and which of it is kept."""


def _evenly_spaced(folder: Path, split: str, num: int, card: CorpusCard) -> list[Document]:
    total = sum(amount.documents for amount in card.kept.get(split, {}).values())
    wanted = {total * position // num for position in range(num)} if num else set()
    return [d for number, d in enumerate(read_documents(folder, split)) if number in wanted]


def _fates(folder: Path, document_id: str) -> list[dict[str, Any]]:
    """Everything known about the document of this identity and about its pieces."""
    found = []
    for split in PARTS:
        for document in read_documents(folder, split):
            if _is_meant(document.id, document_id):
                size = len(document.text.encode())
                found.append({"id": document.id, "kept": True, "split": split, "bytes": size})
    for record in read_dropped(folder):
        if _is_meant(record.id, document_id):
            found.append({"kept": False, **asdict(record)})
    return found


def _is_meant(identity: str, typed: str) -> bool:
    return identity == typed or identity.startswith(f"{typed}#")


def _sentence(fate: dict[str, Any]) -> str:
    if fate["kept"]:
        return f"{fate['id']}: kept, in {fate['split']} ({fate['bytes']} bytes)"
    record = Dropped(**{key: value for key, value in fate.items() if key != "kept"})
    line = (
        f"{record.id}: dropped, {record.reason} ({record.score:g}; threshold {record.threshold:g})"
    )
    if record.kept_id:
        line += f"\n  {record.kept_id} stands for it"
    return f"{line}\n  begins: {' '.join(record.start.split())}"


def _print_card(card: CorpusCard, folder: Path) -> None:
    for source in card.sources:
        size = f"{source.documents} documents, {source.bytes / 1e6:.2f} MB"
        print(f"source {source.name}: {size}, licence {source.license}, from {source.origin}")
    for split, languages in card.kept.items():
        for language, amount in sorted(languages.items()):
            size = f"{amount.documents:8} documents {amount.bytes / 1e6:10.3f} MB"
            print(f"  {split:11} {language}  {size}")
    for reason, amount in card.dropped.items():
        print(
            f"  dropped     {amount.documents:8} documents {amount.bytes / 1e6:10.3f} MB  {reason}"
        )
    if card.masked:
        print("  masked      " + ", ".join(f"{kind} {n}" for kind, n in card.masked.items()))
    for note in card.notes[:_NOTES]:
        print(f"note: {note}")
    if (more := len(card.notes) - _NOTES) > 0:
        print(f"note: and {more} more like these, all of them in {folder / 'card.json'}")
