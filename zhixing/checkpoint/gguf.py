"""GGUF export: one file with the weights, the settings and the tokenizer of a decoder, for llama.cpp and what is made of it.

Names and layout are those of the `gguf` library, which the makers of llama.cpp keep; ours go there by way of Hugging
Face's names. Two conventions differ. llama.cpp turns pairs of neighbours in queries and keys of Llama where the folder
turns halves, so their rows change places; and GPT-2's matrices lie the usual way round. Vectors stay in float32, as do
matrices whose rows do not divide into blocks of 32 under q8_0 (then float16).

Left out: encoders, experts, windows, and tokenizers that are not byte-level BPE.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from zhixing.checkpoint.gguf_tokenizer import write_tokenizer
from zhixing.checkpoint.model_files import family_of, tensors_of
from zhixing.core.errors import UnsupportedError
from zhixing.model.assembly import Network, config_of
from zhixing.model.config import DecoderConfig
from zhixing.model.decoder import Decoder
from zhixing.tokenizer.tokenizer import Tokenizer

Precision = Literal["float32", "float16", "q8_0"]
ARCHITECTURES: Mapping[str, str] = {
    "llama": "llama", "qwen2": "qwen2", "qwen3": "qwen3", "gpt2": "gpt2",
}  # fmt: skip
"""Family -> llama.cpp's name of it."""
_CONV1D = ("c_attn.weight", "c_proj.weight", "c_fc.weight")
_TYPES: Mapping[Precision, str] = {"float32": "F32", "float16": "F16", "q8_0": "Q8_0"}
_FILE_TYPES: Mapping[Precision, str] = {
    "float32": "ALL_F32", "float16": "MOSTLY_F16", "q8_0": "MOSTLY_Q8_0",
}  # fmt: skip


def write_gguf(path: Path, model: Network, tokenizer: Tokenizer, *, precision: Precision) -> None:
    """Write one file. Not atomic by itself: write into a scratch folder.

    Raises UnsupportedError for a model or a tokenizer that the file cannot hold, or without the `gguf` library.
    """
    decoder, family = _checked(model)
    library = gguf_library()
    writer = library.GGUFWriter(path, ARCHITECTURES[family])
    _write_settings(writer, library, decoder.config, family, precision)
    write_tokenizer(writer, library, tokenizer, vocab=decoder.vocab)
    for name, tensor in _named(library, decoder, family).items():
        data, kind = _encoded(library, tensor, precision)
        writer.add_tensor(name, data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def gguf_library() -> Any:
    """The `gguf` library. Raises UnsupportedError with the command that installs it."""
    try:
        return import_module("gguf")
    except ImportError as error:
        raise UnsupportedError(
            "GGUF files are written with the gguf library, which is not installed; type: pip install 'zhixing[export]'"
        ) from error


def _checked(model: Network) -> tuple[Decoder, str]:
    config = config_of(model)
    family = family_of(config, {})
    if not isinstance(model, Decoder) or family is None or family.model_type not in ARCHITECTURES:
        found = config.kind if family is None else family.model_type
        raise UnsupportedError(
            f"a model of the kind {found} cannot be written as GGUF; these can: {', '.join(ARCHITECTURES)}"
        )
    if model.config.window is not None:
        raise UnsupportedError(
            f"window = {model.config.window} cannot be written as GGUF: llama.cpp would see everything; "
            "write it with --to hf, or train one without model.window"
        )
    return model, family.model_type


def _write_settings(
    writer: Any, library: Any, config: DecoderConfig, family: str, precision: Precision
) -> None:
    writer.add_context_length(config.max_time)
    writer.add_embedding_length(config.width)
    writer.add_block_count(config.layers)
    writer.add_feed_forward_length(config.hidden)
    writer.add_head_count(config.heads)
    writer.add_file_type(library.LlamaFileType[_FILE_TYPES[precision]])
    if family == "gpt2":
        writer.add_layer_norm_eps(config.norm_epsilon)
        return
    writer.add_head_count_kv(config.kv_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_rope_freq_base(config.rope_base)
    writer.add_layer_norm_rms_eps(config.norm_epsilon)


def _named(library: Any, model: Decoder, family: str) -> dict[str, Tensor]:
    """Weights in llama.cpp's layout, by its names."""
    keys = {name: key for key, name in library.MODEL_ARCH_NAMES.items()}
    table = library.get_tensor_name_map(keys[ARCHITECTURES[family]], model.config.layers)
    named = {}
    for theirs, tensor in tensors_of(model).items():
        name = table.get_name(theirs, try_suffixes=(".weight", ".bias"))
        assert name is not None, f"llama.cpp has no name for {theirs}"
        named[name] = _layout(model.config, family, theirs)(tensor.float())
    return named


def _layout(config: DecoderConfig, family: str, name: str) -> Callable[[Tensor], Tensor]:
    if family == "gpt2" and name.endswith(_CONV1D):
        return lambda tensor: tensor.T
    if family == "llama" and name.endswith(("q_proj.weight", "k_proj.weight")):
        heads = config.heads if "q_proj" in name else config.kv_heads
        return lambda tensor: interleaved(tensor, heads)
    return lambda tensor: tensor


def interleaved(weight: Float[Tensor, "rows width"], heads: int) -> Float[Tensor, "rows width"]:
    """Rows of each head from (first half, second half) to pairs (one of the first, one of the second)."""
    halves = weight.reshape(heads, 2, -1, weight.shape[1])
    return halves.transpose(1, 2).reshape(weight.shape)


def _encoded(library: Any, tensor: Tensor, precision: Precision) -> tuple[Any, Any]:
    kinds = library.GGMLQuantizationType
    data = tensor.detach().to(torch.float32).contiguous().numpy()
    name = _TYPES[precision] if tensor.ndim > 1 else "F32"
    if name == "Q8_0" and tensor.shape[-1] % 32:
        name = "F16"
    return library.quants.quantize(data, kinds[name]), kinds[name]
