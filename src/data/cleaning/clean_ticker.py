"""Adjust and repair the bars of one ticker that the rules have left.

One source is chosen per ticker. The others, and the hourly bars, fill its gaps where they agree
with it around the gap; the others continue it after its last bar where they agree with it up to
there, but for actions since then. Where they differ from it is listed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from src.data.cleaning.compare_sources import SCHEMA as DIFFERENCES
from src.data.cleaning.compare_sources import find_differences
from src.data.cleaning.repair.candidates import hourly_candidates, second_source_candidates
from src.data.cleaning.repair.continuation import Continuation, continue_series
from src.data.cleaning.repair.fill_gaps import Repair, fill_gaps, missing_sessions
from src.data.cleaning.rules.catalogue import BROKEN
from src.data.corporate_actions.apply import AdjustedSeries, apply_actions
from src.data.corporate_actions.ledger import (
    KEY,
    active_actions,
    applied_actions,
    effective_rows,
)
from src.data.corporate_actions.price_checks.contradictions import adj_close_mismatches
from src.data.corporate_actions.price_checks.dividends import SCHEMA as IMPLAUSIBLE

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar
    from src.data.corporate_actions.action import Action

UNREPAIRED = pl.lit(None, dtype=pl.String).alias("repaired_by")
REPAIRED = pl.Schema(
    {
        "ticker": pl.String(),
        "date": pl.Date(),
        "kind": pl.String(),
        "source": pl.String(),
        "batch_id": pl.Int64(),
        "reason": pl.String(),
    }
)
MISMATCHES = pl.Schema({"ticker": pl.String(), **IMPLAUSIBLE})
# Of most tickers there is none of these.
NO_REPAIRS, NO_MISMATCHES, NO_DIFFERENCES = (
    pl.DataFrame(schema=schema) for schema in (REPAIRED, MISMATCHES, DIFFERENCES)
)


@dataclass(frozen=True)
class SourceRows:
    """One source's daily bars that the rules kept, and those they refused.

    ``ledger`` are the actions that its prices have reached, ``span`` is its row of
    ``CleaningResult.spans``, if it has any price.
    """

    kept: pl.DataFrame
    refused: pl.DataFrame
    ledger: pl.DataFrame
    span: pl.DataFrame


@dataclass(frozen=True)
class CleaningResult:
    """What became of the daily bars.

    Rows of the chosen source = ``bars`` that were not repaired + ``refused``.

    Attributes:
        bars: the clean bars.
        refused: raw rows with ``rule`` and ``reason``.
        inferred: ledger rows, as ``contradicted``, ``reinstated`` and ``weighed`` (see
            ``AdjustedSeries``).
        dividend_mismatches: stated dividends that adj_close does not take off.
        repaired: what each repaired bar was taken from.
        differences: where another source differs (see ``compare_sources``).
        spans: ``ticker, source, last, rows, batches``: how far each source reaches up to the last
            session that may be used, and the batches that its rows are of; and of the bars that
            the rules kept how many there are (``kept``), how many are ``unadjusted`` (without an
            adjusted close), their price ``basis``, and whether a price ``leaps`` as by an error of
            its unit.
    """

    bars: pl.DataFrame
    refused: pl.DataFrame
    inferred: pl.DataFrame
    contradicted: pl.DataFrame
    reinstated: pl.DataFrame
    weighed: pl.DataFrame
    dividend_mismatches: pl.DataFrame
    repaired: pl.DataFrame
    differences: pl.DataFrame
    spans: pl.DataFrame


def clean_ticker(
    sources: Sequence[SourceRows],
    ledger: pl.DataFrame,
    hourly: pl.DataFrame,
    calendar: Calendar,
) -> CleaningResult:
    """Adjust the bars of each source, at least one; repair and continue those of the first.

    ``ledger`` are the ticker's rows, also of actions that no source's prices have reached yet;
    ``hourly`` are its clean bars, those of the preferred source first.
    """
    chosen, *others = [
        _source_series(rows, calendar, [other.kept for other in sources if other is not rows])
        for rows in sources
    ]
    mismatches = _dividend_mismatches(chosen)
    continued = _continued(chosen, others, ledger, calendar)
    chosen = replace(chosen, bars=continued.bars)
    repairs = [*_filled(chosen, others, ledger, hourly, calendar), *continued.repairs]
    differing = [find_differences(chosen.bars, other.bars) for other in others]
    inferred = [other.adjusted.inferred.filter(status="applied") for other in others]
    return CleaningResult(
        bars=_with_repairs(chosen.bars, repairs),
        refused=chosen.rows.refused,
        inferred=pl.concat([chosen.adjusted.inferred, *inferred]),
        contradicted=chosen.adjusted.contradicted,
        reinstated=chosen.adjusted.reinstated,
        weighed=chosen.adjusted.weighed,
        dividend_mismatches=mismatches,
        repaired=_repaired_rows(chosen.bars, repairs),
        differences=pl.concat([NO_DIFFERENCES, *differing]),
        spans=pl.concat([rows.span for rows in sources]),
    )


@dataclass(frozen=True)
class _SourceSeries:
    """One source's daily bars, adjusted, and what was inferred."""

    rows: SourceRows
    adjusted: AdjustedSeries
    bars: pl.DataFrame


