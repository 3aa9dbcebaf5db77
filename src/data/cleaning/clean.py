"""Clean, adjust and repair the raw bars of any number of tickers: one clean bar per session.

One source is chosen per ticker. The others, and the hourly bars, fill its gaps where they agree
with it around the gap; where they differ from it is listed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import polars as pl

from src.data.cleaning.compare_sources import SCHEMA as DIFFERENCES
from src.data.cleaning.compare_sources import find_differences
from src.data.cleaning.repair.candidates import hourly_candidates, second_source_candidates
from src.data.cleaning.repair.fill_gaps import Repair, fill_gaps, missing_sessions
from src.data.cleaning.rules.catalogue import BROKEN, DAILY_RULES, HOURLY_RULES
from src.data.cleaning.rules.engine import RuleResult, apply_rules
from src.data.corporate_actions.adjust import shares_after
from src.data.corporate_actions.apply import AdjustedSeries, apply_actions
from src.data.corporate_actions.ledger import active_actions, effective_rows, reached_rows
from src.data.corporate_actions.price_checks.contradictions import adj_close_mismatches
from src.data.corporate_actions.price_checks.dividends import SCHEMA as IMPLAUSIBLE

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar

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


@dataclass(frozen=True)
class CleaningResult:
    """What became of the daily bars.

    Rows of the chosen source = ``bars`` that were not repaired + ``refused``.

    Attributes:
        bars: the clean bars.
        refused: raw rows with ``rule`` and ``reason``.
        inferred: ledger rows, as ``contradicted`` and ``reinstated`` (see ``AdjustedSeries``).
        dividend_mismatches: stated dividends that adj_close does not take off.
        repaired: what each repaired bar was taken from.
        differences: where another source differs (see ``compare_sources``).
        spans: ``ticker, source, last, rows``: how far each source reaches.
    """

    bars: pl.DataFrame
    refused: pl.DataFrame
    inferred: pl.DataFrame
    contradicted: pl.DataFrame
    reinstated: pl.DataFrame
    dividend_mismatches: pl.DataFrame
    repaired: pl.DataFrame
    differences: pl.DataFrame
    spans: pl.DataFrame


def clean_hourly(raw: pl.DataFrame, calendar: Calendar, precedence: Sequence[str]) -> RuleResult:
    """Apply the rules to the hourly bars of every source, as delivered.

    ``kept`` has those of all sources with ``chosen``: whether the source is its ticker's;
    ``refused`` has rows of the chosen source alone.
    """
    kept, refused = [], []
    for ticker_rows in _partitions(raw, "ticker"):
        chosen = (in_precedence(ticker_rows, precedence) or [""])[0]
        for bars in _partitions(ticker_rows, "source"):
            result = apply_rules(bars.sort("ts"), HOURLY_RULES, calendar)
            kept.append(result.kept.with_columns(UNREPAIRED, chosen=pl.col("source") == chosen))
            refused.append(result.refused.filter(pl.col("source") == chosen))
    return RuleResult(pl.concat(kept), pl.concat(refused))


def clean_daily(
    raw: pl.DataFrame,
    ledger: pl.DataFrame,
    hourly: pl.DataFrame,
    calendar: Calendar,
    precedence: Sequence[str],
    until: dt.date,
) -> CleaningResult:
    """Clean, adjust and repair daily bars.

    ``raw`` are rows joined with their batch (see ``rules.engine``), in any order; ``hourly`` is
    what ``clean_hourly`` kept of the same tickers; the preferred source is first in precedence.
    ``until`` is the last session that may be used: later actions do not apply yet.
    """
    results = []
    for ticker_rows in _partitions(raw, "ticker"):
        ticker = ticker_rows["ticker"][0] if ticker_rows.height else ""
        actions, hours = (frame.filter(pl.col("ticker") == ticker) for frame in (ledger, hourly))
        results.append(_clean_ticker(ticker_rows, actions, hours, calendar, precedence, until))
    names = [field.name for field in fields(CleaningResult)]
    return CleaningResult(
        **{name: pl.concat([getattr(result, name) for result in results]) for name in names}
    )


def _spans(raw: pl.DataFrame) -> pl.DataFrame:
    priced = raw.drop_nulls("close").group_by("ticker", "source")
    return priced.agg(last=pl.col("date").max(), rows=pl.len())


def in_precedence(raw: pl.DataFrame, precedence: Sequence[str]) -> list[str]:
    """The sources that are present: those of the precedence first, then the others by name."""
    present = raw["source"].unique().to_list()
    first = [name for name in precedence if name in present]
    return first + sorted(set(present) - set(first))


@dataclass(frozen=True)
class _SourceSeries:
    """One source's daily bars, adjusted, and what was refused and inferred."""

    bars: pl.DataFrame
    refused: pl.DataFrame
    adjusted: AdjustedSeries
    ledger: pl.DataFrame
    has_adj_close: bool


