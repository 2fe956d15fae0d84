"""Files of word vectors: read back what was written, by us and by gensim; what is broken is refused by name."""

import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest

from zhixing.core.errors import CheckpointError, DataError, UsageError, ZhixingError
from zhixing.core.progress import Silent
from zhixing.vectors import folder
from zhixing.vectors.blocks import blocks_of
from zhixing.vectors.formats import Format, write
from zhixing.vectors.opening import convert_to_folder, open_vectors
from zhixing.vectors.table import Vectors

WORDS = ["the", "北京", "don't", "naïve", "🙂"]


@pytest.fixture
def vectors() -> Vectors:
    matrix = np.random.default_rng(0).standard_normal((len(WORDS), 7), dtype=np.float32)
    return Vectors(WORDS, matrix)


def _same(got: Vectors, want: Vectors) -> bool:
    return list(got.words) == list(want.words) and np.array_equal(got.matrix, want.matrix)


@pytest.mark.parametrize("kind", ["word2vec-text", "word2vec-binary"])
@pytest.mark.parametrize("name", ["v", "v.gz"])
def test_what_is_written_is_read_back_bit_for_bit(
    vectors: Vectors, tmp_path: Path, kind: Format, name: str
) -> None:
    write(vectors, tmp_path / name, kind)
    assert _same(open_vectors(tmp_path / name), vectors)


