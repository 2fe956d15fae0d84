"""The numbers of the theory pages, worked out again another way: by hand, with numpy, or by automatic differentiation."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from zhixing.theory import block, evaluation, losses, mlp, objectives, parallelism, quantisation
from zhixing.theory.catalogue import IDEAS, load

idea = load


def numbers(name: str, step: str) -> Any:
    return np.array(idea(name).value(step), dtype=float)


def close(name: str, step: str, wanted: Any, *, within: float = 1e-5) -> None:
    np.testing.assert_allclose(numbers(name, step), wanted, atol=within, rtol=0)


@pytest.mark.parametrize("name", IDEAS)
def test_every_idea_has_a_formula_a_source_and_several_steps(name: str) -> None:
    made = idea(name)
    assert made.formula.strip()
    assert made.plain.strip()
    assert made.source
    assert len(made.steps) >= 5
    assert all(step.says.en and step.says.zh and step.formula for step in made.steps)
    assert all(any("\u4e00" <= letter <= "\u9fff" for letter in s.says.zh) for s in made.steps)


@pytest.mark.parametrize("module", [block, losses, objectives, parallelism])
def test_an_example_with_random_weights_is_the_same_every_time(module: Any) -> None:
    torch.manual_seed(7)  # whatever the state of the global generator
    assert module.idea().steps == idea(module.__name__.rpartition(".")[2]).steps


def test_a_wrong_number_is_noticed() -> None:
    with pytest.raises(AssertionError, match="Mismatched"):
        close("ngram", "p_b_after_a", 0.4251)


def test_ngram_by_hand() -> None:
    close("ngram", "unsmoothed", [2 / 3, 1 / 3, 0])
    close("ngram", "discounts", [0.5, 1.0, 1.5])
    p_a, p_b = (3 - 1.5) / 6 + 0.5 / 5, (1 - 0.5) / 6 + 0.5 / 5
    close("ngram", "below", [p_a, p_b])
    close("ngram", "p_b_after_a", (2 - 1) / 3 + 0.5 * p_b)
    close("ngram", "p_a_after_a", 0.5 * p_a)
    close("ngram", "model", [0.5 / 10, 0.5 * p_b, 0.5 * p_a, 1 / 3 + 0.5 * p_b, 1 / 6 + 0.5 * p_b])
    close("ngram", "total", 1)


def test_embeddings_by_numpy() -> None:
    cat, dog, tax = np.array([[0.5, 0.1], [0.4, 0.3], [-0.2, 0.6]])
    cosines = [cat @ w / np.linalg.norm(cat) / np.linalg.norm(w) for w in (cat, dog, tax)]
    close("embeddings", "cosines", cosines)
    u_dog, u_tax = np.array([0.1, -0.4]), np.array([0.6, 0.1])

    def logistic(x: float) -> float:
        return 1 / (1 + math.exp(-x))

    close("embeddings", "loss", -math.log(logistic(u_dog @ cat)) - math.log(logistic(-u_tax @ cat)))
    slope = (logistic(u_dog @ cat) - 1) * u_dog + logistic(u_tax @ cat) * u_tax
    close("embeddings", "gradient", slope)
    close("embeddings", "untouched", [0, 0])
    moved = cat - slope
    moved_dog = u_dog + (1 - logistic(u_dog @ cat)) * cat
    moved_tax = u_tax - logistic(u_tax @ cat) * cat
    scores = [[u_dog @ cat, u_tax @ cat], [moved_dog @ moved, moved_tax @ moved]]
    close("embeddings", "scores", scores)
    assert idea("embeddings").value("loss_after") < idea("embeddings").value("loss")  # type: ignore[operator]


def test_the_hand_worked_network_equals_automatic_differentiation() -> None:
    net = mlp.network()
    x, y = torch.tensor(mlp.X), torch.tensor(mlp.Y)
    torch.nn.functional.cross_entropy(net(x), y).backward()
    with torch.no_grad():
        by_hand = mlp.backpropagate(net, x, y)
    for made, found in (
        (net.layers[0].weight, by_hand.first),
        (net.layers[0].bias, by_hand.delta1),
        (net.layers[1].weight, by_hand.second),
        (net.layers[1].bias, by_hand.delta2),
    ):
        torch.testing.assert_close(made.grad, found, atol=1e-5, rtol=0)


def test_the_hand_worked_network_passes_gradcheck() -> None:
    net = mlp.network().double()
    x, y = torch.tensor(mlp.X).double(), torch.tensor(mlp.Y).double()

    def loss(*weights: torch.Tensor) -> torch.Tensor:
        named = dict(zip(dict(net.named_parameters()), weights, strict=True))
        return torch.nn.functional.cross_entropy(torch.func.functional_call(net, named, x), y)

    weights = [w.detach().mul(0.05).requires_grad_() for w in net.parameters()]
    assert torch.autograd.gradcheck(loss, weights)


def test_mlp_by_hand() -> None:
    close("mlp", "h1", [1 + 4 + 9 + 1, 4 + 10 + 18 + 2])
    close("mlp", "h2", [7 * 15 + 8 * 34 + 3, 9 * 15 + 10 * 34 + 4])
    close("mlp", "loss", 99)
    close("mlp", "delta2", [-1, 1])
    close("mlp", "delta1", [-7 + 9, -8 + 10])
    close("mlp", "grad2", [[-15, -34], [15, 34]])
    close("mlp", "grad1", [[2, 4, 6], [2, 4, 6]])
    first = np.array([[1, 2, 3], [4, 5, 6]]) - 0.01 * np.array([[2, 4, 6], [2, 4, 6]])
    second = np.array([[7, 8], [9, 10]]) - 0.01 * np.array([[-15, -34], [15, 34]])
    hidden = first @ [1, 2, 3] + [1 - 0.02, 2 - 0.02]
    logits = second @ hidden + [3 + 0.01, 4 - 0.01]
    close("mlp", "loss_after", logits[1] - logits[0], within=1e-4)


def test_cnn_by_hand() -> None:
    close("cnn", "slid", [[0, 0.2, 0, -1, 1, 0], [0, 0.2, -0.2, -1, 2, -1]])
    close("cnn", "kept", [1, 2])
    close("cnn", "places", [4, 4])
    odds = math.exp(2)  # logits −1 and 1
    close("cnn", "probabilities", [1 / (1 + odds), odds / (1 + odds)])


def test_recurrent_by_hand() -> None:
    close("recurrent", "rnn", math.tanh(1.5))
    memory = 0.75 * 2 + 0.5 * math.tanh(1)
    close("recurrent", "lstm", [memory, 0.5 * math.tanh(memory)])
    close("recurrent", "gru", 0.25 * math.tanh(0.5) + 0.75)
    h, slopes, slope = 0.5, [], 1.0
    for _ in range(50):
        h = math.tanh(0.9 * h)
        slope *= 0.9 * (1 - h * h)
        slopes.append(slope)
    close("recurrent", "rnn_gradient", [slopes[n - 1] for n in (1, 5, 20, 50)])
    close("recurrent", "lstm_gradient", [0.98**n for n in (1, 5, 20, 50)])


def test_attention_by_numpy() -> None:
    q, k = np.array([[1, 0], [0, 1], [1, 1.0]]), np.array([[1, 0], [0, 1], [-1, 1.0]])
    v = np.array([[10, 0], [0, 10], [5, 5.0]])
    scores = q @ k.T / math.sqrt(2)
    close("attention", "scores", scores)
    close("attention", "weights", _softmax(scores))
    close("attention", "mixed", _softmax(scores) @ v)
    scores[np.triu_indices(3, 1)] = -np.inf
    close("attention", "causal_weights", _softmax(scores))
    close("attention", "causal_mixed", _softmax(scores) @ v)
    close("attention", "future", 0, within=0)
    added = [math.tanh(2) - 0, math.tanh(1) - math.tanh(1), 0 - math.tanh(1)]
    close("attention", "additive", added)
    close("attention", "additive_weights", _softmax(np.array(added)))
    close("attention", "dot", _softmax(np.array([1.0, 0, -1])))


def test_positions_by_hand() -> None:
    wanted = [[math.sin(p), math.cos(p), math.sin(p / 100), math.cos(p / 100)] for p in range(3)]
    close("positions", "table", wanted)
    alike = sum(math.cos(3 / 10_000 ** (2 * i / 8)) for i in range(4))
    close("positions", "same_distance", [alike, alike])
    close("positions", "turned", [math.cos(2), math.sin(2)])
    scores = [0.6 * math.cos(d) - 0.8 * math.sin(d) for d in (3, 3, 4)]
    close("positions", "rotary_scores", scores)
    close("positions", "length", 1)
    close(
        "positions",
        "relative",
        _softmax(np.array([[0.5, -np.inf, -np.inf], [0, 0.5, -np.inf], [-1, 0, 0.5]])),
    )
    close("positions", "buckets", [0, 1, 2, 3, 4, 5, 6, 7, 7, 7])


def test_block_by_hand() -> None:
    x = np.array([1, 2, 3, 6.0])
    close("block", "layer_norm", (x - 3) / math.sqrt(3.5))
    close("block", "rms_norm", x / math.sqrt(12.5))
    close("block", "silenced", 0, within=0)
    close("block", "weights", [200, 384, 16])
    shown = {row[0]: row[1:] for row in idea("block").value("activations")}  # type: ignore[union-attr, index]
    at = (-1.0, 0.5, 2.0)
    wanted = {
        "relu": [0, 0.5, 2],
        "relu6": [0, 0.5, 2],
        "sigmoid": [1 / (1 + math.exp(-x)) for x in at],
        "tanh": [math.tanh(x) for x in at],
        "gelu": [x * (1 + math.erf(x / math.sqrt(2))) / 2 for x in at],
        "silu": [x / (1 + math.exp(-x)) for x in at],
    }
    assert shown.keys() == wanted.keys()
    for name, values in wanted.items():
        np.testing.assert_allclose(shown[name], values, atol=1e-5)
    close("block", "swiglu", [10 * x / (1 + math.exp(-x)) for x in at])


def test_architectures_see_what_they_should_and_have_the_published_sizes() -> None:
    close("architectures", "encoder", np.ones((3, 3)))
    close("architectures", "decoder", np.tril(np.ones((4, 4))))
    close("architectures", "of_source", np.ones((4, 3)))
    close("architectures", "of_target", np.tril(np.ones((4, 4))))
    assert idea("architectures").value("published") == (
        ("BERT-base", 109_482_240),
        ("GPT-2", 124_439_808),
        ("T5-small", 60_506_624),
    )


def test_objectives_by_hand() -> None:
    read, asked = numbers("objectives", "causal")
    assert read[1:].tolist() == asked[:-1].tolist() == list(objectives.SENTENCE)
    seen, targets = numbers("objectives", "masked")
    for place, token in enumerate(objectives.SENTENCE):
        is_hidden = place in objectives.HIDDEN
        assert seen[place] == (objectives.MASK if is_hidden else token)
        assert targets[place] == (token if is_hidden else -100)
    close("objectives", "fates", [0.8, 0.1, 0.1], within=0.005)
    close("objectives", "targets", [511, 77])
    tokens, segments = numbers("objectives", "pair")
    ends = [place for place, token in enumerate(tokens) if token == objectives.END]
    assert segments.tolist() == [0] * (ends[0] + 1) + [1] * (ends[1] - ends[0])
    for step in ("causal_loss", "follows"):  # small random weights: close to knowing nothing
        charged, nothing = numbers("objectives", step)
        assert abs(charged - nothing) < 0.1
    close("objectives", "masked_loss", math.log(objectives.VOCAB), within=0.1)


def test_losses_by_hand() -> None:
    close("losses", "mse", 0.5 / 3)
    p = _softmax(np.array([[2, 1, 0], [0, 0, 3.0]]))
    close("losses", "probabilities", p)
    close("losses", "nats", [-math.log(p[0, 0]), -math.log(p[1, 1])])
    close("losses", "gradient", p - np.eye(3)[[0, 1]])
    close("losses", "total", -math.log(p[0, 0] * p[1, 1]))
    close("losses", "hinge", [0.6, 0, 1.5])
    close("losses", "penalties", [4.25, 2.5])
    close("losses", "pulls", [[1, -4, 0], [1, -1, 0]])
    close("losses", "dropout", 1, within=0.01)
    assert idea("losses").value("stopped") == (3, 5)


def test_optimizers_by_hand() -> None:
    close("optimizers", "sgd", [0.95, 1 - 1.25])
    close("optimizers", "adam", [0.9, 0.9])
    close("optimizers", "adamw", [0.89, 0.89])
    races = dict(idea("optimizers").value("races"))  # type: ignore[arg-type]
    close_to = {rule: _race(rule) for rule in races}
    assert races == pytest.approx(close_to, abs=1e-4)
    close("optimizers", "exact", np.array([[4, -2], [2, 4]]) / math.sqrt(20))
    before, after = numbers("optimizers", "newton_schulz")
    assert before == pytest.approx([math.sqrt(5) + 1, math.sqrt(5) - 1], abs=1e-4)
    moved = sorted((_newton_schulz(s, before) for s in before), reverse=True)
    assert after.tolist() == pytest.approx(moved, abs=1e-4)
    rates = numbers("optimizers", "schedules")
    cosine = [
        0.1 + 0.45 * (1 + math.cos(math.pi * (p - 0.02) / 0.98)) for p in (0.25, 0.5, 0.75, 1)
    ]
    assert rates[0].tolist() == pytest.approx([0, 0.5, 1, *cosine])
    assert rates[1].tolist() == pytest.approx([0, 0.5, 1, 1, 1, 1 - 0.9 * 0.05 / 0.3, 0.1])


def test_sampling_by_numpy() -> None:
    z = np.array([2, 1, 0.5, -1])
    p = _softmax(z)
    close("sampling", "plain", p)
    close("sampling", "temperatures", [_softmax(z * 2), _softmax(z / 2)])
    for step, count in (("top_k", 2), ("top_p", 3), ("min_p", 2)):
        kept = p[:count] / p[:count].sum()
        close("sampling", step, [range(count), kept])
    assert p[:2].sum() < 0.85 < p[:3].sum()
    assert p[2] < 0.3 * p[0] < p[1]
    assert (idea("sampling").value("greedy"), idea("sampling").value("penalty")) == (0, 1)
    drawn = numbers("sampling", "draws")
    assert drawn.sum() == 1000
    deviation = np.sqrt(1000 * p * (1 - p))
    assert (abs(drawn - 1000 * p) < 3 * deviation).all()


def test_perplexity_by_hand() -> None:
    close("perplexity", "blind_nats", [math.log(4)] * 4)
    close("perplexity", "blind_perplexity", 4)
    # Bigrams of "abababab": begin a, ab ×4, ba ×3, b end.
    low_discount = (1.0 + 0.5 + 0.5) / 4
    assert low_discount == 0.5
    unigram = {"a": (2 - 1.0) / 4 + low_discount / 4, "b": (1 - 0.5) / 4 + low_discount / 4}
    begin_a = (1 - 0.5) / 1 + 0.5 * unigram["a"]
    a_b = (4 - 1.5) / 4 + 1.5 / 4 * unigram["b"]
    b_a = (3 - 1.5) / 4 + (1.5 + 0.5) / 4 * unigram["a"]
    nats = [-math.log(p) for p in (begin_a, a_b, b_a, a_b)]
    close("perplexity", "nats", nats)
    bits = sum(nats) / math.log(2)
    close("perplexity", "bits", bits)
    close("perplexity", "perplexity", 2 ** (bits / 4))
    close("perplexity", "bits_per_byte", bits / 4)
    close("perplexity", "two_perplexities", [64, 4])


def test_quantisation_by_hand() -> None:
    row = np.array(quantisation.ROW)
    whole = np.round(row / 0.02)
    close("quantisation", "numbers", whole)
    close("quantisation", "error", abs(whole * 0.02 - row).max())
    close("quantisation", "product", [row @ quantisation.X, 0.02 * (whole @ quantisation.X)])
    close("quantisation", "four_bits", np.round(row / (2.54 / 7)))
    groups = row.reshape(2, 4)
    scales = abs(groups).max(axis=1, keepdims=True) / 7
    close("quantisation", "groups", np.round(groups / scales))
    left = [
        whole * 0.02,
        np.round(row / (2.54 / 7)) * 2.54 / 7,
        (np.round(groups / scales) * scales).ravel(),
    ]
    close("quantisation", "errors", [math.sqrt(((kept - row) ** 2).mean()) for kept in left])


def test_parallelism_by_hand() -> None:
    assert idea("parallelism").value("targets") == (6, 2)
    close("parallelism", "summed", 0, within=1e-6)
    assert idea("parallelism").value("averaged") > 0.05  # type: ignore[operator]
    close("parallelism", "joined", [[5, 1], [5, 1]])
    for stages, batches in ((1, 5), (4, 1), (4, 4), (4, 32), (3, 7)):
        assert parallelism.idle(stages, batches) == pytest.approx(
            (stages - 1) / (batches + stages - 1)
        )
    embedding, attention, feed_forward, norms = 8192 * 256, 4 * 256 * 256 + 128, 3 * 256 * 768, 512
    weights = embedding + 4 * (attention + feed_forward + norms) + 256
    assert idea("parallelism").value("weights") == weights
    close("parallelism", "megabytes", [16 * weights / 1e6, 4 * weights / 1e6])


def test_evaluation_by_hand() -> None:
    close("evaluation", "counts", [2, 1, 1])
    close("evaluation", "scores", [0.8, 2 / 3, 2 / 3, 2 / 3])
    close("evaluation", "never", [0.7, 0, 0, 0])
    close("evaluation", "each", [2 * 3 / (2 * 3 + 1 + 1), 2 * 1 / (2 * 1 + 2 + 1), 0])
    close("evaluation", "macro", (0.75 + 0.4) / 3)
    close("evaluation", "micro", [4 / 7, 4 / 7])
    assert evaluation.count("aabb", "abab", "a").tolist() == [1, 2, 2]


def test_the_errata_by_hand() -> None:
    close("errata", "seed_encoding", math.sin(200))
    close("errata", "mask_of_ones", _softmax(np.array([1.0, 2, 4])))
    close("errata", "mask_of_infinity", _softmax(np.array([1.0, 2, -np.inf])))
    close("errata", "row", [2, 0.25])
    close("errata", "two_matrices", [0, math.tanh(3)])
    close("errata", "attention", _softmax(np.eye(2) / math.sqrt(2)))
    close("errata", "causal", np.tril(np.ones((3, 3))))
    close("errata", "permutation", range(10))
    close("errata", "bags", [[1, 1, 1], [1, 1, 1]])
    close("errata", "seed_table", [[0, 1, 0, 0.01], [1, 1, 0.01, 0.01]])
    close("errata", "h1", [15, 34])
    close("errata", "h2", [380, 479])
    close("errata", "h2_own", [7 * 14 + 8 * 29 + 3, 9 * 14 + 10 * 29 + 4])
    assert numbers("errata", "h2_own").tolist() == [333, 420]
    close("errata", "seed_loss", -math.log(249) / 2)
    close("errata", "loss", 99)
    close("errata", "slope", 1)
    close("errata", "delta1", [2, 2])
    close("errata", "delta1_seed", [1, 1])
    close("errata", "cross_entropy", -(math.log(0.7) + math.log(0.5)) / 2)
    close("errata", "hinge", [0.6, 0, 1.5])
    close("errata", "projections", 4 * 512**2)
    close("errata", "projections_seed", 8 * 4 * 512**2)
    close("errata", "averages", [[0.5, 1.5], [0.5, 1.5]])
    close("errata", "by_batch", [[0, 1]] * 3)


def _softmax(scores: Any) -> Any:
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def _race(rule: str) -> float:
    """The valley of the optimizer page, walked in plain Python."""
    w, scales = [1.0, 1.0], (1.0, 25.0)
    first, second = [0.0, 0.0], [0.0, 0.0]
    for step in range(1, 21):
        for i in (0, 1):
            g = scales[i] * w[i]
            if rule == "SGD":
                w[i] -= 0.05 * g
            elif rule == "momentum":
                first[i] = 0.8 * first[i] + g
                w[i] -= 0.02 * first[i]
            else:
                w[i] *= 0.99 if rule == "AdamW" else 1.0
                first[i] = 0.9 * first[i] + 0.1 * g
                second[i] = 0.999 * second[i] + 0.001 * g * g
                mean, square = first[i] / (1 - 0.9**step), second[i] / (1 - 0.999**step)
                w[i] -= 0.1 * mean / (math.sqrt(square) + 1e-8)
    return (w[0] ** 2 + 25 * w[1] ** 2) / 2


def _newton_schulz(value: float, all_values: Any) -> float:
    """Five steps of Muon's polynomial on one singular value."""
    x = value / math.sqrt((all_values**2).sum())
    for _ in range(5):
        x = 3.4445 * x - 4.7750 * x**3 + 2.0315 * x**5
    return x
