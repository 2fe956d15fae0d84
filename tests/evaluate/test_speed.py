import pytest

from zhixing.core.errors import DataError
from zhixing.evaluate.speed import PeakMemory, folder_bytes, generation_speed, peak_memory_bytes


def test_generation_speed_counts_tokens_over_time():
    calls = []

    def generate() -> int:
        calls.append(1)
        sum(range(20_000))
        return 10

    speed = generation_speed(generate, seconds=0.01)
    assert speed.runs == len(calls) - 1 >= 3
    assert speed.tokens == 10 * speed.runs
    assert 0 < speed.slowest <= speed.tokens_per_second <= speed.fastest


def test_a_model_that_says_nothing_has_no_speed():
    with pytest.raises(DataError, match="no tokens"):
        generation_speed(lambda: 0, seconds=0.0)


def test_peak_memory_sees_what_was_held_and_let_go():
    with PeakMemory() as quiet:
        pass
    with PeakMemory() as busy:
        held = b"x" * 200_000_000
        assert len(held)
        del held
    assert busy.bytes - quiet.bytes > 150_000_000
    assert peak_memory_bytes() >= busy.bytes


def test_the_size_of_a_folder_is_the_size_of_its_files(tmp_path):
    (tmp_path / "a").write_bytes(b"123")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "b").write_bytes(b"4567")
    assert folder_bytes(tmp_path) == 7
    assert folder_bytes(tmp_path / "a") == 3
