"""Checkpoints of other projects give the outputs that those projects state, and survive our own folder."""

import math
from pathlib import Path

import pytest
import torch

from zhixing.checkpoint.folder import load_network
from zhixing.checkpoint.foreign import g2p_en, g2pm, textgenrnn
from zhixing.checkpoint.foreign.folder import Imported, open_imported, save_imported
from zhixing.checkpoint.foreign.package import read_package
from zhixing.core.errors import CheckpointError, UnsupportedError
from zhixing.core.progress import Silent
from zhixing.corpus.archive import Archive
from zhixing.corpus.download import UnreachableError
from zhixing.corpus.fetch import fetch
from zhixing.corpus.packages import CHECKPOINTS
from zhixing.engine.search import SearchOptions, translate

SENTENCE = "然而，他红了20年以后，他竟退出了大家的视线。银行行长"
PINYIN = (
    "ran2 er2 ， ta1 hong2 le5 2 0 nian2 yi3 hou4 ， ta1 jing4 tui4 chu1 le5 da4 jia1 de5 shi4 "
    "xian4 。 yin2 hang2 xing2 zhang3"
)


def archive(name: str) -> Archive:
    try:
        return Archive(path=fetch(CHECKPOINTS[name], progress=Silent())[0])
    except UnreachableError as error:
        pytest.skip(f"no registry in reach: {error}")


def phonemes(imported: Imported, word: str) -> str:
    options = SearchOptions(ends=(g2p_en.PHONEMES.index("</s>"),), max_tokens=g2p_en.LONGEST)
    (written,) = translate(imported.model, [g2p_en.spell(word)], options)
    return " ".join(imported.symbols["target"][place] for place in written.ids)


def test_g2p_en_spells_as_its_makers_say() -> None:
    imported = g2p_en.read(archive("g2p-en"))
    assert sum(weight.numel() for weight in imported.model.parameters()) == 834_890
    assert phonemes(imported, "tokenizer") == "T OW1 K AH0 N AY2 Z ER0"
    assert phonemes(imported, "Activationist") == "AE2 K T IH0 V EY1 SH AH0 N IH0 S T"
    weight = imported.model.encoder.passes[0][0].weight_hh
    reset, update, new = weight.data.chunk(3)
    weight.data = torch.cat((update, reset, new))
    assert phonemes(imported, "tokenizer") != "T OW1 K AH0 N AY2 Z ER0", "gates were swapped"


def test_g2pm_pronounces_as_its_makers_say() -> None:
    imported = g2pm.read(archive("g2pm"))
    assert " ".join(g2pm.pronounce(imported, SENTENCE)) == PINYIN
    directions = imported.model.encoder.stack.passes[0]
    directions[0], directions[1] = directions[1], directions[0]
    assert " ".join(g2pm.pronounce(imported, SENTENCE)) != PINYIN, "directions were swapped"


def test_textgenrnn_writes_english_posts(monkeypatch: pytest.MonkeyPatch) -> None:
    package = archive("textgenrnn")
    imported = textgenrnn.read(package)
    text = "[Specific] Can someone "
    assert written_by(imported, len(text)) == text
    known = "What is the most interesting thing?"
    right = bits_per_character(imported, known)
    assert right < 2.0
    monkeypatch.setattr(textgenrnn, "from_cudnn", lambda kernel: kernel.T)
    assert bits_per_character(textgenrnn.read(package), known) > right + 1, "another layout"


def written_by(imported: Imported, length: int) -> str:
    text = ""
    while len(text) < length:
        best = int(textgenrnn.probabilities(imported, [text])[0].argmax())
        text += imported.symbols["characters"][best]
    return text


def bits_per_character(imported: Imported, text: str) -> float:
    beginnings = [text[:place] for place in range(len(text))]
    each = textgenrnn.probabilities(imported, beginnings)
    places = [imported.symbols["characters"].index(character) for character in text]
    return -sum(math.log2(each[row, place]) for row, place in enumerate(places)) / len(text)


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_a_folder_of_ours_holds_the_same_model(name: str, tmp_path: Path) -> None:
    imported = read_package(archive(name).path)
    assert imported is not None
    save_imported(tmp_path / name, imported)
    opened = open_imported(tmp_path / name)
    assert (opened.symbols, opened.config) == (imported.symbols, imported.config)
    for key, tensor in imported.model.state_dict().items():
        assert torch.equal(opened.model.state_dict()[key], tensor)
    with pytest.raises(
        UnsupportedError, match=r"symbols in place of a tokenizer.*zhixing\.load opens"
    ):
        load_network(tmp_path / name)
    assert opened.ways == imported.ways
    weights = tmp_path / name / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4])
    with pytest.raises(CheckpointError, match=r"model\.safetensors was changed or cut short"):
        open_imported(tmp_path / name)