def _source_series(
    rows: SourceRows, calendar: Calendar, others: Sequence[pl.DataFrame]
) -> _SourceSeries:
    adjusted = apply_actions(rows.kept, rows.ledger, calendar, others)
    return _SourceSeries(rows, adjusted, adjusted.bars.with_columns(UNREPAIRED))


def _dividend_mismatches(chosen: _SourceSeries) -> pl.DataFrame:
    """Where the vendor's own adj_close contradicts the ledger; nothing where it has none."""
    bars, ledger = chosen.bars, chosen.rows.ledger
    has_adj_close = chosen.rows.kept["adj_close"].null_count() == 0
    if (
        bars.is_empty()
        or ledger.is_empty()
        or not has_adj_close
        or bars["price_basis"][0] == "total"
    ):
        return NO_MISMATCHES
    mismatches = adj_close_mismatches(bars, effective_rows(ledger))
    return mismatches.select(pl.lit(bars["ticker"][0]).alias("ticker"), "date", "amount", "why")


def _continued(
    chosen: _SourceSeries,
    others: Sequence[_SourceSeries],
    ledger: pl.DataFrame,
    calendar: Calendar,
) -> Continuation:
    """The sessions that other sources have after the last one of the chosen source."""
    last = _through(chosen)
    newest = max((day for other in others if (day := _through(other))), default=None)
    if last is None or newest is None or newest <= last or chosen.bars.is_empty():
        return Continuation(chosen.bars, [])
    gaps = calendar.sessions(calendar.next_session(last), newest)
    candidates = second_source_candidates([other.bars for other in others], "continued")
    actions = [each for each in _believed(ledger, others) if last < each.date <= newest]
    return continue_series(chosen.bars, gaps, candidates, actions)


def _believed(ledger: pl.DataFrame, others: Sequence[_SourceSeries]) -> list[Action]:
    """The active actions, without those that the prices of another source contradict."""
    rows = effective_rows(ledger)
    for other in others:
        contradicted = other.adjusted.contradicted
        if rows.height and contradicted.height:
            rows = rows.join(contradicted, on=KEY, how="anti", maintain_order="left")
    return applied_actions(rows)


def _filled(
    chosen: _SourceSeries,
    others: Sequence[_SourceSeries],
    ledger: pl.DataFrame,
    hourly: pl.DataFrame,
    calendar: Calendar,
) -> list[Repair]:
    """The gaps in the chosen series that hourly bars or other sources fill."""
    hourly_sources = hourly["source"].unique(maintain_order=True) if hourly.height else ()
    candidates = [
        *hourly_candidates(hourly, hourly_sources, calendar),
        *second_source_candidates([other.bars for other in others]),
    ]
    if not candidates:
        return []
    ex_dates = [each.date for each in active_actions(ledger) if each.kind == "dividend"]
    gaps = missing_sessions(chosen.bars["date"], calendar, _through(chosen))
    return fill_gaps(chosen.bars, gaps, candidates, ex_dates)


def _through(series: _SourceSeries) -> dt.date | None:
    """The day of the last bar or broken row; None without any."""
    broken = series.rows.refused.filter(pl.col("rule").is_in(BROKEN))
    last = pl.concat([series.bars["date"], broken["date"]]).max()
    return last if isinstance(last, dt.date) else None


def _with_repairs(bars: pl.DataFrame, repairs: Sequence[Repair]) -> pl.DataFrame:
    if not repairs:
        return bars
    first = bars.row(0, named=True)
    rows = [
        {
            "ticker": first["ticker"],
            "date": repair.date,
            **repair.bar,
            "source": repair.source,
            "return_basis": first["return_basis"],
            "action_pending": False,
            "repaired_by": repair.kind,
            "batch_id": repair.batch_id,
        }
        for repair in repairs
    ]
    added = pl.DataFrame(rows, schema_overrides={name: bars.schema[name] for name in rows[0]})
    return pl.concat([bars, added], how="diagonal").sort("date")


def _repaired_rows(bars: pl.DataFrame, repairs: Sequence[Repair]) -> pl.DataFrame:
    if not repairs:
        return NO_REPAIRS
    rows = [
        (bars["ticker"][0], each.date, each.kind, each.source, each.batch_id, each.reason)
        for each in repairs
    ]
    return pl.DataFrame(rows, schema=REPAIRED, orient="row")
