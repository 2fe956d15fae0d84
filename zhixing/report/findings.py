"""What the numbers say, in sentences made from the numbers: who wins, by how much, and how sure that is.

No sentence is written beforehand for a wished result. A lead counts as sure only when a paired test says so, or,
without one, when the 95 % intervals do not touch.
"""

from collections.abc import Sequence

from zhixing.report import numbers
from zhixing.report.ladder import Difference, Report, Rung
from zhixing.report.overtake import HORIZON, Kind, Overtake
from zhixing.report.words import Words, both, join, listing

NO_WINNER = both(
    "On its own, no network beats the {reference} yet, which only counts, after up to {time} of training.",
    "单独来看，训练至多 {time} 后，还没有一个神经网络胜过只靠计数的{reference}。",
)
ONE_WINNER = both(
    "On its own, the {names} already beats the {reference}, which only counts, after {time} of training.",
    "单独来看，训练 {time} 后，{names} 已经胜过只靠计数的{reference}。",
)
MANY_WINNERS = both(
    "On their own, {names} already beat the {reference}, which only counts, after up to {time} of training.",
    "单独来看，训练至多 {time} 后，{names} 都已胜过只靠计数的{reference}。",
)


def ranked(report: Report) -> list[Rung]:
    """The rungs, best first, by bits per byte over all text."""
    return sorted(report.rungs, key=lambda rung: rung.bits_per_byte["all"].value)


def headline(report: Report) -> Words:
    """One sentence: the best rung, its figure, and its lead."""
    order = ranked(report)
    best = order[0]
    figure = numbers.bits(best.bits_per_byte["all"].value)
    if len(order) == 1:
        return both(
            "The {best} predicts the held-out text at {figure} bits per byte.",
            "{best}预测留出文本，每字节需 {figure} 比特。",
        ).fill(best=best.title, figure=figure)
    lead, digits = _lead(order[0], order[1])
    if lead < 0.0005:
        return both(
            "The {best} and the {next} predict the held-out text equally well, at {figure} bits per byte.",
            "{best}与{next}预测留出文本的能力相同：每字节 {figure} 比特。",
        ).fill(best=best.title, next=order[1].title, figure=figure)
    return both(
        "The {best} predicts the held-out text best: {figure} bits per byte, {lead} fewer than the {next}.",
        "{best}对留出文本预测得最好：每字节 {figure} 比特，比{next}少 {lead}。",
    ).fill(best=best.title, figure=figure, lead=digits, next=order[1].title)


def details(report: Report, overtakes: Sequence[Overtake]) -> list[Words]:
    """The sentences under the headline: how sure it is, which single model wins, who overtakes whom."""
    sentences = []
    order = ranked(report)
    if len(order) > 1:
        sentences.append(_certainty(report, order[0], order[1]))
    sentences += _counting_or_learning(report, overtakes)
    return sentences


def _lead(best: Rung, second: Rung) -> tuple[float, Words]:
    ours, theirs = best.bits_per_byte["all"].value, second.bits_per_byte["all"].value
    share = (theirs - ours) / theirs
    return share, numbers.percent(share)


def _certainty(report: Report, best: Rung, second: Rung) -> Words:
    pair = {best.model, second.model}
    tested = next((d for d in report.differences if {d.a, d.b} == pair), None)
    if tested is not None and tested.low is not None and tested.high is not None:
        return _paired(tested)
    ours, theirs = best.bits_per_byte["all"], second.bits_per_byte["all"]
    if ours.high is None or theirs.low is None:
        return both(
            "One document gives no interval, so how sure this order is cannot be said.",
            "只有一篇文档，无法给出区间，因此不能说明这一排序有多可靠。",
        )
    if ours.high < theirs.low:
        return both(
            "Their 95 % intervals do not overlap, so the lead is unlikely to be chance.",
            "两者的 95% 区间不重叠，领先不太可能出于偶然。",
        )
    return both(
        "Their 95 % intervals overlap: the order of these two is not certain.",
        "两者的 95% 区间重叠：它们的先后并不确定。",
    )


