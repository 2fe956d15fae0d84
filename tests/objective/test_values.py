"""Each loss against an independent computation: hand-worked numbers, torch.nn.functional, or one text at a time."""

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from tests.objective.tiny import (
    TAGS,
    chain_case,
    classify_case,
    denoise_case,
    in_float64,
    preference_case,
    rank_case,
    seq2seq_case,
    similar_case,
    span_case,
    tag_case,
    tokenizer,
)
from tests.tiny import TEXTS
from zhixing.objective.config import DenoiseConfig
from zhixing.objective.denoise import sentinel, spans_to_take
from zhixing.objective.functions import cross_entropy, hinge, squared_error
from zhixing.objective.preference import Preference
from zhixing.objective.rank import listwise, ordered_differences
from zhixing.objective.similar import no_wrong_answers, unit_vectors
from zhixing.objective.span import best_span
from zhixing.objective.tag import by_word, entities, word_tokens


@pytest.fixture(autouse=True)
def _without_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


def test_cross_entropy_hinge_and_squared_error_by_hand() -> None:
    logits, targets = torch.tensor([[1.0, 3.0, 2.5], [0.0, 0.0, 0.0]]), torch.tensor([1, 2])
    nats = math.log(math.exp(-2) + 1 + math.exp(-0.5)) + math.log(3)
    assert float(cross_entropy(logits, targets)) == pytest.approx(nats, rel=1e-6)
    assert float(hinge(logits, targets)) == pytest.approx((0 + 0.5) + (1 + 1))
    assert float(squared_error(torch.tensor([1.0, -2.0]), torch.tensor([0.5, 1.0]))) == 9.25


def test_hinge_is_torchs_for_several_classes() -> None:
    torch.manual_seed(0)
    logits, targets = torch.randn(6, 4), torch.randint(4, (6,))
    ours = float(hinge(logits, targets))
    assert ours == pytest.approx(4 * float(F.multi_margin_loss(logits, targets, reduction="sum")))


def test_label_smoothing_spreads_its_share_over_all_tokens() -> None:
    torch.manual_seed(0)
    logits, targets = torch.randn(5, 7), torch.tensor([0, 3, -100, 6, 1])
    kept = targets >= 0
    wanted = F.one_hot(targets[kept], 7) * 0.9 + 0.1 / 7
    by_hand = -(wanted * logits[kept].log_softmax(-1)).sum()
    torch.testing.assert_close(cross_entropy(logits, targets, smoothing=0.1), by_hand)
    assert abs(float(cross_entropy(logits, targets) - by_hand)) > 0.05


# ---- sequences


def test_the_decoder_reads_the_true_target_one_place_behind() -> None:
    case = seq2seq_case()
    batch = case.objective.collate(case.items)
    for row, item in enumerate(case.items):
        length = len(item["target"])
        assert batch.tokens[row, 0] == tokenizer().pad
        assert batch.tokens[row, 1:length].tolist() == item["target"][:-1].tolist()
        assert batch.targets[row, :length].tolist() == item["target"].tolist()
        assert batch.targets[row, length - 1] == tokenizer().end
        assert (batch.targets[row, length:] == -100).all()


def test_the_loss_of_pairs_is_the_smoothed_cross_entropy_of_each_pair_alone() -> None:
    case = seq2seq_case(smoothing=0.2)
    total = 0.0
    for item in case.items:
        source, target = (torch.from_numpy(item[side])[None] for side in ("source", "target"))
        read = torch.cat([torch.tensor([[tokenizer().pad]]), target[:, :-1]], dim=1)
        logits = case.model(read, source=source).logits[0]
        total += float(F.cross_entropy(logits, target[0], reduction="sum", label_smoothing=0.2))
    ours = case.objective.losses(case.model, case.objective.collate(case.items))["loss"].total
    assert float(ours) == pytest.approx(total, rel=1e-5)


