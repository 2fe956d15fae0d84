"""The two-way language model: what each direction may see, its loss place by place, and a classifier that begins from it."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from zhixing.core.targets import IGNORED
from zhixing.data.pack import Row
from zhixing.model.assembly import build_network
from zhixing.model.sequence_config import (
    ConvolutionConfig,
    EnsembleConfig,
    RecurrentClassifierConfig,
    RecurrentEncoderConfig,
    RecurrentReaderConfig,
    TaggerConfig,
    TwoWayConfig,
)
from zhixing.model.two_way import TwoWay
from zhixing.objective.two_way import TwoWayLanguage, previous
from zhixing.train.finetune import encoders_of, take_over

VOCAB = 13
ENCODER = RecurrentEncoderConfig(embedding=6, width=8)


def two_way() -> TwoWay:
    torch.manual_seed(3)
    model = build_network(TwoWayConfig(encoder=ENCODER), VOCAB)
    assert isinstance(model, TwoWay)
    for weight in model.parameters():
        weight.data.add_(torch.randn_like(weight) * 0.3)
    return model.eval()


def row(*documents: list[int], time: int = 10) -> Row:
    """Whole documents side by side, as packing leaves them."""
    tokens, targets, positions, numbers = [], [], [], []
    for number, ids in enumerate(documents):
        tokens += ids[:-1]
        targets += ids[1:]
        positions += range(len(ids) - 1)
        numbers += [number] * (len(ids) - 1)
    rest = time - len(tokens)
    columns = (
        tokens + [0] * rest,
        targets + [IGNORED] * rest,
        positions + [0] * rest,
        numbers + [len(documents)] * rest,
    )
    found = [np.array(column, dtype=np.int64) for column in columns]
    return Row(tokens=found[0], targets=found[1], positions=found[2], documents=found[3])


ROWS = [row([3, 1, 4, 1, 5], [9, 2, 6, 5]), row([8, 9, 7, 9, 3, 2, 3, 8, 4, 6, 2])]


def test_no_direction_sees_the_token_that_it_guesses() -> None:
    model, tokens = two_way(), torch.tensor([[3, 1, 4, 1, 5, 9]])
    ahead, behind = model.guesses(tokens)
    changed = tokens.clone()
    changed[0, 3] = 7
    ahead_then, behind_then = model.guesses(changed)
    same = lambda a, b: torch.equal(a, b)  # noqa: E731
    assert same(ahead[0, :3], ahead_then[0, :3])
    assert not same(ahead[0, 3], ahead_then[0, 3])
    assert same(behind[0, 4:], behind_then[0, 4:])
    assert not same(behind[0, 3], behind_then[0, 3])


@torch.no_grad()
def test_the_loss_is_that_of_every_neighbour_one_by_one() -> None:
    model, objective = two_way(), TwoWayLanguage()
    losses = objective.losses(model, objective.collate(ROWS))["loss"]
    assert losses.count == sum(objective.counts(each)["loss"] for each in ROWS)
    assert losses.count == (7 + 5) + (10 + 9)
    expected = 0.0
    for each in ROWS:
        size = int((each.targets != IGNORED).sum())
        tokens = torch.from_numpy(each.tokens[:size])[None]
        ahead, behind = model.guesses(tokens)
        logits = [x[0] @ model.encoder.embed.weight.T + model.bias for x in (ahead, behind)]
        for t in range(size):
            expected += float(F.cross_entropy(logits[0][t], torch.tensor(each.targets[t])))
            if each.positions[t] > 0:
                expected += float(F.cross_entropy(logits[1][t], torch.tensor(each.tokens[t - 1])))
    assert float(losses.total) == pytest.approx(expected, rel=1e-5)


def test_nothing_is_guessed_across_documents_or_at_padding() -> None:
    batch = TwoWayLanguage().collate(ROWS[:1])
    assert previous(batch)[0].tolist() == [-100, 3, 1, 4, -100, 9, 2, -100, -100, -100]


def test_what_would_see_the_guessed_token_is_refused() -> None:
    for wrong in ({"layers": 2}, {"bidirectional": False}, {"bigrams": 10}):
        with pytest.raises(ValueError, match="the token that is guessed is seen"):
            TwoWayConfig(encoder=RecurrentEncoderConfig(**wrong))


def test_what_reads_texts_and_members_begin_with_its_encoder() -> None:
    origin = two_way()
    reader = RecurrentClassifierConfig(
        encoder=ENCODER.model_copy(update={"dropout": 0.4}), labels=2
    )
    other = RecurrentClassifierConfig(
        encoder=RecurrentEncoderConfig(embedding=4, width=8), labels=2
    )
    ensemble = EnsembleConfig(members=(ConvolutionConfig(labels=2), reader, other))
    assert set(encoders_of(ensemble)) == {"members.1.", "members.2."}
    for config, begins in (
        (reader, [""]),
        (TaggerConfig(encoder=ENCODER, labels=2), [""]),
        (RecurrentReaderConfig(encoder=ENCODER), [""]),
        (ensemble, ["members.1."]),
    ):
        model = build_network(config, VOCAB)
        before = {name: weight.clone() for name, weight in model.state_dict().items()}
        taken = take_over(model, origin)
        assert all("encoder" in name for name in taken.copied)
        assert set(taken.left_out) == {"ahead", "behind", "bias"}
        for name, weight in model.state_dict().items():
            begin = next((b for b in begins if name.startswith(f"{b}encoder.")), None)
            if begin is None:
                assert torch.equal(weight, before[name])
            else:
                assert torch.equal(weight, origin.state_dict()[name.removeprefix(begin)])
                assert not torch.equal(weight, before[name]) or "bias" in name


def test_a_two_way_model_begins_with_all_of_another() -> None:
    model = build_network(TwoWayConfig(encoder=ENCODER), VOCAB)
    taken = take_over(model, two_way())
    assert taken.new == taken.left_out == ()
