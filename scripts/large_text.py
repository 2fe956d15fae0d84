"""A large varied text out of a small corpus: `python scripts/large_text.py CORPUS OUT --bytes 1000000000`.

Documents are drawn at random, and every sixth to ninth word or Chinese character is exchanged for another of the
corpus. The files are jsonl, jsonl.gz, txt and txt.gz in turn.
"""

import argparse
import gzip
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from zhixing.corpus.parts import PARTS
from zhixing.corpus.store import read_documents

FILE_BYTES, SEED = 25_000_000, 5
FORMS = ("jsonl", "jsonl.gz", "txt", "txt.gz")


def varied(text: str, others: Sequence[str], random: random.Random) -> str:
    """A text with one unit in six to nine exchanged: a word, or in Chinese a character."""
    space = " " if text.isascii() else ""
    units = text.split(" ") if space else [*text]
    for place in range(0, len(units), random.randint(6, 9)):
        if space or "\u4e00" <= units[place] <= "\u9fff":
            units[place] = random.choice(others)
    return space.join(units)


def texts(corpus: Path) -> Iterator[str]:
    """Varied documents without end."""
    draw = random.Random(SEED)
    documents = [each.text for split in PARTS for each in read_documents(corpus, split)]
    english = [word for text in documents if text.isascii() for word in text.split()]
    chinese = [c for text in documents for c in text if "\u4e00" <= c <= "\u9fff"]
    while True:
        text = draw.choice(documents)
        yield varied(text, english if text.isascii() else chinese, draw)


def write(stream: Iterator[str], path: Path, most: int) -> int:
    """Fill one file with at least `most` UTF-8 bytes of text; how many they are."""
    size = 0
    with _opened(path) as file:
        while size < most:
            text = next(stream)
            row = json.dumps({"text": text}, ensure_ascii=False)
            file.write(f"{row}\n" if ".jsonl" in path.name else f"{text}\n\n")
            size += len(text.encode())
    return size


def main(corpus: Path, out: Path, wanted: int) -> None:
    """Write files until there are `wanted` bytes of text."""
    out.mkdir(parents=True)
    stream, total, number = texts(corpus), 0, 0
    while total < wanted:
        path = out / f"part-{number:03d}.{FORMS[number % len(FORMS)]}"
        total += write(stream, path, min(FILE_BYTES, wanted - total))
        number += 1
    print(f"{total:,} bytes of text in {number} files")


def _opened(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "wt", encoding="utf-8", compresslevel=1)
    return path.open("w", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--bytes", type=int, required=True)
    given = parser.parse_args()
    main(given.corpus, given.out, given.bytes)
