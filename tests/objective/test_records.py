"""Files of examples: every format gives the same rows, and what is wrong with a row or a file is said."""

import gzip
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from tests.objective.tiny import LABELS, TAGS, TIME, tokenizer
from zhixing.api.answering import windows_of
from zhixing.core.errors import DataError
from zhixing.corpus.rows import find_tables, rows
from zhixing.data.examples import Losses, Made, write_examples
from zhixing.objective.classify import Classify, Regress
from zhixing.objective.config import ExamplesConfig, SimilarConfig
from zhixing.objective.preference import Preference
from zhixing.objective.rank import Rank
from zhixing.objective.records import check_losses, labels_of, make_examples
from zhixing.objective.span import Span
from zhixing.objective.tag import Tag
from zhixing.tokenizer.config import TokenizerConfig
from zhixing.tokenizer.tokenizer import Tokenizer
from zhixing.tokenizer.train import train

ROWS = [
    {"tokens": ["李白", "x, y"], "tags": ["B-PER", "O"]},
    {"tokens": ['say "hi"'], "tags": ["O"]},
]


def written(folder: Path, suffix: str) -> Path:
    path = folder / f"examples{suffix}"
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)
    if suffix == ".jsonl":
        path.write_text(lines, "utf-8")
    elif suffix == ".jsonl.gz":
        path.write_bytes(gzip.compress(lines.encode()))
    elif suffix == ".parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), path)
    else:
        separator = "\t" if suffix == ".tsv" else ","
        quoted = [
            separator.join(
                '"' + json.dumps(v, ensure_ascii=False).replace('"', '""') + '"'
                for v in row.values()
            )
            for row in ROWS
        ]
        path.write_text("\n".join([separator.join(ROWS[0]), *quoted]) + "\n", "utf-8")
    return path


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".csv", ".tsv", ".parquet"])
def test_every_format_gives_the_same_rows(tmp_path: Path, suffix: str) -> None:
    assert list(rows(find_tables(str(written(tmp_path, suffix))))) == ROWS


