"""Answers score as SQuAD's own scripts score them, where the packages that carry the scripts are in the cache.

`python tests/evaluate/test_squad_scripts.py` fetches them (8 MB) into the cache.
"""

import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from tests.evaluate.test_task_texts import ADVERSARIAL
from zhixing.core.progress import Silent
from zhixing.corpus.archive import Archive
from zhixing.corpus.catalogue import Entry, Origin
from zhixing.corpus.fetch import fetch, is_cached
from zhixing.evaluate.tasks.answers import judge_answers, score_answer


def _package(name: str, sha256: str, megabytes: float) -> Entry:
    origin = Origin(kind="pip", locator=name, sha256=sha256)
    return Entry(
        name=name,
        what="",
        languages=(),
        license="Apache-2.0",
        megabytes=megabytes,
        origins=(origin,),
    )


FIRST = _package(
    "allennlp==0.9.0", "353752e7b78e48c450e27889d80a3000c4a9af34f70ff9091b3031ad01320940", 7.6
)
SECOND = _package(
    "allennlp-models==2.10.1",
    "2bd0f7f80e9b26182314e2b6534e6e8a414b2894db11065673aa7aca15554785",
    0.5,
)
SCRIPTS = ((FIRST, "allennlp/tools/squad_eval.py"), (SECOND, "allennlp_models/rc/tools/squad.py"))


@pytest.fixture
def scripts() -> list[SimpleNamespace]:
    """The script of v1.1 and the functions of the one of v2.0, as they were published."""
    if not all(is_cached(entry) for entry, _ in SCRIPTS):
        pytest.skip("the packages with SQuAD's scripts are not in the cache")
    found = []
    for entry, name in SCRIPTS:
        (_, content), *_ = Archive(path=fetch(entry, progress=Silent())[0]).members(name)
        inside: dict[str, Any] = {"__name__": "script"}
        exec(content, inside)  # checked by its SHA-256 when it was fetched
        found.append(SimpleNamespace(**inside))
    return found


def _answers() -> list[tuple[str, list[str]]]:
    chance = random.Random(11)
    pieces = [
        "the",
        "a",
        "Cat,",
        "cat",
        "—",
        "’s",
        "\u00a0",
        "é",
        "10,0",
        "(x)",
        "",
        "an",
        "😀",
        "a.m.",
    ]
    texts = [
        *ADVERSARIAL,
        *(" ".join(chance.choices(pieces, k=chance.randrange(6))) for _ in range(200)),
    ]
    return [
        (guess, right)
        for guess in texts
        for right in (
            chance.choices(texts, k=chance.randrange(1, 4)),
            [guess],
            [guess.upper(), "other"],
        )
    ]


def test_answers_score_as_the_script_of_the_first_version(scripts: list[SimpleNamespace]) -> None:
    pairs = _answers()
    questions = [
        {"id": str(n), "answers": [{"text": each} for each in right]}
        for n, (_, right) in enumerate(pairs)
    ]
    told = scripts[0].evaluate(
        [{"paragraphs": [{"qas": questions}]}],
        {str(n): guess for n, (guess, _) in enumerate(pairs)},
    )
    ours = judge_answers([guess for guess, _ in pairs], [right for _, right in pairs], version="v1")
    found = {each.name: 100 * each.value() for each in ours.measures}
    assert 10 < told["f1"] < 90
    assert found["exact_match"] == pytest.approx(told["exact_match"], abs=1e-9)
    assert found["f1"] == pytest.approx(told["f1"], abs=1e-9)


def test_each_answer_scores_as_the_functions_of_the_second_version(
    scripts: list[SimpleNamespace],
) -> None:
    script = scripts[1]
    for guess, right in _answers():
        kept = [each for each in right if script.normalize_answer(each)] or [""]
        exact = _best(script.compute_exact, guess, kept)
        f1 = _best(script.compute_f1, guess, kept)
        assert score_answer(guess, right, language="en") == pytest.approx((exact, f1), abs=1e-12), (
            guess,
            right,
        )


def test_a_question_without_an_answer_scores_as_in_the_second_version(
    scripts: list[SimpleNamespace],
) -> None:
    script = scripts[1]
    for guess in ADVERSARIAL:
        told = (script.compute_exact(guess, ""), script.compute_f1(guess, ""))
        assert score_answer(guess, [], language="en") == pytest.approx(told), guess


def _best(score: Callable[[str, str], float], guess: str, right: list[str]) -> float:
    return max(score(guess, each) for each in right)


if __name__ == "__main__":
    for each, _ in SCRIPTS:
        print(fetch(each, progress=Silent())[0].name)
