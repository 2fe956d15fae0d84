import time

import pytest

from zhixing.text.language import detect
from zhixing.text.script import script_of


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("The quick brown fox jumps over the lazy dog.", "en"),
        ("hello", "en"),
        ("I am", "en"),
        ("HELLO WORLD", "en"),
        ("The word 你好 means hello in Chinese.", "en"),
        ("def f(x): return x", "en"),
        ("import numpy as np\nfor i in range(3): print(i)", "en"),
        ("今天天气很好，我们去公园散步。", "zh"),
        ("的", "zh"),
        ("床前明月光，疑是地上霜", "zh"),
        ("白日依山盡，黃河入海流", "zh"),
        ("國家發展", "zh"),
        ("我用Python写code", "zh"),
        ("这个API的response里有error", "zh"),
        ("我喜欢海の家这家店的咖啡和蛋糕", "zh"),
        ("こんにちは", "ja"),
        ("東京都に住んでいます", "ja"),
        ("駅前", "ja"),
        ("안녕하세요", "ko"),
        ("Bonjour tout le monde", "fr"),
        ("Wie geht es dir?", "de"),
        ("El gato está en la mesa", "es"),
        ("Привет, как дела?", "ru"),
        ("Γειά σου", "el"),
    ],
)
def test_languages_are_told_apart(text: str, tag: str):
    language = detect(text)
    assert language.tag == tag
    assert 0 < language.confidence <= 1


@pytest.mark.parametrize(
    "text",
    ["", " \n", "123 + 4.5", "😀🎉", "\ud800", "x", "https://a.example/hello-there", "——……！"],
)
def test_nothing_to_go_on_is_undetermined(text: str):
    assert (detect(text).tag, detect(text).confidence) == ("und", 0.0)


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("hello", "Latn"),
        ("我们发展国家", "Hans"),
        ("我們發展國家", "Hant"),
        ("皇后在里", "Hani"),
        ("人山人海", "Hani"),
        ("我用Python写code", "Hans"),
        ("東京に住む", "Jpan"),
        ("한국어 漢字", "Kore"),
        ("Привет", "Cyrl"),
        ("ＡＢＣ", "Latn"),
        ("مرحبا", "Arab"),
        ("नमस्ते", "Deva"),
        ("", "Zyyy"),
        ("12 😀 。\ud800", "Zyyy"),
    ],
)
def test_scripts_are_told_apart(text: str, script: str):
    assert script_of(text) == script


def test_a_foreign_header_does_not_decide_for_a_long_text():
    licence = "Permission is hereby granted, free of charge, to any person. " * 40
    text = licence + "今天天气很好，我们去公园散步。" * 4000
    assert detect(text).tag == "zh"
    assert script_of(text) == "Hans"


def test_cost_does_not_grow_with_the_text():
    text = "今天我们去公园，we went to the park。" * 500_000
    detect(text[:1000])
    began = time.process_time()
    assert detect(text).tag == "zh"
    assert script_of(text) == "Hans"
    assert time.process_time() - began < 1
    assert detect(text) == detect(text)
