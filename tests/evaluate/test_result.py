import json

import pytest

from tests.evaluate.scoring_standins import Bytes, Uniform, documents
from zhixing.core.errors import DataError
from zhixing.core.progress import Silent
from zhixing.evaluate.harness import Window, score_documents, signature
from zhixing.evaluate.metrics import Scored, compare
from zhixing.evaluate.result import read_result, save_result


def scored() -> Scored:
    model, window = Uniform(Bytes.vocab, None), Window(time=32)
    scores = score_documents(model, Bytes(), documents(), window=window, progress=Silent())
    signed = signature(model, Bytes(), scores, window=window)
    return Scored(model="m", scores=tuple(scores), signature=signed)


def test_a_saved_evaluation_reads_back_equal_and_can_be_compared(tmp_path):
    save_result(tmp_path / "r.json", scored(), seed=42)
    again = read_result(tmp_path / "r.json")
    assert again == scored()
    assert compare(again, scored())[0].difference == 0.0


def test_the_file_carries_scores_for_people_with_their_signature(tmp_path):
    save_result(tmp_path / "r.json", scored(), seed=42)
    value = json.loads((tmp_path / "r.json").read_text())
    bits = value["scores"]["zh"]["bits_per_byte"]
    assert bits["value"] == pytest.approx(8.011, abs=0.001)
    assert bits["signature"] == value["signature"] == str(scored().signature)


@pytest.mark.parametrize("content", ["{}", "[]", '{"format": "zhixing-scores-1", "model": "m"}'])
def test_another_file_is_not_taken_for_an_evaluation(tmp_path, content):
    (tmp_path / "r.json").write_text(content)
    with pytest.raises(DataError, match=r"r\.json"):
        read_result(tmp_path / "r.json")
