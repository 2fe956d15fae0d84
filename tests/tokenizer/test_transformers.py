"""Our folder in transformers, and its folders here: the same ids."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer as Pipeline
from tokenizers import decoders, models, pre_tokenizers, processors, trainers

from tests.tokenizer.material import CHINESE, ENGLISH, trained
from zhixing.core.errors import UnsupportedError
from zhixing.tokenizer.encoding import Special
from zhixing.tokenizer.tokenizer import Tokenizer

KINDS = ["byte_bpe", "characters", "words", "wordpiece", "unigram"]
ODD = [
    "",
    " ",
    "\n\n\n",
    "a<|end|>b",
    "<|begin|>",
    " <|pad|> x",
    "\x00\x1f",
    "😀👍🏽",
    "a\u0301",
    "ＡＢ，“”",
]


def bilingual_lines(count: int) -> list[str]:
    """Lines put together from pieces of real text in both languages, and odd ones."""
    choose = random.Random(7)
    pool = "".join(ENGLISH + CHINESE)
    lines = list(ODD)
    while len(lines) < count:
        parts = [
            pool[start : start + choose.randint(1, 40)]
            for start in choose.sample(range(len(pool)), 3)
        ]
        lines.append(choose.choice(["", " ", "<|end|>"]).join(parts))
    return lines


def auto(folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, local_files_only=True)


@pytest.mark.parametrize("kind", KINDS)
def test_transformers_gives_our_ids_on_1000_bilingual_lines(kind: str, tmp_path: Path) -> None:
    tokenizer = trained(kind)
    tokenizer.save(tmp_path, max_time=100_000)
    theirs = auto(tmp_path)
    lines = bilingual_lines(1000)
    for line in lines:
        assert theirs(line)["input_ids"] == list(tokenizer.encode(line).ids)
    batch = theirs(lines)["input_ids"]
    assert batch == [list(tokenizer.encode(line).ids) for line in lines]
    assert all(ids[0] == 1 and 2 not in ids for ids in batch)


@pytest.mark.parametrize("kind", KINDS)
def test_transformers_decodes_to_our_text(kind: str, tmp_path: Path) -> None:
    tokenizer = trained(kind)
    tokenizer.save(tmp_path)
    theirs = auto(tmp_path)
    for line in bilingual_lines(200):
        ids = list(tokenizer.encode(line).ids)
        assert theirs.decode(ids, skip_special_tokens=True) == tokenizer.decode(ids)


def test_transformers_knows_the_special_tokens_and_the_longest_input(tmp_path: Path) -> None:
    trained("byte_bpe").save(tmp_path, max_time=128)
    theirs = auto(tmp_path)
    assert (theirs.pad_token_id, theirs.bos_token_id, theirs.eos_token_id) == (0, 1, 2)
    assert theirs.model_max_length == 128
    assert theirs(["a", "a b c"], padding=True)["input_ids"][0][-1] == 0


def test_saving_from_transformers_keeps_the_ids(tmp_path: Path) -> None:
    tokenizer = trained("byte_bpe")
    tokenizer.save(tmp_path / "ours")
    auto(tmp_path / "ours").save_pretrained(tmp_path / "theirs")
    again = Tokenizer.load(tmp_path / "theirs")
    for line in bilingual_lines(100):
        assert again.encode(line) == tokenizer.encode(line)
    assert again.specials == tokenizer.specials


def foreign(
    folder: Path, *, config: dict[str, Any], post: Any = None, metaspace: bool = False
) -> Path:
    """A folder as another project would write it, with `<s>` and `</s>`."""
    pipeline = Pipeline(models.BPE(unk_token="<unk>"))
    pipeline.pre_tokenizer = (
        pre_tokenizers.Metaspace()
        if metaspace
        else pre_tokenizers.ByteLevel(add_prefix_space=False)
    )
    pipeline.decoder = decoders.Metaspace() if metaspace else decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=500,
        special_tokens=["<unk>", "<s>", "</s>"],
        initial_alphabet=[] if metaspace else pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    pipeline.train_from_iterator(ENGLISH + CHINESE, trainer)
    if post is not None:
        pipeline.post_processor = post
    pipeline.enable_truncation(5)
    folder.mkdir()
    pipeline.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return folder


BOTH = {"bos_token": "<s>", "eos_token": {"__type": "AddedToken", "content": "</s>"}}
CLASS = {"tokenizer_class": "PreTrainedTokenizerFast"}
AROUND = processors.TemplateProcessing(
    single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
)


@pytest.mark.parametrize("metaspace", [False, True])
@pytest.mark.parametrize(
    ("config", "post"),
    [
        ({**CLASS, **BOTH}, AROUND),
        ({**CLASS, **BOTH}, None),
        ({**CLASS, **BOTH, "add_bos_token": True}, None),
        ({**CLASS, **BOTH, "add_bos_token": False, "add_eos_token": True}, AROUND),
        (CLASS, None),
    ],
)
def test_a_folder_made_elsewhere_gives_the_ids_of_transformers(
    tmp_path: Path, config: dict[str, Any], post: Any, metaspace: bool
) -> None:
    folder = foreign(tmp_path / "foreign", config=config, post=post, metaspace=metaspace)
    ours, theirs = Tokenizer.load(folder), auto(folder)
    for line in [*ENGLISH, *CHINESE, *ODD]:
        ids = theirs(line)["input_ids"]
        assert list(ours.encode(line).ids) == ids
        assert ours.decode(ids) == theirs.decode(
            ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        decoder = ours.decoder()
        assert "".join(decoder.push(n) for n in ids) + decoder.finish() == ours.decode(ids)


def test_a_folder_without_special_tokens_says_what_is_missing_when_it_is_needed(
    tmp_path: Path,
) -> None:
    tokenizer = Tokenizer.load(foreign(tmp_path / "foreign", config={}))
    assert tokenizer.specials == {}
    assert tokenizer.encode("ab").specials == (False,) * len(tokenizer.encode("ab").ids)
    for part in ("begin", "end", "pad"):
        with pytest.raises(UnsupportedError, match=f"names no {part} token"):
            getattr(tokenizer, part)
    with pytest.raises(UnsupportedError, match="eos_token"):
        tokenizer.encode_document("ab")


def test_a_folder_with_an_end_only_makes_documents_without_a_begin(tmp_path: Path) -> None:
    folder = foreign(tmp_path / "foreign", config={"eos_token": "</s>"})
    tokenizer = Tokenizer.load(folder)
    assert tokenizer.specials == {Special.END: 2}
    assert tokenizer.encode_document("ab") == [*tokenizer.encode_text("ab"), 2]


def test_special_tokens_of_a_folder_made_elsewhere_are_ordinary_text_too(tmp_path: Path) -> None:
    tokenizer = Tokenizer.load(foreign(tmp_path / "foreign", config=BOTH, post=AROUND))
    ids = tokenizer.encode("a</s>b<s>").ids
    assert ids[0] == 1
    assert ids[-1] == 2
    assert not {1, 2} & set(ids[1:-1])
    assert tokenizer.decode(ids) == "a</s>b<s>"


def test_a_foreign_folder_survives_loading_and_saving(tmp_path: Path) -> None:
    config = {**CLASS, **BOTH, "chat_template": "{{ messages }}", "something": [1]}
    folder = foreign(tmp_path / "foreign", config=config, post=AROUND)
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    first = Tokenizer.load(folder)
    first.save(tmp_path / "again")
    again = Tokenizer.load(tmp_path / "again")
    assert again.hash == first.hash
    assert json.loads((tmp_path / "again" / "tokenizer_config.json").read_text()) == config
    assert (tmp_path / "again" / "chat_template.jinja").read_text() == "{{ messages }}"
