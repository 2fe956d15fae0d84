"""The families of Hugging Face folders that are opened and written, each in a file of its own."""

from zhixing.checkpoint.families.encoders import BERT, DISTILBERT, ROBERTA
from zhixing.checkpoint.families.gpt2 import GPT2
from zhixing.checkpoint.families.pairs import BART, MARIAN, T5, T5_V1_1
from zhixing.checkpoint.families.rotary import LLAMA, MISTRAL, QWEN2, QWEN3, QWEN3_MOE
from zhixing.checkpoint.family import Family

FAMILIES: tuple[Family, ...] = (
    *(QWEN3, LLAMA, MISTRAL, QWEN2, QWEN3_MOE, GPT2),
    *(BERT, ROBERTA, DISTILBERT),
    *(T5, T5_V1_1, BART, MARIAN),
)
"""Every family; several may have one model_type, then the first that reads a config.json without refusing it counts."""
