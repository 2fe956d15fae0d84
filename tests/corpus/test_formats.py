"""Published formats read as they are published, told by their content; what is wrong is named with file, line and column."""

import json
from pathlib import Path

import pytest

from tests.corpus.published import read_pair, read_published
from zhixing.core.errors import DataError, UsageError
from zhixing.corpus.formats.conll import is_conll2005, read_conll2012, read_conllu
from zhixing.corpus.formats.parallel import segments
from zhixing.corpus.formats.published import (
    detect_format,
    formats,
    stream,
)

GLUE = {
    "cola": (
        "gj04\t1\t\tThe cat sat.\nbc01\t0\t*\tCat the sat.\n",
        {"text": "The cat sat.", "label": "1"},
    ),
    "sst-2": ('sentence\tlabel\na fine "film \t1\n', {"text": 'a fine "film', "label": "1"}),
    "mrpc": (
        "\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t7\t8\tHe came .\tHe came\n",
        {"text1": "He came .", "text2": "He came", "label": "1"},
    ),
    "sts-b": (
        "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n"
        "0\tmain\tMSRvid\t2012\t1\tnone\tnone\tA plane.\tAn air plane.\t5.000\n",
        {"text1": "A plane.", "text2": "An air plane.", "label": "5.000"},
    ),
    "qqp": (
        "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n1\t2\t3\tWhy?\tHow?\t0\n4\t5\tbroken\n",
        {"text1": "Why?", "text2": "How?", "label": "0"},
    ),
    "mnli": (
        "index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\tsentence1_parse\t"
        "sentence2_parse\tsentence1\tsentence2\tlabel1\tgold_label\n"
        "0\t1\t1n\tfiction\tx\tx\tx\tx\tIt rains.\tIt is wet.\tneutral\tneutral\n"
        "1\t1\t1n\tfiction\tx\tx\tx\tx\tIt rains.\tIt is wet.\tneutral\t-\n",
        {"text1": "It rains.", "text2": "It is wet.", "label": "neutral"},
    ),
    "qnli": (
        "index\tquestion\tsentence\tlabel\n0\tWhen?\tIn 1949.\tentailment\n",
        {"text1": "When?", "text2": "In 1949.", "label": "entailment"},
    ),
    "rte": (
        "index\tsentence1\tsentence2\tlabel\n0\tA.\tB.\tnot_entailment\n",
        {"text1": "A.", "text2": "B.", "label": "not_entailment"},
    ),
    "wnli": (
        "index\tsentence1\tsentence2\tlabel\n0\tA.\tB.\t1\n",
        {"text1": "A.", "text2": "B.", "label": "1"},
    ),
}
ROLES = """#begin document (a); part 000
a/b  0  0  Mali   NNP  (TOP(S*  -     -   -  -  (GPE)  (ARG0*   *       -
a/b  0  1  staff  NN   *        -     -   -  -  *      *)       (ARG0*) (1)
a/b  0  2  say    VBP  *        say   01  1  -  *      (V*)     *       -
a/b  0  3  so     RB   *        -     -   -  -  *      (ARG1*)  (V*)    -

#end document
"""


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("task", GLUE)
def test_each_glue_task_is_told_by_its_columns(task: str, tmp_path: Path) -> None:
    text, first = GLUE[task]
    found = read_published(write(tmp_path, "train.tsv", text))
    assert found.format == f"glue-{task}"
    assert found.rows[0] == first
    dropped = {"qqp": {"broken_line": 1}, "mnli": {"no_gold_label": 1}}
    assert found.dropped == dropped.get(task, {})


def test_a_label_in_a_wrong_column_names_file_line_and_column(tmp_path: Path) -> None:
    shifted = write(tmp_path, "x.tsv", "sentence\tlabel\nfine\t1\n1\tbad\n")
    with pytest.raises(DataError, match=r"x\.tsv:3, column label: 'bad' is no label of sst-2"):
        read_published(shifted)
    score = write(tmp_path, "y.tsv", GLUE["sts-b"][0].replace("5.000", "7"))
    with pytest.raises(DataError, match=r"y\.tsv:2, column score: '7' is no score"):
        read_published(score)
    with pytest.raises(DataError, match=r"x\.tsv:1, column question: is missing"):
        read_published(shifted, "glue-qnli")


