import pytest

from zhixing.report import numbers


def plain(words) -> tuple[str, str]:
    return words.en.replace("\u00a0", " "), words.zh.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("made", "en", "zh"),
    [
        (numbers.count(999), "999", "999"),
        (numbers.count(7_850_000), "7.85 M", "785 万"),
        (numbers.count(123_456), "123 k", "12.3 万"),
        (numbers.count(2_500_000_000), "2.5 B", "25 亿"),
        (numbers.count(None), "–", "–"),
        (numbers.size(512), "512 bytes", "512 字节"),
        (numbers.size(31_400_000), "31.4 MB", "31.4 MB"),
        (numbers.size(999_999), "1 MB", "1 MB"),
        (numbers.duration(0.42), "0.4 s", "0.4 秒"),
        (numbers.duration(59.7), "1 min", "1 分钟"),
        (numbers.duration(62.0), "1 min 2 s", "1 分 2 秒"),
        (numbers.duration(3599.9), "1 h", "1 小时"),
        (numbers.duration(5400), "1 h 30 min", "1 小时 30 分"),
        (numbers.duration(90_000), "1 d 1 h", "1 天 1 小时"),
        (numbers.about(233.0), "3.9 min", "3.9 分钟"),
        (numbers.about(8.7), "9 s", "9 秒"),
        (numbers.about(7_000.0), "1.9 h", "1.9 小时"),
        (numbers.tick(0.5), "0.5 s", "0.5 秒"),
        (numbers.tick(300), "5 min", "5 分钟"),
        (numbers.energy(1240.0), "1.24 kJ", "1.24 千焦"),
        (numbers.percent(0.0614), "6.1 %", "6.1%"),
        (numbers.percent(0.25), "25 %", "25%"),
        (numbers.probability(0.0004), "p < 0.001", "p < 0.001"),
        (numbers.interval(1.0, None), "–", "–"),
        (numbers.rate(8_410.4), "8,410", "8,410"),
    ],
)
def test_numbers_are_written_as_each_language_writes_them(made, en, zh):
    assert plain(made) == (en, zh)


@pytest.mark.parametrize("seconds", [59.4, 59.5, 59.99, 3569.0, 3570.0, 86_399.0, 86_400.0])
def test_no_duration_says_sixty_seconds_or_minutes(seconds):
    assert "60" not in numbers.duration(seconds).en
