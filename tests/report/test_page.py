import dataclasses
import itertools
import re
from html.parser import HTMLParser

import pytest

from tests.report.report_samples import EVIL, card, report, rung
from zhixing.core.errors import DataError
from zhixing.report import charts, findings
from zhixing.report.ladder import Difference, Interval
from zhixing.report.overtake import overtakes
from zhixing.report.page import render, write_report
from zhixing.report.words import both

VOID = {"meta", "input", "br", "link", "img"}


class Reader(HTMLParser):
    """Checks that tags close in order, and collects what the page shows in one language."""

    def __init__(self, language: str) -> None:
        super().__init__()
        self.hidden = {"en": "zh", "zh": "en"}[language]
        self.open: list[tuple[str, bool]] = []
        self.ids: list[str] = []
        self.shown: list[str] = []
        self.scripts = 0

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.ids += [values["id"]] if "id" in values else []
        self.scripts += tag == "script"
        is_hidden = self.hidden in (values.get("class") or "").split() or tag in ("style", "script")
        if tag not in VOID:
            self.open.append((tag, is_hidden))

    def handle_startendtag(self, tag, attributes):
        self.ids += [value for name, value in attributes if name == "id"]

    def handle_endtag(self, tag):
        assert self.open
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        if data.strip() and not any(is_hidden for _, is_hidden in self.open):
            self.shown.append(data.strip())


def read(page: str, language: str) -> Reader:
    reader = Reader(language)
    reader.feed(page)
    reader.close()
    assert not reader.open
    return reader


@pytest.fixture(scope="module")
def page() -> str:
    return render(report())


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_is_well_formed_and_no_id_is_used_twice(page, language):
    reader = read(page, language)
    assert len(reader.ids) == len(set(reader.ids))
    assert all(name in reader.ids for name in re.findall(r'aria-labelledby="([^"]+)"', page))
    used = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', page)
    assert {a or b for a, b in used} <= set(reader.ids)


def test_nothing_is_loaded_from_anywhere(page):
    for found in re.findall(r"""(?:src|href|action|data)=["']([^"']*)""", page):
        assert found.startswith("#")
    assert "url(" not in page.replace("url(#", "")
    assert "@import" not in page
    assert "default-src 'none'" in page


def test_text_of_models_and_sources_never_becomes_markup(page):
    assert EVIL not in page
    assert read(page, "en").scripts == 1
    assert "&lt;script&gt;alert(" in page
    assert "{{ 7 * 7 }}" in page
    assert "\x00" not in page
    page.encode("utf-8")
    bad = dataclasses.replace(rung("gpt"), model="<u>", title=both("<u>&", "<u>&"))
    sources = tuple(
        dataclasses.replace(s, name=EVIL, origin=EVIL, license=EVIL) for s in card().sources
    )
    evil = report(
        rungs=(bad, rung("ngram")),
        card=dataclasses.replace(
            card(), sources=sources, notes=(EVIL,), dropped={}, masked={EVIL: 1}
        ),
        command=EVIL,
        signature=EVIL,
        differences=(),
    )
    page = render(evil)
    assert read(page, "en").scripts == read(page, "zh").scripts == 1
    assert "<u>" not in page


def test_each_language_shows_no_sentence_of_the_other(page):
    chinese = re.compile("[\u4e00-\u9fff]")
    own = {s for sample in report().samples for s in (sample.prompt, sample.text)} | {
        "知行",
        "中文",
        "Language · 语言",
    }
    for text in read(page, "en").shown:
        assert not chinese.search(text) or any(text in o or o in text for o in own), text
    english_words = re.compile(r"\b(the|and|of|is|training|after|model)\b")
    allowed = [*own, *(s.origin for s in card().sources), *(s.license for s in card().sources)]
    for text in read(page, "zh").shown:
        assert not english_words.search(text) or any(text in o for o in allowed), text


def test_every_figure_of_the_ladder_is_on_the_page_in_both_languages(page):
    for language in ("en", "zh"):
        text = " ".join(read(page, language).shown)
        for one in report().rungs:
            for score in one.bits_per_byte.values():
                assert f"{score.value:.3f}" in text
                assert f"{score.low:.3f} – {score.high:.3f}" in text


