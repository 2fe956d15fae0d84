"""Generation of one request by the quickstart's GPT, beside transformers' `generate` with its cache: same weights, greedy."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from pydoc_data.topics import topics

import torch

from zhixing.checkpoint.folder import ModelInfo, save_model
from zhixing.cli.bench import SEED, Size
from zhixing.cli.recipe import load_recipe
from zhixing.core.errors import MissingExtraError
from zhixing.engine.engine import Engine
from zhixing.engine.request import Request, SamplingParams
from zhixing.evaluate.race import OURS, Work
from zhixing.model.assembly import build_model
from zhixing.model.protocol import LanguageModel
from zhixing.tokenizer.config import TokenizerConfig
from zhixing.tokenizer.tokenizer import Tokenizer
from zhixing.tokenizer.train import train

UNIT = "tokens/s"
VOCAB: Mapping[Size, int] = {"short": 300, "full": 6000}
TOKENS: Mapping[Size, int] = {"short": 8, "full": 192}
"""Generated per run."""
PROMPT = 16
CONFIG = load_recipe(Path("quickstart-gpt")).network


def contestants(size: Size) -> Mapping[str, Callable[[], Work]]:
    """Our engine, and transformers on the folder that we saved."""
    torch.manual_seed(SEED)
    tokenizer = train(list(topics.values()), TokenizerConfig(kind="byte_bpe", vocab=VOCAB[size]))
    model = build_model(CONFIG, tokenizer.vocab).eval()
    prompt = tokenizer.encode_text(topics["assert"])[:PROMPT]
    return {
        OURS: lambda: _ours(model, tokenizer, prompt, TOKENS[size]),
        "transformers": lambda: _transformers(model, tokenizer, prompt, TOKENS[size]),
    }


def _ours(model: LanguageModel, tokenizer: Tokenizer, prompt: list[int], count: int) -> Work:
    engine = Engine(model, tokenizer, ends=[tokenizer.vocab])  # never ends early
    params = SamplingParams(max_tokens=count, temperature=0.0)
    request = Request(id="bench", tokens=tuple(prompt), params=params)
    return lambda: sum(1 for _ in engine.run(request))


def _transformers(
    model: LanguageModel, tokenizer: Tokenizer, prompt: list[int], count: int
) -> Work:
    try:
        from transformers import AutoModelForCausalLM
    except ImportError as error:
        raise MissingExtraError("transformers", "dev", "this benchmark") from error
    with tempfile.TemporaryDirectory(prefix="zhixing-bench-") as scratch:
        folder = Path(scratch, "model")
        save_model(folder, model, tokenizer, info=ModelInfo())
        theirs = AutoModelForCausalLM.from_pretrained(folder).eval()
    tokens = torch.tensor([prompt])
    settings = {
        "min_new_tokens": count,
        "max_new_tokens": count,
        "do_sample": False,
        "attention_mask": torch.ones_like(tokens),
        "pad_token_id": 0,
    }

    @torch.inference_mode()
    def work() -> float:
        return theirs.generate(tokens, **settings).shape[1] - len(prompt)

    return work