def test_what_is_taken_out_of_a_text_fills_its_holes() -> None:
    marks = {tokenizer().mark(sentinel(n)) for n in range(8)}
    texts = [tokenizer().encode_text(text)[:29] for text in (*TEXTS[:2], "a b c")]
    for item in denoise_case().items:
        spans: dict[int, list[int]] = {}
        for token in item.target[:-1].tolist():
            if token in marks:
                spans[token] = []
                current = spans[token]
            else:
                current.append(token)
        filled = [t for token in item.source.tolist() for t in spans.get(token, [token])]
        assert filled[:-1] in texts
        assert item.source[-1] == item.target[-1] == tokenizer().end
        assert len(spans) == sum(token in marks for token in item.source.tolist()) > 0


@pytest.mark.parametrize("length", [2, 3, 10, 100, 1000])
def test_spans_have_the_wanted_share_and_mean_length(length: int) -> None:
    config = DenoiseConfig(kind="denoise")
    taken = [spans_to_take(length, config, np.random.default_rng(n)) for n in range(20)]
    for spans in taken:
        assert spans[-1][1] == length
        assert all(a < b for a, b in spans)
        assert all(b < c for (_, b), (c, _) in pairwise(spans))
        assert sum(b - a for a, b in spans) == max(1, round(0.15 * length))
    if length == 1000:
        assert {len(spans) for spans in taken} == {50}
        assert len({tuple(spans) for spans in taken}) == 20


# ---- tags and spans


def test_bio_tags_are_read_as_entities() -> None:
    tags = ["B-PER", "I-PER", "O", "B-LOC", "B-LOC", "I-PER", "I-PER", "O", "I-LOC"]
    assert entities(tags) == [
        ("PER", 0, 2),
        ("LOC", 3, 4),
        ("LOC", 4, 5),
        ("PER", 5, 7),
        ("LOC", 8, 9),
    ]
    assert entities([]) == []


def test_a_label_stands_at_the_first_token_of_its_word() -> None:
    case = tag_case()
    cut = word_tokens(["Angela", "Merkel", "saw", "Paris"], tokenizer())
    assert tokenizer().decode([t for word in cut for t in word]) == "Angela Merkel saw Paris"
    places = np.cumsum([1, *map(len, cut[:-1])])
    labels = case.items[0]["labels"]
    assert np.flatnonzero(labels >= 0).tolist() == places.tolist()
    assert [TAGS[n] for n in labels[places]] == ["B-PER", "I-PER", "O", "B-LOC"]
    chinese = word_tokens(["李白", "在", "长安"], tokenizer())
    assert tokenizer().decode([t for word in chinese for t in word]) == "李白在长安"


def test_characters_given_one_by_one_have_no_space_before_them() -> None:
    characters = [*"1998年ab，“好”"]
    cut = word_tokens(characters, tokenizer())
    assert [tokenizer().decode(each) for each in cut] == characters


def test_moving_words_together_keeps_their_logits() -> None:
    labels = torch.tensor([[-100, 1, -100, 2, -100], [-100, 3, 4, 0, -100]])
    logits = torch.arange(5.0).expand(2, 5).unsqueeze(-1).expand(2, 5, 2)
    moved, kept, there = by_word(logits, labels)
    assert moved[..., 0].tolist() == [[1, 3, moved[0, 2, 0]], [1, 2, 3]]
    assert kept[there].tolist() == [1, 2, 3, 4, 0]


def test_the_crf_loss_is_that_of_the_words_alone() -> None:
    """By hand: the chain on the logits of each text's words, without padding or continued words."""
    case = chain_case()
    total = 0.0
    for item in case.items:
        places = np.flatnonzero(item["labels"] >= 0)
        logits = case.model(torch.from_numpy(item["tokens"])[None])[:, places]
        labels = torch.from_numpy(item["labels"][places])[None]
        keep = torch.ones_like(labels, dtype=torch.bool)
        total -= float(case.model.chain(logits, labels, keep))
    loss = case.objective.losses(case.model, case.objective.collate(case.items))["loss"]
    assert float(loss.total) == pytest.approx(total, rel=1e-5)
    assert loss.count == 4 + 3 + 1