def test_test_files_without_labels_are_read_when_named(tmp_path: Path) -> None:
    path = write(tmp_path, "test.tsv", "index\tsentence1\tsentence2\n0\tA.\tB.\n")
    with pytest.raises(DataError, match="columns of rte and wnli and no labels"):
        detect_format(path)
    assert read_published(path, "glue-rte").rows == ({"text1": "A.", "text2": "B."},)
    cola = write(tmp_path, "cola.tsv", "index\tsentence\n0\tThe cat sat.\n")
    assert read_published(cola, "glue-cola").rows == ({"text": "The cat sat."},)


def squad(questions: list[dict], context: str = "北京在中国。Paris is in France.") -> str:
    return json.dumps(
        {"version": "v", "data": [{"paragraphs": [{"context": context, "qas": questions}]}]}
    )


def question(text: str, start: int, **more: object) -> dict:
    answers = [{"text": text, "answer_start": start}]
    return {"id": "1", "question": "Where?", "answers": answers} | more


def test_squad_gives_questions_and_drops_answers_that_are_not_there(tmp_path: Path) -> None:
    text = squad([question("中国", 3), question("France", 0), question("x", 0, is_impossible=True)])
    path = write(tmp_path, "dev.json", text)
    found = read_published(path)
    assert found.format == "squad"
    assert found.rows[0]["answers"] == {"text": ["中国"], "answer_start": [3]}
    assert found.rows[1]["answers"] == {"text": [], "answer_start": []}
    assert found.dropped == {"answer_not_in_context": 1}


def test_broken_squad_names_the_place(tmp_path: Path) -> None:
    broken = write(tmp_path, "a.json", '{"data": [\n {"paragraphs": [}]}')
    with pytest.raises(DataError, match=r"a\.json:2, column 18: not JSON"):
        read_published(broken, "squad")
    lacking = write(tmp_path, "b.json", squad([{"id": "1", "answers": []}]))
    with pytest.raises(
        DataError, match=r"data\[0\]\.paragraphs\[0\]\.qas\[0\]\.question is missing"
    ):
        read_published(lacking)
    odd = write(tmp_path, "c.json", squad([question("中国", "3")]))  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"answers\[0\]\.answer_start is no whole number"):
        read_published(odd)


def test_plain_parallel_files_are_paired_line_by_line(tmp_path: Path) -> None:
    english = write(tmp_path, "a.en", "Hello.\n\nBye & out <b>.\n")
    chinese = write(tmp_path, "a.zh", "你好。\n空\n再见。\n")
    found = read_pair(english, chinese)
    assert found.format == "wmt-plain"
    assert found.rows[1] == {"src": "Bye & out <b>.", "tgt": "再见。"}
    assert found.dropped == {"empty_side": 1}
    with pytest.raises(DataError, match=r"short\.zh ends after line 1 and .*a\.en goes on"):
        read_pair(english, write(tmp_path, "short.zh", "你好。\n"))


SGM = '<{0} setid="t" srclang="en">\n<DOC docid="d1">\n<p>\n<seg id="1">{1}</seg>\n<seg id="2"> {2} </seg>\n</p></DOC></{0}>\n'


def test_sgm_segments_are_joined_by_document_and_number(tmp_path: Path) -> None:
    source = write(tmp_path, "src.sgm", SGM.format("srcset", "A &amp; B & C", "two\nlines"))
    target = write(tmp_path, "ref.sgm", SGM.format("refset", "甲和乙", "两行"))
    found = read_pair(source, target)
    assert found.format == "wmt-sgm"
    assert found.rows == (
        {"src": "A & B & C", "tgt": "甲和乙", "id": "d1:1"},
        {"src": "two lines", "tgt": "两行", "id": "d1:2"},
    )
    with pytest.raises(DataError, match=r"src\.sgm is SGM and .* is not"):
        read_pair(source, write(tmp_path, "plain.zh", "甲\n"))


