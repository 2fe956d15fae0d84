"""Encoder, decoder, encoder-decoder: the same blocks, three answers to the question who may look at whom.

The answers are not read from the masks but found out: one input token of a real model is changed, and what changes
with it has seen it.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn

from zhixing.model.config import DecoderConfig, EncoderConfig, EncoderDecoderConfig, HeadConfig
from zhixing.model.decoder import Decoder
from zhixing.model.encoder import Encoder
from zhixing.model.encoder_decoder import EncoderDecoder
from zhixing.model.stack_config import StackConfig
from zhixing.theory.idea import Bilingual, Idea, Step, Value, values

Model = TypeVar("Model", bound=nn.Module)

VOCAB = 11
SOURCE = (3, 1, 4)
TARGET = (0, 5, 9, 2)


def idea() -> Idea:
    """Who sees whom in each of the three, and how many weights the best-known model of each has."""
    return Idea(
        formula=r"""
\begin{aligned}
\text{encoder} \quad & h_t = f(x_1, \dots, x_T) \\
\text{decoder} \quad & h_t = f(x_1, \dots, x_t), \qquad p(x) = \prod_t p(x_{t+1} \mid x_1, \dots, x_t) \\
\text{encoder-decoder} \quad & m = f(s_1, \dots, s_S), \qquad
p(y \mid s) = \prod_t p(y_{t+1} \mid y_1, \dots, y_t,\ m)
\end{aligned}
""",
        plain="encoder          h_t = f(x_1 … x_T)\n"
        "decoder          h_t = f(x_1 … x_t)\n"
        "encoder-decoder  m = f(s_1 … s_S),  h_t = g(y_1 … y_t, m)",
        steps=(*_influences(), *_sizes()),
        source="Vaswani et al. 2017, *Attention Is All You Need*, §3.1; Devlin et al. 2018, *BERT*, §3; "
        "Radford et al. 2018, *Improving language understanding by generative pre-training*, §3.1",
    )


def influence(read: Callable[[Tensor], Tensor], tokens: Sequence[int]) -> Tensor:
    """1 where output t (row) changes when input token s (column) is replaced by another; `read` gives (time, width)."""
    before = read(torch.tensor([tokens]))
    columns = []
    for place in range(len(tokens)):
        changed = list(tokens)
        changed[place] = (tokens[place] + 1) % VOCAB
        columns.append((read(torch.tensor([changed])) != before).any(dim=-1))
    return torch.stack(columns, dim=1).long()


def _influences() -> tuple[Step, ...]:
    return (
        Step(
            name="encoder",
            says=Bilingual(
                "Encoder, three tokens: every place (row) changes with every token (column).",
                "编码器，三个词元：每个位置（行）都随每个词元（列）改变。",
            ),
            formula="h_t ← x_s",
            value=values(encoder_influence()),
        ),
        Step(
            name="decoder",
            says=Bilingual(
                "Decoder, four tokens: a place changes with the tokens up to it, never with later ones.",
                "解码器，四个词元：一个位置只随到它为止的词元改变，绝不随后面的改变。",
            ),
            formula="h_t ← x_s",
            value=values(decoder_influence()),
        ),
        Step(
            name="of_source",
            says=Bilingual(
                "Encoder-decoder: every place of the target (row) sees the whole source (column).",
                "编码器-解码器：目标的每个位置（行）都看到整个源序列（列）。",
            ),
            formula="h_t ← s_s",
            value=values(source_influence()),
        ),
        Step(
            name="of_target",
            says=Bilingual(
                "And of the target only what is written already.",
                "而目标序列只看到已经写出的部分。",
            ),
            formula="h_t ← y_s",
            value=values(target_influence()),
        ),
    )


def encoder_influence() -> Tensor:
    """Who sees whom in an encoder."""
    config = EncoderConfig(width=8, layers=2, heads=2, kv_heads=2, head_dim=4, hidden=8, max_time=8)
    model = _made(lambda: Encoder(config, VOCAB))
    return influence(lambda tokens: model.body(tokens).hidden[0], SOURCE)


def decoder_influence() -> Tensor:
    """Who sees whom in a decoder."""
    config = DecoderConfig(width=8, layers=2, heads=2, kv_heads=2, head_dim=4, hidden=8, max_time=8)
    model = _made(lambda: Decoder(config, VOCAB))
    return influence(lambda tokens: model.body(tokens).hidden[0], TARGET)


def source_influence() -> Tensor:
    """Which source tokens a target place sees."""
    model = _translator()
    target = torch.tensor([TARGET])
    return influence(lambda tokens: model.decode(target, model.encode(tokens)).hidden[0], SOURCE)


def target_influence() -> Tensor:
    """Which target tokens a target place sees."""
    model = _translator()
    memory = model.encode(torch.tensor([SOURCE]))
    return influence(lambda tokens: model.decode(tokens, memory).hidden[0], TARGET)


def _sizes() -> tuple[Step, ...]:
    rows: Value = tuple((name, weights(make)) for name, make in published().items())
    return (
        Step(
            name="block",
            says=Bilingual(
                "Weights of a block of width d and inner size 4 d, in d²: attention 4, feed-forward 8; the decoder half of "
                "an encoder-decoder has a second attention, to the source.",
                "宽度 d、内部 4 d 的块的权重，以 d² 计：注意力 4，前馈 8；编码器-解码器的解码器一半还有第二个注意力，看向源序列。",
            ),
            formula="[4 + 8  4 + 4 + 8]",
            value=(4 + 8, 4 + 4 + 8),
        ),
        Step(
            name="published",
            says=Bilingual(
                "Weights of three published models, counted on ours of the same shape: BERT-base (encoder), GPT-2 small "
                "(decoder), T5-small (encoder-decoder).",
                "三个已发布模型的权重个数，在本项目同样形状的模型上数出：BERT-base（编码器）、GPT-2 small（解码器）、T5-small（编码器-解码器）。",
            ),
            formula="weights",
            value=rows,
        ),
    )


def published() -> dict[str, Callable[[], nn.Module]]:
    """The best-known small model of each kind, by the sizes in its paper."""
    twelve = {"width": 768, "layers": 12, "heads": 12, "kv_heads": 12, "hidden": 3072}
    bert = EncoderConfig.model_validate(
        {**twelve, "max_time": 512, "heads_on_top": [HeadConfig(kind="pool")]}
    )
    gpt2 = DecoderConfig.model_validate({**twelve, "shape": "gpt2", "max_time": 1024})
    half = StackConfig(
        shape="t5", width=512, layers=6, heads=8, kv_heads=8, hidden=2048, max_time=512
    )
    t5 = EncoderDecoderConfig(encoder=half, decoder=half)
    return {
        "BERT-base": lambda: Encoder(bert, 30_522),
        "GPT-2": lambda: Decoder(gpt2, 50_257),
        "T5-small": lambda: EncoderDecoder(t5, 32_128),
    }


def weights(make: Callable[[], nn.Module]) -> int:
    """How many weights a model has; it is made without memory for them."""
    with torch.device("meta"):
        return sum(weight.numel() for weight in make().parameters())


def _translator() -> EncoderDecoder:
    half = StackConfig(
        shape="transformer",
        width=8,
        layers=2,
        heads=2,
        kv_heads=2,
        head_dim=4,
        hidden=8,
        max_time=8,
    )
    return _made(lambda: EncoderDecoder(EncoderDecoderConfig(encoder=half, decoder=half), VOCAB))


def _made(make: Callable[[], Model]) -> Model:
    """A model with the same random weights every time, large enough that nothing vanishes."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        model = make()
        for weight in model.parameters():
            weight.normal_()
    return model.eval()