def test_a_broken_line_is_counted_and_a_text_file_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "x"}\n{oops\n[1]\n\n{"text": "y"}\n')
    found = list(rows(find_tables(str(tmp_path / "a.jsonl"))))
    assert found == [{"text": "x"}, "broken_line", "broken_line", {"text": "y"}]
    (tmp_path / "b.txt").write_text("x")
    with pytest.raises(DataError, match=r"neither a table of examples \(\.jsonl, \.csv"):
        find_tables(str(tmp_path / "b.txt"))


def reasons(objective: Any, *records: Any) -> list[str]:
    return [each.dropped for each in make_examples(records, objective, origin="f")]


def test_missing_keys_are_named_when_the_first_row_lacks_them() -> None:
    objective = Classify(tokenizer(), time=TIME, labels=LABELS)
    with pytest.raises(
        DataError,
        match=r"f has the keys sentence, y; .* needs \{text, label\} or \{text1, text2, label\}",
    ):
        reasons(objective, {"sentence": "x", "y": "good"})
    good = {"text": "x", "label": "good"}
    bad = [
        {"text": "x"},
        {"text": 3, "label": "good"},
        {"text": "x", "label": "new"},
        {"text": "", "label": "bad"},
    ]
    found = reasons(objective, good, *bad, "broken_line")
    assert found == ["", "missing_key", "text_is_no_text", "unknown_label", "empty", "broken_line"]


def test_what_is_wrong_with_tags_and_answers_is_said() -> None:
    tag = Tag(tokenizer(), time=TIME, labels=TAGS)
    bio = Tag(tokenizer(), time=TIME, labels=("O", "B-X", "I-X", "B-Y", "I-Y"))
    broken = [["I-X", "O"], ["B-X", "I-Y"], ["B-X", "I-X"]]
    found = reasons(bio, *({"tokens": ["a", "b"], "tags": tags} for tags in broken))
    assert found == ["tags_break_bio", "tags_break_bio", ""]
    assert reasons(tag, *ROWS, {"tokens": ["a"], "tags": []}, {"tokens": ["a"], "tags": ["X"]}, {"tokens": "a", "tags": ["O"]}) == [
        "", "", "words_and_tags_differ", "unknown_tag", "tokens_is_no_list",
    ]  # fmt: skip
    about = Tag(tokenizer(), time=TIME, labels=("O", "B-V", "B-A0"), with_predicate=True)
    row = {"tokens": ["a", "b"], "tags": ["B-A0", "B-V"]}
    wrong = [{}, *({"predicate": each} for each in (1, 2, -1, "1", True, [0, 1], None))]
    assert reasons(about, *({**row, **each} for each in wrong)) == [
        "missing_predicate", "", *["predicate_is_no_place"] * 6,
    ]  # fmt: skip
    long = {"tokens": ["a"] * TIME, "tags": ["O"] * TIME}
    cut = [{**long, "predicate": place} for place in (TIME - 5, TIME - 4, TIME - 1)]
    assert reasons(about, *cut) == ["", "predicate_is_cut_off", "predicate_is_cut_off"]
    span = Span(tokenizer(), time=12)
    question = {"question": "Who?", "context": "The dog sleeps here"}
    answers = [
        {"text": ["dog"], "answer_start": [4]},
        {"text": ["cat"], "answer_start": [4]},
        {"text": ["here"], "answer_start": [15]},
        "dog",
    ]
    records = [{**question, "answers": each} for each in answers]
    assert reasons(span, *records) == [
        "", "answer_not_in_context", "", "answers_without_text_and_answer_start",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({"text": ["dog"], "answer_start": [5]}, "answer_not_in_context"),
        ({"text": ["dog"], "answer_start": [-15]}, "answer_not_in_context"),
        ({"text": [" "], "answer_start": [3]}, "answer_not_in_context"),
        ({"text": [""], "answer_start": [4]}, "answer_not_in_context"),
        ({"text": "dog", "answer_start": 4}, "answers_are_no_texts_with_their_places"),
        ({"text": ["dog"], "answer_start": []}, "answers_are_no_texts_with_their_places"),
        ({"text": ["dog"], "answer_start": ["4"]}, "answers_are_no_texts_with_their_places"),
        ({"text": [4], "answer_start": [4]}, "answers_are_no_texts_with_their_places"),
        ({"text": ["The dog sleeps here"], "answer_start": [0]}, "answer_cut_off"),
    ],
)
def test_an_answer_that_cannot_be_learnt_is_left_out_with_its_reason(
    answers: dict[str, object], reason: str
) -> None:
    span = Span(tokenizer(), time=12)
    good = {
        "question": "Who?",
        "context": "The dog sleeps here",
        "answers": {"text": ["dog"], "answer_start": [4]},
    }
    found = reasons(
        span, good, good | {"answers": answers}, good | {"context": ""}, good | {"question": " "}
    )
    assert found[:3] == ["", reason, "empty"]


def test_an_answer_that_the_tokenizer_drops_is_no_question_without_one() -> None:
    learnt = train(["the dog sleeps here"] * 3, TokenizerConfig(kind="wordpiece", vocab=60))
    bert = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True}  # fmt: skip
    files = replace(learnt.files, pipeline={**learnt.files.pipeline, "normalizer": bert})
    pieces = Tokenizer(files)
    row = {"question": "dog", "context": "the dog \u200b sleeps"}
    hidden, none = (
        Span(pieces, time=40).example({**row, "answers": answers})
        for answers in ({"text": ["\u200b"], "answer_start": [8]}, {"text": [], "answer_start": []})
    )
    assert hidden.dropped == "answer_without_token"
    assert none.example is not None
    assert none.example["places"].tolist() == [0, 0]


@pytest.mark.parametrize("place", [0, 200, 400, 780, 799])
def test_the_window_around_an_answer_is_as_long_as_the_model_reads(place: int) -> None:
    words = [f"w{n}" for n in range(800)]
    words[place] = "here"
    context = " ".join(words)
    record = {
        "question": "Where?",
        "context": context,
        "answers": {"text": ["here"], "answer_start": [context.index("here")]},
    }
    example = Span(tokenizer(), time=64).example(record).example
    assert example is not None
    assert len(example["tokens"]) == 64
    first, last = example["places"]
    assert tokenizer().decode(example["tokens"][first : last + 1].tolist()).strip() == "here"


