"""Models that were trained by a recipe answer from their folder alone: labels, numbers, tags, spans, order, vectors."""

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

import zhixing
from tests.tiny import tiny_tokenizer
from tests.trained import PEOPLE, TIME, rows, train
from zhixing.api import Label, Model, TaggedWord
from zhixing.api.answering import Candidate, answer_of, candidates, windows_of
from zhixing.api.inputs import cut_to, input_of
from zhixing.api.tagging import (
    Cut,
    Window,
    cut_into_words,
    scores_of,
    tagged,
    tags_of,
    windows,
)
from zhixing.checkpoint.export import import_folder
from zhixing.checkpoint.folder import ModelInfo, save_model, write_learnt
from zhixing.core.errors import CheckpointError, DataError, UnsupportedError, UsageError
from zhixing.model.config import EncoderConfig, HeadConfig
from zhixing.model.crf import LinearChain, bio_rules
from zhixing.model.encoder import Encoder
from zhixing.model.tagger import Tagger
from zhixing.objective.classify import texts_example
from zhixing.objective.learnt import Learnt
from zhixing.objective.rank import Rank
from zhixing.objective.span import Span, best_span
from zhixing.objective.tag import Tag, is_bio
from zhixing.text.span import Span as Place

TEXTS = ["Otto Lind went to Rome", "李娜去了北京", "王明", "Anna Berg went to Paris " * 2]
LONG = "Anna Berg went to Paris. 王明去了北京。" * 8
OPENED: dict[tuple[str, str], Model] = {}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Model]:
    folder = tmp_path_factory.mktemp("trained")

    def opened(kind: str, model: str = "encoder", more: str = "") -> Model:
        key = (kind, model + more)
        if key not in OPENED:
            steps = 250 if kind == "span" else 60
            OPENED[key] = zhixing.load(train(folder, kind, model, steps=steps, more=more))
        return OPENED[key]

    return opened


Trained = Callable[..., Model]


@pytest.mark.parametrize("model", ["encoder", "cnn", "reader"])
def test_a_trained_classifier_names_labels_with_their_probabilities(
    trained: Trained, model: str
) -> None:
    opened = trained("classify", model)
    assert "classify" in opened.methods
    found = opened.classify(TEXTS)
    assert [each.label for each in found] == ["en", "zh", "zh", "en"]
    for each in found:
        assert sum(each.probabilities.values()) == pytest.approx(1.0)
        assert (
            each.probability == each.probabilities[each.label] == max(each.probabilities.values())
        )
    assert opened.classify([]) == []


def test_a_margin_is_no_probability(trained: Trained) -> None:
    (found,) = trained("classify", "bag2", 'loss = "hinge"').classify(TEXTS[:1])
    assert found == Label(label="en", probability=None, probabilities={}, scores=found.scores)
    assert found.scores["en"] > found.scores["zh"]


def test_a_regression_reads_the_pairs_it_has_learnt_on(trained: Trained) -> None:
    for model in ("encoder", "bag"):
        opened = trained("regress", model)
        values = opened.regress([(PEOPLE[0], PEOPLE[0]), (PEOPLE[0], PEOPLE[3])])
        assert [isinstance(value, float) for value in values] == [True, True]
        with pytest.raises(DataError, match=r"texts\[0\].*pair \(first, second\)"):
            opened.regress(["alone"])
    with pytest.raises(DataError, match=r"texts\[1\].*one text"):
        trained("classify").classify(["alone", ("a", "pair")])


def test_a_ranker_orders_what_it_is_given(trained: Trained) -> None:
    items = ["the fox sleeps", "it rains in Rome", "狗"]
    found = trained("rank").rank("rain", items)
    assert found[0].index == 1
    assert [items[each.index] for each in found] == [each.text for each in found]
    assert sorted((each.score for each in found), reverse=True) == [each.score for each in found]
    assert trained("rank").rank("rain", []) == []


