"""What BERT's objective hides, how its pairs are made, and its loss against torch's and transformers'."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tests.objective.tiny import TIME, masked, masked_case, segment, tokenizer
from tests.tiny import TEXTS
from zhixing.data.examples import write_examples
from zhixing.data.order import Cursor
from zhixing.data.sentences import FIELDS, Pair, Segment, SentencePairs, cut_to
from zhixing.data.source import first_items
from zhixing.kernels.cross_entropy import linear_cross_entropy
from zhixing.model.encoder import Encoder
from zhixing.objective.config import MaskedConfig
from zhixing.objective.functions import cross_entropy
from zhixing.objective.masked import (
    MaskedItem,
    document_example,
    masked_logits,
    masked_loss,
    word_starts,
)
from zhixing.text.segment import words
from zhixing.text.span import Span
from zhixing.tokenizer.marks import MASK


@pytest.fixture(autouse=True)
def _without_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


def hidden_words(text: str, language: str, **changes: object) -> list[tuple[list[str], list[str]]]:
    """For many draws: the words of which a token is hidden, and of which all tokens are."""
    objective = masked(next_sentence=False, **changes)
    pair = Pair(first=segment(text, language), second=None, follows=True)
    starts = np.concatenate([[2], pair.first.starts, [2]])
    number = np.cumsum(starts == 1)
    draws = []
    for draw in range(50):
        item = objective.item(pair, np.random.default_rng(draw))
        places = np.flatnonzero(item.targets >= 0)
        touched = {int(number[p]) for p in places}
        whole = {
            n for n in touched
            if all(p in places for p in np.flatnonzero((number == n) & (starts != 2)))
        }  # fmt: skip
        draws.append((sorted(touched), sorted(whole)))
    return draws  # type: ignore[return-value]


@pytest.mark.parametrize(("text", "language"), [(TEXTS[0], "en"), (TEXTS[1], "zh")])
def test_words_are_hidden_whole_and_without_the_setting_they_are_not(
    text: str, language: str
) -> None:
    text = text[:30] if language == "en" else text[:12]  # not so long that it would be cut
    assert all(touched == whole for touched, whole in hidden_words(text, language, share=0.4))
    single = hidden_words(text, language, whole_words=False, share=0.4)
    assert any(touched != whole for touched, whole in single)


def test_words_of_chinese_are_those_of_segmentation() -> None:
    text = "春眠不觉晓"
    spans = [(n, n + 1) for n in range(len(text))]
    starts = list(word_starts(text, spans, words(text, "zh")))
    begins = {word.start for word in words(text, "zh")}
    assert [n for n, start in enumerate(starts) if start] == sorted(begins)
    assert len(begins) < len(text)


def test_a_token_that_reaches_into_the_next_word_joins_them() -> None:
    found = [Span(0, 2), Span(2, 4), Span(5, 7)]
    spans = [(0, 1), (1, 3), (3, 4), (4, 6), (6, 7)]  # the second token has parts of two words
    assert list(word_starts("abcd ef", spans, found)) == [1, 0, 0, 1, 0]


def test_of_the_hidden_80_10_10_percent_are_masked_changed_and_kept() -> None:
    objective = masked(next_sentence=False, share=0.5)
    pair = Pair(first=segment(TEXTS[0], "en"), second=None, follows=True)
    mask, fates = tokenizer().mark(MASK), np.zeros(3)
    for draw in range(400):
        item = objective.item(pair, np.random.default_rng(draw))
        chosen = item.targets >= 0
        seen, true = item.tokens[chosen], item.targets[chosen]
        fates += [
            (seen == mask).sum(),
            ((seen != mask) & (seen != true)).sum(),
            (seen == true).sum(),
        ]
        assert (item.tokens[~chosen] != mask).all()
        assert not set(seen[seen != mask]) & set(tokenizer().specials.values())
    np.testing.assert_allclose(fates / fates.sum(), [0.8, 0.1, 0.1], atol=0.02)


def test_15_percent_of_the_tokens_are_hidden_and_no_special_one() -> None:
    objective = masked()
    pair = Pair(first=segment(TEXTS[0], "en"), second=segment(TEXTS[1], "zh"), follows=False)
    item = objective.item(pair, np.random.default_rng(0))
    assert len(item.tokens) == TIME
    assert (item.targets >= 0).sum() == pytest.approx(0.15 * (TIME - 3), abs=2)
    assert item.segments.tolist() == sorted(item.segments.tolist())
    assert item.follows == 1


def test_the_loss_is_that_of_torch_on_each_text_alone() -> None:
    case = masked_case()
    losses = case.objective.losses(case.model, case.objective.collate(case.items))
    nats = pairs = 0.0
    for item in case.items:
        tokens, segments = (torch.from_numpy(each)[None] for each in (item.tokens, item.segments))
        hidden = case.model.body(tokens, segments=segments).hidden
        logits = case.model.heads["masked"](hidden)[0]
        nats += float(F.cross_entropy(logits, torch.from_numpy(item.targets), reduction="sum"))
        both = case.model.heads["next-sentence"](hidden, None)
        pairs += float(F.cross_entropy(both, torch.tensor([item.follows]), reduction="sum"))
    assert float(losses["masked"].total) == pytest.approx(nats, rel=1e-5)
    assert float(losses["next_sentence"].total) == pytest.approx(pairs, rel=1e-5)


def _loss_and_gradients(loss: Callable[[Encoder, Tensor, Tensor], Tensor]) -> list[Tensor | None]:
    """Of the hidden tokens: the loss, and its gradient by every weight that it depends on."""
    case = masked_case()
    batch = case.objective.collate(case.items)
    weights = dict(case.model.named_parameters())
    with torch.enable_grad():
        hidden = case.model.body(batch.tokens, keep=batch.keep, segments=batch.segments).hidden
        total = loss(case.model, hidden, batch.targets)
        found = torch.autograd.grad(total, [*weights.values()], allow_unused=True)
    gradients = dict(zip(weights, found, strict=True))
    return [
        total.detach(),
        *(each for name, each in gradients.items() if "next-sentence" not in name),
    ]


def _by_definition(model: Encoder, hidden: Tensor, targets: Tensor) -> Tensor:
    return cross_entropy(*masked_logits(model, hidden, targets))


def test_the_loss_without_all_logits_and_every_gradient_are_those_of_the_definition() -> None:
    fused = _loss_and_gradients(lambda *given: masked_loss(*given).total)
    for got, want in zip(fused, _loss_and_gradients(_by_definition), strict=True):
        torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)


def test_a_forgotten_bias_of_the_output_layer_would_be_noticed() -> None:
    def forgetful(model: Encoder, hidden: Tensor, targets: Tensor) -> Tensor:
        head, chosen = model.heads["masked"], targets >= 0
        vectors = head.body(hidden[chosen])
        return linear_cross_entropy(vectors, head.output.weight, targets[chosen])

    found, right = _loss_and_gradients(forgetful)[0], _loss_and_gradients(_by_definition)[0]
    assert not torch.allclose(found, right, rtol=1e-5, atol=1e-5)


def test_training_and_measuring_have_the_same_losses() -> None:
    case = masked_case()
    batch = case.objective.collate(case.items)
    learnt = case.objective.losses(case.model, batch)
    measured = case.objective.measure(case.model, batch).losses
    assert learnt.keys() == measured.keys()
    for name, loss in measured.items():
        assert float(learnt[name].total) == pytest.approx(float(loss.total), rel=1e-5)
        assert learnt[name].count == loss.count


# ---- pairs


@pytest.fixture
def pairs(tmp_path) -> SentencePairs[MaskedItem]:
    texts = [
        "One is here. Two is there. Three went away. Four came back. Five slept well. Six.",
        "春天来了。花开了。鸟在叫。人们在公园里散步。",
        "Alone it stands.",
        "A cat sat. A dog ran. A fox hid. The end is near. It is over. We go home now.",
    ] * 10
    languages = ["en", "zh", "en", "en"] * 10
    made = (
        document_example(t, lang, tokenizer()) for t, lang in zip(texts, languages, strict=True)
    )
    store = write_examples(tmp_path, "s", made, fields=FIELDS, tokenizer_hash="t", source_hash="s")
    return SentencePairs(store, masked().item, room=TIME - 3, short=0.1, paired=True)


def test_half_of_the_pairs_follow_each_other(pairs: SentencePairs[MaskedItem]) -> None:
    follows = [item.follows for item in first_items(pairs, None)]
    assert len(follows) > 40
    assert abs(np.mean(follows) - 0.5) < 0.03


def test_the_other_document_has_the_same_language(tmp_path: Path) -> None:
    texts = {"en": "A cat sat. A dog ran. It is over.", "zh": "春天来了。花开了。鸟在叫。"}
    languages = ["en", "zh", "zh", "en", "zh"] * 4
    made = (document_example(texts[each], each, tokenizer()) for each in languages)
    store = write_examples(tmp_path, "s", made, fields=FIELDS, tokenizer_hash="t", source_hash="s")

    def is_chinese(part: Segment) -> bool:
        return any(character >= "一" for character in tokenizer().decode(part.ids.tolist()))

    source = SentencePairs(store, lambda pair, _: pair, room=20, short=0.0, paired=True)
    found = first_items(source, None)
    assert {pair.follows for pair in found} == {True, False}
    assert all(is_chinese(pair.first) == is_chinese(pair.second) for pair in found)


def test_a_new_epoch_hides_other_words_and_the_same_epoch_the_same(
    pairs: SentencePairs[MaskedItem],
) -> None:
    def epoch(number: int) -> list[MaskedItem]:
        return list(pairs.epoch(number, 7))

    def key(items: list[MaskedItem]) -> list[tuple[int, ...]]:
        return [(*item.tokens.tolist(), *item.targets.tolist()) for item in items]

    assert key(epoch(0)) == key(epoch(0))
    assert set(key(epoch(0))) != set(key(epoch(1)))


def test_reading_on_from_any_cursor_is_never_having_stopped(
    pairs: SentencePairs[MaskedItem],
) -> None:
    stream = pairs.read(Cursor(seed=3))
    whole = [next(stream) for _ in range(150)]
    assert whole[-1][1].epoch > 0
    for place in (0, 30, 149 - 20):
        again = pairs.read(whole[place][1])
        for item, cursor in whole[place + 1 : place + 20]:
            other, after = next(again)
            assert (after, other.tokens.tolist()) == (cursor, item.tokens.tolist())
            assert (other.targets == item.targets).all()


def test_cutting_takes_tokens_of_the_longer_text_and_keeps_the_middle() -> None:
    pair = Pair(first=segment(TEXTS[0], "en"), second=segment("It.", "en"), follows=True)
    cut = cut_to(pair, 12, np.random.default_rng(0))
    assert cut.second is not None
    assert len(cut.first.ids) + len(cut.second.ids) == 12
    assert len(cut.second.ids) == len(segment("It.", "en").ids)
    text, part = pair.first.ids.tolist(), cut.first.ids.tolist()
    assert any(text[n : n + len(part)] == part for n in range(len(text)))


def test_shares_of_more_than_everything_are_refused() -> None:
    with pytest.raises(ValueError, match="more than 1 together"):
        MaskedConfig.model_validate({"kind": "masked", "mask": 0.8, "random": 0.3})
    MaskedConfig.model_validate({"kind": "masked", "mask": 0.8, "random": 0.2})
