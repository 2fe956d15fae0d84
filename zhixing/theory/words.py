"""The English words inside formulas, for the Chinese pages."""

import re

WORDS = {
    "accuracy": "准确率",
    "any token": "任意词元",
    "additive": "加性",
    "all": "全部",
    "bits": "比特",
    "bits per byte": "每字节比特数",
    "bytes of UTF-8": "UTF-8 字节数",
    "bytes of the gradient": "梯度的字节数",
    "bytes sent": "发送的字节数",
    "causal": "因果",
    "columns": "列数",
    "cross": "交叉",
    "data": "数据",
    "decoder": "解码器",
    "dot": "点积",
    "encoder": "编码器",
    "encoder-decoder": "编码器-解码器",
    "follows": "接续",
    "hidden": "不可见",
    "hinge": "合页",
    "idle share": "空闲份额",
    "macro": "宏平均",
    "mask": "掩码词元",
    "masked": "掩码",
    "micro": "微平均",
    "nats": "奈特",
    "next sentence": "下一句",
    "not": "而非",
    "perplexity": "困惑度",
    "pipeline": "流水线",
    "post-norm": "后归一化",
    "pre-norm": "前归一化",
    "precision": "精确率",
    "recall": "召回率",
    "ring": "环",
    "rows": "行数",
    "seen": "可见",
    "self": "自身",
    "span": "片段",
    "tensor": "张量",
    "then as Adam": "然后同 Adam",
    "tokens": "词元数",
    "where": "其中",
    "with": "使得",
}
NAMES = {"RNN", "LSTM", "GRU", "SGD", "Adam", "AdamW", "Muon", "MSE", "CE", "L1", "L2", "top-", "min-"}  # fmt: skip
"""What is written alike in both languages."""
TEXT = re.compile(r"\\text\{([^}]*)\}")


def in_chinese(formula: str) -> str:
    """A formula with its words translated."""

    def translate(word: re.Match[str]) -> str:
        return word[0] if word[1] in NAMES else rf"\text{{{WORDS[word[1]]}}}"

    return TEXT.sub(translate, formula)
