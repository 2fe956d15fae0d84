"""A metric of texts proves itself before it is believed: in its language, a text scores perfectly against itself.

The trap: a tokenizer made for English strips Chinese characters, or sees a Chinese sentence as one word; identical texts then
score 0, and so does everything. Here a metric that does not give `perfect` for the references against themselves, or
for samples of the language, refuses.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from zhixing.core.errors import DataError, UnsupportedError
from zhixing.text.script import count_scripts, leading_script

SAMPLES: Mapping[str, tuple[str, ...]] = {
    "en": ("The cat sat on the mat.", "It cost 3.50 dollars in 2024, didn't it?"),
    "zh": ("猫坐在垫子上。", "２０２４年它卖3.5元，对吗？我用ChatGPT翻译。"),
    "ja": ("猫がマットの上に座っていた。", "昨日の会議は三時間もかかりました。"),
    "ko": ("고양이가 매트 위에 앉아 있었다.", "어제 회의는 세 시간이나 걸렸습니다."),
    "de": ("Die Katze saß auf der Matte.", "Größere Häuser kosten 3,50 Euro mehr."),
    "ru": ("Кошка сидела на коврике.", "Вчера встреча длилась три часа."),
}
"""Texts in languages with writing systems of their own; another language is proved by its own references."""
SCRIPTS: Mapping[str, frozenset[str]] = {
    "zh": frozenset({"Hani"}),
    "ja": frozenset({"Jpan", "Hani"}),
    "ko": frozenset({"Kore", "Hani"}),
}
"""How these languages are written; the leading script of the references must be one of them."""
EAST_ASIAN = frozenset({"Hani", "Jpan", "Kore", "Bopo"})

MOST_FOREIGN = 0.05
"""Share of the references of a language written with spaces that may be in an East Asian script, such as names."""


def primary(language: str) -> str:
    """`zh` of `zh-Hant` and `zh_CN`, lower case."""
    return language.replace("_", "-").split("-", 1)[0].lower()


def require_written_in(texts: Sequence[str], language: str) -> None:
    """Raise DataError when the texts are clearly not in `language`, or many of them are not, so that no tokenizer of another is used."""
    leader = _leader("".join(texts))
    allowed = SCRIPTS.get(primary(language))
    if leader == "Zyyy":  # digits, marks, emoji: no language at all
        return
    if leader not in allowed if allowed else leader in EAST_ASIAN:
        raise DataError(
            f"the references are written in the script {leader}, which is not that of language {language!r}; "
            "say their language with --language (such as zh, en, ja), or score those of each language apart"
        )
    # What reads Chinese reads other letters too; what reads words between spaces drops Chinese, or takes a sentence for one word.
    foreign = 0 if allowed else sum(_leader(text) in EAST_ASIAN for text in texts)
    if foreign > MOST_FOREIGN * len(texts):
        raise DataError(
            f"{foreign:,} of {len(texts):,} references are written in Chinese, Japanese or Korean, which is not how language "
            f"{language!r} is written; score those of each language apart"
        )


def _leader(text: str) -> str:
    return leading_script(count_scripts(Counter(text)))


def require_perfect(
    name: str,
    scored: Callable[[Sequence[str], Sequence[str]], float],
    perfect: float,
    references: Sequence[str],
    *,
    language: str,
) -> None:
    """Raise UnsupportedError unless `scored(x, x)` is perfect for samples of the language and for the references."""
    for what, texts in (
        ("sample texts", SAMPLES.get(primary(language), ())),
        ("your references", references),
    ):
        if not texts:
            continue
        value = scored(texts, texts)
        if not abs(value - perfect) < 1e-6:
            alone = [abs(scored([text], [text]) - perfect) < 1e-6 for text in texts]
            raise UnsupportedError(
                f"{name} is refused for language {language!r}: {what}, compared with themselves, score {value:g} and "
                f"not {perfect:g}, so any number would be wrong ({_reason(texts, alone)}, or use chrf"
            )


def _reason(texts: Sequence[str], alone: Sequence[bool]) -> str:
    """Why texts are not perfect, and what to do: some of them where others are, else all."""
    if True not in alone or False not in alone:
        return "all texts too short, or a tokenizer that does not know the language); name the right language"
    first = alone.index(False)
    return (
        f"nothing is counted in {alone.count(False):,} of {len(texts):,}, such as number {first + 1}, {texts[first]!r:.60}); "
        "leave them out"
    )


def require_texts(name: str, texts: Sequence[str]) -> None:
    """Raise DataError for a reference without any text: nothing can be compared with it."""
    for number, text in enumerate(texts):
        if not text.strip():
            raise DataError(f"{name}: reference {number + 1} is empty; leave such items out")
