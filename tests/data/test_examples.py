"""Examples on disk: what is written is read, numbers keep their sign, losses are counted, and order follows from the cursor."""

from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from zhixing.core.errors import ConfigError, DataError
from zhixing.data.examples import (
    Examples,
    ExampleStore,
    Made,
    bits_float,
    float_bits,
    open_examples,
    reuse_examples,
    write_examples,
)
from zhixing.data.order import Cursor
from zhixing.data.source import first_items


def made(*texts: list[int]) -> list[Made]:
    return [
        Made(example={"tokens": np.array(t), "label": np.array([-n])}) for n, t in enumerate(texts)
    ]


def written(folder: Path, all_made: list[Made]) -> ExampleStore:
    return write_examples(
        folder, "x", all_made, fields=("tokens", "label"), tokenizer_hash="t", source_hash="s"
    )


def test_examples_are_read_as_they_were_written(tmp_path: Path) -> None:
    store = written(tmp_path, made([1, 2, 3], [70_000], [0, -100, 5]))
    assert [store[n]["tokens"].tolist() for n in range(len(store))] == [
        [1, 2, 3],
        [70_000],
        [0, -100, 5],
    ]
    assert [int(store[n]["label"][0]) for n in range(3)] == [0, -1, -2]


@pytest.mark.parametrize("value", [0.0, -1.5, 3.25, 1e-7, -1e30])
def test_a_float_keeps_its_bits(tmp_path: Path, value: float) -> None:
    example = {"tokens": np.array([1]), "label": np.array([float_bits(value)])}
    store = written(tmp_path, [Made(example=example)])
    assert bits_float(int(store[0]["label"][0])) == float(np.float32(value))


def test_what_was_cut_and_left_out_is_counted_and_said(tmp_path: Path) -> None:
    examples = [*made([1], [2]), Made(dropped="empty"), Made(dropped="empty"), Made(dropped="odd")]
    examples[0] = Made(example=examples[0].example, truncated=True)
    losses = written(tmp_path, examples).losses
    assert str(losses) == "2 examples, 1 truncated, 3 dropped (empty 2, odd 1)"
    assert open_examples(tmp_path, "x").losses == losses


def test_a_store_without_examples_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"not one example .* 0 examples, 0 truncated, 1 dropped \(empty 1\)"
    ):
        written(tmp_path, [Made(dropped="empty")])


def test_a_store_is_used_again_only_for_the_same_text_and_tokenizer(tmp_path: Path) -> None:
    written(tmp_path, made([1]))
    assert reuse_examples(tmp_path, "x", tokenizer_hash="t", source_hash="s") is not None
    assert reuse_examples(tmp_path, "x", tokenizer_hash="u", source_hash="s") is None
    assert reuse_examples(tmp_path, "x", tokenizer_hash="t", source_hash="v") is None
    (tmp_path / "x.json").write_text('{"fields": ["tokens"]}')
    with pytest.raises(DataError, match="damaged"):
        open_examples(tmp_path, "x")


def test_every_epoch_has_every_example_once_in_another_order(tmp_path: Path) -> None:
    store = written(tmp_path, made(*([n] for n in range(20))))
    source = Examples(store, lambda example, random: (int(example["tokens"][0]), random.random()))
    stream = source.read(Cursor(seed=1))
    whole = [next(stream) for _ in range(45)]
    orders = [[item[0] for item, _ in whole[start : start + 20]] for start in (0, 20)]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(20))
    assert orders[0] != orders[1]
    assert len({chance for (_, chance), _ in whole}) == 45  # new random numbers in each epoch
    for place in (0, 19, 20, 30):
        again = source.read(whole[place][1])
        assert [next(again) for _ in range(10)] == whole[place + 1 : place + 11]


def test_held_out_items_are_always_the_same(tmp_path: Path) -> None:
    store = written(tmp_path, made(*([n] for n in range(9))))
    source = Examples(store, lambda example, _: int(example["tokens"][0]))
    assert first_items(source, 4) == first_items(source, 4)
    assert len(first_items(source, 100)) == len(first_items(source, None)) == 9


def test_a_cursor_beyond_the_data_is_refused(tmp_path: Path) -> None:
    source = Examples(written(tmp_path, made([1])), lambda example, _: example)
    with pytest.raises(ConfigError, match="the data has changed"):
        next(source.read(Cursor(offset=3)))


def test_batches_of_about_equally_long_examples_come_in_an_order_of_their_own(
    tmp_path: Path,
) -> None:
    store = written(tmp_path, made(*([1] * (1 + n * 7 % 40) for n in range(203))))
    source = Examples(store, lambda example, _: example, alike=10)

    def epoch(number: int) -> list[int]:
        return [-int(item["label"][0]) for item in source.epoch(number, seed=1)]

    first, second = epoch(0), epoch(1)
    assert first == epoch(0) != second
    assert len(first) == len(set(first)) == 200  # the three that fill no batch are others next time
    assert set(range(203)) - set(first) != set(range(203)) - set(second)
    lengths = store.lengths[:, 0]
    assert lengths.tolist() == [1 + n * 7 % 40 for n in range(203)]
    batches = lengths[first].reshape(-1, 10)
    assert np.ptp(batches, axis=1).max() <= 4
    assert any(np.diff(batches.mean(axis=1)) < 0)


def test_evened_steps_have_equally_many_tokens_of_few_long_or_many_short_examples(
    tmp_path: Path,
) -> None:
    lengths = [1 + n * 7 % 40 for n in range(403)]
    store = written(tmp_path, made(*([1] * length for length in lengths)))
    source = Examples(store, lambda example, _: example, evened="tokens")

    def steps(start: Cursor, number: int) -> list[tuple[list[int], Cursor]]:
        found = islice(source.batches(start, 10), number)
        return [([-int(each["label"][0]) for each in items], after) for items, after in found]

    epoch = steps(Cursor(seed=1), 40)
    assert [cursor.epoch for _, cursor in epoch] == [0] * 40
    assert sorted(chosen for items, _ in epoch for chosen in items) == [*range(403)]
    totals = [sum(lengths[chosen] for chosen in items) for items, _ in epoch]
    assert np.ptp(totals) <= 2 * max(lengths)
    counts = [len(items) for items, _ in epoch]
    assert max(counts) > 4 * min(counts)  # equally many examples would be equal here
    assert max(np.ptp([lengths[chosen] for chosen in items]) for items, _ in epoch) <= 10

    for number in (1, 7, 40):  # going on from any step gives the same as never having stopped
        assert steps(epoch[number - 1][1], 45 - number) == steps(Cursor(seed=1), 45)[number:]
    following = steps(epoch[-1][1], 40)
    assert following[0][1].epoch == 1
    assert [items for items, _ in following] != [items for items, _ in epoch]


def test_evened_steps_are_continued_between_two_of_them_only(tmp_path: Path) -> None:
    store = written(tmp_path, made(*([1] * (1 + n) for n in range(40))))
    source = Examples(store, lambda example, _: example, evened="tokens")
    _, after = next(source.batches(Cursor(), 4))
    with pytest.raises(ConfigError, match="the data has changed"):
        next(source.batches(replace(after, offset=after.offset + 1), 4))