@pytest.mark.parametrize("time", [64, 48])
def test_words_that_the_question_has_too_are_a_third_segment(time: int) -> None:
    context = "The dog sleeps here. 狗在睡觉。 The fox runs over there. A fox jumps."
    record = {
        "question": "Where is the Dog 睡觉?",
        "context": context,
        "answers": {"text": ["here"], "answer_start": [15]},
    }
    plain, marked = (
        Span(tokenizer(), time=time, mark_shared=told).example(record).example
        for told in (False, True)
    )
    assert plain is not None
    assert marked is not None
    assert (plain["tokens"] == marked["tokens"]).all()
    assert (plain["places"] == marked["places"]).all()
    assert set((marked["segments"] - plain["segments"]).tolist()) == {0, 1}
    told = tokenizer().decode(marked["tokens"][marked["segments"] == 2].tolist())
    assert "dog" in told
    assert "fox" not in told
    assert "sleeps" not in told
    (window, *_) = windows_of(
        tokenizer().framed(with_segments=True),
        record["question"],
        context,
        limit=time,
        mark_shared=True,
    )
    assert window.ids == tuple(marked["tokens"])
    assert window.segments == tuple(marked["segments"])


@pytest.mark.parametrize("at", [0, 1, 5, 9])
def test_a_long_context_is_read_around_its_answer(at: int) -> None:
    words = [f"fox{n} sleeps" for n in range(10)]
    context, answer = ". ".join(words), f"fox{at}"
    start = context.index(answer)
    span = Span(tokenizer(), time=24)
    record = {"question": "Who?", "context": context}
    made = span.example({**record, "answers": {"text": [answer], "answer_start": [start]}})
    assert made.truncated
    assert made.example is not None
    tokens, (first, last) = made.example["tokens"], made.example["places"]
    assert len(tokens) <= 24
    assert tokenizer().decode(tokens[first : last + 1].tolist()).strip() == answer
    assert made.example["segments"][first] == 1
    before, after = first - made.example["segments"].tolist().index(1), len(tokens) - 2 - last
    assert at in (0, 1, 9) or abs(before - after) <= 2
    nothing = span.example({**record, "answers": {"text": [], "answer_start": []}})
    assert nothing.example is not None
    assert nothing.example["places"].tolist() == [0, 0]
    text = tokenizer().decode(nothing.example["tokens"].tolist())
    assert context[:12] in text


def test_a_long_prompt_loses_its_begin_and_keeps_the_answers(tmp_path: Path) -> None:
    from tests.tiny import tiny_model

    model = tiny_model("decoder", vocab=tokenizer().vocab)
    objective = Preference(tokenizer(), time=16, beta=0.1, model=model)
    record = {"prompt": "The quick brown fox jumps over", "chosen": " dog", "rejected": " no"}
    found = objective.example(record)
    assert found.truncated
    assert found.example is not None
    assert found.example["prompt"][0] == tokenizer().begin
    assert "The quick brown fox jumps over".endswith(
        tokenizer().decode(found.example["prompt"].tolist())
    )
    for side in ("chosen", "rejected"):
        assert len(found.example["prompt"]) + len(found.example[side]) <= 16
        assert tokenizer().decode(found.example[side].tolist()) == record[side]


def test_the_labels_are_those_of_all_rows_sorted() -> None:
    assert labels_of(
        [{"text": "x", "label": 2}, "broken_line", {"text": "y", "label": 1}], "classify"
    ) == ("1", "2")
    assert labels_of(ROWS, "tag") == ("B-PER", "O")


@pytest.mark.parametrize(
    ("losses", "said"),
    [
        (
            Losses(examples=8, truncated=5, dropped={}),
            r"62\.5% truncated is more than .*max_truncated = 0\.5",
        ),
        (
            Losses(examples=8, truncated=0, dropped={"empty": 2}),
            r"20\.0% dropped is more than .*max_dropped = 0\.1",
        ),
    ],
)
def test_too_many_losses_end_the_run(losses: Losses, said: str) -> None:
    with pytest.raises(DataError, match=said):
        check_losses(losses, ExamplesConfig(train="f"), origin="f")
    check_losses(
        Losses(examples=10, truncated=5, dropped={"x": 1}), ExamplesConfig(train="f"), origin="f"
    )
    assert Made().example is None


def test_a_temperature_that_no_loss_reads_is_refused() -> None:
    given = {"kind": "similar", "examples": {"train": "f"}, "temperature": 0.1}
    SimilarConfig.model_validate(given)
    with pytest.raises(ValueError, match=r"temperature = 0\.1 does nothing"):
        SimilarConfig.model_validate({**given, "loss": "cosine"})


