"""Every sentence of a report in English and Chinese, side by side, so that neither can be forgotten.

A `Words` is one text in both languages; everything a page shows is a `Words`, numbers included. Left out: a
third language (add a field here and the type checker names every text that lacks it).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """One text in both languages of the page."""

    en: str
    zh: str

    def of(self, language: str) -> str:
        """The text in "en" or "zh"."""
        return {"en": self.en, "zh": self.zh}[language]

    def fill(self, **values: "Words | str") -> "Words":
        """Put values into {places}, each in its own language."""
        return Words(
            en=self.en.format(**{key: as_words(value).en for key, value in values.items()}),
            zh=_space(self.zh.format(**{key: as_words(value).zh for key, value in values.items()})),
        )


_HAN = "\u4e00-\u9fff"
_GAPS = (
    (re.compile(f"(?<=[{_HAN}])[ \u00a0]+(?=[{_HAN}])"), ""),
    (re.compile(f"(?<=[{_HAN}])(?=[A-Za-z0-9])|(?<=[A-Za-z0-9%])(?=[{_HAN}])"), " "),
)


def _space(text: str) -> str:
    """One space between Chinese and Latin or digits, none inside Chinese, however the parts met."""
    for pattern, gap in _GAPS:
        text = pattern.sub(gap, text)
    return text


def as_words(text: "Words | str") -> Words:
    """A plain string is the same in both languages: a name, a hash, a number."""
    return text if isinstance(text, Words) else Words(en=text, zh=text)


def both(en: str, zh: str) -> Words:
    """Short for Words(en=..., zh=...)."""
    return Words(en=en, zh=zh)


def join(parts: Sequence[Words], *, en: str = " ", zh: str = "") -> Words:
    """Sentences in a row; Chinese needs no space between them."""
    return Words(en=en.join(part.en for part in parts), zh=zh.join(part.zh for part in parts))


def listing(parts: Sequence[Words]) -> Words:
    """Parts as one phrase: "a, b and c" is "a、b 和 c"."""
    if len(parts) == 1:
        return parts[0]
    head = join(parts[:-1], en=", ", zh="、")
    return both("{head} and {last}", "{head}和{last}").fill(head=head, last=parts[-1])


TITLES = {
    "ngram": both("5-gram", "5 元模型"),
    "rnn": both("RNN", "RNN"),
    "gru": both("GRU", "GRU"),
    "lstm": both("LSTM", "LSTM"),
    "gpt": both("GPT", "GPT"),
    "mixture": both("GPT + 5-gram", "GPT + 5 元模型"),
}
"""What the rungs of the quickstart ladder are called."""

LANGUAGES = {
    "all": both("all text", "全部文本"),
    "en": both("English", "英文"),
    "zh": both("Chinese", "中文"),
    "und": both("language not known", "语言未知"),
}

SPLITS = {
    "train": both("training", "训练集"),
    "validation": both("validation", "验证集"),
    "test": both("test", "测试集"),
}

MASKS = {
    "EMAIL": both("e-mail addresses", "电子邮箱"),
    "PHONE": both("phone numbers", "电话号码"),
    "IP": both("IP addresses", "IP 地址"),
    "CARD": both("payment card numbers", "支付卡号"),
    "BANK_CARD": both("bank card numbers", "银行卡号"),
    "CHINESE_ID": both("Chinese identity numbers", "身份证号"),
}


def language_name(tag: str) -> Words:
    """The name of a language tag, or the tag itself."""
    return LANGUAGES.get(tag, as_words(tag))


def split_name(split: str) -> Words:
    """The name of a split, or what it is called in the files."""
    return SPLITS.get(split, as_words(split))


def mask_name(kind: str) -> Words:
    """What was masked, in words."""
    return MASKS.get(kind.strip("<>").upper(), as_words(kind))


def rung_title(model: str) -> Words:
    """The title of a model of the ladder, or its own name."""
    return TITLES.get(model, as_words(model))


def reason_name(reason: str) -> Words:
    """Why documents were dropped: a known reason in words, another one as it is written in the files."""
    return REASONS.get(reason, as_words(reason.replace("_", " ")))


REASONS = {
    "too_short": both("too short", "过短"),
    "too_long": both("too long", "过长"),
    "empty": both("empty", "空白"),
    "exact_copy": both("exact copy of another", "与另一篇完全相同"),
    "near_copy": both("nearly a copy of another", "与另一篇近似重复"),
    "language": both("another language", "其他语言"),
    "repeated_lines": both("repeats whole lines", "整行重复"),
    "repeated_phrase": both("repeats one phrase", "反复出现同一短语"),
    "repeated_text": both("repeats itself", "内容自我重复"),
    "few_letters": both("too few letters", "文字太少"),
    "symbols": both("too many symbols", "符号太多"),
    "broken_line": both("a line that cannot be read", "无法读取的行"),
    "no_text": both("a row without text", "没有文本的行"),
    "line_too_long": both("a line that is too long to read", "行过长，未读取"),
    "page_too_long": both("a page that is too long to read", "网页过长，未读取"),
    "no_main_text": both("a page without main text", "没有正文的网页"),
}
"""Every reason of `zhixing data`, as docs/en/data.md lists them."""
