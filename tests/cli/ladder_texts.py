"""A small bilingual folder of texts: every document its own, clean enough for the filters, in two languages."""

import random
from pathlib import Path

ENGLISH = [
    "the river runs down from the mountain",
    "a ship came into the harbour at night",
    "nobody knew the name of the town",
    "she wrote a long letter to her brother",
    "the market opens early every morning",
    "rain fell on the old roof",
    "the teacher asked a difficult question",
    "he sold his horse for a small boat",
    "we walked home through the fields",
    "their garden was full of apple trees",
    "the doctor lives beside the church",
    "winter comes late in this country",
]
CHINESE = [
    "这条河从山上流下来",
    "夜里有一只船进了港口",
    "没有人知道那个小镇的名字",
    "她给哥哥写了一封很长的信",
    "市场每天早晨很早就开门",
    "雨落在旧屋顶上",
    "老师问了一个很难的问题",
    "他卖掉马买了一只小船",
    "我们穿过田野走回家",
    "他们的花园里种满了苹果树",
    "医生住在教堂旁边",
    "这个国家的冬天来得很晚",
]


def write_texts(folder: Path, documents: int = 60) -> Path:
    """Write `documents` files in each language; no two are near-duplicates."""
    chance = random.Random(1)
    for language, sentences, stop in (("en", ENGLISH, ". "), ("zh", CHINESE, "。")):
        (folder / language).mkdir(parents=True)
        for number in range(documents):
            words = [_varied(chance.choice(sentences), number, chance) for _ in range(12)]
            text = stop.join(words) + stop
            (folder / language / f"{number:03d}.txt").write_text(text, "utf-8")
    return folder


def _varied(sentence: str, number: int, chance: random.Random) -> str:
    """The sentence with its parts in another order, so that documents share few shingles."""
    parts = sentence.split() if " " in sentence else list(sentence)
    chance.shuffle(parts)
    joint = " " if " " in sentence else ""
    return f"{joint.join(parts)}{joint}{number * chance.randint(1, 99)}"
