"""The pages show what the program does: made parts, pictures and the numbers in the sentences are up to date."""

import re
from pathlib import Path

import pytest
import yaml

from tests.house.markdown import FENCE
from tests.house.tree import ROOT, short
from zhixing.core.errors import UsageError
from zhixing.theory.catalogue import IDEAS, load
from zhixing.theory.drawings import DRAWINGS
from zhixing.theory.errata import ERRATA
from zhixing.theory.idea import Idea, Step, show, show_value
from zhixing.theory.pages import PART, fill, pages, source_of
from zhixing.theory.pictures import draw
from zhixing.theory.words import NAMES, TEXT, WORDS, in_chinese

LANGUAGES = ("en", "zh")
PICTURES = ROOT / "docs/pictures/theory"
NUMBER = re.compile(r"(?<![\w.])[−-]?\d+\.\d+")
SVG_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")

idea = load


def page(language: str, name: str) -> Path:
    return ROOT / "docs" / language / "theory" / f"{name}.md"


def test_the_committed_pages_are_up_to_date() -> None:
    stale = [short(path) for path, text in pages(ROOT).items() if path.read_text("utf-8") != text]
    assert stale == [], "run: python -m zhixing.theory.pages"


def test_a_page_with_a_changed_number_is_noticed() -> None:
    text = page("en", "mlp").read_text("utf-8")
    assert fill(text.replace("[380  479]", "[249  390]"), name="mlp", language="en") == text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_idea_has_a_page_and_every_page_an_idea(language: str) -> None:
    found = {file.stem for file in (ROOT / "docs" / language / "theory").glob("*.md")}
    assert found == {*IDEAS, "index"}


@pytest.mark.parametrize("name", [n for n in IDEAS if n != "errata"])
def test_a_page_has_formula_code_example_picture_practice_and_source(name: str) -> None:
    english, chinese = (page(language, name).read_text("utf-8") for language in LANGUAGES)
    assert _parts(english) == _parts(chinese)
    kinds = [part.split()[0] for part in _parts(english)]
    assert [kind for kind in ("formula", "code", "example", "source") if kind not in kinds] == []
    for text, title, practice in ((english, 0, "In practice"), (chinese, 1, "实践")):
        assert text.startswith(f"# {(IDEAS[name].en, IDEAS[name].zh)[title]}\n")
        assert f"](../../pictures/theory/{name}.svg)" in text
        assert f"\n## {practice}\n" in text
    assert _bullets(english) == _bullets(chinese)
    assert english.count("\n## ") == chinese.count("\n## ")


@pytest.mark.parametrize("name", [n for n in IDEAS if n != "errata"])
def test_decimals_in_sentences_come_from_the_example(name: str) -> None:
    for language in LANGUAGES:
        text = page(language, name).read_text("utf-8")
        shown = _numbers(idea(name), language)
        said = NUMBER.findall(_sentences(text))
        assert [number for number in said if number.replace("−", "-") not in shown] == []


def test_a_decimal_that_nobody_computed_is_noticed() -> None:
    shown = _numbers(idea("ngram"), "en")
    assert NUMBER.findall("about 0.4250, not 0.7312 or −1.5") == ["0.4250", "0.7312", "−1.5"]
    assert "0.4250" in shown
    assert "0.7312" not in shown


def test_the_errata_name_steps_that_exist_and_use_all_of_them() -> None:
    steps = idea("errata").steps
    named: set[int] = set()
    for row in ERRATA:
        english = _named_steps(row.right.en)
        assert english == _named_steps(row.right.zh), row.place.en
        named |= english
    assert named == set(range(1, len(steps) + 1))


def test_the_errata_have_every_row() -> None:
    places = [row.place.en for row in ERRATA]
    assert len(places) == len(set(places)) == 20
    counts = {
        number: sum(p.startswith(number) for p in places)
        for number in ("000", "001", "002", "003", "004")
    }
    assert counts == {"000": 2, "001": 6, "002": 2, "003": 9, "004": 1}
    assert [row.idea for row in ERRATA if row.idea is not None and row.idea not in IDEAS] == []


def test_formulas_in_chinese_have_no_english_words() -> None:
    for name in IDEAS:
        words = set(TEXT.findall(idea(name).formula)) - NAMES
        assert words <= WORDS.keys()
        left = set(TEXT.findall(in_chinese(idea(name).formula))) - NAMES
        assert [word for word in left if re.search("[a-z]{2}", word.replace("Adam", ""))] == []