def test_null_and_nan_are_no_labels() -> None:
    wrong: list[Any] = [None, math.nan, math.inf, "", " ", [], {}]
    given = [{"text": "x", "label": each} for each in ["good", *wrong]]
    assert labels_of(given[:-2], "classify") == ("good",)
    objective = Classify(tokenizer(), time=TIME, labels=LABELS)
    assert reasons(objective, *given) == ["", *["label_is_no_text_or_number"] * len(wrong)]
    as_text = {"text": "x", "label": "nan"}
    assert reasons(Regress(tokenizer(), time=TIME), as_text) == ["label_is_no_number"]
    vast = {"text": "x", "label": 10**400}
    assert reasons(Regress(tokenizer(), time=TIME), vast) == ["label_is_no_number"]


def test_lists_hold_what_they_are_said_to_hold() -> None:
    tag = Tag(tokenizer(), time=TIME, labels=TAGS)
    good = {"tokens": ["a"], "tags": ["O"]}
    assert reasons(tag, good, {**good, "tokens": [None]}, {**good, "tags": [None]}) == [
        "", "tokens_holds_no_text", "tags_holds_no_tag",
    ]  # fmt: skip
    row = {"query": "q", "texts": ["a", "b"], "relevance": [1, None]}
    assert reasons(Rank(tokenizer(), time=TIME), row) == ["relevance_holds_no_number"]


def test_one_misspelt_tag_does_not_turn_entities_into_plain_labels() -> None:
    """With it every word would be a span of its own, and no F1 of entities would be measured."""
    rows = [{"tokens": ["a", "b"], "tags": ["B-PER", "I-PER"]}]
    with pytest.raises(DataError, match=r"own\.jsonl: some tags begin an entity \(B-PER\) and some are of no scheme \(b-per, o\)"):  # fmt: skip
        labels_of([*rows, {"tokens": ["a", "b"], "tags": ["b-per", "o"]}], "tag", origin="own.jsonl")  # fmt: skip
    assert labels_of([{"tokens": ["a", "b"], "tags": ["nn", "o"]}], "tag") == ("nn", "o")
    assert labels_of([*rows, {"tokens": ["a"], "tags": ["S-LOC"]}], "tag") == ("B-PER", "I-PER", "S-LOC")  # fmt: skip


def test_labels_of_rows_that_are_none_are_not_counted() -> None:
    bad = [
        {"tokens": ["x", None], "tags": ["B", "B"]},
        {"tokens": ["x"], "tags": "OO"},
        {"tags": ["C"]},
    ]
    assert labels_of([*bad, {"tokens": ["x"], "tags": ["O"]}], "tag") == ("O",)
    none = [{"text": 3, "label": "a"}, {"label": "b"}, {"text": "x", "label": ["c"]}]
    assert labels_of([*none, {"text": "x", "label": "good"}], "classify") == ("good",)


def test_half_a_character_is_no_row(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = [r'"\ud83d\ude00"', r'"\ud83d"', r'"\ude00 \ud83d"', r'"\\ud83d"', r'"\u4f60"']
    path.write_text("".join(f'{{"text": {each}}}\n' for each in lines), "utf-8")
    half = "half_a_character"
    smile, typed = {"text": "😀"}, {"text": r"\ud83d"}
    assert list(rows(find_tables(str(path)))) == [smile, half, half, typed, {"text": "你"}]


def test_answers_that_are_parts_of_their_tokens_are_counted(tmp_path: Path) -> None:
    def row(context: str, text: str) -> dict[str, Any]:
        answers = {"text": [text], "answer_start": [context.index(text)]}
        return {"question": "谁", "context": context, "answers": answers}

    learnt = train(["good film", "北京"] * 20, TokenizerConfig(kind="byte_bpe", vocab=300))
    assert [len(learnt.encode_text(text)) for text in ("good film", "北京")] == [2, 1]
    records = [row("good film", "film"), row("good film", "fil"), row("北京", "京")]
    objective = Span(learnt, time=TIME)
    made = list(make_examples(records, objective, origin="f"))
    assert [each.widened for each in made] == [False, True, True]
    stamps = {"tokenizer_hash": "t", "source_hash": "s"}
    store = write_examples(tmp_path, "s", made, fields=objective.fields, **stamps)
    assert "; 2 answers are only parts of their tokens" in str(store.losses)
