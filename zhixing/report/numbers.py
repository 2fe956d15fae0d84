"""Numbers as a reader of either language writes them: "7.8 M" is "780 万", "4 min 10 s" is "4 分 10 秒"."""

import math

from zhixing.report.words import Words, as_words


def _both(en: str, zh: str) -> Words:
    """A number and its unit in both languages; they stay on one line."""
    return Words(en=en.replace(" ", "\u00a0"), zh=zh.replace(" ", "\u00a0"))


MISSING = as_words("–")
"""Shown where nothing was measured; never a zero."""


def bits(value: float, digits: int = 3) -> Words:
    """Bits per byte."""
    return as_words(f"{value:.{digits}f}")


def interval(low: float | None, high: float | None, digits: int = 3) -> Words:
    """A 95 % interval, or a dash where one document allows none."""
    if low is None or high is None:
        return MISSING
    return as_words(f"{low:.{digits}f} – {high:.{digits}f}")


def count(value: float | None) -> Words:
    """Parameters, tokens, documents."""
    if value is None:
        return MISSING
    if value < 10_000:
        return as_words(f"{value:,.0f}")
    return _both(
        en=_scaled(value, ((1e9, " B"), (1e6, " M"), (1e3, " k"))),
        zh=_scaled(value, ((1e8, " 亿"), (1e4, " 万"))),
    )


def exact(value: int) -> Words:
    """A count in full."""
    return as_words(f"{value:,}")


def size(value: float | None) -> Words:
    """Bytes, in powers of a thousand."""
    if value is None:
        return MISSING
    if value < 1000:
        return _both(f"{value:.0f} bytes", f"{value:.0f} 字节")
    text = _scaled(value, ((1e9, " GB"), (1e6, " MB"), (1e3, " kB")))
    return _both(text, text)


def rate(value: float | None) -> Words:
    """Tokens per second (the unit is in the table's head)."""
    if value is None:
        return MISSING
    return as_words(f"{value:,.0f}" if value >= 100 else f"{value:.1f}")


def duration(seconds: float | None) -> Words:
    """A time of the size people use: no milliseconds in a training run, no seconds in a day."""
    if seconds is None:
        return MISSING
    if seconds < 9.95:
        return _both(f"{seconds:.1f} s", f"{seconds:.1f} 秒")
    if seconds < 59.5:
        return _both(f"{seconds:.0f} s", f"{seconds:.0f} 秒")
    if seconds < 3570:
        return _two(seconds, 60, 1, _both("min", "分"), _both("s", "秒"), _both("min", "分钟"))
    if seconds < 86_400:
        return _two(seconds, 3600, 60, _both("h", "小时"), _both("min", "分"), _both("h", "小时"))
    return _two(seconds, 86_400, 3600, _both("d", "天"), _both("h", "小时"), _both("d", "天"))


def tick(seconds: float) -> Words:
    """A round time under an axis: "5 s", "2 min"."""
    units = ((86_400, "d", "天"), (3600, "h", "小时"), (60, "min", "分钟"), (0, "s", "秒"))
    scale, en, zh = next(unit for unit in units if seconds >= unit[0])
    return _both(f"{seconds / max(scale, 1):g} {en}", f"{seconds / max(scale, 1):g} {zh}")


def about(seconds: float) -> Words:
    """A duration to two digits, for what is not known better: "9 min", "1.5 h"."""
    digits = 10 ** max(0, math.floor(math.log10(max(seconds, 1.0))) - 1)
    rounded = round(seconds / digits) * digits
    for unit, name in (
        (86_400, _both("d", "天")),
        (3600, _both("h", "小时")),
        (60, _both("min", "分钟")),
    ):
        if rounded >= unit:
            number = f"{seconds / unit:.2g}" if seconds / unit < 99 else f"{seconds / unit:.0f}"
            return _both(f"{number} {name.en}", f"{number} {name.zh}")
    return _both(f"{rounded:.0f} s", f"{rounded:.0f} 秒")


def energy(joules: float | None) -> Words:
    """Joules."""
    if joules is None:
        return MISSING
    if joules < 1000:
        return _both(f"{joules:.0f} J", f"{joules:.0f} 焦")
    return _both(
        en=_scaled(joules, ((1e6, " MJ"), (1e3, " kJ"))),
        zh=_scaled(joules, ((1e6, " 兆焦"), (1e3, " 千焦"))),
    )


def percent(share: float) -> Words:
    """0.042 is 4.2 %."""
    digits = 1 if abs(share) < 0.0995 else 0
    return _both(f"{share * 100:.{digits}f} %", f"{share * 100:.{digits}f}%")


def probability(p: float) -> Words:
    """A p-value; never a bare zero."""
    return as_words("p < 0.001" if p < 0.001 else f"p = {p:.3f}")


def _scaled(value: float, units: tuple[tuple[float, str], ...]) -> str:
    for scale, unit in units:
        if value >= scale * 0.9995:
            number = value / scale
            digits = 0 if number >= 99.95 else 1 if number >= 9.995 else 2
            text = f"{number:,.{digits}f}"
            return (text.rstrip("0").rstrip(".") if "." in text else text) + unit
    return f"{value:,.0f}"


def _two(seconds: float, large: int, small: int, name: Words, rest: Words, alone: Words) -> Words:
    whole, left = divmod(round(seconds / small) * small, large)
    left //= small
    if not left:
        return _both(f"{whole} {alone.en}", f"{whole} {alone.zh}")
    return _both(f"{whole} {name.en} {left} {rest.en}", f"{whole} {name.zh} {left} {rest.zh}")
