"""Claims about shards, packing and the loader."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tokenizer.material import CHINESE, ENGLISH, trained
from zhixing.core.errors import ConfigError, DataError
from zhixing.core.progress import Silent
from zhixing.core.targets import IGNORED
from zhixing.corpus.document import Document
from zhixing.data.build import tokenise
from zhixing.data.loader import Loader
from zhixing.data.order import Cursor
from zhixing.data.pack import Row, best_fit, cut, plan_rows
from zhixing.data.shard import TokenShard, open_shard, verify, write_shard
from zhixing.data.source import PackedRows

Pairs = Counter[tuple[int, int]]
lengths_of_documents = st.lists(st.integers(0, 40), min_size=1, max_size=30).filter(
    lambda lengths: max(lengths) >= 2
)


def numbered(lengths: list[int]) -> list[list[int]]:
    """Documents in which every token of all of them is different."""
    edges = np.cumsum([0, *lengths])
    return [list(range(edges[i], edges[i + 1])) for i in range(len(lengths))]


def shard_in_memory(documents: list[list[int]], name: str = "x") -> TokenShard:
    ids = np.concatenate([np.asarray(d, dtype=np.uint16) for d in documents])
    ends = np.cumsum([len(d) for d in documents]).astype(np.int64)
    return TokenShard(path=Path(name), ids=ids, ends=ends, tokenizer_hash="t", source_hash="s")


def pairs_of(documents: list[list[int]]) -> Pairs:
    return Counter(pair for d in documents for pair in pairwise(d))


def learnt_pairs(rows: list[Row]) -> Pairs:
    found: Pairs = Counter()
    for row in rows:
        used = row.targets != IGNORED
        found.update(zip(row.tokens[used].tolist(), row.targets[used].tolist(), strict=True))
    return found


def epoch(loader: Loader) -> list[Row]:
    return [row for row, _ in islice(loader, loader.rows_per_epoch)]


def same(left: Row, right: Row) -> bool:
    return all(np.array_equal(getattr(left, name), getattr(right, name)) for name in Row.__slots__)


@settings(max_examples=200, deadline=None)
@given(lengths=lengths_of_documents, time=st.integers(2, 16), seed=st.integers(0, 5))
def test_every_pair_of_every_document_is_learnt_exactly_once(
    lengths: list[int], time: int, seed: int
) -> None:
    documents = numbered(lengths)
    half = len(documents) // 2
    shards = [shard_in_memory(part) for part in (documents[:half], documents[half:]) if part]
    loader = Loader(shards, time=time, seed=seed)
    stream = [row for row, _ in islice(loader, 2 * loader.rows_per_epoch)]
    for part in (stream[: loader.rows_per_epoch], stream[loader.rows_per_epoch :]):
        assert learnt_pairs(part) == pairs_of(documents)
    assert PackedRows(shards=shards, time=time).num_targets == pairs_of(documents).total()


@settings(max_examples=200, deadline=None)
@given(lengths=lengths_of_documents, time=st.integers(2, 16))
def test_rows_say_truly_where_pieces_begin_and_end(lengths: list[int], time: int) -> None:
    documents = numbered(lengths)
    owner = {token: i for i, d in enumerate(documents) for token in d}
    for row in epoch(Loader([shard_in_memory(documents)], time=time, seed=1)):
        for array in (row.tokens, row.targets, row.positions, row.documents):
            assert array.shape == (time,)
            assert array.dtype == np.int64
        assert (np.diff(row.documents) >= 0).all()
        assert row.documents[0] == 0
        for number in range(row.documents[-1] + 1):
            here = row.documents == number
            assert row.positions[here].tolist() == list(range(here.sum()))
            used = row.targets[here] != IGNORED
            assert used.all() or not used.any()
            if used.all():
                tokens = [*row.tokens[here].tolist(), int(row.targets[here][-1])]
                assert len({owner[token] for token in tokens}) == 1
                assert row.targets[here].tolist() == tokens[1:]
            else:
                assert number == row.documents[-1]


@settings(max_examples=100, deadline=None)
@given(lengths=lengths_of_documents, time=st.integers(2, 40))
def test_only_documents_longer_than_a_row_are_cut(lengths: list[int], time: int) -> None:
    documents = numbered(lengths)
    starts, sizes = cut(np.cumsum(lengths), time)
    assert sizes.sum() == pairs_of(documents).total()
    assert len(sizes) == sum(-(-(n - 1) // time) for n in lengths if n > 1)
    assert (sizes >= 1).all()
    assert (sizes <= time).all()
    assert len(set(starts.tolist())) == len(starts)


@settings(max_examples=60, deadline=None)
@given(
    lengths=lengths_of_documents,
    time=st.integers(2, 16),
    stop=st.integers(0, 60),
    num_shards=st.integers(1, 3),
)
def test_a_cursor_continues_exactly_where_it_was_taken(
    lengths: list[int], time: int, stop: int, num_shards: int
) -> None:
    documents = numbered(lengths)
    parts = [documents[i::num_shards] for i in range(num_shards)]
    shards = [shard_in_memory(part) for part in parts if part]
    whole = list(islice(Loader(shards, time=time, seed=3), stop + 25))
    cursor = whole[stop - 1][1] if stop else Cursor(seed=3)
    rest = list(islice(Loader(shards, time=time, seed=3, cursor=cursor), 25))
    for (row, after), (again, after_again) in zip(whole[stop:], rest, strict=True):
        assert same(row, again)
        assert after == after_again


def test_rows_depend_on_seed_and_epoch_and_on_nothing_else() -> None:
    shard = shard_in_memory(numbered([3, 9, 4, 12, 7, 5, 30, 2, 6, 11]))
    stream = epoch(Loader([shard], time=8, seed=1))
    assert all(map(same, stream, epoch(Loader([shard], time=8, seed=1))))
    assert not all(map(same, stream, epoch(Loader([shard], time=8, seed=2))))
    loader = Loader([shard], time=8, seed=1)
    second = [row for row, _ in islice(loader, loader.rows_per_epoch, 2 * loader.rows_per_epoch)]
    assert not all(map(same, stream, second))


@settings(max_examples=200, deadline=None)
@given(lengths=st.lists(st.integers(1, 20), max_size=60), capacity=st.integers(20, 40))
def test_best_fit_in_groups_equals_best_fit_one_by_one(lengths: list[int], capacity: int) -> None:
    pieces = sorted(lengths, reverse=True)
    rows = best_fit(np.asarray(pieces, dtype=np.int64), capacity)
    rooms: list[int] = []
    for piece in pieces:
        fitting = [i for i, room in enumerate(rooms) if room >= piece]
        if not fitting:
            rooms.append(capacity)
            fitting = [len(rooms) - 1]
        rooms[min(fitting, key=lambda i: rooms[i])] -= piece
    used = np.bincount(rows, weights=pieces, minlength=len(rooms)) if pieces else np.zeros(0)
    assert sorted((capacity - used).tolist()) == sorted(rooms)


def test_packing_wastes_little_on_real_lengths() -> None:
    random = np.random.default_rng(0)
    lengths = np.clip(random.lognormal(4.5, 1.2, 20_000), 2, 20_000).astype(np.int64)
    plan = plan_rows(np.cumsum(lengths), 256, random)
    assert plan.lengths.sum() / (plan.num_rows * 256) > 0.999


def test_a_shard_gives_its_documents_back(tmp_path: Path) -> None:
    documents = [[1, 5, 2], [1, 2], [], [7], [1, 65_535, 2]]
    shard = write_shard(tmp_path / "a.bin", documents, tokenizer_hash="t", source_hash="s")
    again = open_shard(tmp_path / "a.bin")
    for one in (shard, again):
        assert [one.document(i).tolist() for i in range(one.num_documents)] == documents
        assert one.ids.dtype == np.uint16
        assert (one.tokenizer_hash, one.source_hash) == ("t", "s")
    assert isinstance(again.ids, np.memmap)
    verify(again)


def test_large_vocabularies_take_four_bytes_per_id(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    shard = write_shard(path, [[70_000]], tokenizer_hash="", source_hash="", vocab=70_001)
    assert shard.ids.dtype == np.uint32
    assert shard.ids.tolist() == [70_000]


@pytest.mark.parametrize("number", [65_536, -1])
def test_ids_outside_the_vocabulary_are_refused_and_leave_no_file(
    tmp_path: Path, number: int
) -> None:
    with pytest.raises(DataError, match=str(number)):
        write_shard(tmp_path / "a.bin", [[1], [number]], tokenizer_hash="", source_hash="")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_shard_is_a_shard_but_nothing_to_learn(tmp_path: Path) -> None:
    shard = write_shard(tmp_path / "a.bin", [], tokenizer_hash="", source_hash="")
    verify(shard)
    assert (shard.num_documents, shard.num_tokens) == (0, 0)
    with pytest.raises(DataError, match="nothing to learn"):
        Loader([shard], time=4, seed=1)
    with pytest.raises(DataError, match="nothing to learn"):
        Loader([], time=4, seed=1)


def test_any_damage_to_a_shard_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    write_shard(path, [[1, 2, 3], [4, 5]], tokenizer_hash="t", source_hash="s")
    content = path.read_bytes()
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        is_id = 64 <= place < 64 + 10
        is_padding = place in range(44, 64) or place in range(64 + 10, 64 + 16)
        if is_padding:
            continue
        with pytest.raises(DataError):
            verify(open_shard(path))
        if is_id:
            open_shard(path)  # cheap: does not read the ids
    for size in range(len(content)):
        path.write_bytes(content[:size])
        with pytest.raises(DataError):
            open_shard(path)


def test_what_is_no_shard_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        open_shard(tmp_path / "nowhere.bin")
    with pytest.raises(DataError, match="cannot be read"):
        open_shard(tmp_path)
    (tmp_path / "text.bin").write_text("知行合一 " * 50)
    with pytest.raises(DataError, match="not a token shard"):
        open_shard(tmp_path / "text.bin")


def test_a_cursor_of_another_run_is_refused() -> None:
    shard = shard_in_memory(numbered([9, 9]))
    with pytest.raises(ConfigError, match="made with seed 1"):
        Loader([shard], time=4, seed=2, cursor=Cursor(offset=1, seed=1))
    with pytest.raises(ConfigError, match="shard 3 of 1"):
        Loader([shard], time=4, seed=2, cursor=Cursor(shard=3, seed=2))
    with pytest.raises(ConfigError, match="row 99"):
        next(iter(Loader([shard], time=4, seed=2, cursor=Cursor(offset=99, seed=2))))


def corpus() -> list[Document]:
    texts = (ENGLISH + CHINESE) * 3
    return [Document(id=str(i), text=text, source="test") for i, text in enumerate(texts)]


def test_tokenising_keeps_every_document_in_order(tmp_path: Path) -> None:
    tokenizer = trained("byte_bpe")
    shards = tokenise(corpus(), tokenizer, tmp_path, "train", source_hash="s", progress=Silent())
    assert len(shards) == 1
    texts = [tokenizer.decode(shards[0].document(i).tolist()) for i in range(30)]
    assert texts == [document.text for document in corpus()]
    assert all(shards[0].document(i)[[0, -1]].tolist() == [1, 2] for i in range(30))


def test_shards_have_a_largest_size_and_lose_nothing(tmp_path: Path) -> None:
    tokenizer = trained("byte_bpe")
    one = tokenise(corpus(), tokenizer, tmp_path, "one", source_hash="s", progress=Silent())
    many = tokenise(
        corpus(),
        tokenizer,
        tmp_path,
        "many",
        source_hash="s",
        progress=Silent(),
        shard_tokens=100,
    )
    assert len(many) > 5
    assert max(shard.num_tokens for shard in many) <= 100
    assert np.array_equal(np.concatenate([shard.ids for shard in many]), one[0].ids)


def refuse_to_read() -> Iterator[Document]:
    raise AssertionError("the documents were read again")
    yield


def test_shards_are_reused_only_when_nothing_changed(tmp_path: Path) -> None:
    tokenizer = trained("byte_bpe")
    first = tokenise(corpus(), tokenizer, tmp_path, "train", source_hash="s", progress=Silent())
    again = tokenise(
        refuse_to_read(), tokenizer, tmp_path, "train", source_hash="s", progress=Silent()
    )
    assert np.array_equal(again[0].ids, first[0].ids)
    with pytest.raises(AssertionError):
        tokenise(
            refuse_to_read(), tokenizer, tmp_path, "train", source_hash="new", progress=Silent()
        )
    tokenise(corpus()[:3], tokenizer, tmp_path, "train", source_hash="s", progress=Silent())
    path = tmp_path / "train-00000.bin"
    path.write_bytes(path.read_bytes()[:-3])
    rebuilt = tokenise(corpus(), tokenizer, tmp_path, "train", source_hash="s", progress=Silent())
    assert np.array_equal(rebuilt[0].ids, first[0].ids)


def test_shards_of_a_longer_run_do_not_stay_behind(tmp_path: Path) -> None:
    tokenizer = trained("byte_bpe")
    for source, documents in (("long", corpus()), ("short", corpus()[:2])):
        shards = tokenise(
            documents,
            tokenizer,
            tmp_path,
            "train",
            source_hash=source,
            progress=Silent(),
            shard_tokens=100,
        )
    assert {path.name for path in tmp_path.glob("*.bin")} == {shard.path.name for shard in shards}


def test_no_document_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no document"):
        tokenise([], trained("byte_bpe"), tmp_path, "train", source_hash="s", progress=Silent())