@pytest.mark.parametrize("model", ["encoder", "lstm"])
def test_texts_that_mean_the_same_are_alike(trained: Trained, model: str) -> None:
    opened = trained("similar", model)
    alike = opened.similarity("the fox sleeps", "a fox is asleep")
    assert alike > opened.similarity("the fox sleeps", "北京有雨") + 0.2
    vectors = opened.embed(["the fox sleeps", "a fox is asleep"])
    assert alike == pytest.approx(float(vectors[0] @ vectors[1]), abs=1e-6)


@pytest.mark.parametrize("model", ["encoder", "tagger", "plain-tagger"])
def test_tags_stand_where_the_text_says(trained: Trained, model: str) -> None:
    text = "Anna Berg went to Rome.  王明去了北京。"
    found, nothing, given, blank = trained("tag", model).tag(
        [text, "", ["Otto", "Lind", "went"], "  \n"]
    )
    assert nothing.words == nothing.spans == blank.words == ()
    assert given.text == "Otto Lind went"
    for each in (found, given):
        for part in (*each.words, *each.spans):
            assert each.text[part.start : part.end] == part.text
    words = ["Anna", "Berg", "went", "to", "Rome", ".", "王", "明", "去", "了", "北", "京", "。"]
    assert [word.text for word in found.words] == words


def test_an_encoder_finds_the_names_that_it_has_learnt(trained: Trained) -> None:
    texts = ["Anna Berg went to Rome.", ["Otto", "Lind", "went"]]
    found = {span.text for each in trained("tag").tag(texts) for span in each.spans}
    assert {"Anna Berg", "Otto Lind"} <= found


def test_a_chain_chooses_the_tags_of_a_text_together(trained: Trained) -> None:
    opened = trained("tag", "tagger")
    network = opened.network
    assert isinstance(network, Tagger)
    record = rows("tag")[0]
    (found,) = opened.tag([record["tokens"]])
    assert opened.learnt is not None
    made = Tag(opened.tokenizer, time=TIME, labels=opened.learnt.labels).example(record)
    assert made.example is not None
    ids = torch.tensor(made.example["tokens"])[None]
    places = torch.tensor(made.example["labels"]) != -100
    with torch.inference_mode():
        scores = network(ids, keep=torch.ones_like(ids, dtype=torch.bool))[:, places]
        (best,) = network.chain.best(
            scores,
            torch.ones(1, int(places.sum()), dtype=torch.bool),
            bio_rules(opened.learnt.labels),
        )
    assert [word.tag for word in found.words] == [opened.learnt.labels[number] for number in best]


def test_a_chain_never_gives_a_tag_that_continues_nothing() -> None:
    names = ["O", "B-X", "I-X"]
    chain = LinearChain(len(names))
    for parameter in chain.parameters():
        torch.nn.init.zeros_(parameter)
    scores = torch.tensor([[0.0, 0.1, 5.0], [0.0, 0.1, 5.0], [1.0, 0.0, 0.0]])
    network = torch.nn.ModuleDict({"chain": chain})
    assert [names[n] for n in scores.argmax(-1)] == ["I-X", "I-X", "O"]
    assert tags_of(network, scores, names) == ["B-X", "I-X", "O"]  # type: ignore[arg-type]
    assert tags_of(network, scores, ["N", "V", "P"]) == ["P", "P", "N"]  # type: ignore[arg-type]


def test_a_tag_that_continues_nothing_begins_a_span() -> None:
    text = "a b c d"
    cuts = Cut(
        text=text,
        spans=tuple(Place(place, place + 1) for place in (0, 2, 4, 6)),
        tokens=((1,), (2,), (), (3,)),
    )
    found = tagged(cuts, ["I-X", "I-X", "I-Y"], ["O", "B-X", "I-X", "B-Y", "I-Y"])
    assert [word.tag for word in found.words] == ["B-X", "I-X", "O", "B-Y"]
    assert [(span.label, span.text) for span in found.spans] == [("X", "a b"), ("Y", "d")]
    plain = tagged(cuts, ["NOUN", "VERB", "NOUN"], ["NOUN", "VERB"])
    assert not is_bio(["NOUN", "VERB"])
    assert [(span.label, span.text) for span in plain.spans] == [
        ("NOUN", "a"), ("VERB", "b"), ("NOUN", "d"),
    ]  # fmt: skip
    assert plain.words[2] == TaggedWord(start=4, end=5, text="c", tag="O")


