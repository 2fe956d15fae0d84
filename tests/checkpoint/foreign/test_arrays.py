"""Only numbers come out of a pickle; what is missing, extra or misshapen is refused by name."""

import collections
import io
import os
import pickle

import numpy as np
import pytest
import torch

from zhixing.checkpoint.foreign.arrays import read_npz, read_pickle, take
from zhixing.checkpoint.foreign.folder import build
from zhixing.core.errors import CheckpointError
from zhixing.model.sequence_config import AveragingConfig


class Command:
    def __reduce__(self) -> tuple:
        return os.system, ("touch /tmp/should-not-exist",)


def test_arrays_and_plain_values_come_back() -> None:
    given = {"weight": np.arange(6, dtype=np.float32).reshape(2, 3), "names": ["a", "中"], "n": 3}
    got = read_pickle(pickle.dumps(given), where="here")
    assert np.array_equal(got.pop("weight"), given.pop("weight"))
    assert got == given


@pytest.mark.parametrize("value", [Command(), collections.OrderedDict(), print, os.getcwd])
def test_a_pickle_that_names_a_function_is_refused_before_it_is_called(value: object) -> None:
    with pytest.raises(CheckpointError, match="only arrays of numbers"):
        read_pickle(pickle.dumps({"weight": value}), where="here")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_no_protocol_of_pickle_is_a_way_around(protocol: int) -> None:
    with pytest.raises(CheckpointError, match="only arrays of numbers"):
        read_pickle(pickle.dumps(Command(), protocol=protocol), where="here")


def test_a_damaged_file_is_refused() -> None:
    whole = pickle.dumps({"weight": np.zeros(3, dtype=np.float32)})
    for content in (b"", b"text", whole[:-5]):
        with pytest.raises(CheckpointError, match="here is not a whole pickle"):
            read_pickle(content, where="here")
        with pytest.raises(CheckpointError, match="here is not a whole archive"):
            read_npz(content, where="here")


def test_an_archive_with_objects_is_refused() -> None:
    file = io.BytesIO()
    np.savez(file, weight=np.array([{}], dtype=object))
    with pytest.raises(CheckpointError, match="not a whole archive of arrays"):
        read_npz(file.getvalue(), where="here")


def test_missing_and_unknown_arrays_are_named() -> None:
    numbers = np.zeros(2, dtype=np.float32)
    with pytest.raises(CheckpointError, match="a, c"):
        take({"a": numbers, "b": numbers}, {"b": "x", "c": "y"}, where="here")
    with pytest.raises(CheckpointError, match="b is not an array of real numbers"):
        take({"b": np.array(["text"])}, {"b": "x"}, where="here")


def test_a_misshapen_tensor_is_named() -> None:
    config = AveragingConfig(embedding=4, width=3, layers=1)
    good = build_weights(config)
    assert build(config, {"characters": ("a", "b")}, "characters", good).config == config
    for bad in (good | {"embed.weight": torch.zeros(2, 5)}, good | {"extra.weight": torch.ones(1)}):
        with pytest.raises(CheckpointError, match=r"embed\.weight|extra\.weight"):
            build(config, {"characters": ("a", "b")}, "characters", bad)


def build_weights(config: AveragingConfig) -> dict[str, torch.Tensor]:
    from zhixing.model.averaging import Averaging

    return Averaging(config, 2).state_dict()
