"""A little real text in both languages, and tokenizers trained on it once."""

from functools import cache

from zhixing.tokenizer.config import TokenizerConfig
from zhixing.tokenizer.tokenizer import Tokenizer
from zhixing.tokenizer.train import train

ENGLISH = [
    "In the beginning the Universe was created. This has made many people angry.\n",
    "Don't panic: it's 42, isn't it? The year 1979 was 100% fine — e.g. at www.example.org.\n",
    "def add(a, b):\n    return a + b  # the sum, e.g. 1_000_000\n",
    "Naïve café-goers paid €3.50 for a “flat white”.\n",
    "We shall fight on the beaches, we shall fight on the landing grounds, we shall never surrender.\n",
]
CHINESE = [
    "学而时习之，不亦说乎？有朋自远方来，不亦乐乎？\n",
    "知行合一：知是行之始，行是知之成。我们用Python编程，版本是3.11。\n",
    "１９９８年，中国人民在改革开放的道路上继续前进，经济发展取得了新的成就。\n",
    "春眠不觉晓，处处闻啼鸟。夜来风雨声，花落知多少。\n",
    "人工智能（AI）正在改变世界；大语言模型可以写诗、编程、翻译。\n",
]
EXTRA = ["## ### a##b\n\n  c <|end|> 中文 😀👍🏽 ｘ"]


@cache
def trained(kind: str) -> Tokenizer:
    config = TokenizerConfig(kind=kind, vocab=700)  # type: ignore[arg-type]
    return train((ENGLISH + CHINESE + EXTRA) * 3, config)