def _paired(tested: Difference) -> Words:
    assert tested.low is not None
    assert tested.high is not None
    is_sure = tested.p_value < 0.05 and not tested.low <= 0.0 <= tested.high
    low, high = sorted((abs(tested.low), abs(tested.high)))
    if not is_sure:
        return both(
            "Compared document by document, this lead may be chance ({p}).",
            "逐篇文档配对比较，这一领先可能出于偶然（{p}）。",
        ).fill(p=numbers.probability(tested.p_value))
    return both(
        "Compared document by document, the lead is between {low} and {high} bits per byte (95 % interval, {p}).",
        "逐篇文档配对比较，领先幅度在每字节 {low} 到 {high} 比特之间（95% 区间，{p}）。",
    ).fill(low=numbers.bits(low), high=numbers.bits(high), p=numbers.probability(tested.p_value))


def _counting_or_learning(report: Report, overtakes: Sequence[Overtake]) -> list[Words]:
    """The reference against the networks that learn step by step."""
    reference = report.rung(report.reference)
    if reference is None or not overtakes:
        return []
    level = reference.bits_per_byte["all"].value
    learners = [rung for o in overtakes if (rung := report.rung(o.model)) is not None]
    winners = [rung for rung in learners if rung.bits_per_byte["all"].value < level]
    longest = max(rung.train_seconds for rung in learners)
    verdict = {0: NO_WINNER, 1: ONE_WINNER}.get(len(winners), MANY_WINNERS)
    filled = verdict.fill(
        names=listing([rung.title for rung in winners or learners]),
        reference=reference.title,
        time=numbers.duration(longest),
    )
    first = min(
        (o for o in overtakes if o.kind is Kind.EXTRAPOLATED and o.seconds is not None),
        key=lambda o: o.seconds or 0.0,
        default=None,
    )
    if winners or first is None:
        return [filled]
    rung = report.rung(first.model)
    assert rung is not None
    return [join([filled, _expected(rung, first)])]


def _expected(rung: Rung, overtake: Overtake) -> Words:
    assert overtake.seconds is not None
    return both(
        "At its present pace the {name} would overtake it after about {time} (extrapolated).",
        "照目前的速度，{name}大约在 {time} 后会超过它（外推）。",
    ).fill(name=rung.title, time=numbers.about(overtake.seconds))


def overtaking(rung: Rung, reference: Rung, overtake: Overtake) -> Words:
    """When one network overtakes the reference, in a sentence for the list under the picture."""
    names = {"name": rung.title, "reference": reference.title}
    if overtake.kind is Kind.MEASURED:
        return both(
            "The {name} overtakes the {reference} after {time} (measured).",
            "{name}在 {time} 后超过{reference}（实测）。",
        ).fill(time=numbers.about(overtake.seconds or 0.0), **names)
    if overtake.kind is Kind.EXTRAPOLATED:
        return both(
            "The {name} would overtake the {reference} after about {time}{spread} (extrapolated).",
            "{name}大约在 {time} 后会超过{reference}{spread}（外推）。",
        ).fill(time=numbers.about(overtake.seconds or 0.0), spread=_spread(overtake), **names)
    if overtake.kind is Kind.BEYOND:
        return both(
            "The {name} does not overtake the {reference} within {time}, {times} times the measured training (extrapolated).",
            "在 {time}（实测训练时间的 {times} 倍）以内，{name}不会超过{reference}（外推）。",
        ).fill(time=numbers.about(overtake.horizon), times=f"{HORIZON:g}", **names)
    return both(
        "The {name} has not overtaken the {reference}; too few points were measured to say when it would.",
        "{name}尚未超过{reference}；测量点太少，无法推断何时会超过。",
    ).fill(**names)


def _spread(overtake: Overtake) -> Words:
    if overtake.low is None or overtake.seconds is None:
        return both("", "")
    low = numbers.about(overtake.low)
    if overtake.high is None:
        return both(
            ", {low} at the earliest and perhaps never", "，最早 {low}，也可能永远不会"
        ).fill(low=low)
    high = numbers.about(overtake.high)
    if low == high:
        return both("", "")
    return both(", between {low} and {high}", "，范围 {low} 至 {high}").fill(low=low, high=high)