def test_broken_sgm_names_the_line(tmp_path: Path) -> None:
    twice = SGM.format("refset", "a", "b").replace('id="2"', 'id="1"')
    with pytest.raises(DataError, match=r"x\.sgm:5, column \d+: segment 1 .* is there twice"):
        segments(write(tmp_path, "x.sgm", twice))
    with pytest.raises(DataError, match="ends inside a <seg>"):
        segments(write(tmp_path, "y.sgm", '<doc docid="d"><seg id="1">a'))
    source = write(tmp_path, "s.sgm", SGM.format("srcset", "a", "b"))
    short = write(tmp_path, "t.sgm", '<refset><doc docid="d1"><seg id="1">x</seg></doc></refset>')
    with pytest.raises(DataError, match=r"t\.sgm has no segment 2 of document 'd1'"):
        read_pair(source, short)


def test_conll2003_turns_iob1_into_bio_and_leaves_bio_alone(tmp_path: Path) -> None:
    old = "-DOCSTART- -X- -X- O\n\nU.N. NNP I-NP I-ORG\nEkeus NNP I-NP I-PER\nhere RB I-NP O\n"
    found = read_published(write(tmp_path, "old.txt", old))
    assert found.format == "conll-2003"
    assert found.rows[0]["tags"] == ["B-ORG", "B-PER", "O"]
    assert found.rows[0]["pos"] == ["NNP", "NNP", "RB"]
    new = "北 B-LOC\n京 I-LOC\n　 O\n\n上 I-LOC\n海 I-LOC\n"
    rows = read_published(write(tmp_path, "new.txt", new)).rows
    assert rows[0] == {"tokens": ["北", "京", "　"], "tags": ["B-LOC", "I-LOC", "O"]}
    assert rows[1]["tags"] == ["I-LOC", "I-LOC"]  # broken BIO stays, for the scores to tell
    with pytest.raises(DataError, match=r"c\.txt:2, column 3: 3 columns where the sentence has 2"):
        read_published(write(tmp_path, "c.txt", "a B-X\nb c O\n"), "conll-2003")
    with pytest.raises(DataError, match=r"d\.txt:1, column 2: 'X-PER' is no tag"):
        read_published(write(tmp_path, "d.txt", "a X-PER\n"), "conll-2003")
    with pytest.raises(DataError, match=r"e\.txt:1, column 3: 'X-NP' is no tag"):
        read_published(write(tmp_path, "e.txt", "a NN X-NP B-PER\n"), "conll-2003-chunks")


def test_bmes_of_chinese_files_is_known_and_turned_into_bio(tmp_path: Path) -> None:
    names = "王 B-PER\n小 M-PER\n明 E-PER\n在 O\n沪 S-LOC\n\n李 B-PER\n娜 E-PER\n"
    found = read_published(write(tmp_path, "names.txt", names))
    assert found.format == "conll-2003"
    assert found.rows[0]["tags"] == ["B-PER", "I-PER", "I-PER", "O", "B-LOC"]
    assert found.rows[1]["tags"] == ["B-PER", "I-PER"]
    as_they_are = read_published(write(tmp_path, "iobes.txt", "a B-X\nb I-X\nc E-X\nd S-X\ne O\n"))
    assert as_they_are.rows[0]["tags"] == ["B-X", "I-X", "E-X", "S-X", "O"]  # scored as IOBES


def test_conll2012_gives_a_row_for_each_predicate(tmp_path: Path) -> None:
    path = write(tmp_path, "a.gold_conll", ROLES)
    found = read_published(path)
    assert found.format == "conll-2012"
    assert found.rows[0] == {
        "tokens": ["Mali", "staff", "say", "so"],
        "tags": ["B-ARG0", "I-ARG0", "B-V", "B-ARG1"],
        "predicate": 2,
        "sense": "say.01",
    }
    assert found.rows[1]["tags"] == ["O", "B-ARG0", "O", "B-V"]
    names = list(read_conll2012(path, layer="names"))
    assert names == [{"tokens": found.rows[0]["tokens"], "tags": ["B-GPE", "O", "O", "O"]}]
    for wrong, message in (
        (
            ROLES.replace("*)       (ARG0*)", "*        (ARG0*)", 1),
            r":4, column 12: '\(V\*\)' opens",
        ),
        (
            ROLES.replace("(ARG1*)  (V*)", "(ARG1*   (V*)"),
            r":5, column 12: \(ARG1\* is never closed",
        ),
        (ROLES.replace("(ARG0*   *  ", "(ARG0*   *) "), r":2, column 13: '\*\)' closes"),
    ):
        with pytest.raises(DataError, match=message):
            read_published(write(tmp_path, "b.gold_conll", wrong))


