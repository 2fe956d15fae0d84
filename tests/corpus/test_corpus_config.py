"""The [corpus] table: a setting that would do nothing is refused."""

from typing import Any

import pytest
from pydantic import ValidationError

from zhixing.corpus.config import CorpusConfig, DuplicateConfig, FilterConfig, SourceConfig

HASH = "0" * 64


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"text": "body"}, "text = body does nothing with a text of the catalogue"),
        ({"documents": "line"}, "documents = line does nothing with a text of the catalogue"),
        ({"sha256": HASH}, f"sha256 = {HASH} does nothing with a text of the catalogue"),
        ({"sha256": HASH, "path": "a.txt"}, f"sha256 = {HASH} does nothing with files"),
        ({"optional": True, "path": "a.txt"}, "optional = True does nothing with files"),
    ],
)
def test_a_setting_of_a_source_that_would_do_nothing_is_refused(
    given: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        SourceConfig(name="brown", **given)


@pytest.mark.parametrize(
    "given",
    [
        {"path": "https://example.org/a.txt", "sha256": HASH, "optional": True},
        {"path": "hf://datasets/a/b/c.csv", "sha256": HASH, "text": "body"},
        {"path": "a.txt", "documents": "line", "license": "own", "max_bytes": 5},
        {"optional": True, "language": "en", "license": "own", "max_bytes": 5},
    ],
)
def test_settings_that_are_read_are_taken(given: dict[str, Any]) -> None:
    source = SourceConfig(name="brown", **given)
    again = SourceConfig.model_validate(source.model_dump(mode="json"))
    assert again == source


@pytest.mark.parametrize("given", [{"threshold": 0.9}, {"shingle": 3}])
def test_how_near_copies_are_does_nothing_when_they_stay(given: dict[str, Any]) -> None:
    assert DuplicateConfig.model_validate(given)
    with pytest.raises(ValidationError, match="does nothing with enabled = false"):
        DuplicateConfig.model_validate({"enabled": False, **given})


def test_two_sources_of_one_name_are_refused() -> None:
    twice = (SourceConfig(name="brown"), SourceConfig(name="brown", path="a.txt"))
    with pytest.raises(ValidationError, match="two sources are called 'brown'"):
        CorpusConfig(sources=twice)


@pytest.mark.parametrize(("kept", "idle"), [("zh", "en"), ("en", "zh")])
def test_thresholds_of_a_language_that_is_dropped_are_refused(kept: str, idle: str) -> None:
    with pytest.raises(ValidationError, match=f"{idle} does nothing with languages = "):
        FilterConfig.model_validate({"languages": [kept], idle: {"min_units": 3}})
    FilterConfig.model_validate({"languages": [kept], kept: {"min_units": 3}})
    FilterConfig.model_validate({"languages": [kept]})
