"""Which older form a folder has, and its content as that of a folder with a tokenizer.json.

The class that the folder names (tokenizer_config.json, else config.json) decides; without one the files do. A
class that is not in the table is refused by name: a guess would give ids that are almost right.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer as Pipeline

from zhixing.core.errors import UnsupportedError
from zhixing.core.files import read_json
from zhixing.tokenizer.foreign import gpt2, marian, sentencepiece, wordpiece
from zhixing.tokenizer.foreign.settings import ROLE_KEYS, Settings

ADDED = "added_tokens.json"
MODEL_FILES = ("tokenizer.model", "spiece.model", "sentencepiece.bpe.model")
FILE_NAMES = (
    wordpiece.VOCAB,
    *(name for pair in gpt2.FILES for name in pair),
    *MODEL_FILES,
    *marian.FILES,
)

_CLASS_OF_MODEL: Mapping[str, str] = {
    "gpt2": "GPT2Tokenizer",
    "roberta": "RobertaTokenizer",
    "bart": "BartTokenizer",
    "qwen2": "Qwen2Tokenizer",
    "qwen3": "Qwen2Tokenizer",
    "qwen3_moe": "Qwen2Tokenizer",
    "bert": "BertTokenizer",
    "distilbert": "DistilBertTokenizer",
    "electra": "ElectraTokenizer",
    "llama": "LlamaTokenizer",
    "mistral": "LlamaTokenizer",
    "t5": "T5Tokenizer",
    "mt5": "T5Tokenizer",
    "marian": marian.NAME,
}
_WORDPIECE = ("BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer")
_PLAIN = ("PreTrainedTokenizer", "TokenizersBackend", "")
SUPPORTED = (*_WORDPIECE, *gpt2.VARIANTS, *sentencepiece.FAMILIES, marian.NAME)


def family_of(folder: Path, config: Mapping[str, Any]) -> str:
    """The tokenizer class of a folder, without "Fast"; what its files look like where it names none."""
    named = str(config.get("tokenizer_class") or "")
    if not named and (folder / "config.json").is_file():
        table = read_json(folder / "config.json")
        if isinstance(table, dict):
            named = str(table.get("tokenizer_class") or "")
            named = named or _CLASS_OF_MODEL.get(str(table.get("model_type")), "")
    named = named.removesuffix("Fast")
    return _guess(folder) if named in _PLAIN else named


def convert(folder: Path, settings: Settings) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The pipeline of an older form, and the settings that go with it; None when the folder has no such form.

    Raises UnsupportedError for a class or a setting that we do not know, CheckpointError for a broken file.
    """
    name = family_of(folder, settings.config)
    opener = _opener(folder, name)
    if opener is None:
        return None
    pipeline = opener(settings)
    settings.check_numbers(pipeline)
    specials = _specials_of(name)
    parts = {f"{role}_token": settings.token(role, specials.get(role)) for role in ROLE_KEYS}
    config = {key: value for key, value in settings.config.items() if key not in _SPENT}
    config |= {key: value for key, value in parts.items() if value}
    config["tokenizer_class"] = "PreTrainedTokenizerFast"
    return json.loads(pipeline.to_str()), config


# What the pipeline holds from now on; left in the table, it would be applied a second time.
_SPENT = (
    "add_bos_token",
    "add_eos_token",
    "add_prefix_space",
    "added_tokens_decoder",
    "extra_ids",
    "legacy",
    "do_lower_case",
    "strip_accents",
    "tokenize_chinese_chars",
    "use_fast",
)


def _opener(folder: Path, name: str) -> Callable[[Settings], Pipeline] | None:
    model = next((folder / file for file in MODEL_FILES if (folder / file).is_file()), None)
    has_pair = any(all((folder / file).is_file() for file in pair) for pair in gpt2.FILES)
    if name in _WORDPIECE and (folder / wordpiece.VOCAB).is_file():
        return lambda settings: wordpiece.open_wordpiece(folder, settings)
    if name in gpt2.VARIANTS and has_pair:
        return lambda settings: gpt2.open_gpt2(folder, settings, gpt2.VARIANTS[name])
    if name in sentencepiece.FAMILIES and model is not None:
        family = sentencepiece.FAMILIES[name]
        return lambda settings: sentencepiece.open_sentencepiece(model, settings, family)
    if name in SUPPORTED or not (model or has_pair or (folder / wordpiece.VOCAB).is_file()):
        return None
    raise UnsupportedError(
        f"{folder} has no tokenizer.json, and its class {name} is not supported in its older form; supported are "
        f"{', '.join(SUPPORTED)}. Save it once with transformers, which writes a tokenizer.json"
    )


def _specials_of(name: str) -> Mapping[str, str]:
    if name in gpt2.VARIANTS:
        return gpt2.VARIANTS[name].specials
    if name in sentencepiece.FAMILIES:
        return sentencepiece.FAMILIES[name].specials
    return wordpiece.SPECIALS


def _guess(folder: Path) -> str:
    names = {path.name for path in folder.iterdir()}
    if set(marian.FILES) <= names:
        return marian.NAME
    if wordpiece.VOCAB in names:
        return "BertTokenizer"
    if "spiece.model" in names:
        return "T5Tokenizer"
    if "tokenizer.model" in names:
        return "LlamaTokenizer"
    if {"vocab.json", "merges.txt"} <= names and _is_fairseq(folder):
        return "RobertaTokenizer"
    return "GPT2Tokenizer"


def _is_fairseq(folder: Path) -> bool:
    vocab = read_json(folder / "vocab.json")
    return isinstance(vocab, dict) and {"<s>", "</s>", "<pad>", "<mask>"} <= set(vocab)