VERBS = """Mali   NNP  (S*   -   -     (A0*  *     
staff  NN   *     -   -     *)    (A0*  
say    VBP  *     01  say   (V*)  *     
so     RB   *     -   -     *     *)    
and    CC   *     -   -     *     *     
go     VB   *     01  go    *     (V*)  
out    RP   *)    -   -     *     (C-V*)

Fine   UH   (S*)  -   -
"""


def test_conll2005_gives_a_row_for_each_verb_whatever_stands_before_its_column(
    tmp_path: Path,
) -> None:
    found = read_published(write(tmp_path, "a.txt", VERBS))
    assert found.format == "conll-2005"
    words = ["Mali", "staff", "say", "so", "and", "go", "out"]
    assert found.rows == (
        {
            "tokens": words,
            "tags": ["B-A0", "I-A0", "B-V", "O", "O", "O", "O"],
            "predicate": 2,
            "verb": "say",
        },
        {
            "tokens": words,
            "tags": ["O", "B-A0", "I-A0", "I-A0", "O", "B-V", "B-C-V"],
            "predicate": 5,
            "verb": "go",
        },
    )
    narrow = "\n".join(
        " ".join(column for n, column in enumerate(line.split()) if n not in (1, 2, 3))
        for line in VERBS.splitlines()
    )
    assert read_published(write(tmp_path, "b.txt", narrow)).rows == found.rows
    with pytest.raises(DataError, match=r"c\.txt has no column of verbs"):
        read_published(write(tmp_path, "c.txt", VERBS.replace("go    *", "-     *")), "conll-2005")
    with pytest.raises(DataError, match=r"d\.txt:7, column 7: \(V\* is never closed"):
        read_published(write(tmp_path, "d.txt", VERBS.replace("(V*)  \nout", "(V*   \nout").replace("(C-V*)", "*     ")))  # fmt: skip


def test_a_sentence_that_is_cut_off_does_not_hide_the_format_of_those_before_it() -> None:
    lines = VERBS.splitlines()
    assert is_conll2005([*lines, "", *lines[:4]])
    assert not is_conll2005([*lines[:4], "", *lines])  # in the middle it is broken
    assert not is_conll2005(lines[:7])  # no sentence is known to be whole


def test_predicates_without_a_verb_or_with_two_are_left_out_and_counted(tmp_path: Path) -> None:
    without = read_published(write(tmp_path, "a.txt", VERBS.replace("(C-V*)", "(A1*)").replace("(V*)  \nout", "*     \nout")))  # fmt: skip
    assert without.dropped == {"predicate_without_verb": 1}
    two = read_published(write(tmp_path, "b.txt", VERBS.replace("(C-V*)", "(V*)  ")))
    assert two.dropped == {"predicate_with_two_verbs": 1}
    twice = read_published(write(tmp_path, "c.gold_conll", ROLES.replace("(ARG1*) ", "(V*)    ")))
    assert twice.dropped == {"predicate_with_two_verbs": 1}


def test_conllu_leaves_out_words_that_are_none_and_counts_the_others(tmp_path: Path) -> None:
    text = (
        "# text = Vámonos\n1-2\tVámonos\t_\t_\t_\t_\t_\t_\t_\t_\n"
        "1\tVamos\tir\tVERB\tVBP\t_\t0\troot\t_\t_\n2\tnos\tnosotros\tPRON\tPRP\t_\t1\tobj\t_\t_\n"
        "2.1\tx\tx\tX\tX\t_\t_\t_\t_\t_\n\n"
    )
    path = write(tmp_path, "a.conllu", text)
    found = read_published(path)
    assert found.format == "conll-u"
    assert found.rows == (
        {
            "tokens": ["Vamos", "nos"],
            "tags": ["VERB", "PRON"],
            "heads": ["0", "1"],
            "relations": ["root", "obj"],
        },
    )
    assert next(read_conllu(path, column="xpos"))["tags"] == ["VBP", "PRP"]
    with pytest.raises(DataError, match=r"b\.conllu:4, column 1: word '3' where 2 follows"):
        read_published(write(tmp_path, "b.conllu", text.replace("\n2\t", "\n3\t")))


