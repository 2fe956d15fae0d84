"""The columns of the tables of a report: a heading, and what each rung of the ladder shows under it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from zhixing.report import numbers
from zhixing.report.ladder import Rung
from zhixing.report.words import LANGUAGES, Words, as_words, both, language_name


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A heading, what a rung shows under it, and a smaller second line (empty where there is none)."""

    title: Words
    value: Callable[[Rung], Words]
    note: Callable[[Rung], Words] = lambda rung: both("", "")


def quality_columns(languages: Sequence[str]) -> list[Column]:
    """Bits per byte, then perplexity, of each language."""
    return [_bits_column(tag) for tag in languages] + [_perplexity_column(tag) for tag in languages]


COST_COLUMNS = (
    Column(
        title=both("parameters", "参数量"),
        value=lambda rung: numbers.count(rung.parameters),
    ),
    Column(title=both("on disk", "磁盘占用"), value=lambda rung: numbers.size(rung.bytes)),
    Column(
        title=both("training time", "训练时间"),
        value=lambda rung: numbers.duration(rung.train_seconds),
    ),
    Column(
        title=both("training tokens/s", "训练词元/秒"),
        value=lambda rung: numbers.rate(rung.train_tokens_per_second),
    ),
    Column(
        title=both("generation tokens/s", "生成词元/秒"),
        value=lambda rung: numbers.rate(rung.generate_tokens_per_second),
    ),
    Column(
        title=both("peak memory", "内存峰值"),
        value=lambda rung: numbers.size(rung.peak_memory_bytes),
    ),
    Column(
        title=both("energy to train", "训练能耗"),
        value=lambda rung: numbers.energy(rung.joules),
        note=lambda rung: energy_label(rung),
    ),
)


def energy_label(rung: Rung) -> Words:
    """Whether the joules were measured or estimated."""
    if rung.joules is None:
        return both("", "")
    if rung.energy_method.startswith("measured"):
        return both("measured", "实测")
    return both("estimated", "估算")


def energy_method(method: str) -> Words:
    """How the joules are known, as the meter says it, in both languages; other words are left as they are."""
    if method == "measured: RAPL, whole processor packages":
        return both("measured (RAPL, whole processor packages)", "实测（RAPL，整个处理器封装）")
    estimate = re.fullmatch(r"estimated: processor seconds x ([0-9.e+]+) W per core", method)
    if estimate is None:
        return as_words(method)
    return both(
        "estimated (processor seconds × {watts} W per core)", "估算（处理器秒数 × 每核 {watts} 瓦）"
    ).fill(watts=estimate[1])


def _bits_column(tag: str) -> Column:
    def value(rung: Rung) -> Words:
        score = rung.bits_per_byte.get(tag)
        return numbers.MISSING if score is None else numbers.bits(score.value)

    def note(rung: Rung) -> Words:
        score = rung.bits_per_byte.get(tag)
        return both("", "") if score is None else numbers.interval(score.low, score.high)

    return Column(title=_titled(both("bits/byte", "比特/字节"), tag), value=value, note=note)


def _perplexity_column(tag: str) -> Column:
    def value(rung: Rung) -> Words:
        score = rung.perplexity.get(tag)
        return numbers.MISSING if score is None else as_words(f"{score.value:,.1f}")

    def note(rung: Rung) -> Words:
        score = rung.perplexity.get(tag)
        return both("", "") if score is None else numbers.interval(score.low, score.high, 1)

    return Column(title=_titled(both("perplexity", "困惑度"), tag), value=value, note=note)


def _titled(metric: Words, tag: str) -> Words:
    name = LANGUAGES["all"] if tag == "all" else language_name(tag)
    return both("{metric}, {name}", "{metric}，{name}").fill(metric=metric, name=name)
