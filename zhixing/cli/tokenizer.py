"""`zhixing tokenizer`: learn one from text, see how densely it writes, and look at its ids."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from zhixing.cli.console import Json, Log, print_json, reporter
from zhixing.cli.tokenizer_chat import chat
from zhixing.core.errors import DataError, UsageError
from zhixing.core.files import atomic_folder, decode_utf8, new_folder
from zhixing.tokenizer.config import Kind

if TYPE_CHECKING:
    from zhixing.corpus.document import Document

app = App(name="tokenizer", help="Train and inspect tokenizers.")

app.command(chat)

PART_CHARACTERS = 1 << 16
"""A longer text is read in parts of about so many characters."""
MAX_INPUT_BYTES = 1 << 24
"""Most of standard input that `encode` and `decode` take: they show one text's ids."""


@app.command
def train(
    sources: Annotated[list[Path], Parameter(negative="")],
    *,
    out: Path,
    kind: Kind = "byte_bpe",
    vocab: int = 6000,
    as_json: Json = False,
    log: Log = "auto",
) -> None:
    """Learn a tokenizer from files of text or from corpora built by `zhixing data`.

    Parameters
    ----------
    sources
        Files or folders (txt, md, html, jsonl, csv, tsv, parquet; also .gz, .zst); of a corpus the train split is read.
    out
        The folder to write; Hugging Face's AutoTokenizer reads it too.
    kind
        byte_bpe and unigram give every string back; characters, words and wordpiece replace what is new.
    vocab
        Largest number of token ids.
    as_json
        Print the result as one line of JSON.
    log
        How to report progress.
    """
    from zhixing.core.config import build
    from zhixing.tokenizer.config import TokenizerConfig
    from zhixing.tokenizer.train import train as learn

    config = build({"kind": kind, "vocab": vocab}, TokenizerConfig, origin=Path("tokenizer train"))
    _check_sources(sources)
    _check_replaceable(out)
    with new_folder(out):  # what cannot be written is found before the work and not after it
        texts = (document.text for document in _read_all(sources))
        tokenizer = learn(texts, config, progress=reporter(log))
        with atomic_folder(out) as scratch:
            tokenizer.save(scratch)
    result = {"folder": str(out), "kind": kind, "vocab": tokenizer.vocab, "hash": tokenizer.hash}
    if as_json:
        print_json(result)
        return
    short = "" if tokenizer.vocab == vocab else f" (the text has no more; {vocab} were allowed)"
    print(f"{out}: {tokenizer.vocab} ids{short}")
    print(f"next: zhixing tokenizer stats {out} {sources[0]}")


@app.command
def stats(
    tokenizer: Path,
    sources: Annotated[list[Path], Parameter(negative="")],
    *,
    as_json: Json = False,
) -> None:
    """Show bytes and characters per token for each language of some text.

    Parameters
    ----------
    tokenizer
        A tokenizer or model folder.
    sources
        Files or folders, as for `train`.
    as_json
        Print the result as one line of JSON.
    """
    from zhixing.corpus.texts import with_languages
    from zhixing.tokenizer.stats import measure
    from zhixing.tokenizer.tokenizer import Tokenizer

    opened = Tokenizer.load(tokenizer)
    _check_sources(sources)
    documents = with_languages(_read_all(sources))
    result = measure(opened, ((document.language, document.text) for document in documents))
    if not result:
        raise DataError(f"there is no text in {', '.join(map(str, sources))}")
    rows = [
        {
            "language": language,
            "documents": one.documents,
            "bytes": one.bytes,
            "characters": one.characters,
            "tokens": one.tokens,
            "unknown": one.unknown,
            "bytes_per_token": round(one.bytes_per_token, 4),
            "characters_per_token": round(one.characters_per_token, 4),
        }
        for language, one in sorted(result.items(), key=lambda item: -item[1].bytes)
    ]
    if as_json:
        print_json({"vocab": opened.vocab, "languages": rows})
        return
    _print_table(rows)


@app.command
def encode(tokenizer: Path, text: str = "-", *, as_json: Json = False) -> None:
    """Turn a text into ids.

    Parameters
    ----------
    tokenizer
        A tokenizer or model folder.
    text
        The text; - reads standard input.
    as_json
        Print ids, the piece of text of each, and its place as one line of JSON.
    """
    from zhixing.tokenizer.tokenizer import Tokenizer

    opened = Tokenizer.load(tokenizer)
    content = _read_input() if text == "-" else text
    encoding = opened.encode(content)
    if not as_json:
        print(*encoding.ids)
        return
    pieces = [content[start:end] for start, end in encoding.spans]
    result = {"ids": encoding.ids, "pieces": pieces, "spans": encoding.spans}
    print_json(result)


@app.command
def decode(
    tokenizer: Path,
    ids: Annotated[list[int] | None, Parameter(negative="", allow_leading_hyphen=True)] = None,
    *,
    as_json: Json = False,
) -> None:
    """Turn ids back into text; special tokens are left out.

    Parameters
    ----------
    tokenizer
        A tokenizer or model folder.
    ids
        The ids; without any, standard input is read.
    as_json
        Print the text as one line of JSON.
    """
    from zhixing.tokenizer.tokenizer import Tokenizer

    opened = Tokenizer.load(tokenizer)
    text = opened.decode(_parse_ids(_read_input()) if ids is None else ids)
    if as_json:
        print_json({"text": text})
    else:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")


def _check_replaceable(out: Path) -> None:
    """Refuse a folder that holds more than an earlier tokenizer, which is replaced."""
    from zhixing.tokenizer.files import NAMES

    others = sorted({path.name for path in out.iterdir()} - NAMES) if out.is_dir() else []
    if others:
        raise UsageError(
            f"{out} holds something else too ({', '.join(others[:6])}); choose another folder with --out"
        )


def _check_sources(sources: list[Path]) -> None:
    """Refuse a source without text before any of them is read."""
    from zhixing.corpus.files import find_files
    from zhixing.corpus.texts import is_corpus

    for source in sources:
        if not is_corpus(source):
            find_files(str(source))
    if not sources:
        raise UsageError("name at least one file or folder of text")


def _read_all(sources: list[Path]) -> "Iterator[Document]":
    from zhixing.corpus.texts import read_texts

    for source in sources:
        yield from read_texts(
            source, split=None, usual_split="train", max_characters=PART_CHARACTERS
        )


def _read_input() -> str:
    content = sys.stdin.buffer.read(MAX_INPUT_BYTES + 1)
    if len(content) > MAX_INPUT_BYTES:
        raise DataError(
            f"standard input holds more than {MAX_INPUT_BYTES >> 20} MiB, and this command shows the ids of one text; "
            "for large files there is: zhixing tokenizer stats TOKENIZER FILE, and zhixing train for training on them"
        )
    return decode_utf8(content, "standard input")


def _parse_ids(text: str) -> list[int]:
    try:
        return [int(word) for word in text.split()]
    except ValueError as error:
        raise UsageError(f"ids are whole numbers separated by spaces ({error})") from error


def _print_table(rows: list[dict[str, Any]]) -> None:
    print(
        f"{'':8}{'documents':>10}{'bytes':>14}{'tokens':>12}{'bytes/token':>13}{'characters/token':>18}"
    )
    for row in rows:
        print(
            f"{row['language']:8}{row['documents']:>10,}{row['bytes']:>14,}{row['tokens']:>12,}"
            f"{row['bytes_per_token']:>13.3f}{row['characters_per_token']:>18.3f}"
            + (f"   {row['unknown']:,} unknown" if row["unknown"] else "")
        )