@pytest.mark.parametrize("model", ["encoder", "finder"])
def test_an_answer_stands_where_it_says(trained: Trained, model: str) -> None:
    opened = trained("span", model)
    for question, context, answer in (
        ("Where?", "Anna Berg went to Rome.", "Rome"),
        ("哪里？", "王明去了北京。", "北京"),
    ):
        found = opened.answer(question, context)
        assert (found.found, found.text) == (True, answer)
        assert context[found.start : found.end] == found.text
        assert found.score > 0
    none = opened.answer("When?", "Anna Berg went to Rome.")
    assert (none.found, none.text, none.start, none.end) == (False, "", 0, 0)
    assert none.score <= 0


@pytest.mark.parametrize("least", [0.0, -1.5, 3.0])
@pytest.mark.parametrize(("best", "is_there"), [(2.0, False), (1.9, False), (2.1, True)])
def test_an_answer_is_one_that_scores_more_than_the_least(
    best: float, is_there: bool, least: float
) -> None:
    best += least
    windows = [
        Candidate(start=0, end=1, best=-9.0, none=2.0),
        Candidate(start=1, end=5, best=best, none=3.0),
    ]
    found = answer_of(windows, "x yz w", least_score=least)
    assert found.found == is_there
    assert found.score == pytest.approx(best - 2.0)
    assert (found.text, found.start, found.end) == (("yz", 2, 4) if is_there else ("", 0, 0))


def test_what_an_answer_has_to_score_is_in_the_folder_and_can_be_said(
    trained: Trained, tmp_path: Path
) -> None:
    folder = train(tmp_path, "span", "encoder", steps=20)
    pairs = [(row["question"], row["context"]) for row in rows("span")]
    always = zhixing.load(folder).answers(pairs, least_score=-math.inf)
    assert all(each.found for each in always)
    most = max(each.score for each in always)
    learnt = zhixing.load(folder).learnt
    assert learnt is not None
    assert learnt.least_score == 0.0
    write_learnt(folder, learnt.model_copy(update={"least_score": most}))
    kept = zhixing.load(folder)
    assert kept.answers(pairs) == kept.answers(pairs, least_score=most)
    assert not any(each.found for each in kept.answers(pairs))
    assert kept.answers(pairs, least_score=-math.inf) == always


def test_one_window_answers_as_training_measures(trained: Trained) -> None:
    opened = trained("span")
    network = opened.network
    assert isinstance(network, Encoder)
    for question, context in (("Where?", "Otto Lind went to Rome."), ("When?", "王明去了北京。")):
        (window,) = windows_of(opened.tokenizer, question, context, limit=TIME)
        tokens, segments = torch.tensor([window.ids]), torch.tensor([window.segments])
        with torch.inference_mode():
            hidden = network.body(tokens, segments=segments).hidden
            logits = network.heads["span"](hidden)[0]
        inside = torch.tensor([text == 1 for text in window.texts])
        first, last = best_span(logits, inside)
        found = opened.answer(question, context)
        assert found.found == ((first, last) != (0, 0))
        if found.found:
            assert context[window.spans[first][0] : window.spans[last][1]].strip() == found.text


@pytest.mark.parametrize("model", ["encoder", "finder"])
def test_a_long_context_is_read_in_windows_that_leave_nothing_out(
    trained: Trained, model: str
) -> None:
    opened = trained("span", model)
    made = windows_of(opened.tokenizer, "Where?", LONG, limit=TIME)
    assert len(made) > 4
    assert max(map(len, made)) <= TIME
    covered = {place for each in made for n in each.places_of(1) for place in range(*each.spans[n])}
    assert covered == set(range(len(LONG)))
    found = opened.answer("Where?", LONG)
    assert LONG[found.start : found.end] == found.text
    best = max(candidates(opened.network, made, 0), key=lambda each: each.best)
    assert LONG[best.start : best.end].strip() == found.text
    with pytest.raises(UnsupportedError, match=r"pairs\[0\].*shorten the question"):
        opened.answer(LONG, "Rome")