@pytest.mark.parametrize("name", DRAWINGS)
def test_the_committed_picture_is_what_would_be_drawn(name: str) -> None:
    committed, drawn = (PICTURES / f"{name}.svg").read_text("utf-8"), draw(name)
    assert _letters(committed) == _letters(drawn), "run: python -m zhixing.theory.pictures"
    if _drawn_by(committed) == _drawn_by(
        drawn
    ):  # another matplotlib places things a little differently
        assert SVG_NUMBER.sub("0", committed) == SVG_NUMBER.sub("0", drawn)
        wanted = [float(number) for number in SVG_NUMBER.findall(committed)]
        assert [float(number) for number in SVG_NUMBER.findall(drawn)] == pytest.approx(
            wanted, abs=0.1
        )
    assert len(committed) < 60_000


def test_every_idea_has_a_picture_and_a_picture_an_idea() -> None:
    assert {file.stem for file in PICTURES.glob("*.svg")} == set(DRAWINGS) == {*IDEAS} - {"errata"}


def test_the_site_lists_every_page() -> None:
    settings = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))
    listed = {path for path in _leaves(settings["nav"]) if "/" in path}
    there = {
        file.relative_to(ROOT / "docs").as_posix()
        for language in LANGUAGES
        for file in (ROOT / "docs" / language).rglob("*.md")
    }
    assert listed == there, "mkdocs.yml lists the pages"
    titles = {path: title for title, path in _titled(settings["nav"])}
    for name in IDEAS:
        assert titles[f"en/theory/{name}.md"] == IDEAS[name].en
        assert titles[f"zh/theory/{name}.md"] == IDEAS[name].zh


def test_quoting_follows_a_symbol_into_its_class() -> None:
    assert source_of("zhixing.kernels.through_time.rnn_cell").startswith("def rnn_cell(")
    assert source_of("zhixing.objective.loss.Loss").startswith("@dataclass(")
    assert source_of("zhixing.train.muon.NEWTON_SCHULZ").startswith("NEWTON_SCHULZ = ")
    assert source_of("zhixing.model.blocks.Block.forward").startswith("def forward(\n    self,")
    with pytest.raises(UsageError, match="has no nothing"):
        source_of("zhixing.kernels.through_time.nothing")
    with pytest.raises(UsageError, match="no module"):
        source_of("nosuchpackage.module.name")


def test_values_are_shown_in_columns_without_a_negative_zero() -> None:
    assert show_value(((1.0, -0.00001), (-10.0, 2.5)), 2) == ["[  1.00  0.00]", "[-10.00  2.50]"]
    assert show_value((1, 2, "a"), 2) == ["[1  2  a]"]
    assert show_value(3, 2) == ["3"]


def _parts(text: str) -> list[str]:
    return [f"{part['what']} {part['symbol'] or ''}" for part in PART.finditer(text)]


def _bullets(text: str) -> int:
    return len(re.findall("^- ", text, re.MULTILINE))


def _sentences(text: str) -> str:
    """A page without what was made, code, formulas and links."""
    for pattern in (
        PART,
        FENCE,
        re.compile(r"\$[^$]+\$"),
        re.compile("`[^`]+`"),
        re.compile(r"\]\([^)]*\)"),
    ):
        text = pattern.sub(" ", text)
    return text


def _numbers(made: Idea, language: str) -> set[str]:
    """Every number that the example shows, in its words, formulas and results."""
    return set(NUMBER.findall("\n".join(show(made, language)).replace("−", "-")))


def _named_steps(text: str) -> set[int]:
    found = re.findall(r"\((?:steps?) ([\d, and]+)\)|（第 ([\d、]+) 步）", text)
    return {int(number) for match in found for number in re.findall(r"\d+", "".join(match))}


def _letters(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def _drawn_by(svg: str) -> str:
    found = re.search(r"Matplotlib v[\d.]+", svg)
    return found[0] if found else ""


def _leaves(nav: object) -> list[str]:
    return [path for _, path in _titled(nav)]


def _titled(nav: object, title: str = "") -> list[tuple[str, str]]:
    if isinstance(nav, str):
        return [(title, nav)]
    if isinstance(nav, dict):
        return [pair for name, inner in nav.items() for pair in _titled(inner, name)]
    assert isinstance(nav, list)
    return [pair for inner in nav for pair in _titled(inner)]


def test_a_step_has_a_name_of_its_own() -> None:
    step = idea("mlp").steps[0]
    assert isinstance(step, Step)
    with pytest.raises(AssertionError, match="a name of its own"):
        Idea(formula="", plain="", steps=(step, step), source="")