def test_a_text_without_words_does_not_change_the_labels_of_the_others() -> None:
    case = chain_case()
    case.model.chain.transitions.data.mul_(20)  # now it matters that labels are chosen together
    empty = {
        "tokens": case.items[2]["tokens"],
        "labels": np.full_like(case.items[2]["labels"], -100),
    }
    alone, beside = (
        case.objective.measure(case.model, case.objective.collate(items)).scores
        for items in (case.items, [*case.items, empty])
    )
    assert beside == alone
    nothing = case.objective.measure(case.model, case.objective.collate([empty]))
    assert float(nothing.losses["loss"].total) == nothing.losses["loss"].count == 0
    assert nothing.scores["accuracy"].count == 0


def test_entity_f1_is_that_of_all_entities_together() -> None:
    objective = tag_case().objective
    true = [[1, 2, 0, 3], [1, 0, 3], [0]]
    found = [[1, 2, 0, 0], [1, 0, 3], [3]]
    tally = objective._f1(found, true)
    assert (tally.total, tally.count) == (2 * 3, 4 + 4)  # 3 right, 4 found, 4 true


def test_the_answer_is_where_the_characters_are() -> None:
    case = span_case()
    for item, text in zip(case.items, ("dog", "", "sleeps"), strict=True):
        start, end = item["places"]
        assert tokenizer().decode(item["tokens"][start : end + 1].tolist()).strip() == text


def test_the_best_span_never_ends_before_it_starts_or_leaves_the_context() -> None:
    scores = torch.tensor([[0.0, 0.0], [9.0, 9.0], [1.0, 5.0], [4.0, 1.0], [0.0, 3.0]])
    context = torch.tensor([False, False, True, True, True])
    assert best_span(scores, context) == (3, 4)
    assert best_span(scores, context, longest=1) == (2, 2)
    scores[0] = 4.0
    assert best_span(scores, context) == (0, 0)


def test_the_span_loss_is_the_mean_of_two_cross_entropies() -> None:
    case = span_case()
    total = 0.0
    for item in case.items:
        tokens, segments = (torch.from_numpy(item[k])[None] for k in ("tokens", "segments"))
        logits = case.model.heads["span"](case.model.body(tokens, segments=segments).hidden)[0]
        for side in (0, 1):
            total += float(F.cross_entropy(logits[:, side], torch.tensor(item["places"][side])))
    loss = case.objective.losses(case.model, case.objective.collate(case.items))["loss"]
    assert float(loss.total) / loss.count == pytest.approx(total / (2 * len(case.items)), rel=1e-5)


# ---- pairs, lists, preferences


def test_contrastive_loss_is_cross_entropy_of_cosines() -> None:
    case = in_float64(similar_case())  # a cosine is divided by 0.05, and so is its rounding
    batch = case.objective.collate(case.items)
    vectors = []
    for side in ("first", "second"):
        rows = [
            case.model.body(torch.from_numpy(i[side])[None]).hidden[0].mean(0) for i in case.items
        ]
        vectors.append(torch.stack(rows))
    cosines = F.cosine_similarity(vectors[0][:, None], vectors[1][None], dim=-1)
    by_hand = F.cross_entropy(cosines / 0.05, torch.arange(3), reduction="sum")
    ours = case.objective.losses(case.model, batch)["loss"].total
    torch.testing.assert_close(ours, by_hand, rtol=1e-9, atol=0)
    wrong = F.cross_entropy(cosines.T / 0.05, torch.arange(3), reduction="sum")
    assert abs(ours - wrong) > 1e-3  # the second text asks and the first ones answer
    both = in_float64(similar_case(both_ways=True))
    loss = both.objective.losses(both.model, batch)["loss"]
    torch.testing.assert_close(loss.total, (by_hand + wrong) / 2, rtol=1e-9, atol=0)
    assert loss.count == 3


def test_what_shares_a_text_with_a_pair_is_no_wrong_answer() -> None:
    case = in_float64(similar_case())
    one, two, three = (case.items[n] for n in range(3))
    batch = case.objective.collate(
        [one, two, three, {**two, "second": one["second"]}, {**three, "first": one["first"]}]
    )
    pairs = [[0, 3], [0, 4], [1, 3], [2, 4]]
    shared = no_wrong_answers(batch.first, batch.second, pad=case.objective._tokenizer.pad)
    assert shared.nonzero().tolist() == sorted([*pairs, *(pair[::-1] for pair in pairs)])
    both = case.objective.losses(case.model, batch)["loss"]
    assert both.count == 5
    asking = unit_vectors(case.model, batch.first, batch.first_keep)
    cosines = asking @ unit_vectors(case.model, batch.second, batch.second_keep).T / 0.05
    for a, b in ((0, 3), (1, 3), (0, 4), (2, 4)):  # pairs that share a text
        cosines[a, b] = cosines[b, a] = -math.inf
    by_hand = F.cross_entropy(cosines, torch.arange(5), reduction="sum")
    torch.testing.assert_close(both.total, by_hand, rtol=1e-9, atol=0)