@pytest.mark.parametrize("room", [1, 4, 7, 100])
def test_every_word_of_a_long_text_is_judged_once(room: int) -> None:
    sizes = [1, 2, 1, 5, 1, 1, 3, 1, 1, 1, 2]
    made = [*windows(sizes, room)]
    judged = [word for each in made for word in range(each.first, each.last)]
    assert judged == [*range(len(sizes))]
    for each in made:
        assert each.start <= each.first <= each.last <= each.stop
        assert sum(sizes[each.start : each.stop]) <= room or each.stop == each.start + 1


@pytest.mark.parametrize("room", [4, 7, 10])
def test_a_word_is_judged_where_it_stands_farthest_from_an_end(room: int) -> None:
    sizes = [1] * 30
    made = [*windows(sizes, room)]

    def distance(window: Window, word: int) -> float:
        before = (
            word - window.start if window.start else math.inf
        )  # a text's own end cuts nothing off
        behind = window.stop - 1 - word if window.stop < len(sizes) else math.inf
        return min(before, behind)

    for judge in made:
        for word in range(judge.first, judge.last):
            others = [each for each in made if each.start <= word < each.stop]
            assert distance(judge, word) == max(distance(each, word) for each in others)


def test_a_long_text_is_tagged_whole(trained: Trained) -> None:
    for model in ("encoder", "tagger"):
        (found,) = trained("tag", model).tag([LONG])
        assert "".join(word.text for word in found.words) == LONG.replace(" ", "")
        with pytest.raises(UsageError, match="read in windows; leave out cut"):
            trained("tag", model).tag([LONG], cut=True)
    model = trained("tag")
    cuts = [cut_into_words(LONG, model.tokenizer, model.learnt)]
    read: list[int] = []
    found = scores_of(SpyingTagger(model.network, read), cuts, model.tokenizer, limit=TIME)
    assert len(found[0]) == len(cuts[0].spans)
    assert len(read) > 4
    assert max(read) <= TIME


class SpyingTagger(torch.nn.Module):
    """A network that notes how long its inputs are."""

    def __init__(self, network: Any, read: list[int]) -> None:
        super().__init__()
        self.inner, self.read, self.config, self.heads = (
            network,
            read,
            network.config,
            network.heads,
        )

    def body(self, tokens: torch.Tensor, *, keep: torch.Tensor) -> Any:
        self.read += keep.sum(-1).tolist()
        return self.inner.body(tokens, keep=keep)


def alone_and_together(model: Model, verb: str, inputs: list[Any]) -> tuple[list[Any], list[Any]]:
    ask = getattr(model, verb)
    return ask(inputs), [ask([one])[0] for one in inputs]


def test_a_batch_answers_as_each_text_alone(trained: Trained) -> None:
    inputs = [*TEXTS, "Rome", "it rains", "北京有雨", "Anna", *TEXTS[::-1]]
    for name in ("encoder", "cnn"):
        together, alone = alone_and_together(trained("classify", name), "classify", inputs)
        for one, other in zip(together, alone, strict=True):
            assert one.probabilities == pytest.approx(other.probabilities, abs=1e-5)
            assert one.scores == pytest.approx(other.scores, abs=1e-5)
    pairs = [(one, other) for one in PEOPLE for other in TEXTS[:2]]
    for name in ("encoder", "bag"):
        together, alone = alone_and_together(trained("regress", name), "regress", pairs)
        assert together == pytest.approx(alone, abs=1e-5)
    for name in ("encoder", "tagger", "plain-tagger"):
        together, alone = alone_and_together(trained("tag", name), "tag", [*inputs, LONG, ""])
        assert together == alone
    asked = [("Where?", LONG), ("Who?", "Anna Berg went to Rome."), ("谁？", "王明去了北京。")]
    for name in ("encoder", "finder"):
        together, alone = alone_and_together(trained("span", name), "answers", asked)
        for one, other in zip(together, alone, strict=True):
            assert (one.text, one.start, one.end) == (other.text, other.start, other.end)
            assert one.score == pytest.approx(other.score, abs=1e-5)
    for name in ("encoder", "lstm"):
        model = trained("similar", name)
        short = [text for text in inputs if len(text) < 20]
        each = np.concatenate([model.embed([text]) for text in short])
        assert np.allclose(model.embed(short), each, atol=1e-5)


