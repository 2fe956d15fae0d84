"""Folders in the older forms: the ids and the text of the reference library, and refusals by name."""

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
import transformers

from tests.tokenizer import foreign_folders as made
from tests.tokenizer.torture import LOOK_ALIKES, TORTURE
from zhixing.core.errors import CheckpointError, UnsupportedError
from zhixing.tokenizer.encoding import Special
from zhixing.tokenizer.tokenizer import Tokenizer

WORDPIECE = [
    {"tokenizer_class": "BertTokenizer"},
    {"tokenizer_class": "BertTokenizer", "do_lower_case": False},
    {"tokenizer_class": "BertTokenizer", "strip_accents": False},
    {"tokenizer_class": "BertTokenizer", "tokenize_chinese_chars": False},
    {"tokenizer_class": "DistilBertTokenizer", "do_lower_case": True, "strip_accents": True},
    {"tokenizer_class": "BertTokenizer", "clean_up_tokenization_spaces": True},
]
GPT2 = [
    ({"tokenizer_class": "GPT2Tokenizer"}, ["<|endoftext|>"]),
    ({"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": True}, ["<|endoftext|>"]),
    ({"tokenizer_class": "RobertaTokenizer"}, made.ROBERTA),
    ({"tokenizer_class": "BartTokenizer", "add_prefix_space": True}, made.ROBERTA),
    ({"tokenizer_class": "Qwen2Tokenizer", "eos_token": "<|im_end|>"}, ["<|endoftext|>"]),
]
COMPOSED = [text for text in TORTURE if text.startswith("combining")]
"""Where the `tokenizers` library applies SentencePiece's compiled table in its own way."""
CARRIAGE = [text for text in TORTURE if "\r" in text]
MODELS = [
    ("unigram", ""),
    ("unigram", made.T5),
    ("unigram", "byte_fallback=true normalization_rule_name=identity"),
    ("unigram", "user_defined_symbols=<sep>,中国"),
    ("unigram", "add_dummy_prefix=false"),
    ("unigram", "remove_extra_whitespaces=false normalization_rule_name=nfkc_cf"),
    ("bpe", ""),
    ("bpe", made.LLAMA),
    ("bpe", "add_dummy_prefix=false byte_fallback=true"),
    ("bpe", "remove_extra_whitespaces=false"),
]


def auto(folder: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)


def assert_equal_to_transformers(ours: Tokenizer, theirs: Any, texts: list[str]) -> None:
    for text in texts:
        ids = theirs(text)["input_ids"]
        assert list(ours.encode(text).ids) == ids, text
        assert ours.decode(ids) == theirs.decode(ids, skip_special_tokens=True), text
        assert streamed(ours, ids) == ours.decode(ids), text


def streamed(tokenizer: Tokenizer, ids: list[int]) -> str:
    decoder = tokenizer.decoder()
    parts = [decoder.push(number) for number in ids]
    return "".join([*parts, decoder.finish()])


def assert_pair_equals(ours: Tokenizer, theirs: Any) -> None:
    first, second = "How many people? 多少人?", "It is 42. 知行合一"
    pair = ours.encode_pair(first, second)
    expected = theirs(first, second, return_token_type_ids=True)
    assert list(pair.ids) == expected["input_ids"]
    assert list(pair.segments) == expected["token_type_ids"]
    assert list(pair.texts) == expected.sequence_ids(0)


@pytest.mark.parametrize("config", WORDPIECE, ids=str)
def test_wordpiece_equals_transformers(config: dict[str, Any], tmp_path: Path) -> None:
    lower = config.get("do_lower_case", True)
    folder = made.write_wordpiece(tmp_path / "a", config, lower=lower)
    ours, theirs = Tokenizer.load(folder), auto(folder)
    assert_equal_to_transformers(ours, theirs, TORTURE)
    assert_pair_equals(ours, theirs)
    ours.save(tmp_path / "saved")
    assert_equal_to_transformers(
        Tokenizer.load(tmp_path / "saved"), auto(tmp_path / "saved"), TORTURE
    )


@pytest.mark.parametrize(("config", "specials"), GPT2, ids=str)
def test_gpt2_and_its_family_equal_transformers(
    config: dict[str, Any], specials: list[str], tmp_path: Path
) -> None:
    folder = made.write_gpt2(tmp_path / "a", config, specials)
    ours, theirs = Tokenizer.load(folder), auto(folder)
    assert_equal_to_transformers(ours, theirs, TORTURE)
    assert_pair_equals(ours, theirs)
    assert ours.is_lossless == (not config.get("add_prefix_space") and "Qwen2" not in str(config))
    ours.save(tmp_path / "saved")
    assert_equal_to_transformers(ours, auto(tmp_path / "saved"), TORTURE)


