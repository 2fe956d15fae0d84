"""The ladder as rows of words: one set of columns for the page and for Markdown (README, model cards)."""

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


def markdown_table(rungs: Sequence[Rung], language: str) -> str:
    """The ladder as a Markdown table in "en" or "zh", with a line break at its end."""
    tags = ["all", *sorted({tag for rung in rungs for tag in rung.bits_per_byte} - {"all"})]
    columns = [*quality_columns(tags), *COST_COLUMNS]
    head = [both("model", "模型").of(language), *(column.title.of(language) for column in columns)]
    lines = [_row(head), _row(["---", *("---:" for _ in columns)])]
    for rung in rungs:
        cells = [_cell(column, rung, language) for column in columns]
        lines.append(_row([_escape(rung.title.of(language)), *cells]))
    return "\n".join(lines).replace("\u00a0", " ") + "\n"


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


def _cell(column: Column, rung: Rung, language: str) -> str:
    note = column.note(rung).of(language)
    value = column.value(rung).of(language)
    return f"{value} ({note})" if note and note != numbers.MISSING.en else value


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _escape(text: str) -> str:
    """A title is text, not Markdown or HTML."""
    text = " ".join(text.split())
    for character in "\\`*_[]<>|":
        text = text.replace(character, "\\" + character)
    return text