def test_conversations_become_messages_and_what_cannot_be_used_is_counted(tmp_path: Path) -> None:
    asked = [{"role": "user", "content": "你好"}, {"role": "assistant", "content": "你好！"}]
    rows = [{"messages": asked}, {"messages": asked[1:]}, {"messages": "x"}, {"other": 1}]
    lines = "\n".join(json.dumps(row) for row in rows) + "\nnot json\n"
    found = read_published(write(tmp_path, "a.jsonl", lines))
    assert (found.format, found.rows) == ("messages", ({"messages": asked},))
    assert found.dropped == {
        "no_question_and_answer": 1,
        "no_list_of_messages": 1,
        "missing_key": 1,
        "broken_line": 1,
    }
    shared = [{"from": "human", "value": "你好"}, {"from": "gpt", "value": "你好！"}]
    listed = write(tmp_path, "b.json", json.dumps([{"conversations": shared}]))
    assert read_published(listed).rows == ({"messages": asked},)
    odd = [*shared, {"from": "robot", "value": "?"}]
    found = read_published(write(tmp_path, "c.json", json.dumps([{"conversations": odd}])))
    assert (found.rows, found.dropped) == ((), {"unknown_speaker": 1})


def test_rows_of_a_json_file_end_at_line_ends_alone_and_broken_ones_are_told(
    tmp_path: Path,
) -> None:
    rows = [{"text1": "line\u2028separated", "text2": "a\x85b"}, {"text1": "p", "text2": "q"}]
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    assert read_published(write(tmp_path, "a.json", f"\n{lines}\n")).rows == tuple(rows)
    one = write(tmp_path, "b.json", json.dumps(rows[0], indent=1))
    assert read_published(one).rows == (rows[0],)
    listed = write(tmp_path, "c.json", json.dumps([rows[0], "text", json.dumps(rows[1])]))
    found = read_published(listed)
    assert (found.rows, found.dropped) == ((rows[0],), {"broken_line": 2})
    with pytest.raises(DataError, match=r"d\.json:1, column 16: not JSON"):
        read_published(write(tmp_path, "d.json", '[{"messages": ['), "messages")


def test_alpaca_preferences_and_pairs(tmp_path: Path) -> None:
    alpaca = [
        {"instruction": "Add.", "input": "1 1", "output": "2"},
        {"instruction": "", "output": "x"},
    ]
    found = read_published(write(tmp_path, "a.json", json.dumps(alpaca)))
    assert found.rows[0]["messages"][0]["content"] == "Add.\n\n1 1"
    assert found.dropped == {"empty_message": 1}
    choice = {"prompt": "p", "chosen": "a", "rejected": "b"}
    lines = "\n".join(json.dumps(row) for row in (choice, choice | {"chosen": "b"}))
    found = read_published(write(tmp_path, "b.jsonl", lines))
    assert (found.format, found.rows) == ("preference", (choice,))
    assert found.dropped == {"chosen_is_rejected": 1}
    table = write(tmp_path, "c.csv", "premise,hypothesis,label\n下雨,湿,entailment\n")
    assert read_published(table).rows == ({"text1": "下雨", "text2": "湿", "label": "entailment"},)
    table = write(tmp_path, "d.tsv", "source\ttarget\nHello\t你好\n")
    assert read_published(table).rows == ({"src": "Hello", "tgt": "你好"},)


def test_what_is_in_no_known_format_is_refused_with_the_list(tmp_path: Path) -> None:
    path = write(tmp_path, "a.txt", "Just a text.\nAnd more of it.\n")
    with pytest.raises(DataError, match=r"name one of: glue-cola, .*squad"):
        read_published(path)
    with pytest.raises(UsageError, match="no format 'glue'"):
        next(stream(path, "glue"))
    own = write(tmp_path, "own.tsv", "sentence\tlabel\nfine\tpositive\n")
    with pytest.raises(DataError, match="in no format that is known"):
        detect_format(own)
    assert len(formats()) == len(set(formats()))
    with pytest.raises(DataError, match=r"a\.txt:1, column"):
        read_published(path, "conll-u")
