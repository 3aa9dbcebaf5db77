"""Count and summarise a ticker's stored prices: coverage, refusals, repairs and restatements.

Every frame comes with the columns of its table in ``src.core.tables``, of one ticker, and may be
empty. Times are UTC, dates are the exchange's session dates, relative changes are fractions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from src.core.tables import DAILY_VALUES, OHLCV
from src.data.cleaning.quarantine import STAGE_NAME as CLEANING
from src.data.cleaning.repair.fill_gaps import missing_sessions
from src.data.cleaning.rules.catalogue import DAILY_RULES, HOURLY_RULES
from src.data.ingest.storing.batch_rows import STAGE_NAME as INGEST

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar

# The date that the ``at`` of a quarantine row begins with; null where it is none.
AT_DATE = pl.col("at").str.head(10).str.to_date("%Y-%m-%d", strict=False)


def missing_ranges(
    clean: pl.DataFrame, quarantine: pl.DataFrame, calendar: Calendar
) -> pl.DataFrame:
    """Missing sessions as runs: ``first, last, sessions, refused``.

    ``refused`` names the rules that refused a daily row of any of them; it is empty where no row
    was delivered.
    """
    days = missing_sessions(clean["date"], calendar)
    gaps = pl.DataFrame({"date": days}, schema={"date": pl.Date()})
    run = calendar.session_ids(gaps["date"].to_numpy())
    rules = _refused_daily(quarantine).group_by("date").agg(pl.col("rule"))
    return (
        gaps.with_columns(run=pl.Series(run, dtype=pl.Int64) - pl.int_range(pl.len()))
        .join(rules, on="date", how="left", maintain_order="left")
        .group_by("run", maintain_order=True)
        .agg(
            first=pl.col("date").min(),
            last=pl.col("date").max(),
            sessions=pl.len().cast(pl.Int64),
            refused=pl.col("rule").explode().drop_nulls().unique().sort().str.join(", "),
        )
        .drop("run")
    )


def coverage(clean: pl.DataFrame, quarantine: pl.DataFrame, calendar: Calendar) -> pl.DataFrame:
    """Each year's ``year, sessions, bars, missing, repaired, quarantined``.

    Sessions are counted from the first clean bar to the last, and ``bars`` include the repaired
    ones. ``quarantined`` are daily rows refused at ingest or cleaning, before the first bar too.
    """
    missing = missing_sessions(clean["date"], calendar)
    events = [
        clean.select("date", what=pl.lit("bars")),
        clean.filter(pl.col("repaired_by").is_not_null()).select("date", what=pl.lit("repaired")),
        pl.DataFrame({"date": missing}, schema={"date": pl.Date()}).with_columns(
            what=pl.lit("missing")
        ),
        _refused_daily(quarantine).select("date", what=pl.lit("quarantined")),
    ]
    names = ("bars", "missing", "repaired", "quarantined")
    return (
        pl.concat(events)
        .group_by(year=pl.col("date").dt.year())
        .agg((pl.col("what") == name).sum().cast(pl.Int64).alias(name) for name in names)
        .select("year", (pl.col("bars") + pl.col("missing")).alias("sessions"), *names)
        .sort("year")
    )


def rule_counts(quarantine: pl.DataFrame) -> pl.DataFrame:
    """Rows that each rule refused: ``stage, kind, rule, rows``; zero for unused cleaning rules."""
    refused = quarantine.filter(action="rejected")
    counts = refused.group_by("stage", "kind", "rule").agg(rows=pl.len().cast(pl.Int64))
    names = [(CLEANING, "daily", rule.__name__) for rule in DAILY_RULES]
    names += [(CLEANING, "hourly", rule.__name__) for rule in HOURLY_RULES]
    rules = pl.DataFrame(names, schema=["stage", "kind", "rule"], orient="row")
    others = counts.join(rules, on=rules.columns, how="anti").sort("stage", "kind", "rule")
    of_rules = rules.join(counts, on=rules.columns, how="left", maintain_order="left")
    both = pl.concat([others, of_rules.with_columns(pl.col("rows").fill_null(0))])
    return both.sort(pl.col("stage") != INGEST, maintain_order=True)


def repairs(quarantine: pl.DataFrame, clean: pl.DataFrame) -> pl.DataFrame:
    """Filled bars: ``date, kind, source, batch_id, reason``, the new values and ``was_…``.

    ``kind`` and ``source`` are of the bars that the new one was taken from. ``was_close`` and the
    others are the values of the refused row, null where there was none.
    """
    rows = quarantine.filter(action="repaired", kind="daily").with_columns(date=AT_DATE)
    was = pl.col("row").str.json_decode(pl.Struct({name: pl.Float64() for name in DAILY_VALUES}))
    old = [was.struct.field(name).alias(f"was_{name}") for name in DAILY_VALUES]
    return (
        rows.select("date", "source", "batch_id", "reason", *old, kind="rule")
        .join(clean.select("date", *DAILY_VALUES), on="date", how="left")
        .sort("date")
    )


def revisions_by_day(revisions: pl.DataFrame) -> pl.DataFrame:
    """What each fetch restated: ``day, source, kind, field, restated, filled, noise, largest``.

    ``filled`` values were null before. ``largest`` is the relative change, with its sign, that is
    furthest from zero among the restated ones.
    """
    is_real = ~pl.col("noise")
    is_filled = is_real & pl.col("old_value").is_null()
    relative = _relative_change().filter(is_real)
    return (
        revisions.group_by("source", "kind", "field", day=pl.col("known_at").dt.date())
        .agg(
            restated=(is_real & ~is_filled).sum().cast(pl.Int64),
            filled=is_filled.sum().cast(pl.Int64),
            noise=pl.col("noise").sum().cast(pl.Int64),
            largest=relative.get(relative.abs().arg_max(), null_on_oob=True),
        )
        .select("day", "source", "kind", "field", "restated", "filled", "noise", "largest")
        .sort("day", "kind", "source", "field")
    )


def largest_revisions(revisions: pl.DataFrame) -> pl.DataFrame:
    """The restated values, noise left out, with ``relative``; the largest change first."""
    restated = revisions.filter(~pl.col("noise")).with_columns(relative=_relative_change())
    return restated.sort(pl.col("relative").abs(), descending=True, nulls_last=True)


def agreement(differences: pl.DataFrame, raw: pl.DataFrame, clean: pl.DataFrame) -> pl.DataFrame:
    """Each other source: ``other, compared, common, days``, days per field, ``largest``.

    ``common`` are the days with a clean bar of the chosen source and a raw close of the other.
    ``compared`` is null where no day differs.
    """
    chosen = clean.filter(pl.col("repaired_by").is_null()).select("date", "source")
    both = raw.drop_nulls("close").select("date", other="source").join(chosen, on="date")
    common = both.filter(pl.col("other") != pl.col("source")).group_by("other").agg(common=pl.len())
    differing = differences.group_by("other").agg(
        pl.col("compared").first(),
        *((pl.col("field") == name).sum().cast(pl.Int64).alias(name) for name in OHLCV),
        days=pl.col("date").n_unique().cast(pl.Int64),
        largest=pl.col("relative").get(pl.col("relative").abs().arg_max(), null_on_oob=True),
    )
    counts = ["days", *OHLCV]
    return (
        common.join(differing, on="other", how="left")
        .with_columns(pl.col(counts).fill_null(0), pl.col("common").cast(pl.Int64))
        .select("other", "compared", "common", *counts, "largest")
        .sort("other")
    )


def _relative_change() -> pl.Expr:
    return pl.when(pl.col("old_value") != 0).then(pl.col("new_value") / pl.col("old_value") - 1)


def _refused_daily(quarantine: pl.DataFrame) -> pl.DataFrame:
    rows = quarantine.filter(action="rejected", kind="daily").with_columns(date=AT_DATE)
    return rows.drop_nulls("date")
