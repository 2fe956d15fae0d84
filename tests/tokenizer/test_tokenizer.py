"""Claims every kind of tokenizer must keep, and those only byte-level ones can."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tokenizer.material import CHINESE, ENGLISH, trained
from zhixing.core.errors import CheckpointError, ConfigError, DataError
from zhixing.tokenizer.config import TokenizerConfig
from zhixing.tokenizer.encoding import Special
from zhixing.tokenizer.tokenizer import Tokenizer
from zhixing.tokenizer.train import train

KINDS = ["byte_bpe", "characters", "words", "wordpiece", "unigram"]
BYTE_KINDS = ["byte_bpe", "unigram"]
any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
LITERALS = "a<|end|>b <|begin|><|pad|> <|unknown|> 中<|end|>文"


@pytest.mark.parametrize("kind", BYTE_KINDS)
@settings(max_examples=300, deadline=None)
@given(text=any_text)
def test_byte_level_gives_every_string_back(kind: str, text: str) -> None:
    tokenizer = trained(kind)
    assert tokenizer.is_lossless
    assert tokenizer.decode(tokenizer.encode(text).ids) == text
    assert tokenizer.decode(tokenizer.encode_document(text)) == text


@pytest.mark.parametrize("kind", BYTE_KINDS)
def test_byte_level_gives_every_unicode_block_back(kind: str) -> None:
    tokenizer = trained(kind)
    step = 97  # every block of 128 code points is met
    numbers = [n for n in range(0, 0x110000, step) if not 0xD800 <= n < 0xE000]
    text = "".join(map(chr, [*range(0x300), *numbers]))
    assert tokenizer.decode(tokenizer.encode_text(text)) == text


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", [*ENGLISH[:3], *CHINESE[:3], "", " ", "## ### a##b\n\n  c"])
def test_text_of_known_characters_comes_back(kind: str, text: str) -> None:
    tokenizer = trained(kind)
    encoding = tokenizer.encode(text)
    assert tokenizer.specials[Special.UNKNOWN] not in encoding.ids
    assert tokenizer.decode(encoding.ids) == text


@pytest.mark.parametrize("kind", KINDS)
def test_special_tokens_have_the_first_ids_in_order(kind: str) -> None:
    tokenizer = trained(kind)
    assert [tokenizer.specials[special] for special in Special] == [0, 1, 2, 3]
    assert (tokenizer.pad, tokenizer.begin, tokenizer.end) == (0, 1, 2)
    assert tokenizer.encode("ab").ids[0] == tokenizer.begin
    assert tokenizer.end not in tokenizer.encode("ab").ids
    assert tokenizer.encode_document("ab") == [*tokenizer.encode("ab").ids, tokenizer.end]


@pytest.mark.parametrize("kind", KINDS)
def test_special_tokens_written_by_a_user_are_ordinary_text(kind: str) -> None:
    tokenizer = trained(kind)
    ids = tokenizer.encode_text(LITERALS)
    assert not {0, 1, 2} & set(ids)
    if tokenizer.is_lossless:
        assert 3 not in ids
        assert tokenizer.decode(ids) == LITERALS
    assert tokenizer.encode(LITERALS).ids == (1, *ids)


@pytest.mark.parametrize("kind", KINDS)
def test_special_tokens_in_the_training_text_do_not_become_tokens(kind: str) -> None:
    tokenizer = train([LITERALS] * 50, TokenizerConfig(kind=kind, vocab=300))
    assert not {0, 1, 2} & set(tokenizer.encode_text(LITERALS))
    assert tokenizer.decode(tokenizer.encode_text(LITERALS)) == LITERALS


@settings(max_examples=200, deadline=None)
@given(text=any_text)
def test_spans_cover_the_text_without_gaps_and_in_order(text: str) -> None:
    tokenizer = trained("byte_bpe")
    encoding = tokenizer.encode(text)
    assert encoding.spans[0] == (0, 0)
    assert encoding.specials == (True, *[False] * (len(encoding.ids) - 1))
    reached = 0
    last_start = 0
    for start, end in encoding.spans[1:]:
        assert last_start <= start <= reached < end or (start < end == reached)
        last_start, reached = start, max(reached, end)
    assert reached == len(text)


def test_every_token_of_a_split_character_spans_the_whole_character() -> None:
    tokenizer = trained("byte_bpe")
    spans = tokenizer.encode("a𠮷b").spans[1:]
    inside = [span for span in spans if span not in ((0, 1), (2, 3))]
    assert len(inside) > 1
    assert set(inside) == {(1, 2)}


@pytest.mark.parametrize("kind", KINDS)
def test_spans_give_the_piece_of_text_that_decoding_gives(kind: str) -> None:
    tokenizer = trained(kind)
    text = ENGLISH[1] + CHINESE[1]
    encoding = tokenizer.encode(text)
    for number, (start, end) in list(zip(encoding.ids, encoding.spans, strict=True))[1:]:
        piece = tokenizer.decode([number])
        assert piece == text[start:end] or "�" in piece


@pytest.mark.parametrize("kind", KINDS)
def test_training_twice_gives_the_same_tokenizer(kind: str) -> None:
    config = TokenizerConfig(kind=kind, vocab=400)
    first, second = (train(iter(ENGLISH + CHINESE), config) for _ in range(2))
    assert first.hash == second.hash


@pytest.mark.parametrize("kind", KINDS)
def test_saving_and_loading_changes_nothing(kind: str, tmp_path: Path) -> None:
    tokenizer = trained(kind)
    tokenizer.save(tmp_path, max_time=128)
    again = Tokenizer.load(tmp_path)
    assert again.hash == tokenizer.hash
    assert again.vocab == tokenizer.vocab
    assert again.is_lossless == tokenizer.is_lossless
    text = " ".join(ENGLISH + CHINESE)
    assert again.encode(text) == tokenizer.encode(text)
    assert json.loads((tmp_path / "tokenizer_config.json").read_text())["model_max_length"] == 128


def test_another_tokenizer_has_another_hash() -> None:
    small, large = (train(ENGLISH, TokenizerConfig(vocab=vocab)) for vocab in (270, 280))
    assert small.hash != large.hash


@pytest.mark.parametrize("kind", KINDS)
def test_the_vocabulary_keeps_its_limit(kind: str) -> None:
    config = TokenizerConfig(kind=kind, vocab=300)
    tokenizer = train(ENGLISH + CHINESE, config)
    assert tokenizer.vocab <= 300
    assert max(tokenizer.encode(" ".join(ENGLISH)).ids) < tokenizer.vocab


def test_encoding_in_a_batch_equals_encoding_one_by_one() -> None:
    tokenizer = trained("byte_bpe")
    texts = [*ENGLISH, "", *CHINESE]
    assert tokenizer.encode_documents(texts) == [tokenizer.encode_document(text) for text in texts]
    assert tokenizer.encode_documents([]) == []


def test_pieces_never_glue_chinese_to_latin() -> None:
    tokenizer = train(["使用Python编程很有趣"] * 200, TokenizerConfig(vocab=400))
    text = "使用Python编程"
    spans = tokenizer.encode(text).spans[1:]
    assert {2, 8} <= {end for _, end in spans}
    assert not any(start < edge < end for start, end in spans for edge in (2, 8))


def test_digits_come_in_groups_of_three_at_most() -> None:
    tokenizer = train(["20260101 " * 50], TokenizerConfig(vocab=400))
    spans = tokenizer.encode("20260101").spans[1:]
    assert max(end - start for start, end in spans) == 3


@pytest.mark.parametrize("text", ["\ud800", "ab\udfffc"])
def test_a_lone_surrogate_is_refused_with_its_place(text: str) -> None:
    tokenizer = trained("byte_bpe")
    with pytest.raises(DataError, match=r"character \d of the text is a lone surrogate"):
        tokenizer.encode(text)
    with pytest.raises(DataError, match="lone surrogate"):
        tokenizer.encode_documents(["fine", text])
    with pytest.raises(DataError, match="lone surrogate"):
        train(["fine", text], TokenizerConfig(vocab=300))


def test_ids_outside_the_vocabulary_are_refused() -> None:
    tokenizer = trained("byte_bpe")
    for number in (tokenizer.vocab, -1):
        with pytest.raises(DataError, match="is not in this tokenizer"):
            tokenizer.decode([5, number])


@pytest.mark.parametrize("texts", [[], [""], [" \n", ""]])
@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_corpus_is_refused(kind: str, texts: list[str]) -> None:
    with pytest.raises(DataError, match="no text to train"):
        train(texts, TokenizerConfig(kind=kind))


@pytest.mark.parametrize("kind", BYTE_KINDS)
def test_a_vocabulary_too_small_for_all_bytes_is_refused(kind: str) -> None:
    with pytest.raises(ConfigError, match="needs at least 260"):
        train(ENGLISH, TokenizerConfig(kind=kind, vocab=200))


def test_a_folder_that_is_no_tokenizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="does not exist"):
        Tokenizer.load(tmp_path / "nowhere")
    with pytest.raises(CheckpointError, match="it has no tokenizer.json"):
        Tokenizer.load(tmp_path)
    (tmp_path / "vocab.json").write_text("{}")
    with pytest.raises(CheckpointError, match="older form"):
        Tokenizer.load(tmp_path)
    for broken in ("", "{", "[]", "{}", '{"model": 3}', "\xff"):
        (tmp_path / "tokenizer.json").write_text(broken, encoding="latin-1")
        with pytest.raises(CheckpointError):
            Tokenizer.load(tmp_path)


def test_a_truncated_tokenizer_is_refused(tmp_path: Path) -> None:
    trained("byte_bpe").save(tmp_path)
    path = tmp_path / "tokenizer.json"
    path.write_text(path.read_text("utf-8")[:-100], "utf-8")
    with pytest.raises(CheckpointError, match="truncated"):
        Tokenizer.load(tmp_path)
