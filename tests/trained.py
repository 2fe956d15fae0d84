"""Tiny models that were really trained, by the recipes that a person would write, on examples that they can learn."""

import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zhixing.cli import main

SIZES = "width = 24\nlayers = 1\nheads = 2\nkv_heads = 2\nhead_dim = 12\nhidden = 32"
ENCODER = f'kind = "encoder"\nmax_time = 64\ndropout = 0.0\n{SIZES}'
MODELS = {
    "encoder": ENCODER,
    "cnn": 'kind = "cnn"\nlabels = 2\nembedding = 16\nfilters = 8\ndropout = 0.0',
    "bag": 'kind = "bag"\nlabels = 1\nembedding = 16',
    "bag2": 'kind = "bag"\nlabels = 2\nembedding = 16',
    "reader": 'kind = "recurrent-classifier"\nlabels = 2\nencoder = { embedding = 24, width = 24 }',
    "tagger": 'kind = "tagger"\nlabels = 5\nchain = true\nencoder = { embedding = 24, width = 24 }',
    "plain-tagger": 'kind = "tagger"\nlabels = 5\nencoder = { embedding = 24, width = 24 }',
    "finder": 'kind = "recurrent-reader"\nencoder = { embedding = 24, width = 24 }',
    "lstm": 'kind = "lstm"\nwidth = 16\nlayers = 1',
}
PEOPLE, PLACES = ("Anna Berg", "Otto Lind", "王明", "李娜"), ("Paris", "Rome", "北京", "上海")
TIME = 32


def rows(kind: str) -> list[dict[str, Any]]:
    """Examples of an objective in both languages."""
    return {
        "classify": _labelled,
        "regress": _numbers,
        "tag": _tags,
        "span": _answers,
        "similar": _pairs,
        "rank": _lists,
    }[kind]()


def train(folder: Path, kind: str, model: str, *, steps: int = 60, more: str = "") -> Path:
    """The folder of a model trained on `rows(kind)`."""
    file, out = folder / f"{kind}.jsonl", folder / f"{kind}-{model}"
    write_rows(file, rows(kind))
    begin = f'tokenizer_text = "examples"\n[tokenizer]\nvocab = 320\n[model]\n{MODELS[model]}'
    steps_and_size = f"steps = {steps}\nbatch_tokens = {TIME * 16}"
    recipe = write_recipe(out.with_suffix(".toml"), kind, file, begin, more, learn=steps_and_size)
    assert main(["train", str(recipe), "--out", str(out), "--log", "none"]) == 0
    return out


def write_recipe(
    path: Path, kind: str, examples: Path, begin: str, more: str = "", *, learn: str
) -> Path:
    """A recipe that learns an objective from a file of examples.

    begin: what stands in it first, up to the table of its model; more: settings of the objective; learn: of [train].
    """
    path.write_text(
        f"""
name = "own"
samples = {["The "] if kind == "preference" else []}
{begin}
[data]
time = {TIME}
[objective]
kind = "{kind}"
examples = {{ train = "{examples}" }}
{more}
[train]
lr = 0.01
precision = "float32"
{learn}
""",
        "utf-8",
    )
    return path


def write_rows(file: Path, examples: Sequence[dict[str, Any]]) -> None:
    """One JSON object a line."""
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in examples)
    file.write_text("".join(lines), "utf-8")


def _labelled() -> list[dict[str, Any]]:
    english = [f"{who} went to {where}" for who in PEOPLE[:2] for where in PLACES[:2]]
    chinese = [f"{who}去了{where}" for who in PEOPLE[2:] for where in PLACES[2:]]
    return [{"text": text, "label": "en"} for text in english] + [
        {"text": text, "label": "zh"} for text in chinese
    ]


def _numbers() -> list[dict[str, Any]]:
    pairs = itertools.product(PEOPLE, PEOPLE)
    return [{"text1": one, "text2": other, "label": float(one == other)} for one, other in pairs]


def _tags() -> list[dict[str, Any]]:
    made = []
    for who, where in itertools.product(PEOPLE[:2], PLACES[:2]):
        tokens = [*who.split(), "went", "to", where, "."]
        tags = ["B-PER", "I-PER", "O", "O", "B-LOC", "O"]
        made.append({"tokens": tokens, "tags": tags})
    for who, where in itertools.product(PEOPLE[2:], PLACES[2:]):
        tokens = [*who, *"去了", *where, "。"]
        tags = ["B-PER", "I-PER", "O", "O", "B-LOC", "I-LOC", "O"]
        made.append({"tokens": tokens, "tags": tags})
    return made


def _answers() -> list[dict[str, Any]]:
    made = []
    for who, where in [*itertools.product(PEOPLE[:2], PLACES[:2])]:
        text = f"{who} went to {where}."
        made.append(_answered("Where?", text, where))
        made.append(_answered("Who?", text, who))
        made.append(_answered("When?", text, ""))
    for who, where in [*itertools.product(PEOPLE[2:], PLACES[2:])]:
        text = f"{who}去了{where}。"
        made.append(_answered("哪里？", text, where))
        made.append(_answered("谁？", text, who))
    return made


def _answered(question: str, context: str, answer: str) -> dict[str, Any]:
    starts = [context.index(answer)] if answer else []
    answers = {"text": [answer] if answer else [], "answer_start": starts}
    return {"question": question, "context": context, "answers": answers}


def _pairs() -> list[dict[str, Any]]:
    return [
        {"text1": "the fox sleeps", "text2": "a fox is asleep"},
        {"text1": "狐狸在睡觉", "text2": "狐狸睡着了"},
        {"text1": "it rains in Paris", "text2": "rain falls on Paris"},
        {"text1": "北京下雨了", "text2": "北京有雨"},
    ]


def _lists() -> list[dict[str, Any]]:
    return [
        {"query": query, "texts": [*texts], "relevance": [float(query in t) for t in texts]}
        for query, texts in {
            "fox": ("the fox sleeps", "it rains", "狗"),
            "rain": ("the fox sleeps", "it rains in Rome", "狗"),
            "狗": ("the fox sleeps", "it rains", "狗在睡觉"),
        }.items()
    ]
