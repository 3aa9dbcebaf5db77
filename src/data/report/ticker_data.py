"""All that is stored of one ticker, whether its rows add up, and what to say of that; pure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from src.data.report import row_counts

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar

STALE = "The stored clean prices are older than the raw ones: run the pipeline"
BROKEN = "Rows are unaccounted for: a row came in and is neither stored nor in quarantine"


@dataclass(frozen=True)
class Stored:
    """All that is stored of one ticker, each frame with its table's columns.

    Attributes:
        chosen: Source of the clean daily prices, empty where there is no daily row.
        chosen_hourly: The same of the hourly ones.
        delivered: Every archived row (see ``quality.delivered``).
        differences: Where other sources differ (see ``reconcile``).
        stale: Sessions and hours on which cleaning would make something else now.
        zone: The exchange's time zone.
    """

    ticker: str
    chosen: str
    chosen_hourly: str
    raw: pl.DataFrame
    hourly: pl.DataFrame
    batches: pl.DataFrame
    delivered: pl.DataFrame
    revisions: pl.DataFrame
    quarantine: pl.DataFrame
    ledger: pl.DataFrame
    clean: pl.DataFrame
    clean_hourly: pl.DataFrame
    differences: pl.DataFrame
    stale: int
    calendar: Calendar
    zone: str
    now: dt.datetime


def sums(one: Stored) -> pl.DataFrame:
    """Row conservation at ingest and at cleaning; untold where the clean prices are too old."""
    pairs = [
        row_counts.at_ingest(kind, raw, one.batches, one.delivered, one.quarantine)
        for kind, raw in (("daily", one.raw), ("hourly", one.hourly))
    ]
    clean = [
        row_counts.at_cleaning("daily", one.chosen, one.raw, one.clean, one.quarantine),
        row_counts.at_cleaning(
            "hourly", one.chosen_hourly, one.hourly, one.clean_hourly, one.quarantine
        ),
    ]
    untold = pl.when(one.stale == 0).then(pl.col("holds"))
    return pl.concat([*pairs, *(rows.with_columns(holds=untold) for rows in clean)])


def verdicts(one: Stored) -> tuple[str, ...]:
    """Whether the clean prices are up to date, and whether every row is accounted for."""
    said = []
    if one.clean.is_empty() and one.raw.height:
        said.append("No clean prices are stored: run the pipeline.")
    elif one.stale:
        said.append(f"{STALE} ({one.stale:,} rows differ).")
    else:
        said.append("The clean prices are what cleaning makes of the raw ones now.")
    holds = sums(one)["holds"]
    if not holds.all():
        said.append(f"{BROKEN}: see Row conservation.")
    elif holds.null_count() == 0:
        said.append("Every row that came in is accounted for.")
    return tuple(said)
