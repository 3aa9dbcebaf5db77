"""Put the numbers of a run report into words for a reader who is not a statistician."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from src.core.model_events import is_of_trial, pin_end, pinned_name
from src.modeling.gate import criteria, reasons
from src.modeling.gate.reasons import QUESTIONS
from src.modeling.gate.rules import GateRules
from src.modeling.gate.verdict import Verdict
from src.modeling.report.data import CurrentForecast, HorizonData
from src.modeling.report.statistics.measures import MIN_PERIODS, Measure

NOT_KNOWN = "not known"
SKILL_NOTE = (
    "Above zero is better. Where the interval holds zero, the difference could be chance; of ten "
    "lines without any difference about one looks better or worse all the same. Each date counts "
    "once, whatever the number of tickers; the gate counts every outcome once, weighs the whole "
    "record and asks for more certainty, so its gains differ and one that looks sure here may "
    "still not be served. The line served is what the gate would have let through at each date."
)
TERCILE_NOTE = (
    "Outcomes sorted by the volatility that was forecast, against the ticker's own median. "
    "Dotted is what was promised; bars are 90 % intervals."
)


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


def interval(measure: Measure, digits: int = 2, *, with_sign: bool = True) -> str:
    """The 90 % interval of a measure, or why there is none."""
    if measure.low is None or measure.high is None:
        if measure.value is None:
            return "-"
        return "too few periods" if measure.n_eff < MIN_PERIODS else "no variation"
    return span(measure.low, measure.high, digits, with_sign=with_sign)


def span(low: float, high: float, digits: int = 2, *, with_sign: bool = True) -> str:
    """From one share to another, as percent."""
    as_text = signed if with_sign else percent
    return f"{as_text(low, digits).removesuffix(' %')} to {as_text(high, digits)}"


def resting_on(measure: Measure) -> str:
    """How many outcomes, dates and periods a number rests on, for a caption."""
    periods = n_eff(measure.n_eff)
    return f"n = {measure.n:,} outcomes on {measure.dates:,} dates, n_eff = {periods}"


def n_eff(value: float) -> str:
    """Periods that do not overlap; a decimal where there are few."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def conclusion(measure: Measure) -> str:
    """What an interval of a gain says, in words."""
    if measure.value is None:
        return "nothing to compare"
    if measure.low is None or measure.high is None:
        return "the same forecasts" if measure.value == 0 else "cannot be told"
    if measure.low > 0:
        return "better"
    return "worse" if measure.high < 0 else "could be chance"


def target(forecast: CurrentForecast) -> str:
    """The date that a forecast is about."""
    if forecast.target_date_estimated:
        return f"{forecast.target_date} (estimated: the calendar is not certain that far)"
    return f"{forecast.target_date}"


def verdict(verdict: Verdict, challenger: str) -> str:
    """The gate's verdict on the challenger, in one sentence."""
    return f"The challenger {challenger}: {verdict.reason[:1].lower()}{verdict.reason[1:]}"


def served(forecast: CurrentForecast) -> str:
    """What is served and what that means."""
    if forecast.served == "zero" and forecast.note and not forecast.pinned:
        return "Served is zero (no change), for the reason below."
    if not forecast.pinned:
        return _served(forecast.served)
    who = "A person" if is_of_trial(forecast.pinned) else "A rollback"
    return (
        f"Served is {forecast.served}. {who} pinned {pinned_name(forecast.pinned)}: it answers "
        f"instead of what was trained here, {pin_end(forecast.pinned)}."
    )


def _served(name: str) -> str:
    if name == "zero":
        return (
            "Served is zero (no change): no candidate has earned more trust than today's "
            "price itself. What this page can tell is how far the price may move, not which way."
        )
    return (
        f"Served is {name}, which the gate has let through. Its gain is small beside "
        "the range of what may happen: read the intervals before the number."
    )


def forecast_note(forecast: CurrentForecast) -> str:
    """What limits a forecast; empty for nothing."""
    notes = [forecast.note] if forecast.note else []
    if not forecast.intervals:
        notes.append("its range is not known, as too few outcomes are stored")
    return f"Note: {'; '.join(notes)}." if notes else ""


def basis(horizon: HorizonData, ticker: str = "") -> str:
    """What the figures of a page rest on, as a note on top."""
    sessions, size = horizon.record.sessions, horizon.pool_size
    if not sessions.size:
        return "No session has been forecast yet."
    pool = f"the pool's {size:,} tickers" if size > 1 else "it alone, without a pool"
    if ticker and size > 1:
        pool = f"it and {size - 1:,} other tickers of its pool"
    return (
        f"Figures are of {pool}, forecast at the latest {len(sessions):,} sessions, {sessions[0]} "
        f"to {sessions[-1]}. The gate weighed the whole record."
    )