def test_texts_are_read_exactly_as_in_training(trained: Trained) -> None:
    model = trained("classify")
    equal = {"text1": TEXTS[0], "text2": TEXTS[0]}  # the first is cut first
    for record in ({"text": TEXTS[0]}, {"text1": TEXTS[1], "text2": TEXTS[2]}, equal):
        for time in (TIME, 9, 8):
            made = texts_example(record, model.tokenizer, time, label=0)
            assert made.example is not None
            text = record["text"] if "text" in record else (record["text1"], record["text2"])
            ours = cut_to(input_of(model.tokenizer, text), time)
            assert list(ours.ids) == made.example["tokens"].tolist()
            assert list(ours.segments) == made.example["segments"].tolist()
    record = rows("span")[1]
    made = Span(model.tokenizer, time=TIME).example(record)
    (window,) = windows_of(model.tokenizer, record["question"], record["context"], limit=TIME)
    assert made.example is not None
    assert list(window.ids) == made.example["tokens"].tolist()
    record = rows("rank")[0]
    made = Rank(model.tokenizer, time=TIME).example(record)
    assert made.example is not None
    ids = [input_of(model.tokenizer, (record["query"], text)).ids for text in record["texts"]]
    assert [token for each in ids for token in each] == made.example["tokens"].tolist()


def test_words_are_cut_as_in_the_examples() -> None:
    def texts(text: str, **form: Any) -> list[str]:
        learnt = Learnt(kind="tag", time=9, **form)
        made = cut_into_words(text, tiny_tokenizer(), learnt)
        return [text[start:stop] for start, stop in made.spans]

    text = "Anna (32) isn't in 北京市，ok?"
    assert texts(text) == ["Anna", "(", "32", ")", "isn't", "in", *"北京市，", "ok", "?"]
    assert texts(text, spaced_words="attached") == [
        "Anna", "(32)", "isn't", "in", *"北京市", "，ok?",
    ]  # fmt: skip
    assert texts("1998年 WTO", spaced_words="characters") == [*"1998年WTO"]
    assert texts("我们在北京大学学习", han_words="segments") == ["我们", "在", "北京大学", "学习"]