def test_the_only_script_is_the_one_the_policy_allows(page):
    import base64
    import hashlib

    script = re.search(r"<script>(.*?)</script>", page, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page


def test_the_same_report_gives_the_same_page(page):
    assert render(report()) == page


def test_the_page_is_written_whole(tmp_path, page):
    write_report(tmp_path / "new" / "report.html", report())
    assert (tmp_path / "new" / "report.html").read_text("utf-8") == page


def headline(**changes) -> str:
    return findings.headline(report(**changes)).en


def with_level(model: str, value: float, width: float = 0.03):
    score = Interval(value=value, low=value - width, high=value + width)
    return dataclasses.replace(rung(model), bits_per_byte={"all": score})


def test_the_headline_names_the_best_model_of_the_numbers():
    assert "The GPT + 5-gram predicts" in headline()
    assert "6.1\u00a0% fewer than the 5-gram" in headline()
    rungs = (with_level("ngram", 1.9), with_level("gpt", 1.7))
    assert headline(rungs=rungs).startswith("The GPT predicts")
    assert "equally well" in headline(rungs=(with_level("ngram", 1.9), with_level("gpt", 1.9)))
    assert "fewer" not in headline(rungs=(with_level("gpt", 1.9),))


@pytest.mark.parametrize(
    ("second", "differences", "claim"),
    [
        (1.95, (), "overlap: the order of these two is not certain"),
        (2.50, (), "do not overlap"),
        (1.91, ((-0.01, -0.015, -0.005, 0.001),), "between 0.005 and 0.015"),
        (1.91, ((-0.01, -0.03, 0.01, 0.3),), "may be chance"),
    ],
)
def test_a_lead_is_called_sure_only_when_it_is(second, differences, claim):
    made = tuple(
        Difference(a="gpt", b="ngram", difference=d, low=low, high=high, p_value=p)
        for d, low, high, p in differences
    )
    chosen = report(rungs=(with_level("gpt", 1.9), with_level("ngram", second)), differences=made)
    assert claim in findings.details(chosen, ())[0].en


def test_the_story_of_counting_and_learning_follows_the_numbers():
    losing = report()
    text = findings.details(losing, overtakes(losing))[1].en
    assert "no network beats the 5-gram yet" in text
    assert "extrapolated" in text
    winning = report(rungs=(rung("ngram"), with_level("gpt", 1.5)))
    assert (
        "On its own, the GPT already beats the 5-gram"
        in findings.details(winning, overtakes(winning))[1].en
    )


def test_a_report_without_reference_or_curves_is_still_a_report():
    alone = dataclasses.replace(rung("gpt"), curve=(), joules=None, peak_memory_bytes=None)
    page = render(report(rungs=(alone,), samples=(), differences=()))
    assert "overtakes" not in " ".join(read(page, "en").shown).replace(
        "where a network overtakes", ""
    )


def test_models_we_do_not_know_get_their_own_colours():
    rungs = tuple(
        dataclasses.replace(rung("gpt"), model=f"m{i}", title=both(f"Model {i}", f"模型 {i}"))
        for i in range(3)
    )
    chosen = report(rungs=(rung("ngram"), *rungs))
    assert len({charts.slots(chosen)[r.model] for r in chosen.rungs}) == 4
    assert "Model 2" in render(chosen)


def test_labels_beside_lines_never_overlap():
    for wanted in ([1.0, 2.0, 3.0], [0.0, 0.0, 0.0, 50.0], [5.0], [1.0, 30.0, 31.0, 32.0]):
        placed = charts.spread(wanted, 18.0)
        assert all(b - a >= 18.0 - 1e-9 for a, b in itertools.pairwise(placed))
        assert sum(placed) == pytest.approx(sum(wanted))
    assert charts.spread([0.0, 100.0], 18.0) == [0.0, 100.0]


@pytest.mark.parametrize("layout", [charts.WIDE, charts.NARROW], ids=["wide", "narrow"])
def test_all_text_of_a_picture_lies_within_it(layout):
    chosen = report()
    for svg in (
        charts.learning_chart(chosen, overtakes(chosen), layout),
        charts.ladder_chart(chosen, layout),
    ):
        width, height = map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups())
        places = re.findall(r'<text style="([^"]*)" x="([-\d.]+)" y="([-\d.]+)"', svg)
        assert len(places) > 10
        for _, x, y in places:
            assert 0 <= float(x) <= width
            assert 10 <= float(y) <= height - 3
        assert "@" not in svg
        assert "DejaVu" not in svg


def test_two_rungs_with_one_name_are_refused():
    with pytest.raises(DataError, match="same name"):
        report(rungs=(rung("gpt"), rung("gpt")))
    with pytest.raises(DataError, match="all"):
        dataclasses.replace(rung("gpt"), bits_per_byte={})


def test_the_label_of_a_crossing_is_not_crossed_by_the_line_of_another():
    lines, reach = [695.0, 735.0], (48.0, 880.0)
    first = charts.beside(695, 70, lines, [], reach=reach)
    assert first == ("right", 0)
    second = charts.beside(735, 80, lines, [(0, 625, 695)], reach=reach)
    assert second == ("left", 0)  # on the left the line at 695 would cross it
    assert charts.beside(735, 80, lines, [(0, 735, 815)], reach=reach) == ("left", 1)
    assert charts.beside(60, 80, [60.0, 100.0], [], reach=(48, 130)) == (
        "right",
        0,
    )  # no room at all


def test_a_label_with_a_line_on_either_side_stands_left_of_both():
    lines = [655.0, 664.0, 737.0]
    assert charts.beside(664, 80, lines, [(0, 575, 655)], reach=(48.0, 880.0)) == ("right", 1)
    assert charts.left_of(664, 80, lines) == 655
    assert charts.left_of(737, 80, lines) == 655
    assert charts.left_of(655, 80, lines) == 655


def test_only_names_too_long_for_their_margin_are_cut():
    assert charts._short(both("GPT + 5-gram", "GPT + 5 元模型")) == both(
        "GPT + 5-gram", "GPT + 5 元模型"
    )
    cut = charts._short(both("a name of many letters", "很长很长很长很长很长的名字"))
    assert cut == both("a name of many …", "很长很长很长很长很…")