@pytest.mark.parametrize(("kind", "options"), MODELS)
def test_sentencepiece_models_equal_their_library(kind: str, options: str, tmp_path: Path) -> None:
    content = made.sentencepiece_model(kind, options)
    folder = made.write_sentencepiece(tmp_path, content, "tokenizer.model")
    ours = Tokenizer.load(folder)
    theirs = sentencepiece.SentencePieceProcessor(model_proto=content)
    has_table = "identity" not in options
    for text in [*TORTURE, *LOOK_ALIKES, "a<sep>中国b <sep>", "<sep>", "中国"]:
        if has_table and (
            text in COMPOSED or ("whitespaces=false" in options and text in CARRIAGE)
        ):
            continue
        ids = theirs.encode(text)
        assert ours.encode_text(text) == ids, text
        if theirs.unk_id() not in ids and "▁" not in text:
            assert ours.decode(ids) == theirs.decode(ids)
        assert streamed(ours, ids) == ours.decode(ids)


@pytest.mark.parametrize("legacy", [True, False])
def test_t5_folders_equal_transformers(legacy: bool, tmp_path: Path) -> None:
    content = made.sentencepiece_model("unigram", made.T5)
    config = {"tokenizer_class": "T5Tokenizer", "legacy": legacy, "extra_ids": 100}
    folder = made.write_sentencepiece(tmp_path / "a", content, "spiece.model", config)
    ours = Tokenizer.load(folder)
    theirs = auto(folder)
    assert ours.vocab == len(theirs)
    # It also breaks words at U+0085 and keeps a `▁` apart, which SentencePiece does not.
    texts = [text for text in TORTURE if "▁" not in text and "\x85" not in text]
    assert_equal_to_transformers(ours, theirs, texts)
    assert_pair_equals(ours, theirs)
    ours.save(tmp_path / "saved")
    assert_equal_to_transformers(ours, auto(tmp_path / "saved"), texts)


def test_llama_folders_equal_the_library_and_their_saved_form(tmp_path: Path) -> None:
    content = made.sentencepiece_model("bpe", made.LLAMA)
    config = {
        "tokenizer_class": "LlamaTokenizer",
        "add_bos_token": True,
        "add_eos_token": False,
        "legacy": False,
        "bos_token": "<s>",
        "eos_token": {"__type": "AddedToken", "content": "</s>", "lstrip": False},
        "added_tokens_decoder": {
            "0": {"content": "<unk>", "special": True},
            "1": {"content": "<s>", "special": True},
            "2": {"content": "</s>", "special": True},
        },
    }
    folder = made.write_sentencepiece(tmp_path / "a", content, "tokenizer.model", config)
    ours = Tokenizer.load(folder)
    theirs = sentencepiece.SentencePieceProcessor(model_proto=content)
    for text in TORTURE:
        assert list(ours.encode(text).ids) == [1, *theirs.encode(text)]
    ours.save(tmp_path / "saved")
    assert_equal_to_transformers(ours, auto(tmp_path / "saved"), TORTURE)
    # After a special token the newer rule puts no space, the older one does.
    assert (
        ours.encode_marked("<s>people").ids[1:] == tuple(theirs.encode("people", add_bos=False))[1:]
    )


def test_marian_equals_transformers_in_both_languages(tmp_path: Path) -> None:
    folder = made.write_marian(tmp_path / "a")
    ours, theirs = Tokenizer.load(folder), auto(folder)
    plain = [text for text in TORTURE if text not in COMPOSED]
    texts = [*plain, ">>cmn_Hans<< the beaches", ">>xx<< b", "a >>cmn_Hans<< b", ">>"]
    assert_equal_to_transformers(ours, theirs, texts)
    for text in texts:
        assert list(ours.target.encode(text).ids) == theirs(text_target=text)["input_ids"]
    ours.save(tmp_path / "saved")
    again = Tokenizer.load(tmp_path / "saved")
    assert again.hash == ours.hash
    assert ours.target.hash != ours.hash
    assert_equal_to_transformers(again, auto(tmp_path / "saved"), texts)
    assert ours.vocab == len(theirs)


@pytest.mark.parametrize("name", ["wordpiece", "gpt2", "roberta", "t5", "llama", "marian"])
def test_special_tokens_in_a_text_stay_text(name: str, tmp_path: Path) -> None:
    tokenizer = Tokenizer.load(folder_of(name, tmp_path))
    hidden = tokenizer._hidden - {tokenizer.specials[Special.UNKNOWN]}
    for text in LOOK_ALIKES:
        assert not hidden & set(tokenizer.encode_text(text)), text


def folder_of(name: str, folder: Path) -> Path:
    if name == "wordpiece":
        return made.write_wordpiece(folder, {})
    if name == "gpt2":
        return made.write_gpt2(folder, {}, ["<|endoftext|>"])
    if name == "roberta":
        return made.write_gpt2(folder, {}, made.ROBERTA)
    if name == "t5":
        return made.write_sentencepiece(
            folder, made.sentencepiece_model("unigram", made.T5), "spiece.model"
        )
    if name == "llama":
        return made.write_sentencepiece(
            folder, made.sentencepiece_model("bpe", made.LLAMA), "tokenizer.model"
        )
    return made.write_marian(folder)


