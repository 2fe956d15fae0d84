import dataclasses
import math

import numpy as np
import pytest
import torch

from tests.evaluate.scoring_standins import UNIFORM_BITS, Bytes, Uniform, documents
from tests.tiny import tiny_model, tiny_tokenizer
from zhixing.core.errors import CheckpointError, DataError, UsageError
from zhixing.core.progress import Silent
from zhixing.corpus.document import Document
from zhixing.evaluate import harness
from zhixing.evaluate.harness import Window, score_documents, signature
from zhixing.model.assembly import build_model
from zhixing.model.config import DecoderConfig, NGramConfig, RecurrentConfig
from zhixing.model.mixture import fit
from zhixing.model.ngram import count
from zhixing.objective import likelihood
from zhixing.objective.likelihood import token_nats

SMALL = DecoderConfig(
    kind="decoder", width=32, layers=2, heads=2, kv_heads=1, head_dim=16, hidden=64, max_time=64
)


def decoder():
    torch.manual_seed(1)
    return build_model(SMALL, Bytes.vocab)


def recurrent(kind: str):
    torch.manual_seed(1)
    return build_model(RecurrentConfig(kind=kind, width=16, layers=2), Bytes.vocab)


def score(model, texts=None, time=64):
    chosen = documents() if texts is None else texts
    return score_documents(model, Bytes(), chosen, window=Window(time=time), progress=Silent())


def naive_bits(model, text: str) -> float:
    """The whole document in one forward pass, in the plainest way."""
    ids = torch.tensor([Bytes().encode_documents([text])[0][:-1]])
    with torch.inference_mode():
        logits = model.eval()(ids[:, :-1]).logits
    return float(-torch.log_softmax(logits[0].double(), -1).gather(1, ids[0, 1:, None]).sum()) / (
        math.log(2)
    )


@pytest.mark.parametrize("max_time", [None, 64])
def test_a_uniform_model_pays_the_same_for_every_token(max_time):
    for scored, document in zip(score(Uniform(Bytes.vocab, max_time)), documents(), strict=True):
        size = len(document.text.encode())
        assert (scored.id, scored.bytes, scored.tokens) == (document.id, size, size)
        assert scored.bits == pytest.approx(size * UNIFORM_BITS, rel=1e-6)


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
def test_carried_state_equals_one_forward_pass_of_the_whole_document(kind, monkeypatch):
    monkeypatch.setattr(likelihood, "CARRY_TIME", 17)
    model = recurrent(kind)
    for scored, document in zip(score(model), documents(), strict=True):
        assert scored.bits == pytest.approx(naive_bits(model, document.text), rel=1e-5)


def test_a_document_within_the_window_equals_one_forward_pass():
    model = decoder()
    short = [d for d in documents() if len(d.text.encode()) <= 64]
    assert len(short) == 3
    for scored, document in zip(score(model, short), short, strict=True):
        assert scored.bits == pytest.approx(naive_bits(model, document.text), rel=1e-5)


def test_long_documents_are_charged_once_per_token_with_half_a_window_of_context():
    model = decoder()
    document = documents()[0]
    ids = torch.tensor(Bytes().encode_documents([document.text])[0][:-1])
    expected = 0.0
    for place in range(1, len(ids)):
        first = 0 if place <= 64 else 64 + (place - 65) // 32 * 32
        stop = 64 if place <= 64 else min(first + 32, len(ids) - 1)
        start = max(0, stop - 64)
        with torch.inference_mode():
            logits = model.eval()(ids[None, start:place]).logits[0, -1]
        expected -= float(torch.log_softmax(logits.double(), -1)[ids[place]]) / math.log(2)
    assert score(model, [document])[0].bits == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("model", [decoder(), recurrent("lstm")], ids=["decoder", "lstm"])
def test_the_company_a_document_is_scored_in_does_not_change_its_score(model, monkeypatch):
    together = score(model)
    monkeypatch.setattr(likelihood, "TOKENS_PER_BATCH", 600)
    monkeypatch.setattr(likelihood, "LOGIT_BYTES", 4 * Bytes.vocab * 7)
    monkeypatch.setattr(harness, "BLOCK_CHARACTERS", 30)
    for one, alone in zip(
        together, [score(model, [d])[0] for d in reversed(documents())][::-1], strict=True
    ):
        assert one.bits == pytest.approx(alone.bits, rel=1e-5)


def test_a_stream_of_documents_scores_like_a_list():
    model = decoder()
    assert score(model, iter(documents())) == score(model)


