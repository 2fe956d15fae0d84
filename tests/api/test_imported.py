"""Packages of other projects, taken in by `zhixing import` and opened by `zhixing.load`, say what their makers say."""

import json
import zipfile
from pathlib import Path

import pytest
import torch

import zhixing
from tests.checkpoint.foreign.test_real_checkpoints import PINYIN, SENTENCE, archive
from zhixing.api import Model
from zhixing.checkpoint.folder import load_network
from zhixing.checkpoint.foreign import g2p_en, textgenrnn
from zhixing.checkpoint.foreign.folder import open_imported
from zhixing.cli import main
from zhixing.core.errors import CheckpointError, DataError, UnsupportedError, UsageError


def taken(name: str, folder: Path) -> Model:
    path = archive(name).path
    assert main(["import", str(path), str(folder), "--log", "none"]) == 0
    return zhixing.load(folder)


def test_textgenrnn_is_a_language_model_like_any_other(tmp_path: Path) -> None:
    model = taken("textgenrnn", tmp_path / "m")
    assert {"logits", "score", "generate", "stream"} <= set(model.methods)
    made = model.generate("", temperature=0.0, max_tokens=23)
    assert made.text == "[Specific] Can someone "
    text = "What is the most interesting thing?"
    assert model.decode(model.encode(text)) == text
    imported = open_imported(tmp_path / "m")
    beginnings = [text[:place] for place in range(len(text) + 1)]
    expected = textgenrnn.probabilities(imported, beginnings)
    ours = model.logits(model.encode(text)).log_softmax(-1)
    torch.testing.assert_close(ours.exp(), expected, rtol=1e-5, atol=1e-6)
    long = text * 3
    last = model.logits(model.encode(long))[-1].softmax(-1)
    (expected,) = textgenrnn.probabilities(imported, [long])
    torch.testing.assert_close(last, expected, rtol=1e-5, atol=1e-6)
    assert model.score(text).bits == pytest.approx(
        -sum(float(ours[n, token]) for n, token in enumerate(model.encode(text)[1:]))
        / torch.tensor(2.0).log().item(),
        rel=1e-5,
    )
    with pytest.raises(UnsupportedError, match="cannot embed"):
        model.embed(["a"])


def test_g2p_en_translates_words_to_phonemes(tmp_path: Path) -> None:
    model = taken("g2p-en", tmp_path / "m")
    words = ["tokenizer", "Activationist", "Café"]
    written = model.translate(words)
    assert written[:2] == ["T OW1 K AH0 N AY2 Z ER0", "AE2 K T IH0 V EY1 SH AH0 N IH0 S T"]
    assert [model.translate([word])[0] for word in words] == written
    assert model.encode("Café") == g2p_en.spell("Café")
    logits = model.logits([g2p_en.PHONEMES.index("<s>")], source=model.encode("tokenizer"))
    assert g2p_en.PHONEMES[int(logits[-1].argmax())] == "T"
    for wrong in ("two words", "北京", "", "mp3"):
        with pytest.raises(DataError, match=r"texts\[1\].*word by word"):
            model.translate(["fine", wrong])
    with pytest.raises(UsageError, match="source=encode"):
        model.logits([2])
    with pytest.raises(UnsupportedError, match="offers encode, decode, logits, translate"):
        model.generate("a")


def test_g2pm_tags_characters_with_their_pinyin(tmp_path: Path) -> None:
    model = taken("g2pm", tmp_path / "m")
    texts = [SENTENCE, "", "银行", "abc"]
    found = model.tag(texts)
    said = [word.text if word.tag == "O" else word.tag for word in found[0].words]
    assert " ".join(said) == PINYIN
    assert [each for text in texts for each in model.tag([text])] == found
    for text, each in zip(texts, found, strict=True):
        assert "".join(word.text for word in each.words) == text
        assert all(text[span.start : span.end] == span.text for span in each.spans)
    assert found[1].words == found[3].spans == ()
    with pytest.raises(UnsupportedError, match="offers encode, decode, tag"):
        model.classify(["a"])


def test_an_unpacked_package_and_a_task_of_the_command_line(tmp_path: Path) -> None:
    with zipfile.ZipFile(archive("g2p-en").path) as wheel:
        wheel.extractall(tmp_path / "site")
    folder = tmp_path / "m"
    assert main(["import", str(tmp_path / "site" / "g2p_en"), str(folder), "--log", "none"]) == 0
    given = tmp_path / "words.txt"
    given.write_text("tokenizer\n")
    out = tmp_path / "out.jsonl"
    words = ["--task", "translate", "--out", str(out), "--log", "none"]
    assert main(["apply", str(folder), str(given), *words]) == 0
    assert json.loads(out.read_text()) == {"text": "T OW1 K AH0 N AY2 Z ER0"}
    with pytest.raises(UnsupportedError, match=r"zhixing\.load opens it"):
        load_network(folder)
    (tmp_path / "m" / "symbols.json").write_text("{}")
    with pytest.raises(CheckpointError, match=r"symbols\.json was changed"):
        zhixing.load(folder)
    empty = tmp_path / "nothing"
    empty.mkdir()
    assert main(["import", str(empty), str(tmp_path / "x"), "--log", "none"]) == 1
