"""The tokenizer inside a GGUF file: tokens, merges, and the name of the pattern that cuts text into words.

A GGUF file does not hold the pattern but a name that llama.cpp knows. GPT-2's, Llama 3's and Qwen2's have one. Ours
is Llama 3's with three differences (tokenizer/kinds.py): a run of Chinese characters is a word of its own, combining
marks belong to the letters, and each line break stands alone. Merges learnt under our pattern nearly never cross those
borders, so llama.cpp cuts nearly every text as we do; where it matters, give it token ids.
"""

from collections.abc import Mapping
from typing import Any

from zhixing.core.errors import UnsupportedError
from zhixing.tokenizer.encoding import Special
from zhixing.tokenizer.kinds import CONTRACTIONS, REST, WORDS
from zhixing.tokenizer.tokenizer import Tokenizer

_LINES = REST.replace(r"\s*[\r\n]|", r"\s*[\r\n]+|")
_LLAMA3 = rf"{CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|{_LINES}"
PATTERNS: Mapping[str, str] = {
    WORDS: "llama-bpe",
    _LLAMA3: "llama-bpe",
    _LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}"): "qwen2",
}
"""Pattern in a tokenizer.json -> llama.cpp's name."""
_ADDERS = {
    Special.BEGIN: "add_bos_token_id",
    Special.END: "add_eos_token_id",
    Special.PAD: "add_pad_token_id",
    Special.UNKNOWN: "add_unk_token_id",
}


def write_tokenizer(writer: Any, library: Any, tokenizer: Tokenizer, *, vocab: int) -> None:
    """Add the tokenizer to a GGUF file. Raises UnsupportedError for one that is not byte-level BPE."""
    pipeline = tokenizer.files.pipeline
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pattern_name(pipeline))
    tokens, kinds = _tokens(pipeline, vocab, library.TokenType)
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges([_joined(merge) for merge in pipeline["model"]["merges"]])
    for special, number in tokenizer.specials.items():
        getattr(writer, _ADDERS[special])(number)
    first = tokenizer.encode("").ids[:1]
    writer.add_add_bos_token(first == (tokenizer.specials.get(Special.BEGIN),))
    if template := chat_template(tokenizer):
        writer.add_chat_template(template)


def pattern_name(pipeline: Mapping[str, Any]) -> str:
    """llama.cpp's name of the pattern of a tokenizer.json. Raises UnsupportedError where it has none."""
    if pipeline["model"].get("type") != "BPE" or pipeline["model"].get("byte_fallback"):
        raise UnsupportedError(
            f"a tokenizer of the kind {pipeline['model'].get('type')} cannot be written as GGUF; only byte-level BPE can"
        )
    if pipeline.get("normalizer") not in (None, {"type": "NFC"}):
        raise UnsupportedError("a tokenizer that changes its text cannot be written as GGUF")
    cutter = pipeline.get("pre_tokenizer") or {}
    steps = cutter.get("pretokenizers", [cutter])
    patterns = [step["pattern"].get("Regex", "") for step in steps if step.get("type") == "Split"]
    is_bytes = [step for step in steps if step.get("type") == "ByteLevel"]
    if is_bytes and not patterns and is_bytes[0].get("use_regex", True):
        return "gpt-2"
    if is_bytes and len(patterns) == 1 and patterns[0] in PATTERNS:
        return PATTERNS[patterns[0]]
    raise UnsupportedError(
        f"llama.cpp has no name for the way this tokenizer cuts text ({patterns or cutter.get('type')}), "
        "so it cannot be written as GGUF"
    )


def chat_template(tokenizer: Tokenizer) -> str:
    """The folder's default chat template; empty where it has none."""
    files = tokenizer.files
    named = files.template_files.get("default") or files.config.get("chat_template")
    return named if isinstance(named, str) else ""


def _tokens(pipeline: Mapping[str, Any], vocab: int, types: Any) -> tuple[list[str], list[int]]:
    """Every id's token and type; ids that the model has room for and the tokenizer does not use are unused."""
    tokens = [f"[UNUSED{index}]" for index in range(vocab)]
    kinds = [int(types.UNUSED)] * vocab
    for token, number in pipeline["model"]["vocab"].items():
        tokens[number], kinds[number] = token, int(types.NORMAL)
    for added in pipeline.get("added_tokens", []):
        tokens[added["id"]] = added["content"]
        kinds[added["id"]] = int(types.CONTROL if added["special"] else types.USER_DEFINED)
    return tokens, kinds


def _joined(merge: str | list[str]) -> str:
    return merge if isinstance(merge, str) else " ".join(merge)