def test_a_text_is_no_wrong_answer_to_itself() -> None:
    """a → b and c → a: to a, the second text of the other pair is a itself. To c, b is wrong as ever."""
    case = in_float64(similar_case(both_ways=True))
    one, two, three = case.items
    batch = case.objective.collate([one, {**two, "second": one["first"]}, three])
    ours = case.objective.losses(case.model, batch)["loss"].total
    asking = unit_vectors(case.model, batch.first, batch.first_keep)
    cosines = asking @ unit_vectors(case.model, batch.second, batch.second_keep).T / 0.05
    assert float(cosines[0, 1]) == pytest.approx(20.0), "nothing is nearer than the text itself"
    before = _both_ways(cosines)
    cosines[0, 1] = -math.inf
    torch.testing.assert_close(ours, _both_ways(cosines), rtol=1e-9, atol=0)
    assert before - ours > 1
    same = case.objective.collate([{**one, "second": one["first"]}, two])
    assert case.objective.losses(case.model, same)["loss"].total.isfinite(), "its own answer stays"


def _both_ways(cosines: torch.Tensor) -> torch.Tensor:
    own = torch.arange(len(cosines))
    return sum(F.cross_entropy(each, own, reduction="sum") for each in (cosines, cosines.T)) / 2


def test_ranking_losses_by_hand() -> None:
    scores, relevance = (
        torch.tensor([2.0, 1.0, 0.0, 5.0, 3.0]),
        torch.tensor([2.0, 0.0, 1.0, 0.0, 1.0]),
    )
    lists = torch.tensor([0, 0, 0, 1, 1])
    assert sorted(ordered_differences(scores, relevance, lists).tolist()) == [-2.0, -1.0, 1.0, 2.0]
    first = -(relevance[:3].softmax(0) * scores[:3].log_softmax(0)).sum()
    second = F.cross_entropy(scores[3:], relevance[3:].softmax(0))
    torch.testing.assert_close(listwise(scores, relevance, lists), first + second)
    case = rank_case()
    loss = case.objective.losses(case.model, case.objective.collate(case.items))["loss"]
    assert loss.count == 3 + 1


def test_preferences_start_at_log_2_and_follow_the_reference() -> None:
    case = preference_case()
    model = case.objective._reference
    loss = case.objective.losses(model, case.objective.collate(case.items))["loss"]
    assert float(loss.total) == pytest.approx(len(case.items) * math.log(2), rel=1e-6)
    total = 0.0
    for item in case.items:
        gained = {
            side: _log_prob(case.model, item, side) - _log_prob(model, item, side)
            for side in ("chosen", "rejected")
        }
        total -= float(F.logsigmoid(0.5 * (gained["chosen"] - gained["rejected"])))
    ours = case.objective.losses(case.model, case.objective.collate(case.items))["loss"].total
    assert float(ours) == pytest.approx(total, rel=1e-5)
    assert not any(weight.requires_grad for weight in model.parameters())
    assert isinstance(case.objective, Preference)


def _log_prob(model, item, side: str) -> torch.Tensor:
    ids = torch.from_numpy(np.concatenate([item["prompt"], item[side]]))[None]
    nats = model(ids[:, :-1]).logits[0].log_softmax(-1).gather(1, ids[0, 1:, None])[:, 0]
    return nats[len(item["prompt"]) - 1 :].sum()


def test_a_probability_for_each_label() -> None:
    objective = classify_case().objective
    answer = objective.answer(torch.tensor([0.0, math.log(2), 0.0]))
    assert answer == pytest.approx({"bad": 0.25, "good": 0.5, "so-so": 0.25})
