"""`zhixing evaluate score`: files in, scores out; what does not fit is named with file and line."""

import json
from pathlib import Path

import pytest

from zhixing.cli import main


def write(path: Path, rows: list) -> str:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return str(path)


def test_labels_are_scored_and_compared(tmp_path, capsys) -> None:
    truth = [{"label": "好" if n % 3 else "坏"} for n in range(60)]
    good = write(tmp_path / "a.jsonl", truth[:58] + [{"label": "好"}] * 2)
    poor = write(tmp_path / "b.jsonl", [{"label": "好"}] * 60)
    right = write(tmp_path / "r.jsonl", truth)
    command = ["evaluate", "score", "--task", "labels", good, right, "--against", poor]
    assert main([*command, "--positive", "坏", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["scores"]["accuracy"]["value"] == pytest.approx(1.0)
    assert found["scores"]["f1"]["value"] == 1.0
    compared = {one["name"]: one for one in found["comparisons"]}
    assert compared["accuracy"]["is_significant"]
    assert compared["accuracy"]["b"] == pytest.approx(40 / 60)
    assert main(command) == 0
    shown = capsys.readouterr().out
    assert "60 items" in shown
    assert "scikit-learn-" in shown


def test_numbers_may_be_text_as_in_a_column_of_csv(tmp_path, capsys) -> None:
    guess = write(tmp_path / "p.jsonl", [{"label": 1.5}, {"label": 2.5}, {"label": 0.5}])
    right = write(tmp_path / "r.jsonl", [{"label": "2"}, {"label": "3.5"}, {"label": "1"}])
    assert main(["evaluate", "score", "--task", "numbers", guess, right, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scores"]["spearman"]["value"] == 1.0
    wrong = write(tmp_path / "w.jsonl", [{"label": "2"}, {"label": "good"}, {"label": "1"}])
    assert main(["evaluate", "score", "--task", "numbers", guess, wrong]) == 1
    assert "w.jsonl:2: 'label' is \"good\", which is no" in capsys.readouterr().err


@pytest.mark.parametrize("labels", [[True, False, True], [1.0, 0.0, 1.0]])
def test_labels_of_json_that_are_no_text_are_those_of_training(tmp_path, capsys, labels) -> None:
    guess = write(tmp_path / "p.jsonl", [{"label": str(each)} for each in labels])
    right = write(tmp_path / "r.jsonl", [{"label": each} for each in labels])
    assert main(["evaluate", "score", "--task", "labels", guess, right, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scores"]["accuracy"]["value"] == 1.0


def test_figures_stand_below_each_other_beside_chinese_labels(tmp_path, capsys) -> None:
    guesses = [
        {"label": label, "probabilities": {"好评": p, "差评": 1 - p}}
        for label, p in (("好评", 0.9), ("差评", 0.2))
    ]
    guess = write(tmp_path / "p.jsonl", guesses)
    right = write(tmp_path / "r.jsonl", [{"label": "好评"}, {"label": "差评"}])
    assert main(["evaluate", "score", "--task", "labels", guess, right]) == 0
    lines = capsys.readouterr().out.splitlines()
    named = next(line for line in lines if line.startswith("average_precision:"))
    plain = next(line for line in lines if line.startswith("accuracy"))
    assert named.index("1.0000") + len("好评") == plain.index("1.0000")


def test_chinese_translations_are_scored_by_character(tmp_path, capsys) -> None:
    rows = [{"text": "猫坐在垫子上。", "id": 1}, {"text": "今天下雨了吗？", "id": 2}]
    file = write(tmp_path / "a.jsonl", rows)
    assert main(["evaluate", "score", "--task", "translation", file, file, "--language", "zh"]) == 0
    shown = capsys.readouterr().out
    assert "100.0000" in shown
    assert "tok:zh" in shown
    turned = write(tmp_path / "b.jsonl", rows[::-1])
    arguments = ["--task", "translation", file, turned, "--language", "zh"]
    assert main(["evaluate", "score", *arguments]) == 1
    assert "a.jsonl:1 has the id 1 and " in capsys.readouterr().err


TASK_ROWS = {
    "numbers": ({"label": 1.5}, {"label": 2}),
    "answers": ({"text": "北京"}, {"answers": {"text": ["北京"]}, "context": "在北京"}),
    "summary": ({"text": "我爱北京"}, {"text": "我爱大北京"}),
    "tags": ({"tags": ["B-PER"]}, {"tags": ["O"]}),
    "roles": ({"tags": ["B-V", "B-A1"]}, {"tags": ["B-V", "O"]}),
    "segmentation": ({"tokens": ["我", "们"]}, {"tokens": ["我们"]}),
    "retrieval": ({"ranked": [1, 2]}, {"relevance": {"2": 1}}),
    "writing": ({"text": "我爱北京"}, {"text": "我爱大北京"}),
    "glue-sts-b": ({"label": "2.5"}, {"label": 3.0}),
}


@pytest.mark.parametrize("task", TASK_ROWS)
def test_every_task_reads_its_keys(task: str, tmp_path, capsys) -> None:
    guess, truth = (
        write(tmp_path / f"{n}.jsonl", [row] * 3) for n, row in enumerate(TASK_ROWS[task])
    )
    language = ["--language", "zh"] if task in ("answers", "summary", "writing") else []
    assert main(["evaluate", "score", "--task", task, guess, truth, *language, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["task"] == task
    assert found["scores"] or found["undefined"]


def test_the_next_item_of_a_history_is_what_is_to_be_found(tmp_path, capsys) -> None:
    guess = write(tmp_path / "p.jsonl", [{"ranked": ["b", "a"]}])
    right = write(tmp_path / "r.jsonl", [{"user": "u", "history": ["c"], "next": "a"}])
    assert main(["evaluate", "score", "--task", "retrieval", guess, right, "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)["scores"]
    assert scores["mrr"]["value"] == 0.5


def test_targets_of_pairs_are_right_texts(tmp_path, capsys) -> None:
    guess = write(tmp_path / "p.jsonl", [{"text": "我爱北京天安门"}, {"text": "今天天气好"}])
    pairs = [{"src": "a", "tgt": "我爱北京天安门"}, {"src": "b", "tgt": "今天天气好"}]
    right = write(tmp_path / "r.jsonl", pairs)
    told = ["--language", "zh", "--json"]
    for task, name, perfect in (("translation", "bleu", 100), ("summary", "rougel", 1)):
        assert main(["evaluate", "score", "--task", task, guess, right, *told]) == 0
        scores = json.loads(capsys.readouterr().out)["scores"]
        assert scores[name]["value"] == pytest.approx(perfect)


@pytest.mark.parametrize(
    ("lines", "arguments", "message", "code"),
    [
        ('{"label": "a"}\n{"text": "b"}\n', ["labels"], "p.jsonl:2 has no key 'label'", 1),
        ('{"label": ["a"]}\n', ["labels"], "p.jsonl:1: 'label' is [\"a\"], which is no text", 1),
        ("not json\n", ["labels"], "p.jsonl:1 is not JSON", 1),
        ('{"label": NaN}\n', ["numbers"], "p.jsonl:1: 'label' is nan, which is no number", 1),
        (f'{{"label": {10**400}}}\n', ["numbers"], "0000, which is no number to score", 1),
        ('{"ranked": [null]}\n', ["retrieval"], "p.jsonl:1: 'ranked' holds something that is", 1),
        (
            '{"label": "a", "probabilities": {"a": 2, "b": NaN}}\n',
            ["labels"],
            "p.jsonl:1: probabilities must be {label: number from 0 to 1, …}, and are",
            1,
        ),
        ("", ["labels"], "0 predictions and 1 references", 1),
        ('{"label": "a"}\n', ["label"], "there is no task 'label'", 3),
        ('{"label": "a"}\n', ["labels", "--language", "zh"], "--language would do nothing", 3),
        ('{"text": "a"}\n', ["translation"], "task translation needs --language", 3),
    ],
)
def test_what_does_not_fit_is_named(lines, arguments, message, code, tmp_path, capsys) -> None:
    (tmp_path / "p.jsonl").write_text(lines, "utf-8")
    right = write(tmp_path / "r.jsonl", [{"label": "a"}])
    command = ["evaluate", "score", str(tmp_path / "p.jsonl"), right, "--task", *arguments]
    assert main(command) == code
    assert message in " ".join(capsys.readouterr().err.split())


def test_squad_without_unanswerable_questions_is_scored_as_version_1(tmp_path, capsys) -> None:
    guesses = write(tmp_path / "a.jsonl", [{"text": "the"}, {"text": "Paris"}])
    answers = [{"answers": {"text": ["the"]}}, {"answers": {"text": ["Paris"]}}]
    one = write(tmp_path / "one.jsonl", answers)
    two = write(tmp_path / "two.jsonl", [answers[0], {"answers": {"text": []}}])
    words = ["evaluate", "score", "--task", "answers", "--language", "en", guesses]
    found = []
    for right in (one, two):
        assert main([*words, right, "--json"]) == 0
        found.append(json.loads(capsys.readouterr().out)["scores"]["f1"])
    assert "squad-v1" in found[0]["signature"]
    assert "squad-v2" in found[1]["signature"]
    # an answer of articles alone never matches in the script of v1.1, and always in that of v2.0
    assert [score["value"] for score in found] == [0.5, 0.5]


@pytest.mark.parametrize("task", ["translation", "summary", "answers"])
def test_references_in_two_languages_are_never_scored_as_those_of_one(
    tmp_path, capsys, task: str
) -> None:
    texts = ["a cat that sat on the old mat", "the dog ran home"] * 5 + ["猫坐在垫子上", "狗跑回家"]
    rows = [{"text": text, "answers": {"text": [text]}} for text in texts]
    guess, right = write(tmp_path / "p.jsonl", rows), write(tmp_path / "r.jsonl", rows)
    command = ["evaluate", "score", "--task", task, guess, right, "--language"]
    assert main([*command, "en"]) == 1
    assert "2 of 12 references are written in Chinese, Japanese or Korean, which is not how language 'en'" in capsys.readouterr().err  # fmt: skip
    write(tmp_path / "p.jsonl", rows[:10]), write(tmp_path / "r.jsonl", rows[:10])
    assert main([*command, "en"]) == 0


def test_a_file_in_place_of_a_folder_is_told_how_it_becomes_one(tmp_path, capsys) -> None:
    path = write(tmp_path / "own.jsonl", [{"text": "a", "label": "b"}])
    assert main(["evaluate", "baselines", path]) == 1
    told = f"{path} is a file, and a folder of train, validation and test examples is needed; make one: zhixing data split {path} {tmp_path / 'own'}"
    assert told in capsys.readouterr().err
