"""The finder of answers: what its logits are, what padding may not do, and that it learns to follow a question."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zhixing.model.recurrent_reader import RecurrentReader
from zhixing.model.sequence_config import RecurrentEncoderConfig, RecurrentReaderConfig

TOKENS = torch.tensor([[1, 7, 2, 7, 4, 5, 2], [1, 8, 9, 2, 8, 2, 0]])
SEGMENTS = torch.tensor([[0, 0, 0, 2, 1, 1, 1], [0, 0, 0, 0, 2, 1, 0]])
KEEP = torch.tensor([[True] * 7, [True] * 6 + [False]])


def _reader(layers: int = 2, width: int = 8) -> RecurrentReader:
    torch.manual_seed(0)
    encoder = RecurrentEncoderConfig(embedding=6, width=width, layers=layers)
    return RecurrentReader(RecurrentReaderConfig(encoder=encoder), vocab=16).eval()


def _lstm(reader: RecurrentReader) -> nn.LSTM:
    """torch's own layers with the weights of the reader's."""
    config = reader.config.encoder
    lstm = nn.LSTM(
        config.embedding, config.width // 2, config.layers, bidirectional=True, batch_first=True
    )
    for number, directions in enumerate(reader.encoder.stack.passes):
        for weights, end in zip(directions, ("", "_reverse"), strict=True):
            for name, weight in weights.named_parameters():
                lstm.get_parameter(f"{name}_l{number}{end}").data.copy_(weight)
    return lstm


def _pointed(reader: RecurrentReader, hidden: Tensor, asked: Tensor) -> Tensor:
    """Logits of one text, number by number, from its vectors and the places that count as its question."""
    shares = torch.stack([reader.output.weigh(vector)[0] for vector in hidden[asked]]).softmax(0)
    question = sum(share * vector for share, vector in zip(shares, hidden[asked], strict=True))
    start, end = reader.output.point(question).chunk(2)
    return torch.stack([torch.stack([vector @ start, vector @ end]) for vector in hidden])


@torch.no_grad()
def test_logits_are_those_of_an_lstm_of_torch_and_a_weighted_question() -> None:
    reader = _reader()
    logits = reader(TOKENS, segments=SEGMENTS, keep=KEEP)
    assert logits.shape == (2, 7, 2)
    for row, size in enumerate(KEEP.sum(1).tolist()):
        segments = SEGMENTS[row, :size]
        embedded = reader.encoder.embed(TOKENS[row, :size]) + reader.segments(segments)
        hidden = _lstm(reader)(embedded)[0]
        right = _pointed(reader, hidden, segments == 0)
        torch.testing.assert_close(logits[row, :size], right, rtol=1e-5, atol=1e-5)
        mistaken = _pointed(reader, hidden, segments < 2)  # the text counts as question too
        assert not torch.allclose(logits[row, :size], mistaken, rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_padding_changes_nothing_and_is_no_question() -> None:
    reader = _reader()
    padded = reader(TOKENS, segments=SEGMENTS, keep=KEEP)[1:, :6]
    alone = reader(TOKENS[1:, :6], segments=SEGMENTS[1:, :6])
    torch.testing.assert_close(padded, alone, rtol=1e-5, atol=1e-6)
    other = torch.where(KEEP, TOKENS, 5)
    same = reader(other, segments=SEGMENTS, keep=KEEP)[1:, :6]
    torch.testing.assert_close(same, padded, rtol=0, atol=0)
    assert not torch.allclose(reader(TOKENS, segments=SEGMENTS)[1:, :6], alone, atol=1e-6)


@torch.no_grad()
def test_a_token_is_told_its_segment() -> None:
    reader = _reader()
    before = reader(TOKENS, segments=SEGMENTS, keep=KEEP)
    unmarked = reader(TOKENS, segments=SEGMENTS.clamp(max=1), keep=KEEP)
    assert not torch.allclose(before, unmarked, atol=1e-4)


def test_it_learns_to_answer_with_what_was_asked_for() -> None:
    """[1 question 2 text 2]: the answer to question 3 stands behind 5, that to question 4 behind 6."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.randint(7, 16, (320, 12), generator=generator)
    asked = torch.randint(0, 2, (320,), generator=generator)
    first = torch.randint(3, 6, (320,), generator=generator)
    second = torch.randint(7, 10, (320,), generator=generator)
    every = torch.arange(320)
    rows[:, 0], rows[:, 1], rows[:, 2], rows[:, -1] = 1, 3 + asked, 2, 2
    rows[every, first], rows[every, second] = 5, 6
    answers = torch.where(asked == 0, first, second) + 1
    segments = (torch.arange(12) > 2).long().expand(320, 12)

    def right(reader: RecurrentReader, part: slice) -> float:
        found = reader(rows[part], segments=segments[part]).argmax(1)
        return float((found == answers[part, None]).all(1).float().mean())

    reader = _reader(layers=1, width=16)
    optimizer = torch.optim.Adam(reader.parameters(), lr=0.03)
    learnt, held = slice(0, 240), slice(240, 320)
    assert right(reader, held) < 0.5
    for _ in range(60):
        logits = reader(rows[learnt], segments=segments[learnt])
        loss = F.cross_entropy(logits, answers[learnt, None].expand(-1, 2))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert right(reader, held) > 0.9