def _clean_ticker(
    raw: pl.DataFrame,
    ledger: pl.DataFrame,
    hourly: pl.DataFrame,
    calendar: Calendar,
    precedence: Sequence[str],
    until: dt.date,
) -> CleaningResult:
    sources = in_precedence(raw, precedence)
    rows = [raw.filter(source=name) for name in sources] or [raw]
    ledgers = [reached_rows(ledger, until, _restated_until(each, calendar)) for each in rows]
    kept = [_kept(each, own, calendar) for each, own in zip(rows, ledgers, strict=True)]
    chosen, *others = [
        _source_series(result, own, calendar, [other.kept for other in kept if other is not result])
        for result, own in zip(kept, ledgers, strict=True)
    ]
    repairs = _repairs(chosen, others, ledger, hourly, calendar, precedence)
    differing = [find_differences(chosen.bars, other.bars) for other in others]
    inferred = [other.adjusted.inferred.filter(status="applied") for other in others]
    return CleaningResult(
        bars=_with_repairs(chosen.bars, repairs),
        refused=chosen.refused,
        inferred=pl.concat([chosen.adjusted.inferred, *inferred]),
        contradicted=chosen.adjusted.contradicted,
        reinstated=chosen.adjusted.reinstated,
        dividend_mismatches=_dividend_mismatches(chosen),
        repaired=_repaired_rows(chosen.bars, repairs),
        differences=pl.concat([pl.DataFrame(schema=DIFFERENCES), *differing]),
        spans=_spans(raw),
    )


def _kept(raw: pl.DataFrame, ledger: pl.DataFrame, calendar: Calendar) -> RuleResult:
    return apply_rules(_with_level(raw.sort("date"), ledger), DAILY_RULES, calendar)


def _source_series(
    result: RuleResult, ledger: pl.DataFrame, calendar: Calendar, others: Sequence[pl.DataFrame]
) -> _SourceSeries:
    adjusted = apply_actions(result.kept, ledger, calendar, others)
    has_adj_close = result.kept["adj_close"].null_count() == 0
    bars = adjusted.bars.with_columns(UNREPAIRED)
    return _SourceSeries(bars, result.refused, adjusted, ledger, has_adj_close)


def _restated_until(raw: pl.DataFrame, calendar: Calendar) -> dt.date | None:
    """The day up to which the newest delivery is adjusted for splits; None if it is not."""
    if raw.is_empty():
        return None
    newest = raw.sort("fetched_at", "batch_id").row(-1, named=True)
    if newest["price_basis"] == "unadjusted":
        return None
    fetched_at: dt.datetime = newest["fetched_at"]
    return fetched_at.astimezone(calendar.zone).date()


def _with_level(raw: pl.DataFrame, ledger: pl.DataFrame) -> pl.DataFrame:
    days = raw["date"].to_numpy()
    shares = pl.Series(shares_after(days, active_actions(ledger)), dtype=pl.Float64)
    is_unadjusted = pl.col("price_basis") == "unadjusted"
    factor = pl.when(is_unadjusted).then(shares).otherwise(1.0)
    return raw.with_columns(level=pl.col("close") / factor)


def _dividend_mismatches(chosen: _SourceSeries) -> pl.DataFrame:
    """Where the vendor's own adj_close contradicts the ledger; nothing where it has none."""
    bars = chosen.bars
    if bars.is_empty() or not chosen.has_adj_close or bars["price_basis"][0] == "total":
        return pl.DataFrame(schema=MISMATCHES)
    mismatches = adj_close_mismatches(bars, effective_rows(chosen.ledger))
    return mismatches.select(pl.lit(bars["ticker"][0]).alias("ticker"), "date", "amount", "why")


def _repairs(
    chosen: _SourceSeries,
    others: Sequence[_SourceSeries],
    ledger: pl.DataFrame,
    hourly: pl.DataFrame,
    calendar: Calendar,
    precedence: Sequence[str],
) -> list[Repair]:
    candidates = [
        *hourly_candidates(hourly, in_precedence(hourly, precedence), calendar),
        *second_source_candidates([other.bars for other in others]),
    ]
    dividends = [action for action in active_actions(ledger) if action.kind == "dividend"]
    ex_dates = [dividend.date for dividend in dividends]
    return fill_gaps(chosen.bars, _gaps(chosen, calendar), candidates, ex_dates)


def _gaps(series: _SourceSeries, calendar: Calendar) -> list[dt.date]:
    """Sessions without a bar from the first bar on, up to the last broken row or bar."""
    broken = series.refused.filter(pl.col("rule").is_in(BROKEN))
    days = series.bars["date"]
    through = pl.concat([days, broken["date"]]).max()
    return missing_sessions(days, calendar, through if isinstance(through, dt.date) else None)


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
    rows = [
        (bars["ticker"][0], each.date, each.kind, each.source, each.batch_id, each.reason)
        for each in repairs
    ]
    return pl.DataFrame(rows, schema=REPAIRED, orient="row")


def _partitions(raw: pl.DataFrame, by: str) -> list[pl.DataFrame]:
    return raw.partition_by(by, maintain_order=True) or [raw]
