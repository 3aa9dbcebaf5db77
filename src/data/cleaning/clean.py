"""Clean, adjust and repair the raw bars of any number of tickers: one clean bar per session.

The rules are applied to all of them at once, the rest is done ticker by ticker.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

import polars as pl

from src.data.cleaning.clean_ticker import UNREPAIRED, CleaningResult, SourceRows, clean_ticker
from src.data.cleaning.rules.catalogue import DAILY_RULES, HOURLY_RULES
from src.data.cleaning.rules.engine import RuleResult, apply_rules
from src.data.cleaning.rules.unit_errors import leaping_series
from src.data.corporate_actions.adjust import shares_after
from src.data.corporate_actions.ledger import active_actions, reached_rows

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar

    Key = tuple[object, ...]

SERIES = ("ticker", "source")


def clean_hourly(raw: pl.DataFrame, calendar: Calendar, precedence: Sequence[str]) -> RuleResult:
    """Apply the rules to the hourly bars of every source, as delivered.

    ``kept`` has those of all sources with ``chosen``: whether the source is its ticker's;
    ``refused`` has rows of the chosen source alone.
    """
    is_chosen = pl.col("source") == pl.col("source").first().over("ticker")
    ordered = _in_order(raw, precedence, "ts").with_columns(chosen=is_chosen)
    result = apply_rules(ordered, HOURLY_RULES, calendar, SERIES)
    kept = result.kept.select(pl.exclude("chosen"), UNREPAIRED, "chosen")
    return RuleResult(kept, result.refused.filter("chosen").drop("chosen"))


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
    series = _by(_in_order(raw, precedence, "date"), *SERIES) or {("", ""): raw}
    actions, hours = _by(ledger, "ticker"), _by(hourly, "ticker")
    no_actions, no_hours = ledger.clear(), hourly.clear()
    ledgers = {
        key: reached_rows(actions[key[:1]], until, _restated_until(bars, calendar))
        if key[:1] in actions
        else no_actions
        for key, bars in series.items()
    }
    leveled = pl.concat([_with_level(bars, ledgers[key]) for key, bars in series.items()])
    by_rules = apply_rules(leveled, DAILY_RULES, calendar, SERIES)
    spans = _spans(raw.filter(pl.col("date") <= until)).join(
        _kept_facts(by_rules.kept), on=SERIES, how="left", maintain_order="left"
    )
    results = [
        clean_ticker(sources, actions.get(key, no_actions), hours.get(key, no_hours), calendar)
        for key, sources in _by_ticker(by_rules, ledgers, spans).items()
    ]
    return CleaningResult(
        **{
            field.name: pl.concat([getattr(result, field.name) for result in results])
            for field in fields(CleaningResult)
        }
    )


def in_precedence(raw: pl.DataFrame, precedence: Sequence[str]) -> list[str]:
    """The sources that are present: those of the precedence first, then the others by name."""
    present = raw["source"].unique().to_list()
    first = [name for name in precedence if name in present]
    return first + sorted(set(present) - set(first))


def _in_order(raw: pl.DataFrame, precedence: Sequence[str], key: str) -> pl.DataFrame:
    """Ticker by ticker, source by source in their precedence, and by time."""
    source = pl.col("source").cast(pl.Enum(in_precedence(raw, precedence)))
    return raw.sort("ticker", source, key)


def _by(rows: pl.DataFrame, *columns: str) -> dict[Key, pl.DataFrame]:
    return rows.partition_by(columns, as_dict=True, maintain_order=True)


def _by_ticker(
    by_rules: RuleResult, ledgers: dict[Key, pl.DataFrame], spans: pl.DataFrame
) -> dict[Key, list[SourceRows]]:
    """What the rules left of each source, in the order of ``ledgers``, by ticker."""
    frames = (by_rules.kept, by_rules.refused, spans)
    parts = [(_by(frame, *SERIES), frame.clear()) for frame in frames]
    sources: dict[Key, list[SourceRows]] = {}
    for key, ledger in ledgers.items():
        kept, refused, span = (rows.get(key, none) for rows, none in parts)
        sources.setdefault(key[:1], []).append(SourceRows(kept, refused, ledger, span))
    return sources


def _spans(raw: pl.DataFrame) -> pl.DataFrame:
    priced = raw.drop_nulls("close").group_by(SERIES, maintain_order=True)
    batches = pl.col("batch_id").unique().sort()
    return priced.agg(last=pl.col("date").max(), rows=pl.len(), batches=batches)


def _kept_facts(kept: pl.DataFrame) -> pl.DataFrame:
    """See ``CleaningResult.spans``: of each series that has bars which the rules kept."""
    numbered = kept.with_columns(series=pl.struct(SERIES).rle_id())
    leaping = [numbered["series"][start] for start, _ in leaping_series(numbered)]
    facts = numbered.group_by(SERIES, maintain_order=True).agg(
        kept=pl.len(),
        unadjusted=pl.col("adj_close").null_count(),
        basis=pl.col("price_basis").first(),
        series=pl.col("series").first(),
    )
    return facts.with_columns(leaps=pl.col("series").is_in(leaping)).drop("series")


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
    if ledger.is_empty():
        return raw.with_columns(level="close")
    days = raw["date"].to_numpy()
    shares = pl.Series(shares_after(days, active_actions(ledger)), dtype=pl.Float64)
    is_unadjusted = pl.col("price_basis") == "unadjusted"
    factor = pl.when(is_unadjusted).then(shares).otherwise(1.0)
    return raw.with_columns(level=pl.col("close") / factor)
