"""Lay out the evidence of one horizon as the sections of a report page.

Numbers never stand without what they rest on: n, pairs of a forecast and an outcome, and n_eff,
periods that do not overlap. The blocks are rendered by ``templates/blocks.html``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from src.modeling.report import charts, wording
from src.modeling.report.data import HorizonData, PriceFan
from src.modeling.report.statistics import calibration
from src.modeling.report.statistics.horizon import ROLLING_SESSIONS, HorizonStatistics, Skill
from src.modeling.report.statistics.measures import Measure

if TYPE_CHECKING:
    from src.modeling.report.figure import Figure


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


def pool_sections(
    horizon: HorizonData, statistics: HorizonStatistics, ticker: str = ""
) -> dict[str, list[Block]]:
    """The pool's evidence: headings, and the blocks below them.

    With a ``ticker`` of a pool of several its own numbers stand beside the pool's.
    """
    alone = len(horizon.record.tickers) == 1
    beside = "" if alone else ticker
    skill = "Skill: how much smaller the errors were than with something simple"
    coverage = "Coverage: did the intervals hold what they promise?"
    return {
        "What the gate weighed": _gate(horizon),
        skill: _skills(horizon, statistics, beside),
        "Errors saved over no change, summed over time": _savings(horizon, statistics),
        coverage: _coverage(horizon, statistics, beside),
        "Coverage when prices were calm and when they were wild": _terciles(statistics),
        "Where outcomes fell in the forecast range": _pit(statistics),
    }


def price_range(
    horizon: HorizonData, statistics: HorizonStatistics, prices: PriceFan | None
) -> list[Block]:
    """The fan of one ticker's price."""
    if prices is None:
        return [Note("There is no forecast to draw.")]
    note = wording.range_note(horizon.horizon, statistics.coverage[0.9].pool)
    return [Note(note), Chart(charts.fan(prices))]


def contributions(horizon: HorizonData, ticker: str) -> list[Block]:
    """What the challenger's forecast of one ticker is made of."""
    parts = known_parts(horizon, ticker)
    note = parts_note(horizon, parts)
    if not parts:
        return [note]
    figure = charts.contributions(charts.contribution_bars(parts))
    return [note, Chart(figure, parts_class(parts))]


def known_parts(horizon: HorizonData, ticker: str) -> list[tuple[str, float]]:
    """The parts of the challenger's forecast of one ticker that are numbers."""
    return [part for part in horizon.contributions.get(ticker, ()) if np.isfinite(part[1])]


def parts_note(horizon: HorizonData, parts: Sequence[tuple[str, float]]) -> Note:
    """The caption of the parts of a forecast, or why there are none."""
    if not parts:
        return Note(f"{horizon.challenger} has no parts to show: it uses no features.")
    total = sum(value for _, value in parts)
    return Note(wording.contributions_note(total, horizon.verdict))


def parts_class(parts: Sequence[tuple[str, float]]) -> str:
    """The class of the box of the parts of a forecast; empty without any."""
    if not parts:
        return ""
    return "picture tall" if len(parts) > 5 else "picture short"


def ticker_skill(statistics: HorizonStatistics, ticker: str, column: int | None) -> TableBlock:
    """One ticker's own skill over no change and of its distribution, folded."""
    skills = [skill for skill in statistics.skills if skill.baseline != "mean"]
    measures = [skill.gains.of(column) for skill in skills]
    return _skill_table(skills, measures, f"the skill of forecasts of {ticker} alone")


def _gate(horizon: HorizonData) -> list[Block]:
    headers = ("question", "value", "needed", "passed", "in words", "n", "n_eff")
    classes = ("words", "number", "number", "", "words", "number", "number")
    return [
        Note(wording.gate_note(horizon.verdict)),
        TableBlock(headers, wording.evidence_rows(horizon.verdict), classes),
    ]


def _skills(horizon: HorizonData, statistics: HorizonStatistics, beside: str) -> list[Block]:
    skills = statistics.skills
    blocks: list[Block] = [Note(wording.SKILL_NOTE)]
    if any(skill.gains.pool.low is not None for skill in skills):
        pool = horizon.pool_name
        caption = f"Gains over {pool} with 90 % intervals; n and n_eff are in the table."
        blocks += [Chart(charts.forest(skills)), Note(caption)]
    blocks.append(_skill_table(skills, [skill.gains.pool for skill in skills]))
    if beside:
        column = horizon.record.column(beside)
        measures = [skill.gains.of(column) for skill in skills]
        blocks.append(_skill_table(skills, measures, f"the same for {beside} alone"))
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


def _savings(horizon: HorizonData, statistics: HorizonStatistics) -> list[Block]:
    if not statistics.days.size:
        return [Note("No forecast has an outcome yet.")]
    against_zero = [skill.gains.pool for skill in statistics.skills if skill.baseline == "zero"]
    widest = max(against_zero, key=lambda measure: measure.dates)
    note = wording.savings_note(horizon.pool_name, horizon.horizon, widest)
    return [Note(note), Chart(charts.cumulative(statistics.days, statistics.saved))]


def _coverage(horizon: HorizonData, statistics: HorizonStatistics, beside: str) -> list[Block]:
    if not statistics.coverage[0.9].pool.n:
        return [Note("No interval has an outcome yet.")]
    first, last = horizon.record.sessions[[0, -1]]
    pool, column = horizon.pool_name, horizon.record.column(beside)
    rows = []
    for level, measures in statistics.coverage.items():
        rows.append(_coverage_row(f"{level:.0%}, {pool}", level, measures.pool))
        if beside:
            rows.append(_coverage_row(f"{level:.0%}, {beside}", level, measures.of(column)))
    return [
        Note(f"Forecasts made on sessions from {first} to {last}."),
        TableBlock(COVERAGE_HEADERS, rows, COVERAGE_CLASSES),
        *_rolling_coverage(horizon, statistics),
    ]


def _rolling_coverage(horizon: HorizonData, statistics: HorizonStatistics) -> list[Block]:
    if not any(np.isfinite(values).any() for values in statistics.rolled.values()):
        return [
            Note(
                f"Fewer than {ROLLING_SESSIONS} sessions are scored: coverage over time is unknown."
            )
        ]
    pool = statistics.coverage[0.9].pool
    outcomes = round(pool.n / pool.dates * ROLLING_SESSIONS)
    note = wording.rolling_note(ROLLING_SESSIONS, outcomes, ROLLING_SESSIONS / horizon.horizon)
    return [Note(note), Chart(charts.coverage_over_time(statistics.days, statistics.rolled))]


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
    pool = statistics.coverage[0.9].pool
    band = calibration.chance_band(pool.n_eff)
    return [Note(wording.pit_note(pool)), Chart(charts.pit(statistics.pit_counts, band))]
