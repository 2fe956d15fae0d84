"""Every benchmark runs and leaves records; no test says how fast anything is."""

import json
from pathlib import Path

import pytest

from zhixing.cli import main
from zhixing.cli.bench import benchmarks, measure
from zhixing.core.records import read_records
from zhixing.evaluate.race import OURS, Race, race, race_records

PEERS = {
    "count-ngrams": {"nltk"},
    "encode": {"tokenizers-batch", "tokenizers-single"},
    "generate": {"transformers"},
    "train-decoder": {"muon", "transformers"},
    "train-lstm": {"torch.nn.LSTM"},
    "word2vec": {"gensim"},
}


def test_no_benchmark_is_without_a_test() -> None:
    assert set(benchmarks()) == set(PEERS)


@pytest.mark.parametrize("name", PEERS)
def test_a_benchmark_leaves_a_record_per_contestant_and_ratio(name: str, tmp_path: Path) -> None:
    measure(name, peers=(), size="short", out=tmp_path)
    records = {record.name: record for record in read_records(tmp_path / f"{name}.jsonl")}
    assert set(records) == {OURS} | PEERS[name] | {f"{OURS}/{peer}" for peer in PEERS[name]}
    for record in records.values():
        assert record.kind == "benchmark"
        assert 0 < record.low <= record.value <= record.high
        assert (record.unit == "ratio") == (record.name.startswith(f"{OURS}/"))


def test_the_command_prints_what_it_wrote(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = f"bench encode --short --peer tokenizers-single --json --out {tmp_path}"
    assert main(line.split()) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [each["name"] for each in shown] == [
        OURS,
        "tokenizers-single",
        f"{OURS}/tokenizers-single",
    ]


def test_without_a_name_the_benchmarks_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == sorted(PEERS)


@pytest.mark.parametrize(
    ("line", "told"),
    [("bench trian-lstm", "train-lstm"), ("bench train-lstm --peer jax", "torch.nn.LSTM")],
)
def test_an_unknown_name_is_answered_with_the_known_ones(
    line: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(line.split()) == 3
    assert told in capsys.readouterr().err


def test_every_round_runs_everybody_and_the_order_turns_round() -> None:
    ran: list[str] = []

    def work(name: str) -> float:
        ran.append(name)
        return 1.0

    raced = race("x", "runs/s", {OURS: lambda: work(OURS), "peer": lambda: work("peer")}, rounds=2)
    assert ran == [OURS, "peer", OURS, "peer", "peer", OURS]
    assert [len(rates) for rates in raced.rates.values()] == [2, 2]


def test_a_ratio_is_that_of_each_round() -> None:
    raced = Race(name="x", unit="runs/s", rates={OURS: [2.0, 9.0, 8.0], "peer": [1.0, 3.0, 2.0]})
    assert raced.ratios("peer") == [2.0, 3.0, 4.0]
    *_, ratio = race_records(raced, seed=1)
    assert (ratio.value, ratio.low, ratio.high, ratio.count) == (3.0, 2.0, 4.0, 3)