@pytest.mark.parametrize("name", ["wordpiece", "gpt2", "roberta", "t5", "llama", "marian"])
def test_the_files_alone_tell_the_form(name: str, tmp_path: Path) -> None:
    folder = folder_of(name, tmp_path)
    first = Tokenizer.load(folder)
    (folder / "tokenizer_config.json").unlink()
    again = Tokenizer.load(folder)
    assert again.encode("Don't panic").ids == first.encode("Don't panic").ids


REFUSED = [
    ("wordpiece", {"do_basic_tokenize": False}, "do_basic_tokenize = False"),
    ("wordpiece", {"never_split": ["a"]}, "never_split"),
    ("gpt2", {"errors": "strict"}, "errors = 'strict'"),
    ("gpt2", {"do_lower_case": True}, "do_lower_case = True"),
    ("llama", {"sp_model_kwargs": {"enable_sampling": True}}, "sp_model_kwargs"),
    ("t5", {"tokenizer_class": "XLNetTokenizer"}, "XLNetTokenizer is not supported"),
    ("gpt2", {"tokenizer_class": "CLIPTokenizer"}, "CLIPTokenizer is not supported"),
    ("marian", {"separate_vocabs": True}, "separate_vocabs"),
]


@pytest.mark.parametrize(("name", "config", "message"), REFUSED)
def test_what_cannot_be_honoured_is_refused_by_name(
    name: str, config: dict[str, Any], message: str, tmp_path: Path
) -> None:
    folder = folder_of(name, tmp_path)
    made.write_config(folder, config)
    with pytest.raises(UnsupportedError, match=message):
        Tokenizer.load(folder)


@pytest.mark.parametrize("options", ["treat_whitespace_as_suffix=true", "model_type=char"])
def test_models_without_an_exact_counterpart_are_refused(options: str, tmp_path: Path) -> None:
    kind = "char" if "char" in options else "unigram"
    content = made.sentencepiece_model(kind, "" if kind == "char" else options)
    folder = made.write_sentencepiece(tmp_path, content, "tokenizer.model")
    with pytest.raises(UnsupportedError, match="is not supported"):
        Tokenizer.load(folder)


def test_broken_files_are_refused(tmp_path: Path) -> None:
    content = made.sentencepiece_model("bpe", made.LLAMA)
    for number, broken in enumerate([b"", b"\x80", content[:-50], b"\x00" * 99, content[7:]]):
        folder = made.write_sentencepiece(tmp_path / f"s{number}", broken, "tokenizer.model")
        with pytest.raises(CheckpointError):
            Tokenizer.load(folder)
    folder = made.write_gpt2(tmp_path / "g", {}, ["<|endoftext|>"])
    merges = folder / "merges.txt"
    merges.write_text(merges.read_text("utf-8") + "zz yy\n", "utf-8")
    with pytest.raises(CheckpointError, match=r"merges\.txt:\d+: 'zz yy'"):
        Tokenizer.load(folder)
    merges.unlink()
    with pytest.raises(CheckpointError, match="older form"):
        Tokenizer.load(folder)
    folder = made.write_wordpiece(tmp_path / "w", {"cls_token": "[NONE]"})
    with pytest.raises(CheckpointError, match="NONE"):
        Tokenizer.load(folder)


def test_added_tokens_keep_their_ids_or_the_folder_is_refused(tmp_path: Path) -> None:
    folder = made.write_gpt2(tmp_path, {}, ["<|endoftext|>"])
    size = Tokenizer.load(folder).vocab
    added = folder / "added_tokens.json"
    added.write_text(json.dumps({"<tool>": size + 1, "<think>": size}), "utf-8")
    tokenizer = Tokenizer.load(folder)
    assert tokenizer.vocab == size + 2
    assert tokenizer.encode_text("a<tool>b<think>")[1::2] == [size + 1, size]
    added.write_text(json.dumps({"<tool>": size + 5}), "utf-8")
    with pytest.raises(CheckpointError, match="'<tool>' should have id"):
        Tokenizer.load(folder)


def test_a_setting_that_contradicts_the_pipeline_is_refused(tmp_path: Path) -> None:
    Tokenizer.load(made.write_wordpiece(tmp_path / "a", {})).save(tmp_path / "b")
    made.write_config(tmp_path / "b", {"do_lower_case": False})
    with pytest.raises(UnsupportedError, match="contradicts"):
        Tokenizer.load(tmp_path / "b")


def test_spans_of_a_pair_point_into_their_texts(tmp_path: Path) -> None:
    tokenizer = Tokenizer.load(made.write_wordpiece(tmp_path, {}))
    texts = ("Many people", "有朋自远方来")
    pair = tokenizer.encode_pair(*texts)
    assert pair.texts[0] is None
    assert {0, 1, None} == set(pair.texts)
    for which in (0, 1):
        spans = [s for s, t in zip(pair.spans, pair.texts, strict=True) if t == which]
        assert "".join(texts[which][a:b] for a, b in spans) == texts[which].replace(" ", "")
