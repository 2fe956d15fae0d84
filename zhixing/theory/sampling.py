"""Sampling: from a distribution over the next token to one token.

Every number comes from the engine's own sampler, the tokens included.
"""

from collections import Counter

import torch
from torch import Tensor

from zhixing.engine.request import SamplingParams
from zhixing.engine.sampler import Sampler, kept
from zhixing.theory.idea import Bilingual, Idea, Step, Value, values

LOGITS = (2.0, 1.0, 0.5, -1.0)
"""Tokens 0 to 3."""
DRAWS = 1000


def idea() -> Idea:
    """Temperature, what top-k, top-p and min-p leave, a penalty, and a thousand draws."""
    return Idea(
        formula=r"""
\begin{aligned}
p_i &= \frac{e^{z_i / T}}{\sum_j e^{z_j / T}}, \qquad T \to 0:\ \arg\max_i z_i \\
\text{top-}k &: |S| = k, \qquad
\text{top-}p: \min |S| \ \text{with} \sum_{i \in S} p_i \ge p, \qquad
\text{min-}p: p_i \ge p_{\min} \max_j p_j
\end{aligned}
""",
        plain="p = softmax(z / T);  T → 0: argmax z\n"
        "top-k: the k most probable;  top-p: the fewest that reach p;  min-p: p_i ≥ min_p · max p",
        steps=(*_temperatures(), *_cut(), *_drawn()),
        source="Holtzman et al. 2020, *The curious case of neural text degeneration*, §3.1; "
        "Fan, Lewis & Dauphin 2018, §5.1; Nguyen et al. 2024 (min-p); Keskar et al. 2019, §4.1",
    )


def _temperatures() -> tuple[Step, ...]:
    logits = torch.tensor(LOGITS)
    return (
        Step(
            name="plain",
            says=Bilingual(
                "Logits [2 1 0.5 −1] of four tokens as probabilities.",
                "四个词元的对数几率 [2 1 0.5 −1] 化为概率。",
            ),
            formula="softmax(z)",
            value=values(logits.softmax(0)),
        ),
        Step(
            name="temperatures",
            says=Bilingual(
                "Temperature ½ sharpens, 2 flattens.", "温度 ½ 使分布更尖，2 使它更平。"
            ),
            formula="[softmax(z / ½); softmax(z / 2)]",
            value=values(torch.stack([(logits / t).softmax(0) for t in (0.5, 2.0)])),
        ),
        Step(
            name="greedy",
            says=Bilingual("Temperature 0 takes the most probable.", "温度 0 取概率最大的。"),
            formula="argmax z",
            value=Sampler(SamplingParams(temperature=0), []).choose(logits).token,
        ),
    )


def _cut() -> tuple[Step, ...]:
    return (
        _left("top_k", "top_k = 2", SamplingParams(top_k=2)),
        _left("top_p", "top_p = 0.85", SamplingParams(top_p=0.85)),
        _left("min_p", "min_p = 0.3", SamplingParams(min_p=0.3)),
    )


def _left(name: str, setting: str, params: SamplingParams) -> Step:
    """The tokens that a setting leaves, and their probabilities among themselves."""
    ids, probabilities = kept(torch.tensor(LOGITS, dtype=torch.float64), params)
    shares = probabilities / probabilities.sum()
    rows: Value = (tuple(ids.tolist()), tuple(shares.tolist()))
    return Step(
        name=name,
        says=Bilingual(
            f"{setting}: which tokens stay, and their probabilities among themselves.",
            f"{setting}：留下哪些词元，以及它们之间的概率。",
        ),
        formula="[ids; p / Σ p]",
        value=rows,
    )


def _drawn() -> tuple[Step, ...]:
    logits = torch.tensor(LOGITS)
    penalised = Sampler(SamplingParams(temperature=0, repetition_penalty=3.0), [0])
    return (
        Step(
            name="penalty",
            says=Bilingual(
                "Token 0 was in the prompt; a repetition penalty of 3 divides its logit, 2 / 3, and greedy takes another.",
                "提示里有词元 0；重复惩罚 3 把它的对数几率变成 2 / 3，贪心便选了另一个。",
            ),
            formula="argmax z'",
            value=penalised.choose(logits).token,
        ),
        Step(
            name="draws",
            says=Bilingual(
                "A thousand draws with seed 42: how often each token came.",
                "以种子 42 抽一千次：每个词元出现的次数。",
            ),
            formula="counts of 0, 1, 2, 3",
            value=draws(logits),
        ),
    )


def draws(logits: Tensor) -> tuple[int, ...]:
    """How often each token is chosen in DRAWS draws of one sampler."""
    sampler = Sampler(SamplingParams(seed=42), [])
    counted = Counter(sampler.choose(logits).token for _ in range(DRAWS))
    return tuple(counted[token] for token in range(len(logits)))
