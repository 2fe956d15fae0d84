"""`zhixing.load(folder)` and what it returns."""

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import zhixing
from tests.tiny import CONFIGS, MAX_TIME, TEXTS, tiny_model, tiny_tokenizer
from zhixing.api import Model
from zhixing.checkpoint.folder import ModelInfo, save_model
from zhixing.core.errors import DataError, UnsupportedError, UsageError
from zhixing.core.progress import Silent
from zhixing.corpus.document import Document
from zhixing.engine.request import Finish
from zhixing.evaluate.harness import Window, score_documents
from zhixing.objective import likelihood

LONG = " ".join(TEXTS) * 3


@pytest.fixture(params=CONFIGS)
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Model:
    return saved(tmp_path, request.param)


def saved(folder: Path, name: str) -> Model:
    save_model(folder / "m", tiny_model(name), tiny_tokenizer(), info=ModelInfo(step=5))
    return zhixing.load(str(folder / "m"))


def test_a_text_without_any_token_has_no_vector(tmp_path: Path) -> None:
    saved(tmp_path, "lstm")
    file = tmp_path / "m/tokenizer.json"
    pipeline = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps({**pipeline, "post_processor": None}), "utf-8")  # no begin token
    (tmp_path / "m/manifest.json").unlink()
    with pytest.raises(DataError, match=r"texts\[1\].*is empty"):
        zhixing.load(tmp_path / "m").embed(["the fox", ""])


def test_importing_the_package_does_not_import_torch() -> None:
    code = "import sys, zhixing, zhixing.cli.generate; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_text_becomes_ids_and_comes_back(model: Model) -> None:
    for text in (*TEXTS, ""):
        ids = model.encode(text)
        assert ids[0] == tiny_tokenizer().begin
        assert model.decode(ids) == text


def test_an_ngram_model_is_as_large_as_its_counts(tmp_path: Path) -> None:
    counted, mixed = (saved(tmp_path / name, name) for name in ("ngram", "mixture"))
    assert counted.num_parameters == counted.network.num_ngrams > 0
    assert mixed.num_parameters > mixed.network.ngram.num_ngrams > 0


def test_logits_are_those_of_the_network(model: Model) -> None:
    ids = model.encode(TEXTS[1])[:20]
    logits = model.logits(ids)
    assert logits.shape == (20, model.network.vocab)
    assert logits.dtype == torch.float32
    assert not logits.requires_grad
    with torch.inference_mode():
        expected = model.network(torch.tensor([ids])).logits[0]
    torch.testing.assert_close(logits, expected, rtol=1e-5, atol=1e-5)


def test_a_short_text_scores_the_sum_over_its_tokens(model: Model) -> None:
    text = TEXTS[1][:6]
    ids = model.encode(text)
    logs = torch.log_softmax(model.logits(ids), -1)
    nats = -sum(float(logs[place, token]) for place, token in enumerate(ids[1:]))
    score = model.score(text)
    assert score.bits == pytest.approx(nats / math.log(2), rel=1e-5)
    assert (score.bytes, score.tokens) == (len(text.encode()), len(ids) - 1)


def by_hand(model: Model, ids: list[int]) -> float:
    """Bits of each token after all tokens before it, one forward each."""
    total = 0.0
    for place in range(1, len(ids)):
        logits = model.logits(ids[:place])[-1]
        total -= float(torch.log_softmax(logits, -1)[ids[place]])
    return total / math.log(2)


def test_a_long_text_is_scored_whole_by_models_that_carry_a_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(likelihood, "CARRY_TIME", 32)
    for name in ("lstm", "ngram"):
        model = saved(tmp_path, name)
        text = LONG[:120]
        expected = by_hand(model, model.encode(text))
        assert model.score(text).bits == pytest.approx(expected, rel=1e-5)


def test_a_long_text_is_scored_with_at_least_half_the_context(tmp_path: Path) -> None:
    model = saved(tmp_path, "decoder")
    ids = model.encode(LONG)
    assert len(ids) > 3 * MAX_TIME
    score = model.score(LONG)
    assert score.tokens == len(ids) - 1
    # The same by hand: windows that begin every half context.
    half = MAX_TIME // 2
    nats, done = 0.0, 0
    for start in range(0, len(ids), half):
        stop = min(start + MAX_TIME, len(ids) - 1)
        start = max(0, stop - MAX_TIME)
        logs = torch.log_softmax(model.logits(ids[start:stop]), -1)
        for place in range(done, stop):
            nats -= float(logs[place - start, ids[place + 1]])
        done = stop
    assert score.bits == pytest.approx(nats / math.log(2), rel=1e-5)


