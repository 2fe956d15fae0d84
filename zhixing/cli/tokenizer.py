"""`zhixing tokenizer`: learn one from text, see how densely it writes, and look at its ids."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from zhixing.cli.console import Json, Log, print_json, reporter
from zhixing.cli.tokenizer_chat import chat
from zhixing.core.errors import DataError, UsageError, ZhixingError
from zhixing.core.files import decode_utf8
from zhixing.tokenizer.config import Kind

app = App(name="tokenizer", help="Train and inspect tokenizers.")

app.command(chat)

BLOCK_CHARACTERS = 1 << 16


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
    """Learn a tokenizer from text files, JSON lines with a `text` field, or corpora built by `zhixing data`.

    Parameters
    ----------
    sources
        Files (.txt, .md, … in UTF-8; .jsonl) or corpus folders, of which the train split is read.
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
    _prepare(out)
    _check_sources(sources)
    texts = (text for _, text in _read_all(sources))
    tokenizer = learn(texts, config, progress=reporter(log))
    tokenizer.save(out)
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
        Files or corpus folders, as for `train`.
    as_json
        Print the result as one line of JSON.
    """
    from zhixing.tokenizer.stats import measure
    from zhixing.tokenizer.tokenizer import Tokenizer

    opened = Tokenizer.load(tokenizer)
    _check_sources(sources)
    result = measure(opened, _with_languages(_read_all(sources)))
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


def _prepare(out: Path) -> None:
    """Find out that the folder cannot be written before the work, not after it."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ZhixingError(
            f"the folder {out} cannot be made ({error.strerror}); choose another --out"
        ) from error


def _check_sources(sources: list[Path]) -> None:
    """Refuse a missing source before any of them is read."""
    for source in sources:
        if not source.exists():
            raise DataError(f"{source} does not exist")
        if source.is_dir() and not (source / "train.jsonl").is_file():
            raise DataError(
                f"{source} is not a corpus folder (it has no train.jsonl); give its files, or build a corpus "
                "from them: zhixing data build RECIPE"
            )
    if not sources:
        raise UsageError("name at least one text file or corpus folder")


def _read_all(sources: list[Path]) -> Iterator[tuple[str, str]]:
    """(language or nothing, text) of every document."""
    for source in sources:
        path = source / "train.jsonl" if source.is_dir() else source
        try:
            yield from _read_lines(path) if path.suffix == ".jsonl" else _read_blocks(path)
        except UnicodeDecodeError as error:
            raise DataError(
                f"{path} is not UTF-8 text ({error.reason} at byte {error.start} of a block); "
                "zhixing data build reads other encodings and formats"
            ) from error
        except OSError as error:
            raise DataError(f"{path} cannot be read ({error.strerror})") from error


def _read_lines(path: Path) -> Iterator[tuple[str, str]]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield _document(line, f"{path}:{number}")


def _document(line: str, place: str) -> tuple[str, str]:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise DataError(f"{place} is not a JSON object with a text field ({error})") from error
    if not isinstance(value, dict) or not isinstance(value.get("text"), str):
        raise DataError(f"{place} is not a JSON object with a text field")
    return str(value.get("language") or ""), value["text"]


def _read_blocks(path: Path) -> Iterator[tuple[str, str]]:
    """A plain file in blocks that end with a line, so that memory stays flat whatever its size."""
    with path.open(encoding="utf-8", newline="") as file:
        while block := file.read(BLOCK_CHARACTERS):
            yield "", block + file.readline(BLOCK_CHARACTERS)


def _with_languages(texts: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for language, text in texts:
        yield language or _detect(text), text


def _detect(text: str) -> str:
    from zhixing.text.language import detect

    return detect(text).tag


def _read_input() -> str:
    return decode_utf8(sys.stdin.buffer.read(), "standard input")


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
