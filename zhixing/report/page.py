"""One HTML file that holds everything: words in both languages, pictures, style. It loads nothing from anywhere.

The page is a Jinja template with escaping on, so text from a corpus or a model can never become markup; a content
security policy in the page forbids every request and every script but the one that switches the language.
"""

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from zhixing.core.card import Amount, CorpusCard
from zhixing.core.files import write_text
from zhixing.report import charts, findings, numbers, tables, words
from zhixing.report.ladder import Report, Rung
from zhixing.report.overtake import overtakes
from zhixing.report.words import Words, as_words

TEMPLATES = Path(__file__).parent / "templates"
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def write_report(path: Path, report: Report) -> None:
    """Write the page atomically. Raises MissingExtraError without matplotlib."""
    write_text(path, render(report))


def render(report: Report) -> str:
    """The page as one string of HTML."""
    script = (TEMPLATES / "switch.js").read_text("utf-8").strip()
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    template = _environment().get_template("report.html.jinja")
    return template.render(
        _content(report),
        style=Markup((TEMPLATES / "report.css").read_text("utf-8")),
        script=Markup(script),
        script_hash=digest,
    )


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        t=_both,
        clean=clean,
        bits=numbers.bits,
        count=numbers.count,
        exact=numbers.exact,
        size=numbers.size,
        duration=numbers.duration,
        language=words.language_name,
        split=words.split_name,
        reason=words.reason_name,
        mask=words.mask_name,
        energy_method=tables.energy_method,
    )
    environment.globals["say"] = _say
    return environment


def _both(text: Words | str) -> Markup:
    """Both languages, of which the page shows one; a text that is the same in both is written once."""
    pair = as_words(text)
    if pair.en == pair.zh:
        return escape(clean(pair.en))
    return Markup(
        '<span class="en" lang="en">{}</span><span class="zh" lang="zh-Hans">{}</span>'
    ).format(clean(pair.en), clean(pair.zh))


def _say(en: str, zh: str, **values: Words | str) -> Markup:
    """A sentence of the template, with values put into its {places}."""
    return _both(words.both(en, zh).fill(**values))


def clean(text: str) -> str:
    """What HTML cannot hold (control characters, half surrogates) becomes a visible mark."""
    return UNPRINTABLE.sub("\ufffd", text.replace("\r\n", "\n"))


def _content(report: Report) -> dict[str, Any]:
    found = overtakes(report)
    languages = charts.languages_of(report)
    reference = report.rung(report.reference)
    return {
        "report": report,
        "headline": findings.headline(report),
        "details": findings.details(report, found),
        "best": findings.ranked(report)[0].model,
        "slots": charts.slots(report),
        "learning": [Markup(charts.learning_chart(report, found, size)) for size in _SIZES],
        "ladder": [Markup(charts.ladder_chart(report, size)) for size in _SIZES],
        "reference": reference,
        "overtaking": [
            (rung, findings.overtaking(rung, reference, overtake), overtake)
            for overtake in found
            if reference is not None and (rung := report.rung(overtake.model)) is not None
        ],
        "quality": tables.quality_columns(languages),
        "cost": tables.COST_COLUMNS,
        "samples": _samples(report),
        "card": report.card,
        "kept": _kept(report.card),
        "dropped": _by_size(report.card.dropped),
        "energy_methods": sorted({r.energy_method for r in report.rungs if r.joules is not None}),
    }


_SIZES = (charts.WIDE, charts.NARROW)


def _samples(report: Report) -> list[tuple[Rung, list[Any]]]:
    """The samples of every rung, in the order of the ladder."""
    groups = []
    for rung in report.rungs:
        own = [sample for sample in report.samples if sample.model == rung.model]
        if own:
            groups.append((rung, own))
    return groups


def _kept(card: CorpusCard) -> tuple[list[str], list[tuple[str, list[Amount | None]]]]:
    """The languages, and for every split the amount of each (None: nothing)."""
    tags = sorted({tag for languages in card.kept.values() for tag in languages})
    rows = [(split, [languages.get(tag) for tag in tags]) for split, languages in card.kept.items()]
    return tags, rows


def _by_size(dropped: Any) -> list[tuple[str, Amount, float]]:
    """The reasons, most documents first, each with its share of the most frequent one."""
    order = sorted(dropped.items(), key=lambda item: (-item[1].documents, item[0]))
    most = max((amount.documents for _, amount in order), default=0)
    return [(reason, amount, amount.documents / max(1, most)) for reason, amount in order]
