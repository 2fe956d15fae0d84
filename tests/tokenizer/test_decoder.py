"""Claims about decoding one id at a time."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as Pipeline
from tokenizers import decoders, models, pre_tokenizers, trainers

from tests.tokenizer.material import CHINESE, ENGLISH, trained
from zhixing.tokenizer.decoder import ByteStream, TidyStream, WindowStream, byte_alphabet, tidy
from zhixing.tokenizer.tokenizer import Tokenizer

ids = st.lists(st.integers(0, 690), max_size=40)
byte_ids = st.lists(st.integers(4, 259), max_size=40)  # the single bytes


def stream(tokenizer: Tokenizer, numbers: list[int]) -> list[str]:
    decoder = tokenizer.decoder()
    return [*(decoder.push(number) for number in numbers), decoder.finish()]


@pytest.mark.parametrize("kind", ["byte_bpe", "characters", "words", "wordpiece"])
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_stream_adds_up_to_decoding_everything_at_once(kind: str, data: st.DataObject) -> None:
    tokenizer = trained(kind)
    numbers = data.draw(st.lists(st.integers(0, tokenizer.vocab - 1), max_size=40))
    assert "".join(stream(tokenizer, numbers)) == tokenizer.decode(numbers)


@settings(max_examples=300, deadline=None)
@given(numbers=byte_ids)
def test_any_bytes_decode_like_the_library_does(numbers: list[int]) -> None:
    tokenizer = trained("byte_bpe")
    theirs = tokenizer._pipelines.full.decode(numbers, skip_special_tokens=True)
    assert tokenizer.decode(numbers) == theirs
    assert "".join(stream(tokenizer, numbers)) == theirs


@settings(max_examples=200, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_a_stream_never_emits_half_a_character(text: str) -> None:
    tokenizer = trained("byte_bpe")
    parts = stream(tokenizer, tokenizer.encode_document(text))
    assert "".join(parts) == text
    assert parts[-1] == ""
    assert all("�" not in part for part in parts) or "�" in text


def test_an_unfinished_character_is_told_at_the_end_only() -> None:
    tokenizer = trained("byte_bpe")
    numbers = tokenizer.encode_text("好𠮷")
    for cut in range(1, len(numbers)):
        parts = stream(tokenizer, numbers[:cut])
        assert "".join(parts) == tokenizer.decode(numbers[:cut])
        assert all("�" not in part for part in parts[:-1])


def test_a_decoder_can_be_used_again_after_it_finished() -> None:
    tokenizer = trained("byte_bpe")
    numbers = tokenizer.encode_text("好")
    decoder = tokenizer.decoder()
    assert decoder.push(numbers[0]) + decoder.finish() != ""
    assert "".join(decoder.push(n) for n in tokenizer.encode_text("abc")) == "abc"


def test_our_byte_alphabet_is_the_libraries() -> None:
    assert set(byte_alphabet()) == set(pre_tokenizers.ByteLevel.alphabet())
    assert sorted(byte_alphabet().values()) == list(range(256))


@pytest.fixture(scope="module")
def metaspace() -> Pipeline:
    """A tokenizer in SentencePiece's manner, which drops the first space: its pieces are not independent."""
    pipeline = Pipeline(models.BPE(byte_fallback=True, unk_token="<unk>"))
    pipeline.pre_tokenizer = pre_tokenizers.Metaspace()
    pipeline.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    specials = ["<unk>", "<s>", "</s>", *[f"<0x{byte:02X}>" for byte in range(256)]]
    trainer = trainers.BpeTrainer(vocab_size=600, special_tokens=specials, show_progress=False)
    pipeline.train_from_iterator(ENGLISH + CHINESE, trainer)
    return pipeline


@pytest.mark.parametrize("text", [*ENGLISH, *CHINESE, "emoji 😀👍🏽 and 𠮷, twice 😀😀"])
def test_a_window_adds_up_to_decoding_everything_at_once(metaspace: Pipeline, text: str) -> None:
    def decode(numbers: list[int]) -> str:
        return metaspace.decode(numbers, skip_special_tokens=False)

    numbers = metaspace.encode(text).ids
    decoder = WindowStream(decode)
    parts = [decoder.push(number) for number in numbers]
    assert "".join([*parts, decoder.finish()]) == decode(numbers)
    assert all("�" not in part for part in parts)


def test_a_stream_costs_the_same_per_id_however_long_it_gets() -> None:
    read: list[int] = []

    class Pieces(list[bytes]):
        def __getitem__(self, index: int) -> bytes:  # type: ignore[override]
            read.append(index)
            return super().__getitem__(index)

    decoder = ByteStream(Pieces([b"a"] * 10))
    for _ in range(1000):
        decoder.push(3)
    assert len(read) == 1000

    calls: list[int] = []

    def decode(numbers: list[int]) -> str:
        calls.append(len(numbers))
        return "a" * len(numbers)

    window = WindowStream(decode)
    assert "".join(window.push(1) for _ in range(1000)) == "a" * 1000
    assert max(calls) <= 2


@settings(max_examples=150, deadline=None)
@given(pieces=st.lists(st.text("  ''.,!ntmsvre?x", min_size=1, max_size=3), max_size=30))
def test_tidying_a_stream_equals_tidying_everything_at_once(pieces: list[str]) -> None:
    decoder = TidyStream(ByteStream([piece.encode() for piece in pieces]))
    parts = [decoder.push(number) for number in range(len(pieces))]
    assert "".join([*parts, decoder.finish()]) == tidy("".join(pieces))


def test_tidied_text_comes_out_as_soon_as_it_is_settled() -> None:
    decoder = TidyStream(ByteStream([b"a dog", b" ", b"!", b" it", b" '", b" s"]))
    parts = [decoder.push(number) for number in range(6)]
    assert parts[0] == "a dog"
    assert "".join([*parts, decoder.finish()]) == "a dog! it's"
