"""Lay out one horizon's evidence as the sections of the report page.

Numbers never stand without what they rest on: n, pairs of a forecast and an outcome, and n_eff,
periods that do not overlap. The blocks are rendered by ``templates/blocks.html``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from src.modeling.training.report import calibration, charts, wording
from src.modeling.training.report.data import HorizonRecord, ReportData, price_path
from src.modeling.training.report.measures import Measure
from src.modeling.training.report.statistics import ROLLING_SESSIONS, HorizonStatistics, Skill

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


@dataclass(frozen=True)
class Note:
    """A remark in plain text."""

    text: str


@dataclass(frozen=True)
class TableBlock:
    """A table with the classes of its columns; with ``folded_under`` it is hidden at first."""

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    classes: Sequence[str]
    folded_under: str = ""


@dataclass(frozen=True)
class Chart:
    """A figure and the class of its box, which gives the height."""

    figure: Figure
    css_class: str = "picture"


Block = Note | TableBlock | Chart

NUMBERS = ("number", "number", "number", "number", "number")
COVERAGE_HEADERS = ("interval", "should hold", "held", "90 % interval of that", "n", "n_eff")
COVERAGE_CLASSES = ("name", *NUMBERS)


def horizon_sections(
    data: ReportData, record: HorizonRecord, statistics: HorizonStatistics
) -> dict[str, list[Block]]:
    """Everything about one horizon below the summary: headings, and the blocks below them."""
    skill = "Skill: how much smaller the errors were than with something simple"
    savings = "Errors saved over no change, summed over time"
    coverage = "Coverage: did the intervals hold what they promise?"
    return {
        "The range of what may happen": _range(data, record, statistics),
        "What the gate weighed": _gate(record),
        skill: _skills(data, statistics),
        savings: _savings(data, record, statistics),
        coverage: _coverage(data, record, statistics),
        "Coverage when prices were calm and when they were wild": _terciles(statistics),
        "Where outcomes fell in the forecast range": _pit(statistics),
        f"What the challenger {record.challenger} says now, and why": _contributions(record),
    }


def _range(data: ReportData, record: HorizonRecord, statistics: HorizonStatistics) -> list[Block]:
    forecast = record.status.forecast
    if not forecast.has_range:
        return [Note("There is no forecast to draw.")]
    path = [
        (other.horizon, other.status.forecast)
        for other in data.horizons
        if other.horizon <= record.horizon and other.status.forecast.has_range
    ]
    days, prices, point = price_path(path)
    made = np.datetime64(forecast.feature_date, "D")
    seen = np.isfinite(data.closes) & (data.sessions <= made)
    rows = np.flatnonzero(seen)[-(20 if record.horizon < 20 else 120) :]
    figure = charts.fan(data.sessions[rows], data.closes[rows], (days, prices), point)
    return [Note(wording.range_note(record.horizon, statistics.coverage[0.9][0])), Chart(figure)]


def _gate(record: HorizonRecord) -> list[Block]:
    verdict = record.status.verdict
    headers = ("question", "value", "needed", "passed", "in words", "n", "n_eff")
    classes = ("words", "number", "number", "", "words", "number", "number")
    return [
        Note(wording.gate_note(verdict)),
        TableBlock(headers, wording.evidence_rows(verdict), classes),
    ]


def _skills(data: ReportData, statistics: HorizonStatistics) -> list[Block]:
    skills = statistics.skills
    blocks: list[Block] = [Note(wording.SKILL_NOTE)]
    if any(skill.pool.low is not None for skill in skills):
        caption = f"Gains over {data.pool_name} with 90 % intervals; n and n_eff are in the table."
        blocks += [Chart(charts.forest(skills)), Note(caption)]
    blocks.append(_skill_table(skills, [skill.pool for skill in skills]))
    if len(data.tickers) > 1:
        folded = f"the same for {data.ticker} alone"
        blocks.append(_skill_table(skills, [skill.ticker for skill in skills], folded))
    return blocks


def _skill_table(
    skills: Sequence[Skill], measures: Sequence[Measure], folded_under: str = ""
) -> TableBlock:
    headers = ("forecast", "against", "gain", "90 % interval", "so it is", "n", "n_eff")
    rows = [
        (
            skill.candidate,
            charts.BASELINES[skill.baseline][0],
            wording.signed(measure.value),
            wording.interval(measure),
            wording.conclusion(measure),
            f"{measure.n:,}",
            wording.n_eff(measure.n_eff),
        )
        for skill, measure in zip(skills, measures, strict=True)
    ]
    classes = ("name", "name", "number", "number", "name", "number", "number")
    return TableBlock(headers, rows, classes, folded_under)


def _savings(data: ReportData, record: HorizonRecord, statistics: HorizonStatistics) -> list[Block]:
    if not statistics.saved:
        return [Note("No forecast has an outcome yet.")]
    against_zero = [skill.pool for skill in statistics.skills if skill.baseline == "zero"]
    widest = max(against_zero, key=lambda measure: measure.dates)
    figure = charts.cumulative(data.sessions[statistics.saved_rows], statistics.saved)
    return [Note(wording.savings_note(data.pool_name, record.horizon, widest)), Chart(figure)]


def _coverage(
    data: ReportData, record: HorizonRecord, statistics: HorizonStatistics
) -> list[Block]:
    if not statistics.coverage[0.9][0].n:
        return [Note("No interval has an outcome yet.")]
    thinned = f", one in {statistics.spacing}" if statistics.spacing > 1 else ""
    first, last = (data.sessions[record.rows[end]] for end in (0, -1))
    rows = []
    for share, (pool, ticker) in statistics.coverage.items():
        rows.append(_coverage_row(f"{share:.0%}, {data.pool_name}", share, pool))
        if len(data.tickers) > 1:
            rows.append(_coverage_row(f"{share:.0%}, {data.ticker}", share, ticker))
    return [
        Note(f"Scored on sessions{thinned} from {first} to {last}."),
        TableBlock(COVERAGE_HEADERS, rows, COVERAGE_CLASSES),
        *_rolling_coverage(data, record, statistics),
    ]


def _rolling_coverage(
    data: ReportData, record: HorizonRecord, statistics: HorizonStatistics
) -> list[Block]:
    if not any(np.isfinite(values).any() for values in statistics.rolled.values()):
        return [
            Note(
                f"Fewer than {ROLLING_SESSIONS} sessions are scored: coverage over time is unknown."
            )
        ]
    pool = statistics.coverage[0.9][0]
    outcomes = round(pool.n / pool.dates * ROLLING_SESSIONS / statistics.spacing)
    figure = charts.coverage_over_time(data.sessions[statistics.rolled_rows], statistics.rolled)
    return [
        Note(wording.rolling_note(ROLLING_SESSIONS, outcomes, ROLLING_SESSIONS / record.horizon)),
        Chart(figure),
    ]


def _coverage_row(name: str, share: float, measure: Measure) -> tuple[str, ...]:
    return (
        name,
        f"{share:.0%}",
        wording.percent(measure.value),
        wording.interval(measure, 1, with_sign=False),
        f"{measure.n:,}",
        wording.n_eff(measure.n_eff),
    )


def _terciles(statistics: HorizonStatistics) -> list[Block]:
    if not any(measure.n for measure in statistics.terciles[0.9]):
        return [Note("No interval has an outcome yet.")]
    rows = [
        _coverage_row(f"{share:.0%}, {name} third", share, measure)
        for share, measures in statistics.terciles.items()
        for name, measure in zip(calibration.TERCILES, measures, strict=True)
    ]
    folded = "the numbers, with n and n_eff"
    return [
        Note(wording.TERCILE_NOTE),
        Chart(charts.coverage_by_tercile(statistics.terciles)),
        TableBlock(COVERAGE_HEADERS, rows, COVERAGE_CLASSES, folded),
    ]


def _pit(statistics: HorizonStatistics) -> list[Block]:
    if not statistics.pit_counts.sum():
        return [Note("No distribution has an outcome yet.")]
    pool = statistics.coverage[0.9][0]
    band = calibration.chance_band(pool.n_eff)
    return [Note(wording.pit_note(pool)), Chart(charts.pit(statistics.pit_counts, band))]


def _contributions(record: HorizonRecord) -> list[Block]:
    parts = [part for part in record.status.contributions if np.isfinite(part[1])]
    if not parts:
        return [Note(f"{record.challenger} has no parts to show: it uses no features.")]
    total = sum(value for _, value in parts)
    css_class = "picture tall" if len(parts) > 5 else "picture short"
    return [
        Note(wording.contributions_note(total, record.status.verdict)),
        Chart(charts.contributions(parts), css_class),
    ]