def test_training_mode_is_restored_and_dropout_is_off():
    torch.manual_seed(0)
    model = build_model(RecurrentConfig(kind="rnn", width=16, dropout=0.5), Bytes.vocab).train()
    assert score(model) == score(model)
    assert model.training


def test_an_empty_text_costs_nothing_and_has_no_tokens():
    empty = Document(id="e", text="", source="test")
    scored = score(decoder(), [empty])[0]
    assert (scored.bits, scored.bytes, scored.tokens) == (0.0, 0, 0)


def test_a_window_beyond_the_models_attention_is_refused_with_the_option_to_type():
    with pytest.raises(UsageError, match="--window 64"):
        score(decoder(), time=65)
    with pytest.raises(UsageError, match="at least 2"):
        Window(time=1)


def test_half_a_surrogate_pair_is_refused_by_document():
    with pytest.raises(DataError, match="'bad'"):
        score(decoder(), [Document(id="bad", text="a\ud800", source="test")])


def test_weights_that_are_not_numbers_are_an_error_not_a_score():
    model = decoder()
    with torch.no_grad():
        next(model.parameters()).fill_(math.nan)
    with pytest.raises(CheckpointError, match="en-1"):
        score(model)


def test_the_signature_changes_with_the_text_and_not_with_the_order():
    model, window = decoder(), Window(time=64)
    scores = score(model)
    made = signature(model, Bytes(), scores, window=window)
    assert made == signature(model, Bytes(), scores[::-1], window=window)
    other = [dataclasses.replace(documents()[0], text="Another text."), *documents()[1:]]
    assert made != signature(model, Bytes(), score(model, other), window=window)
    assert "float32" in str(made)
    assert "window:64" in str(made)


def test_a_tokenizer_without_begin_token_is_named_in_the_signature():
    class NoBegin(Bytes):
        def encode_documents(self, texts):
            return [ids[1:] for ids in super().encode_documents(texts)]

    scores = score_documents(
        decoder(), NoBegin(), documents(), window=Window(time=64), progress=Silent()
    )
    assert scores[0].tokens == scores[0].bytes - 1
    assert "first:free" in str(signature(decoder(), NoBegin(), scores, window=Window(time=64)))
    nothing = Document(id="e", text="", source="test")
    empty = score_documents(
        decoder(), NoBegin(), [nothing], window=Window(time=64), progress=Silent()
    )
    assert (empty[0].tokens, empty[0].bits) == (0, 0.0)


@pytest.mark.parametrize("name", ["decoder", "rnn", "lstm"])
def test_batched_scores_equal_those_of_one_text_at_a_time(name):
    """`token_nats` is the plain path behind `zhixing.load(...).score`."""
    model, tokenizer = tiny_model(name), tiny_tokenizer()
    window = Window(time=model.max_time or 64)
    scores = score_documents(model, tokenizer, documents(), window=window, progress=Silent())
    for scored, document in zip(scores, documents(), strict=True):
        nats = token_nats(model, tokenizer.encode_document(document.text)[:-1])
        assert scored.bits == pytest.approx(float(nats.sum()) / math.log(2), rel=1e-5)
        assert scored.tokens == len(nats)


def test_a_model_that_carries_its_state_is_signed_without_a_window():
    window = Window(time=64)
    made = [
        signature(model, Bytes(), score(model), window=window)
        for model in (decoder(), recurrent("rnn"))
    ]
    assert "window:64/half" in str(made[0])
    assert "window:carried" in str(made[1])
    made[0].require_same_text(made[1])


@pytest.fixture(scope="module")
def counted():
    tokenizer = tiny_tokenizer()
    encoded = tokenizer.encode_documents([d.text for d in documents()])
    ids = np.concatenate([np.array(one) for one in encoded])
    ends = np.cumsum([len(one) for one in encoded])
    ngram = count(ids, ends, tokenizer.vocab, NGramConfig(order=3))
    return ngram, fit(tiny_model("decoder"), ngram, encoded)


@pytest.mark.parametrize("place", [0, 1], ids=["ngram", "mixture"])
def test_models_that_count_are_scored_like_the_others(counted, place):
    model, tokenizer = counted[place], tiny_tokenizer()
    window = Window(time=model.max_time or 64)
    scores = score_documents(model, tokenizer, documents(), window=window, progress=Silent())
    for scored, document in zip(scores, documents(), strict=True):
        nats = token_nats(model, tokenizer.encode_document(document.text)[:-1])
        assert scored.bits == pytest.approx(float(nats.sum()) / math.log(2), rel=1e-5)