def wait(verdict: Verdict) -> str:
    """How long until the tests could decide."""
    left = verdict.sessions_until_decidable
    if verdict.verdict != "undecided":
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


def range_note(horizon: int, measure: Measure) -> str:
    """The caption of the range of prices; ``measure`` is the coverage of its 90 % band."""
    note = (
        "The darker the band, the likelier the price ends in it. Such bands were scored on "
        f"{resting_on(measure)}."
    )
    if horizon == 1:
        return note
    return (
        f"{note} Only the horizons themselves are forecast: between them the bands are "
        "interpolated in the square root of time."
    )


def gate_note(verdict: Verdict) -> str:
    """The caption of the evidence."""
    return (
        f"A challenger is served only if every row says yes. {wait(verdict)} "
        f"Configurations tried to find it: {verdict.configurations}."
    )


def savings_note(pool_name: str, horizon: int, measure: Measure) -> str:
    """The caption of the summed savings; ``measure`` rests on the most dates."""
    overlap = "" if horizon == 1 else f", divided by {horizon} as labels overlap"
    return (
        "A line that rises saves errors, one that falls makes more of them than saying no change. "
        f"Averaged over {pool_name}{overlap}. {resting_on(measure)} at "
        "most; a forecast that began later rests on less, see the table above. "
        "Click a name to hide it; the axis then fits the others."
    )


def rolling_note(sessions: int, outcomes: int, periods: float) -> str:
    """The caption of coverage over the latest sessions."""
    caution = ": with so few periods it swings widely by chance alone" if periods < 10 else ""
    return (
        f"Over the latest {sessions} sessions at each date; dotted is what was promised. "
        f"Each point rests on n ≈ {outcomes:,}, n_eff = {n_eff(periods)}{caution}."
    )


def pit_note(measure: Measure) -> str:
    """The caption of the places of outcomes; ``measure`` is the coverage of the 90 % interval."""
    return (
        "If the ranges are honest, every tenth of them holds a tenth of the outcomes (dashed), and "
        "19 bars of 20 end inside the shaded band, which is what chance allows with n_eff periods. "
        "High bars at both ends mean ranges too narrow, a hump in the middle too wide. "
        f"{resting_on(measure)}."
    )


def parts_heading(challenger: str) -> str:
    """The heading of the parts of a forecast."""
    return f"What the challenger {challenger} says now, and why"


def contributions_note(total: float, verdict: Verdict) -> str:
    """The caption of the parts of a forecast."""
    rests = f"n = {verdict.n:,}, n_eff = {n_eff(verdict.n_eff)}"
    return (
        f"Its forecast is {signed(total, 3)}, the sum of these parts; it was judged "
        f"on {rests}. They say how the number is made, not what moves the price."
    )


def evidence_rows(verdict: Verdict) -> list[tuple[str, ...]]:
    """Question, value, limit, whether passed, in words, n and n_eff of all that was weighed."""
    return [_evidence_row(evidence, verdict) for evidence in verdict.evidence]


def _evidence_row(evidence: criteria.Criterion, verdict: Verdict) -> tuple[str, ...]:
    kind, _, reference = evidence.name.partition("_vs_")
    recent = GateRules.min_dates
    plain = kind.replace("_", " ")
    question, sign = QUESTIONS.get(kind, (f"{plain[:1].upper()}{plain[1:]}", "limit"))
    question = question.format(
        reference=reasons.REFERENCES.get(reference, reference or "it"), recent=recent
    )
    share = min(1.0, recent / verdict.dates) if kind == "recent_skill" and verdict.dates else 1.0
    is_plain = kind.startswith("t_") or kind not in QUESTIONS
    shown: Callable[[float], str] = "{:.2f}".format if is_plain else partial(percent, digits=2)
    in_words = "speaks for it" if evidence.passed else reasons.objection(evidence)
    return (
        question,
        NOT_KNOWN if evidence.value is None else shown(evidence.value),
        f"{sign} {shown(evidence.limit)}",
        "yes" if evidence.passed else "no",
        in_words,
        f"{verdict.n:,}" if share == 1 else f"≈ {verdict.n * share:,.0f}",
        n_eff(verdict.n_eff * share),
    )