def test_transformers_gives_the_same_probabilities_from_the_same_folder(
    trained: Trained, tmp_path: Path
) -> None:
    folder = train(tmp_path, "classify", "encoder", steps=30)
    ours = zhixing.load(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    theirs = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    for text in TEXTS:
        inputs = tokenizer(text, return_tensors="pt")
        assert inputs["input_ids"][0].tolist() == ours.encode(text)
        with torch.inference_mode():
            shares = theirs(**inputs).logits[0].softmax(-1).tolist()
        names = [theirs.config.id2label[number] for number in range(2)]
        (found,) = ours.classify([text])
        assert found.probabilities == pytest.approx(dict(zip(names, shares, strict=True)), abs=1e-5)
    assert tokenizer.model_max_length == TIME
    pair = tokenizer(TEXTS[0], TEXTS[1])
    both = input_of(ours.tokenizer, (TEXTS[0], TEXTS[1]))
    assert (pair["input_ids"], pair["token_type_ids"]) == ([*both.ids], [*both.segments])
    import_folder(folder, tmp_path / "taken", allow_pickle=False)
    taken = zhixing.load(tmp_path / "taken")
    assert (taken.learnt, taken.classify(TEXTS)) == (ours.learnt, ours.classify(TEXTS))


def test_what_a_folder_cannot_do_is_refused_with_what_it_can(trained: Trained) -> None:
    asks: dict[str, Callable[[Model], object]] = {
        "classify": lambda model: model.classify(["a"]),
        "regress": lambda model: model.regress(["a"]),
        "tag": lambda model: model.tag(["a"]),
        "answer": lambda model: model.answer("a", "b"),
        "rank": lambda model: model.rank("a", ["b"]),
        "embed": lambda model: model.embed(["a"]),
        "similarity": lambda model: model.similarity("a", "b"),
        "generate": lambda model: model.generate("a"),
        "translate": lambda model: model.translate(["a"]),
    }
    for kind, name in (
        ("classify", "cnn"),
        ("tag", "tagger"),
        ("span", "encoder"),
        ("span", "finder"),
    ):
        model = trained(kind, name)
        offered = ", ".join(model.methods)
        assert {"encode", "decode"} < set(model.methods)
        for verb, ask in asks.items():
            if verb in model.methods:
                ask(model)
                continue
            with pytest.raises(
                UnsupportedError, match=rf"cannot \w+; .*This one offers {offered}$"
            ):
                ask(model)


def test_empty_and_long_texts_are_named(trained: Trained) -> None:
    model = trained("classify")
    with pytest.raises(DataError, match=r"texts\[1\]: the text is empty"):
        model.classify(["a", ""])
    with pytest.raises(DataError, match=r"texts\[0\]: text 2 of the two is empty"):
        trained("regress").regress([("a", "")])
    with pytest.raises(DataError, match=r"items\[1\]"):
        trained("rank").rank("a", ["b", ""])
    with pytest.raises(DataError, match=r"pairs\[0\]: text 1 of the two is empty"):
        trained("span").answer("", "b")
    with pytest.raises(UnsupportedError, match=rf"texts\[0\].*more than the {TIME}.*cut=True"):
        model.classify([LONG])
    (whole,) = model.classify([LONG], cut=True)
    (same,) = model.classify([LONG + " and more"], cut=True)
    assert whole == same
    with pytest.raises(UnsupportedError, match=f"more than the {TIME}"):
        trained("similar").embed([LONG])
    (found,) = trained("classify", "cnn").classify([LONG])
    assert found.label in ("en", "zh")


def test_a_folder_that_does_not_say_how_texts_stand_is_refused(tmp_path: Path) -> None:
    table = {"width": 24, "layers": 1, "heads": 2, "kv_heads": 2, "head_dim": 12, "hidden": 24}
    config = EncoderConfig.model_validate({**table, "heads_on_top": [HeadConfig(kind="classify")]})
    network = Encoder(config, tiny_tokenizer().vocab)
    save_model(tmp_path / "m", network, tiny_tokenizer(), info=ModelInfo())
    with pytest.raises(UnsupportedError, match=r"no end token.*objective\.json"):
        zhixing.load(tmp_path / "m").classify(["a"])
    save_model(tmp_path / "f", network, tiny_tokenizer().framed(), info=ModelInfo())
    (found,) = zhixing.load(tmp_path / "f").classify(["a"])
    assert [*found.probabilities] == ["LABEL_0", "LABEL_1"]


def test_a_damaged_objective_is_named(trained: Trained, tmp_path: Path) -> None:
    folder = train(tmp_path, "classify", "cnn", steps=3)
    file = folder / "objective.json"
    table = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps({**table, "labels": ["zh", "en"]}), "utf-8")
    with pytest.raises(CheckpointError, match=r"objective\.json was changed"):
        zhixing.load(folder)
    (folder / "manifest.json").unlink()
    file.write_text(json.dumps({**table, "colour": 1}), "utf-8")
    with pytest.raises(CheckpointError, match=r"objective\.json: colour"):
        zhixing.load(folder)
    shutil.rmtree(folder)
