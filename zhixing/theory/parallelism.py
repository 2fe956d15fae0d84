"""Parallelism: several machines, one model, the same result.

Data parallelism (gradients are summed), tensor parallelism (a matrix is cut), pipeline parallelism (layers are cut),
and what of the model's memory each worker holds when it is sharded.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zhixing.core.targets import IGNORED
from zhixing.model.config import DecoderConfig
from zhixing.model.decoder import Decoder
from zhixing.objective.causal import CausalBatch, loss
from zhixing.theory.idea import Bilingual, Idea, Step, values

WORKERS = 4


def idea() -> Idea:
    """Two halves of a batch, a matrix in two pieces, the idle time of a pipeline, the bytes of a shard."""
    return Idea(
        formula=r"""
\begin{aligned}
\text{data} \quad & g = \frac{\sum_{r} \sum_{i \in r} \nabla \ell_i}{\sum_{r} n_r} \\
\text{tensor} \quad & f(x\, [A_1\ A_2]) \begin{bmatrix} B_1 \\ B_2 \end{bmatrix} = f(x A_1) B_1 + f(x A_2) B_2 \\
\text{pipeline} \quad & \text{idle share} = \frac{s - 1}{m + s - 1} \\
\text{ring} \quad & \frac{\text{bytes sent}}{\text{bytes of the gradient}} = 2\, \frac{k - 1}{k}
\end{aligned}
""",
        plain="data: g = Σ_r Σ ∇ℓ / Σ_r n_r;  tensor: f(x [A1 A2]) [B1; B2] = f(x A1) B1 + f(x A2) B2\n"
        "pipeline: idle = (s − 1) / (m + s − 1);  ring: 2 (k − 1)/k of the gradient is sent",
        steps=(*_data(), *_tensor(), *_pipeline(), *_memory()),
        source="Shoeybi et al. 2019, *Megatron-LM*, §3; Huang et al. 2019, *GPipe*, §2.3; "
        "Rajbhandari et al. 2020, *ZeRO*, §3 and §5",
    )


def _data() -> tuple[Step, ...]:
    whole, first, second = (gradient(rows) for rows in (slice(0, 2), slice(0, 1), slice(1, 2)))
    counts = [count for _, count in (first, second)]
    summed = (first[0] + second[0]) / sum(counts)
    averaged = (first[0] / counts[0] + second[0] / counts[1]) / 2
    right = whole[0] / whole[1]
    return (
        Step(
            name="targets",
            says=Bilingual(
                "A tiny GPT, a row for each of two workers; one row has 6 targets, the other 2.",
                "一个极小的 GPT，两个进程各一行；一行有 6 个目标，另一行有 2 个。",
            ),
            formula="[n_1  n_2]",
            value=tuple(counts),
        ),
        Step(
            name="summed",
            says=Bilingual(
                "Sums of gradients over the sum of targets, against one worker with both rows: largest difference.",
                "梯度之和除以目标之和，与一个进程算两行相比：最大差别。",
            ),
            formula="max |(g_1 + g_2) / 8 − g|",
            value=(summed - right).abs().max().item(),
            digits=6,
        ),
        Step(
            name="averaged",
            says=Bilingual(
                "The mean of the two mean gradients instead is another gradient: relative difference.",
                "若改为对两个平均梯度再取平均，就成了另一个梯度：相对差别。",
            ),
            formula="|mean of means − g| / |g|",
            value=((averaged - right).norm() / right.norm()).item(),
            digits=2,
        ),
    )


def gradient(rows: slice) -> tuple[Tensor, int]:
    """The summed gradient of the output matrix over some rows of the batch, and their number of targets."""
    config = DecoderConfig(width=8, layers=1, heads=1, kv_heads=1, head_dim=8, hidden=8, max_time=8)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Decoder(config, 11)
    tokens = torch.tensor([[1, 5, 2, 7, 3, 9], [4, 4, 6, 0, 0, 0]])[rows]
    targets = torch.tensor([[5, 2, 7, 3, 9, 10], [4, 6, *[IGNORED] * 4]])[rows]
    positions = torch.arange(6).expand(tokens.shape)
    batch = CausalBatch(
        tokens=tokens, targets=targets, positions=positions, documents=torch.zeros_like(tokens)
    )
    found = loss(model, batch)
    (made,) = torch.autograd.grad(found.total, model.unembed.weight)
    return made, found.count


def _tensor() -> tuple[Step, ...]:
    x = torch.tensor([1.0, -2.0])
    up = torch.tensor([[1.0, 0.5], [0.0, -1.0], [2.0, 1.0], [-1.0, -1.0]])  # (hidden, width)
    down = torch.tensor([[1.0, 2.0, 0.0, 1.0], [0.0, 1.0, 3.0, -1.0]])  # (width, hidden)
    parts = [F.linear(F.linear(x, up[cut]).relu(), down[:, cut]) for cut in (slice(2), slice(2, 4))]
    return (
        Step(
            name="parts",
            says=Bilingual(
                "A feed-forward layer with 4 hidden units, two on each worker: what each gives.",
                "有 4 个隐藏单元的前馈层，每个进程两个：各自的结果。",
            ),
            formula="ReLU(x A_r) B_r",
            value=values(torch.stack(parts)),
            digits=1,
        ),
        Step(
            name="joined",
            says=Bilingual(
                "Their sum, and the layer on one worker; one sum is all that had to be sent.",
                "它们的和，以及单个进程上的结果；需要传送的只有这一次求和。",
            ),
            formula="[Σ_r; ReLU(x A) B]",
            value=values(torch.stack([sum(parts), F.linear(F.linear(x, up).relu(), down)])),  # type: ignore[list-item]
            digits=1,
        ),
    )


def _pipeline() -> tuple[Step, ...]:
    return (
        Step(
            name="idle",
            says=Bilingual(
                "A pipeline of 4 stages: the share of time a stage waits with 1, 4 and 32 micro-batches.",
                "4 级流水线：微批数为 1、4、32 时，一级等待的时间份额。",
            ),
            formula="3 / (m + 3)",
            value=tuple(idle(WORKERS, batches) for batches in (1, 4, 32)),
        ),
        Step(
            name="ring",
            says=Bilingual(
                "Ring all-reduce among 4 workers: each sends this many times the gradient; it hardly grows with workers.",
                "4 个进程的环形全归约：每个进程发送梯度大小的多少倍；几乎不随进程数增长。",
            ),
            formula="2 · 3 / 4",
            value=2 * (WORKERS - 1) / WORKERS,
        ),
    )


def idle(stages: int, batches: int) -> float:
    """Share of all stage-times in which a stage waits, counted in a timetable where stage s works on batch t - s."""
    times = stages + batches - 1
    busy = sum(0 <= time - stage < batches for time in range(times) for stage in range(stages))
    return 1 - busy / (times * stages)


def _memory() -> tuple[Step, ...]:
    with torch.device("meta"):
        model = Decoder(DecoderConfig(), 8192)
    weights = sum(weight.numel() for weight in _own(model))
    state = 4 + 4 + 8  # float32 weight and gradient, two float32 numbers of Adam
    return (
        Step(
            name="weights",
            says=Bilingual(
                "Weights of the default decoder with 8192 token ids.",
                "默认解码器在 8192 个词元编号下的权重个数。",
            ),
            formula="weights",
            value=weights,
        ),
        Step(
            name="megabytes",
            says=Bilingual(
                "Bytes of weights, gradients and Adam's memory in float32, in MB: on one worker, and on each of 4 when "
                "all three are sharded.",
                "float32 下权重、梯度和 Adam 记忆的字节数，以 MB 计：单个进程；三者都分片时 4 个进程中的每一个。",
            ),
            formula="[16 · weights  16 · weights / 4] / 10⁶",
            value=(state * weights / 1e6, state * weights / WORKERS / 1e6),
            digits=1,
        ),
    )


def _own(model: nn.Module) -> list[nn.Parameter]:
    """Every weight once, shared ones too."""
    return list(model.parameters())
