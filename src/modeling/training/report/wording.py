"""Numbers of a report in; how they read for a person who is no statistician out. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from src.modeling.gate import criteria, reasons
from src.modeling.gate.verdict import Verdict
from src.modeling.training.report.data import ServingStatus
from src.modeling.training.report.measures import FEWEST, Measure

NOT_KNOWN = "not known"
# What is asked, and how the value must stand to the limit.
ASKED = {
    "t_absolute": ("Are its errors smaller than with {reference}, beyond chance?", ">"),
    "t_squared": ("The same for squared errors, where large misses weigh more", ">"),
    "mae_improvement": ("By how much are its errors smaller than with {reference}?", "≥"),
    "share_of_tickers_worse": ("What share of tickers does it make significantly worse?", "≤"),
    "worst_ticker": ("How does it do on its worst ticker?", "≥"),
    "recent_skill": ("Does it still do better over the latest {recent} dates?", ">"),
    "variance_ratio": ("How far do its forecasts swing, relative to the outcomes?", "≤"),
}


def horizon_name(horizon: int) -> str:
    """Such as ``next session`` or ``63 sessions``."""
    return "next session" if horizon == 1 else f"{horizon} sessions"


def signed(value: float | None, digits: int = 2) -> str:
    """A share as percent with its sign; nothing has none."""
    if value is None:
        return NOT_KNOWN
    return f"{100 * value:{'+' if value else ''}.{digits}f} %"


def percent(value: float | None, digits: int = 1) -> str:
    """A share as percent."""
    return NOT_KNOWN if value is None else f"{100 * value:.{digits}f} %"


def interval(one: Measure, digits: int = 2, *, with_sign: bool = True) -> str:
    """The 90 % interval of a measure, or why there is none."""
    if one.low is None or one.high is None:
        if one.value is None:
            return "-"
        return "too few periods" if one.n_eff < FEWEST else "no variation"
    return span(one.low, one.high, digits, with_sign=with_sign)


def span(low: float, high: float, digits: int = 2, *, with_sign: bool = True) -> str:
    """From one share to another, as percent."""
    said = signed if with_sign else percent
    return f"{said(low, digits).removesuffix(' %')} to {said(high, digits)}"


def resting_on(one: Measure) -> str:
    """What a number rests on, for a caption."""
    return f"n = {one.n:,} outcomes on {one.dates:,} dates, n_eff = {n_eff(one.n_eff)}"


def n_eff(value: float) -> str:
    """Periods that do not overlap; a decimal where there are few."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def judged(one: Measure) -> str:
    """What an interval of a gain says, in words."""
    if one.value is None:
        return "nothing to compare"
    if one.low is None or one.high is None:
        return "the same forecasts" if one.value == 0 else "cannot be told"
    if one.low > 0:
        return "better"
    return "worse" if one.high < 0 else "could be chance"


def verdict(current: ServingStatus, challenger: str) -> str:
    """What the gate says of the challenger, in one sentence."""
    if current.verdict is None:
        return f"The challenger {challenger} was not judged: nothing is known of its worth."
    return f"The challenger {challenger}: {_lower(current.verdict.reason)}"


def served(current: ServingStatus) -> str:
    """What is served and what that means."""
    pinned = (
        f" A rollback pinned version {current.pinned}: it answers instead of what was trained "
        "here, until the gate promotes another model or it is unpinned."
    )
    return _served(current.served) + (pinned if current.pinned else "")


def _served(name: str) -> str:
    if name == "zero":
        return (
            "Served is zero, that is no change: no candidate has earned more trust than today's "
            "price itself. What this page can tell is how far the price may move, not which way."
        )
    return (
        f"Served is {name}, which the gate has let through. Its gain is small beside "
        "the range of what may happen: read the intervals before the number."
    )


def wait(one: Verdict) -> str:
    """How long until the tests could decide."""
    left = one.sessions_until_decidable
    if one.verdict != "undecided":
        return "The tests have decided."
    if left is None:
        return (
            "If effect and noise stay as measured, no number of sessions up to 40 years would "
            "decide this."
        )
    if left == 0:
        return "The number of sessions suffices; what is missing is in the table."
    return (
        f"If effect and noise stay as measured, about {left:,} more sessions "
        f"({left / 250:.1f} years) are needed before the tests can decide."
    )


def evidence_rows(one: Verdict) -> list[tuple[str, ...]]:
    """Question, value, limit, whether passed, in words, n and n_eff of all that was weighed."""
    return [_evidence_row(each, one) for each in one.evidence]


def _evidence_row(each: criteria.Criterion, one: Verdict) -> tuple[str, ...]:
    kind, _, reference = each.name.partition("_vs_")
    recent = criteria.GateRules.min_dates
    plain = kind.replace("_", " ")
    asked, sign = ASKED.get(kind, (f"{plain[:1].upper()}{plain[1:]}", "limit"))
    named = reasons.REFERENCES.get(reference, reference or "it")
    asked = asked.format(reference=named, recent=recent)
    share = min(1.0, recent / one.dates) if kind == "recent_skill" and one.dates else 1.0
    shown = _plain if kind.startswith("t_") or kind not in ASKED else _share
    told = "speaks for it" if each.passed else reasons.objection(each)
    return (
        asked,
        NOT_KNOWN if each.value is None else shown(each.value),
        f"{sign} {shown(each.limit)}",
        "yes" if each.passed else "no",
        told,
        f"{one.n:,}" if share == 1 else f"≈ {one.n * share:,.0f}",
        n_eff(one.n_eff * share),
    )


def joined(names: Sequence[str]) -> str:
    """Names as a list that is read."""
    return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else "".join(names)


def _plain(value: float) -> str:
    return f"{value:.2f}"


def _share(value: float) -> str:
    return f"{100 * value:.2f} %"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
