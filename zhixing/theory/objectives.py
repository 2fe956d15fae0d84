"""What is there to predict in plain text? The next token; hidden tokens; whether two texts belong together.

One sentence is turned into the examples of each objective, and small models of the project, fresh from their random
weights, are charged for them.
"""

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from zhixing.core.targets import IGNORED
from zhixing.model.config import DecoderConfig, EncoderConfig, HeadConfig
from zhixing.model.decoder import Decoder
from zhixing.model.encoder import Encoder
from zhixing.objective.causal import CausalBatch, loss
from zhixing.objective.config import MaskedConfig
from zhixing.objective.masked import disguised
from zhixing.theory.idea import Bilingual, Idea, Step, values

BEGIN, END, MASK = range(3)
VOCAB = 12
SENTENCE = (5, 9, 4, 7, 11, 6)
SECOND = (8, 3, 10)
HIDDEN = (1, 4)
"""Places of the sentence that are hidden from the encoder."""
DRAWS = 100_000


def idea() -> Idea:
    """Causal, masked, and next-sentence examples and their losses."""
    return Idea(
        formula=r"""
\begin{aligned}
\text{causal} \quad & L = -\sum_{t} \log p(x_{t+1} \mid x_1, \dots, x_t) \\
\text{masked} \quad & L = -\sum_{t \in H} \log p(x_t \mid \tilde x), \qquad
\tilde x_t = \begin{cases} \text{mask} & 80\,\% \\ \text{any token} & 10\,\% \\ x_t & 10\,\% \end{cases}
\quad (t \in H) \\
\text{next sentence} \quad & L = -\log p(\text{follows} \mid a, b)
\end{aligned}
""",
        plain="causal         L = −Σ_t log p(x_(t+1) | x_1 … x_t)\n"
        "masked         L = −Σ_(t in H) log p(x_t | x with H hidden: 80 % mask, 10 % any token, 10 % kept)\n"
        "next sentence  L = −log p(follows | a, b)",
        steps=(*_causal(), *_masked(), *_pairs()),
        source="Bengio et al. 2003, *A neural probabilistic language model*, eq. 1; Devlin et al. 2018, *BERT*, §3.1; "
        "Raffel et al. 2020, *T5*, §3.1.4",
    )


def _causal() -> tuple[Step, ...]:
    tokens, targets = torch.tensor([[BEGIN, *SENTENCE]]), torch.tensor([[*SENTENCE, END]])
    config = DecoderConfig(
        width=8, layers=1, heads=1, kv_heads=1, head_dim=8, hidden=8, max_time=16
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Decoder(config, VOCAB)
    batch = CausalBatch(
        tokens=tokens,
        targets=targets,
        positions=torch.arange(tokens.shape[1])[None],
        documents=torch.zeros_like(tokens),
    )
    with torch.no_grad():
        found = loss(model, batch)
    return (
        Step(
            name="causal",
            says=Bilingual(
                "Causal: what is read, and below it what is to be predicted there: the same text, one place on.",
                "因果：读到的，以及其下该处要预测的：同一段文本，错开一位。",
            ),
            formula="[x_t; x_(t+1)]",
            value=values(torch.cat((tokens, targets))),
        ),
        Step(
            name="causal_loss",
            says=Bilingual(
                "A decoder that has learned nothing: nats per token, and the logarithm of the 12 ids it knows.",
                "什么都没学过的解码器：每个词元的奈特数，以及它所知的 12 个编号的对数。",
            ),
            formula="[L / 7  ln 12]",
            value=(found.total.item() / found.count, math.log(VOCAB)),
            digits=2,
        ),
    )


def _masked() -> tuple[Step, ...]:
    ids = torch.tensor(SENTENCE)
    seen, targets = ids.clone(), torch.full_like(ids, IGNORED)
    for place in HIDDEN:
        seen[place], targets[place] = MASK, ids[place]
    model = _encoder()
    with torch.no_grad():
        hidden = model.body(seen[None]).hidden[0]
        logits = model.heads["masked"](hidden[list(HIDDEN)])
        nats = F.cross_entropy(logits, targets[list(HIDDEN)])
    return (
        Step(
            name="masked",
            says=Bilingual(
                "Masked: places 1 and 4 are hidden (2 is the mask); targets are there alone, −100 is no target.",
                "掩码：位置 1 和 4 被遮住（2 是掩码词元）；目标只在那里，−100 表示没有目标。",
            ),
            formula="[x̃; targets]",
            value=values(torch.stack((seen, targets))),
        ),
        Step(
            name="masked_loss",
            says=Bilingual(
                "An encoder that has learned nothing, nats per hidden token.",
                "什么都没学过的编码器，每个被遮词元的奈特数。",
            ),
            formula="L / 2",
            value=nats.item(),
            digits=2,
        ),
        Step(
            name="fates",
            says=Bilingual(
                "What 100 000 hidden tokens become: mask, any token, unchanged.",
                "十万个被选中的词元的去向：掩码、任意词元、不变。",
            ),
            formula="shares",
            value=values(fates(DRAWS)),
            digits=2,
        ),
        Step(
            name="targets",
            says=Bilingual(
                "Targets in a text of 512 tokens: causal all but the first, masked 15 %; the price of seeing both sides.",
                "512 个词元的文本里的目标数：因果是除第一个外的全部，掩码是 15 %；这是能看两边的代价。",
            ),
            formula="[512 − 1  0.15 · 512]",
            value=(512 - 1, round(0.15 * 512)),
        ),
    )


def fates(count: int) -> Tensor:
    """Shares of hidden tokens that become the mask, another token, or stay, as the objective disguises them."""
    hidden, others = np.full(count, SENTENCE[0]), np.full(count, SENTENCE[1])
    drawn = np.random.default_rng(0).random(count)
    seen = disguised(hidden, others, drawn, mask=MASK, config=MaskedConfig(kind="masked"))
    return torch.tensor([(seen == each).mean() for each in (MASK, SENTENCE[1], SENTENCE[0])])


def _pairs() -> tuple[Step, ...]:
    first, second = [BEGIN, *SENTENCE, END], [*SECOND, END]
    tokens = torch.tensor([first + second])
    segments = torch.tensor([[0] * len(first) + [1] * len(second)])
    model = _encoder()
    with torch.no_grad():
        hidden = model.body(tokens, segments=segments).hidden
        p = model.heads["next-sentence"](hidden, None).softmax(-1)[0]
    return (
        Step(
            name="pair",
            says=Bilingual(
                "Next sentence: two texts in one row (0 begins, 1 ends), and which of them a token belongs to.",
                "下一句：一行里的两段文本（0 开始，1 结束），以及每个词元属于哪一段。",
            ),
            formula="[tokens; segments]",
            value=values(torch.cat((tokens, segments))),
        ),
        Step(
            name="follows",
            says=Bilingual(
                "Does the second follow the first? The untrained encoder does not know: its loss if it does, and ln 2.",
                "第二段是接着第一段的吗？没训练过的编码器不知道：若是，它的损失；以及 ln 2。",
            ),
            formula="[−log p(follows)  ln 2]",
            value=(-math.log(p[0].item()), math.log(2)),
            digits=2,
        ),
    )


def _encoder() -> Encoder:
    """A BERT of one block, the same every time."""
    heads = (HeadConfig(kind="masked"), HeadConfig(kind="next-sentence"))
    config = EncoderConfig(
        width=8,
        layers=1,
        heads=1,
        kv_heads=1,
        head_dim=8,
        hidden=8,
        max_time=16,
        heads_on_top=heads,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Encoder(config, VOCAB).eval()
