"""All ideas by name, in the order in which they build on each other."""

import difflib
import importlib
from functools import cache

from zhixing.core.errors import UsageError
from zhixing.theory.idea import Bilingual, Idea

IDEAS = {
    "ngram": Bilingual("N-grams and smoothing", "n 元模型与平滑"),
    "embeddings": Bilingual("Embeddings", "词嵌入"),
    "mlp": Bilingual("Multilayer perceptron and backpropagation", "多层感知器与反向传播"),
    "cnn": Bilingual("Convolutional network for text", "文本卷积网络"),
    "recurrent": Bilingual("RNN, LSTM and GRU", "RNN、LSTM 与 GRU"),
    "attention": Bilingual("Attention", "注意力"),
    "positions": Bilingual("Positions", "位置"),
    "block": Bilingual("The Transformer block", "Transformer 块"),
    "architectures": Bilingual(
        "Encoder, decoder, encoder-decoder", "编码器、解码器与编码器-解码器"
    ),
    "objectives": Bilingual(
        "Causal, masked and next-sentence objectives", "因果、掩码与下一句目标"
    ),
    "losses": Bilingual("Losses and regularisation", "损失与正则化"),
    "optimizers": Bilingual("Optimizers and schedules", "优化器与学习率调度"),
    "sampling": Bilingual("Sampling", "采样"),
    "perplexity": Bilingual("Perplexity and bits per byte", "困惑度与每字节比特数"),
    "quantisation": Bilingual("Quantisation", "量化"),
    "parallelism": Bilingual("Parallelism", "并行训练"),
    "evaluation": Bilingual("Accuracy, precision, recall, F1", "准确率、精确率、召回率与 F1"),
    "errata": Bilingual("Errata", "勘误"),
}
"""Name -> title. The module of an idea is zhixing.theory.NAME, its pages are docs/{en,zh}/theory/NAME.md."""


@cache
def load(name: str) -> Idea:
    """Compute the example of an idea; UsageError naming the nearest when there is none of this name."""
    if name not in IDEAS:
        near = difflib.get_close_matches(name, IDEAS, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise UsageError(
            f"there is no idea called {name!r}; {hint}`zhixing theory` lists them: {', '.join(IDEAS)}"
        )
    idea = importlib.import_module(f"zhixing.theory.{name}").idea()
    assert isinstance(idea, Idea)
    return idea