@pytest.mark.parametrize("binary", [False, True])
def test_gensim_reads_our_files_and_we_read_those_of_gensim(
    vectors: Vectors, tmp_path: Path, binary: bool
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # gensim's own imports
        from gensim.models import KeyedVectors
    kind: Format = "word2vec-binary" if binary else "word2vec-text"
    write(vectors, tmp_path / "ours", kind)
    theirs = KeyedVectors.load_word2vec_format(str(tmp_path / "ours"), binary=binary)
    assert theirs.index_to_key == WORDS
    assert np.array_equal(theirs.vectors, vectors.matrix)
    theirs.save_word2vec_format(str(tmp_path / "theirs"), binary=binary)
    assert np.allclose(open_vectors(tmp_path / "theirs").matrix, vectors.matrix, atol=1e-6)
    theirs.save(str(tmp_path / "theirs.kv"))
    assert _same(open_vectors(tmp_path / "theirs.kv"), vectors)


def test_glove_has_no_first_line_and_words_with_spaces(tmp_path: Path) -> None:
    path = tmp_path / "glove.txt"
    path.write_text("the 0.5 -1 2e-1\n. . . 1 2 3\n7 4 5 6\n")
    read = open_vectors(path)
    assert list(read.words) == ["the", ". . .", "7"]
    assert np.allclose(read.matrix, [[0.5, -1, 0.2], [1, 2, 3], [4, 5, 6]])
    with pytest.raises(DataError, match="has a space"):
        write(read, tmp_path / "x", "word2vec-text")


def test_fasttext_ends_its_lines_with_a_space(tmp_path: Path) -> None:
    (tmp_path / "f.vec").write_text("2 2\n</s> 1 2 \nword 3 4 \n")
    assert list(open_vectors(tmp_path / "f.vec").words) == ["</s>", "word"]


def test_vectors_without_line_breaks_between_them_are_read(tmp_path: Path) -> None:
    rows = np.arange(4, dtype="<f4").reshape(2, 2)
    content = b"2 2\na " + rows[0].tobytes() + b"b " + rows[1].tobytes()
    (tmp_path / "v.bin").write_bytes(content)
    assert list(open_vectors(tmp_path / "v.bin").words) == ["a", "b"]


def test_a_limit_takes_the_first_words_and_reads_no_further(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("3 1\na 1\nb 2\nbroken line here\n")
    with pytest.raises(DataError, match=r"v\.txt:4.*broken"):
        open_vectors(tmp_path / "v.txt")
    (tmp_path / "v.txt").write_text("3 1\na 1\nb 2\nc 3\n")
    assert list(open_vectors(tmp_path / "v.txt", limit=2).words) == ["a", "b"]
    with pytest.raises(UsageError, match="at least 1"):
        open_vectors(tmp_path / "v.txt", limit=0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"3 2\na 1 2\nb 3 4\n", "says it holds 3 words and holds 2"),
        (b"2 2\na 1 2\nb 3\n", ":3"),
        (b"1 2\na 1 nan\n", "NaN"),
        (b"0 2\n", "0 words"),
        (b"just prose\nand more\n", "neither word2vec"),
        (b"", "neither word2vec"),
        (b"2 4\na " + bytes(16), "ends after 1 words"),
        (b"2 4\na " + bytes(16) + b"\nb " + bytes(3), "says it holds 2 words and holds 1"),
        (b"\x1f\x8b\x08broken", "damaged|cannot be read"),
        (b"\xba\x16\x4f\x2f....", "fastText"),
        (b"\x80\x04N.", "pickle"),
    ],
)
def test_a_broken_file_is_refused_with_its_name(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "v.dat"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        open_vectors(path)
    assert "v.dat" in str(caught.value)


def test_a_cut_gzip_file_is_refused(vectors: Vectors, tmp_path: Path) -> None:
    write(vectors, tmp_path / "v.gz", "word2vec-text")
    whole = (tmp_path / "v.gz").read_bytes()
    (tmp_path / "v.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="truncated"):
        open_vectors(tmp_path / "v.gz")


def test_of_a_repeated_word_the_first_vector_counts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "v.txt").write_text("3 1\na 1\na 2\nb 3\n")
    assert open_vectors(tmp_path / "v.txt").matrix[:, 0].tolist() == [1, 3]
    assert "1 words occur again" in caplog.text


class Attack:
    def __reduce__(self):
        return (exec, ("raise SystemExit('the pickle was run')",))


@pytest.mark.parametrize("content", [Attack(), {"vectors": 1}, [Attack()]])
def test_a_pickle_that_is_not_vectors_runs_nothing(tmp_path: Path, content: object) -> None:
    (tmp_path / "evil.kv").write_bytes(pickle.dumps(content))
    with pytest.raises(DataError, match=r"evil\.kv"):
        open_vectors(tmp_path / "evil.kv")


def test_reading_a_pickle_warns(
    vectors: Vectors, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "x.kv").write_bytes(pickle.dumps(3))
    with pytest.raises(DataError, match="not gensim's KeyedVectors"):
        open_vectors(tmp_path / "x.kv")
    assert "can run code" in caplog.text


def test_a_folder_is_opened_without_reading_the_matrix(vectors: Vectors, tmp_path: Path) -> None:
    saved = folder.save(blocks_of(vectors), tmp_path / "v", origin="test")
    opened = open_vectors(tmp_path / "v")
    assert (saved.words, saved.width) == (len(WORDS), 7)
    assert isinstance(opened.matrix, np.memmap)
    assert _same(opened, vectors)


def test_the_matrix_of_a_folder_is_a_safetensors_file(vectors: Vectors, tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    folder.save(blocks_of(vectors), tmp_path / "v", origin="test")
    assert np.array_equal(load_file(tmp_path / "v/vectors.safetensors")["vectors"], vectors.matrix)


@pytest.mark.parametrize("name", ["words.txt", "vectors.safetensors"])
def test_an_edited_folder_is_refused(vectors: Vectors, tmp_path: Path, name: str) -> None:
    folder.save(blocks_of(vectors), tmp_path / "v", origin="test")
    content = (tmp_path / "v" / name).read_bytes()
    (tmp_path / "v" / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(CheckpointError, match="was edited"):
        open_vectors(tmp_path / "v")
    (tmp_path / "v" / name).unlink()
    with pytest.raises(CheckpointError, match=f"has no {name}"):
        open_vectors(tmp_path / "v")


def test_other_folders_and_unknown_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no vectors\.json"):
        open_vectors(tmp_path)
    with pytest.raises(DataError, match="did you mean synonyms-zh"):
        open_vectors("synonyms")


def test_a_large_file_becomes_a_folder_in_little_memory(tmp_path: Path) -> None:
    import tracemalloc

    rows = np.random.default_rng(0).standard_normal((30_000, 100), dtype=np.float32)
    write(Vectors([f"w{i}" for i in range(len(rows))], rows), tmp_path / "v", "word2vec-binary")
    tracemalloc.start()
    convert_to_folder(tmp_path / "v", tmp_path / "out", progress=Silent())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < rows.nbytes
    assert np.array_equal(open_vectors(tmp_path / "out").matrix, rows)


def test_nothing_is_left_of_a_conversion_that_fails(tmp_path: Path) -> None:
    (tmp_path / "v").write_text("2 1\na 1\nb x\n")
    with pytest.raises(ZhixingError):
        convert_to_folder(tmp_path / "v", tmp_path / "out", progress=Silent())
    assert not folder.is_vectors_folder(tmp_path / "out")
