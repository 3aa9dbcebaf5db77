"""One horizon's record and its statistics in; the parts of the page about it out.

A part is markup or a figure with the look of its box. Numbers never stand without what they rest
on: n, pairs of a forecast and an outcome, and n_eff, periods that do not overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from src.modeling.training.report import calibration, charts, fan, wording
from src.modeling.training.report.data import HorizonRecord, ReportData
from src.modeling.training.report.measures import Measure
from src.modeling.training.report.skills import Skill
from src.modeling.training.report.statistics import ROLLING_SESSIONS, HorizonStatistics
from src.stages.html_page import table

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


@dataclass(frozen=True)
class Shown:
    """A figure and the look of its box."""

    figure: Figure
    look: str = "picture"


Part = str | Shown

COVERAGE = ("interval", "should hold", "held", "90 % interval of that", "n", "n_eff")


def parts(run: ReportData, record: HorizonRecord, scores: HorizonStatistics) -> list[Part]:
    """Everything about one horizon below the summary, its heading first."""
    heading = f"<h2>{escape(wording.horizon_name(record.horizon).capitalize())}</h2>"
    return [
        heading,
        *_range(run, record, scores),
        *_gate(record),
        *_skills(run, scores),
        *_saved(run, record, scores),
        *_coverage(run, record, scores),
        *_terciles(scores),
        *_pit(record, scores),
        *_contributions(record),
    ]


def _range(run: ReportData, record: HorizonRecord, scores: HorizonStatistics) -> list[Part]:
    top = heading("The range of what may happen")
    found = [
        (one.horizon, one.status.forecast)
        for one in run.horizons
        if one.horizon <= record.horizon and fan.known(one.status.forecast)
    ]
    said = [(horizon, one) for horizon, one in found if one is not None]
    if not said or said[-1][0] != record.horizon:
        return [top, note("There is no forecast to draw.")]
    made = said[-1][1].feature_date
    days, prices, point = fan.path([one for one in said if one[1].feature_date == made])
    seen = np.isfinite(run.closes) & (run.sessions <= np.datetime64(made, "D"))
    rows = np.flatnonzero(seen)[-(20 if record.horizon < 20 else 120) :]
    told = (
        "The darker the band, the likelier the price ends in it. Such bands were scored on "
        f"{wording.resting_on(scores.coverage[0.9][0])}."
    )
    if record.horizon > 1:
        told += (
            " Only the horizons themselves are forecast: between them the bands are interpolated "
            "in the square root of time."
        )
    figure = charts.fan(run.sessions[rows], run.closes[rows], (days, prices), point)
    return [top, note(told), Shown(figure)]


def _gate(record: HorizonRecord) -> list[Part]:
    top = heading("What the gate weighed")
    one = record.status.verdict
    if one is None:
        return [top, note("The gate was not asked.")]
    told = (
        f"A challenger is served only if every row says yes. {wording.wait(one)} "
        f"Configurations tried to find it: {one.configurations}."
    )
    names = ("question", "value", "needed", "passed", "in words", "n", "n_eff")
    kinds = ("words", "number", "number", "", "words", "number", "number")
    return [top, note(told), table(names, wording.evidence_rows(one), kinds)]


def _skills(run: ReportData, scores: HorizonStatistics) -> list[Part]:
    top = heading("Skill: how much smaller the errors were than with something simple")
    told = (
        "Above zero is better. Where the interval holds zero, the difference could be chance; of "
        "ten lines without any difference about one looks better or worse all the same. Each date "
        "counts once, whatever the number of tickers; the gate counts every outcome once and asks "
        "for more certainty, so its gains differ a little and one that looks sure here may still "
        "not be served. The line served is what the gate would have let through at each date."
    )
    found: list[Part] = [top, note(told)]
    if any(one.pool.low is not None for one in scores.skills):
        caption = f"Gains over {_pool(run)} with 90 % intervals; n and n_eff are in the table."
        found += [Shown(charts.forest(scores.skills)), note(caption)]
    found.append(_skill_table(scores.skills, [one.pool for one in scores.skills]))
    if len(run.tickers) > 1:
        own = _skill_table(scores.skills, [one.own for one in scores.skills])
        found.append(folded(f"the same for {run.ticker} alone", own))
    return found


def _skill_table(found: Sequence[Skill], measures: Sequence[Measure]) -> str:
    names = ("forecast", "against", "gain", "90 % interval", "so it is", "n", "n_eff")
    rows = [
        (
            one.candidate,
            charts.BASELINES[one.baseline][0],
            wording.signed(measure.value),
            wording.interval(measure),
            wording.judged(measure),
            f"{measure.n:,}",
            wording.n_eff(measure.n_eff),
        )
        for one, measure in zip(found, measures, strict=True)
    ]
    return table(names, rows, ("name", "name", "number", "number", "name", "number", "number"))


def _saved(run: ReportData, record: HorizonRecord, scores: HorizonStatistics) -> list[Part]:
    top = heading("Errors saved over no change, summed over time")
    if not scores.saved:
        return [top, note("No forecast has an outcome yet.")]
    pooled = [one.pool for one in scores.skills if one.baseline == "zero"]
    widest = max(pooled, key=lambda one: one.dates)
    told = (
        "A line that rises saves errors, one that falls makes more of them than saying no change. "
        f"Averaged over {_pool(run)}{_overlap(record)}. {wording.resting_on(widest)} at "
        "most; a forecast that began later rests on less, see the table above. "
        "A click on a name takes it away, and the axis then fits the others."
    )
    figure = charts.cumulative(run.sessions[scores.saved_rows], scores.saved)
    return [top, note(told), Shown(figure)]


def _overlap(record: HorizonRecord) -> str:
    return "" if record.horizon == 1 else f", divided by {record.horizon} as labels overlap"


def _coverage(run: ReportData, record: HorizonRecord, scores: HorizonStatistics) -> list[Part]:
    top = heading("Coverage: did the intervals hold what they promise?")
    whole = scores.coverage[0.9][0]
    if not whole.n:
        return [top, note("No interval has an outcome yet.")]
    thinned = f", one in {scores.spacing}" if scores.spacing > 1 else ""
    first, last = (run.sessions[record.rows[at]] for at in (0, -1))
    told = f"Scored on sessions{thinned} from {first} to {last}."
    rows = []
    for share, (pool, own) in scores.coverage.items():
        over = [(_pool(run), pool)] + ([(run.ticker, own)] if len(run.tickers) > 1 else [])
        rows += [
            (f"{share:.0%}, {name}", f"{share:.0%}", *_covered(measure)) for name, measure in over
        ]
    kinds = ("name", *["number"] * 5)
    return [top, note(told), table(COVERAGE, rows, kinds), *_rolled(run, record, scores)]


def _rolled(run: ReportData, record: HorizonRecord, scores: HorizonStatistics) -> list[Part]:
    whole = scores.coverage[0.9][0]
    if not any(np.isfinite(one).any() for one in scores.rolled.values()):
        short = f"Fewer than {ROLLING_SESSIONS} sessions are scored: coverage over time is unknown."
        return [note(short)]
    each = ROLLING_SESSIONS / record.horizon
    cells = round(whole.n / whole.dates * ROLLING_SESSIONS / scores.spacing)
    moved = (
        f"Over the latest {ROLLING_SESSIONS} sessions at each date; dotted is what was promised. "
        f"Each point rests on n ≈ {cells:,}, n_eff = {wording.n_eff(each)}"
        + (": with so few periods it swings widely by chance alone." if each < 10 else ".")
    )
    figure = charts.coverage_over_time(run.sessions[scores.rolled_rows], scores.rolled)
    return [note(moved), Shown(figure)]


def _covered(one: Measure) -> tuple[str, str, str, str]:
    told = wording.interval(one, 1, with_sign=False)
    return wording.percent(one.value), told, f"{one.n:,}", wording.n_eff(one.n_eff)


def _terciles(scores: HorizonStatistics) -> list[Part]:
    top = heading("Coverage when prices were calm and when they were wild")
    if not any(one.n for one in scores.terciles[0.9]):
        return [top, note("No interval has an outcome yet.")]
    told = (
        "Outcomes sorted by the volatility that was forecast, against the ticker's own median. "
        "Dotted is what was promised; bars are 90 % intervals."
    )
    rows = [
        (f"{share:.0%}, {name} third", f"{share:.0%}", *_covered(one))
        for share, measures in scores.terciles.items()
        for name, one in zip(calibration.TERCILES, measures, strict=True)
    ]
    return [
        top,
        note(told),
        Shown(charts.coverage_by_tercile(scores.terciles)),
        folded("the numbers, with n and n_eff", table(COVERAGE, rows, ("name", *["number"] * 5))),
    ]


def _pit(record: HorizonRecord, scores: HorizonStatistics) -> list[Part]:
    top = heading("Where outcomes fell in the forecast range")
    whole = scores.coverage[0.9][0]
    if not scores.pit_counts.sum():
        return [top, note("No distribution has an outcome yet.")]
    band = calibration.chance_band(whole.n_eff)
    told = (
        "If the ranges are honest, every tenth of them holds a tenth of the outcomes (dashed), and "
        "19 bars of 20 end inside the shaded band, which is what chance allows with n_eff periods. "
        "High bars at both ends mean ranges too narrow, a hump in the middle too wide. "
        f"{wording.resting_on(whole)}."
    )
    return [top, note(told), Shown(charts.pit(scores.pit_counts, band))]


def _contributions(record: HorizonRecord) -> list[Part]:
    top = heading(f"What the challenger {record.challenger} says now, and why")
    found = [one for one in record.status.contributions if np.isfinite(one[1])]
    if not found:
        return [top, note(f"{record.challenger} has no parts to show: it uses no features.")]
    total = sum(value for _, value in found)
    one = record.status.verdict
    rests = f"n = {one.n:,}, n_eff = {wording.n_eff(one.n_eff)}" if one else "n not known"
    told = (
        f"Its forecast is {wording.signed(total, 3)}, the sum of these parts; it was judged "
        f"on {rests}. They say how the number is made, not what moves the price."
    )
    look = "picture tall" if len(found) > 5 else "picture short"
    return [top, note(told), Shown(charts.contributions(found), look)]


def heading(text: str) -> str:
    """A heading within a horizon."""
    return f"<h3>{escape(text)}</h3>"


def note(text: str) -> str:
    """A remark below a heading."""
    return f'<p class="note">{escape(text)}</p>'


def folded(summary: str, markup: str) -> str:
    """Markup that is hidden until it is asked for."""
    return f"<details><summary>{escape(summary)}</summary>{markup}</details>"


def _pool(run: ReportData) -> str:
    return f"all {len(run.tickers)} tickers" if len(run.tickers) > 1 else run.ticker