def test_the_evaluation_harness_counts_the_same_bits(model: Model) -> None:
    documents = [Document(id=str(i), text=text, source="") for i, text in enumerate([*TEXTS, LONG])]
    scores = score_documents(
        model.network,
        model.tokenizer,
        documents,
        window=Window(time=MAX_TIME),
        progress=Silent(),
    )
    for score, document in zip(scores, documents, strict=True):
        ours = model.score(document.text)
        assert score.bits == pytest.approx(ours.bits, rel=1e-5)
        assert (score.bytes, score.tokens) == (ours.bytes, ours.tokens)


def test_nothing_costs_nothing(model: Model) -> None:
    score = model.score("")
    assert (score.bits, score.bytes, score.tokens) == (0.0, 0, 0)


def test_what_has_no_logits_and_no_bits_is_told(model: Model) -> None:
    with pytest.raises(DataError, match="there are no ids"):
        model.logits([])
    nothing: Any = None
    with pytest.raises(DataError, match="None is no text"):
        model.score(nothing)


def test_generate_is_the_stream_put_together(model: Model) -> None:
    settings = {"max_tokens": 12, "temperature": 0.8, "seed": 3}
    whole = model.generate("春眠", **settings)
    events = list(model.stream("春眠", **settings))
    assert whole.text == "".join(event.text for event in events)
    assert whole.ids == tuple(event.token for event in events)
    assert whole.logprobs == tuple(event.logprob for event in events)
    assert whole.finish in Finish
    assert len(whole.ids) <= 12


def test_a_seed_gives_the_same_text_and_another_seed_another(model: Model) -> None:
    first = model.generate("the", max_tokens=15, seed=1)
    assert model.generate("the", max_tokens=15, seed=1) == first
    assert model.generate("the", max_tokens=15, seed=2).ids != first.ids


def test_settings_out_of_range_and_long_prompts_are_refused(tmp_path: Path) -> None:
    model = saved(tmp_path, "decoder")
    with pytest.raises(UsageError, match="top_p"):
        model.generate("a", top_p=0.0)
    with pytest.raises(UsageError, match=f"at most {MAX_TIME}"):
        model.generate(LONG)
    with pytest.raises(UnsupportedError, match=f"{MAX_TIME}"):
        model.logits(model.encode(LONG))
    with pytest.raises(UnsupportedError, match=f"{MAX_TIME}"):
        model.embed([LONG])
    with pytest.raises(DataError, match="surrogate"):
        model.score("broken \ud800")


def test_embeddings_have_unit_length_and_tell_texts_apart(model: Model) -> None:
    if model.kind in ("ngram", "mixture"):
        with pytest.raises(UnsupportedError, match=rf"'{model.kind}'.*cannot embed"):
            model.embed(["a"])
        return
    vectors = model.embed(["the fox", "春眠不觉晓", "the fox"])
    assert vectors.dtype == np.float32
    assert vectors.shape == (3, model.network.config.width)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(3), abs=1e-6)
    assert np.allclose(vectors[0], vectors[2], atol=1e-6)  # rows of one batch
    assert not np.allclose(vectors[0], vectors[1], atol=1e-3)
    assert model.embed([]).shape == (0, vectors.shape[1])


def test_what_a_causal_model_cannot_do_is_refused_by_name(model: Model) -> None:
    calls = {
        "classify": lambda: model.classify(["a"]),
        "tag": lambda: model.tag(["a"]),
        "answer": lambda: model.answer("who?", "the fox"),
        "translate": lambda: model.translate(["a"]),
        "summarise": lambda: model.summarise(["a"]),
        "rank": lambda: model.rank("fox", ["a", "b"]),
    }
    for name, call in calls.items():
        with pytest.raises(UnsupportedError, match=rf"'{model.kind}'.*cannot {name}; {name} needs"):
            call()
