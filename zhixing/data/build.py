"""Documents to token shards, batched through all cores, and not at all when nothing has changed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from zhixing.core.batches import batches
from zhixing.core.errors import DataError
from zhixing.core.files import atomic_open, read_json, write_json
from zhixing.core.progress import Progress
from zhixing.corpus.document import Document
from zhixing.data.shard import ShardWriter, TokenShard, open_shard
from zhixing.tokenizer.tokenizer import Tokenizer

SHARD_TOKENS = 2**27  # 256 MiB of two-byte ids; the plan of one shard then takes some tens of MiB
BATCH_CHARACTERS = 1_000_000
BATCH_DOCUMENTS = 4_096


def tokenise(
    documents: Iterable[Document],
    tokenizer: Tokenizer,
    folder: Path,
    name: str,
    *,
    source_hash: str,
    progress: Progress,
    shard_tokens: int = SHARD_TOKENS,
) -> list[TokenShard]:
    """Write `folder/name-00000.bin` … of about `shard_tokens` ids each, and open them.

    Shards already there with the same tokenizer and `source_hash` (what identifies the documents) are reused
    and `documents` is not read. Raises DataError when there is no document.
    """
    index = folder / f"{name}.json"
    wanted = {
        "tokenizer_hash": tokenizer.hash,
        "source_hash": source_hash,
        "shard_tokens": shard_tokens,
    }
    if reused := _reuse(index, wanted):
        return reused
    progress.start(f"tokenise {name}", unit="characters")
    index.unlink(missing_ok=True)
    stream = _encoded(documents, tokenizer, progress)
    shards: list[TokenShard] = []
    document = next(stream, None)
    while document is not None:
        path = folder / f"{name}-{len(shards):05d}.bin"
        with atomic_open(path) as file:
            writer = ShardWriter(file, vocab=tokenizer.vocab)
            document = _fill_shard(writer, document, stream, shard_tokens)
            writer.finish(tokenizer_hash=tokenizer.hash, source_hash=source_hash)
        shards.append(open_shard(path))
    if not shards:
        raise DataError(f"there is no document to tokenise for {name}")
    write_json(index, {**wanted, "shards": [shard.path.name for shard in shards]})
    _drop_stale(folder, name, shards)
    progress.finish(_summary(name, shards))
    return shards


def _reuse(index: Path, wanted: Mapping[str, object]) -> list[TokenShard]:
    """The shards of an earlier, equal run; empty when there are none or one of them is not whole."""
    try:
        found = read_json(index)
        if any(found.get(key) != value for key, value in wanted.items()):
            return []
        shards = [open_shard(index.parent / str(name)) for name in found["shards"]]
    except (DataError, KeyError, TypeError, AttributeError):
        return []
    hashes = {(shard.tokenizer_hash, shard.source_hash) for shard in shards}
    is_ours = hashes == {(wanted["tokenizer_hash"], wanted["source_hash"])}
    return shards if is_ours else []


def _fill_shard(
    writer: ShardWriter, document: list[int], rest: Iterator[list[int]], shard_tokens: int
) -> list[int] | None:
    """Append documents until the shard is full; gives the first that did not fit, None at the end."""
    writer.append(document)
    for following in rest:
        if writer.num_tokens + len(following) > shard_tokens:
            return following
        writer.append(following)
    return None


def _encoded(
    documents: Iterable[Document], tokenizer: Tokenizer, progress: Progress
) -> Iterator[list[int]]:
    texts_alone = (document.text for document in documents)
    for texts in batches(texts_alone, len, max_size=BATCH_CHARACTERS, max_items=BATCH_DOCUMENTS):
        yield from tokenizer.encode_documents(texts)
        progress.advance(sum(map(len, texts)))


def _drop_stale(folder: Path, name: str, shards: Sequence[TokenShard]) -> None:
    """Remove shards that an earlier, longer run left under the same name."""
    current = {shard.path for shard in shards}
    for path in folder.glob(f"{name}-[0-9][0-9][0-9][0-9][0-9].bin"):
        if path not in current:
            path.unlink()


def _summary(name: str, shards: Sequence[TokenShard]) -> str:
    documents = sum(shard.num_documents for shard in shards)
    tokens = sum(shard.num_tokens for shard in shards)
    return f"{name}: {documents:,} documents, {tokens:,} tokens"
