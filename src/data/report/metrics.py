"""Stored prices of one ticker in, small tables of what is in them and was done to them out; pure.

Every frame comes with the columns of its table in ``src.core.tables``, of one ticker, and may be
empty. Times are UTC, dates are the exchange's session dates, relative changes are fractions.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import polars as pl

from src.core.tables import DAILY_VALUES
from src.data.cleaning.rules.catalogue import DAILY_RULES, HOURLY_RULES
from src.data.history.deliveries import unpack

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar

INGEST, CLEANING = "data_ingest", "data_cleaning"
UTC = pl.Datetime("us", "UTC")
_DAY = pl.col("at").str.head(10).str.to_date("%Y-%m-%d", strict=False)


def delivered(contents: pl.DataFrame) -> pl.DataFrame:
    """Every row of every archived delivery: ``batch_id, kind, source, at`` and the price fields.

    ``at`` is the bar's instant, for a daily bar its date at midnight UTC.
    """
    parts = [
        unpack(row["content"])
        .rename({"date" if row["kind"] == "daily" else "ts": "at"})
        .with_columns(pl.col("at").cast(pl.Datetime("us")).dt.replace_time_zone("UTC"))
        .select("at", pl.col("^(open|high|low|close|volume|adj_close)$").cast(pl.Float64))
        .with_columns(**{n: pl.lit(row[n]) for n in ("batch_id", "kind", "source")})
        for row in contents.iter_rows(named=True)
    ]
    fields = {name: pl.Float64() for name in DAILY_VALUES}
    schema = {"batch_id": pl.Int64(), "kind": pl.String(), "source": pl.String(), "at": UTC}
    empty = pl.DataFrame(schema={**schema, **fields})
    return pl.concat([empty, *parts], how="diagonal_relaxed")


def differing_rows(stored: pl.DataFrame, made: pl.DataFrame, key: str) -> int:
    """On how many days or times two versions of a clean table differ, or only one has a row."""
    names = stored.columns
    made = made.select(names).cast(stored.schema)
    either = [
        one.join(other, on=names, how="anti", nulls_equal=True).select(key)
        for one, other in ((stored, made), (made, stored))
    ]
    return pl.concat(either).n_unique()


def missing_sessions(clean: pl.DataFrame, calendar: Calendar) -> list[dt.date]:
    """Sessions between the first and the last clean bar that have none, in order."""
    first, last = clean["date"].min(), clean["date"].max()
    if not (isinstance(first, dt.date) and isinstance(last, dt.date)):
        return []
    return sorted(set(calendar.sessions(first, last)) - set(clean["date"].to_list()))


def missing_ranges(
    clean: pl.DataFrame, quarantine: pl.DataFrame, calendar: Calendar
) -> pl.DataFrame:
    """Missing sessions as runs: ``first, last, sessions, refused``.

    ``refused`` names the rules that refused a daily row of any of them; empty where no row came.
    """
    days = missing_sessions(clean, calendar)
    gaps = pl.DataFrame({"date": days}, schema={"date": pl.Date()})
    run = calendar.session_ids(gaps["date"].to_numpy().astype("datetime64[D]"))
    rules = _refused(quarantine, "daily").group_by("date").agg(pl.col("rule"))
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
    gaps = missing_sessions(clean, calendar)
    events = [
        clean.select("date", what=pl.lit("bars")),
        clean.filter(pl.col("repaired_by").is_not_null()).select("date", what=pl.lit("repaired")),
        pl.DataFrame({"date": gaps}, schema={"date": pl.Date()}).with_columns(
            what=pl.lit("missing")
        ),
        _refused(quarantine, "daily").select("date", what=pl.lit("quarantined")),
    ]
    names = ("bars", "missing", "repaired", "quarantined")
    return (
        pl.concat(events)
        .group_by(year=pl.col("date").dt.year())
        .agg((pl.col("what") == name).sum().cast(pl.Int64).alias(name) for name in names)
        .select("year", *names, sessions=pl.col("bars") + pl.col("missing"))
        .sort("year")
        .select("year", "sessions", *names)
    )


def rule_counts(quarantine: pl.DataFrame) -> pl.DataFrame:
    """Rows that each rule refused: ``stage, kind, rule, rows``; cleaning's rules with none too."""
    refused = quarantine.filter(action="rejected")
    found = refused.group_by("stage", "kind", "rule").agg(rows=pl.len().cast(pl.Int64))
    every = [(CLEANING, "daily", rule.name) for rule in DAILY_RULES]
    every += [(CLEANING, "hourly", rule.name) for rule in HOURLY_RULES]
    listed = pl.DataFrame(every, schema=["stage", "kind", "rule"], orient="row")
    others = found.join(listed, on=listed.columns, how="anti").sort("stage", "kind", "rule")
    counted = listed.join(found, on=listed.columns, how="left", maintain_order="left")
    both = pl.concat([others, counted.with_columns(pl.col("rows").fill_null(0))])
    return both.sort(pl.col("stage") != INGEST, maintain_order=True)


def repairs(quarantine: pl.DataFrame, clean: pl.DataFrame) -> pl.DataFrame:
    """Rebuilt bars: ``date, kind, source, batch_id, reason``, the new values and ``was_…``.

    ``kind`` and ``source`` are of the evidence. ``was_close`` and the others are what the refused
    row had, null where there was none.
    """
    rows = quarantine.filter(action="repaired", kind="daily").with_columns(date=_DAY)
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
    real = ~pl.col("noise")
    filled = real & pl.col("old_value").is_null()
    relative = _relative().filter(real)
    return (
        revisions.group_by("source", "kind", "field", day=pl.col("known_at").dt.date())
        .agg(
            restated=(real & ~filled).sum().cast(pl.Int64),
            filled=filled.sum().cast(pl.Int64),
            noise=pl.col("noise").sum().cast(pl.Int64),
            largest=relative.get(relative.abs().arg_max(), null_on_oob=True),
        )
        .select("day", "source", "kind", "field", "restated", "filled", "noise", "largest")
        .sort("day", "kind", "source", "field")
    )


def largest_revisions(revisions: pl.DataFrame) -> pl.DataFrame:
    """The restated values, noise left out, with ``relative``; the largest change first."""
    real = revisions.filter(~pl.col("noise")).with_columns(relative=_relative())
    return real.sort(pl.col("relative").abs(), descending=True, nulls_last=True)


def agreement(differences: pl.DataFrame, raw: pl.DataFrame, clean: pl.DataFrame) -> pl.DataFrame:
    """Each other source: ``other, compared, common, days``, days per field, ``largest``.

    ``common`` are the days with a clean bar of the chosen source and a raw close of the other.
    ``compared`` is null where no day differs.
    """
    own = clean.filter(pl.col("repaired_by").is_null()).select("date", "source")
    both = raw.drop_nulls("close").select("date", other="source").join(own, on="date")
    common = both.filter(pl.col("other") != pl.col("source")).group_by("other").agg(common=pl.len())
    fields = [
        (pl.col("field") == name).sum().cast(pl.Int64).alias(name)
        for name in ("open", "high", "low", "close", "volume")
    ]
    found = differences.group_by("other").agg(
        pl.col("compared").first(),
        *fields,
        days=pl.col("date").n_unique().cast(pl.Int64),
        largest=pl.col("relative").get(pl.col("relative").abs().arg_max(), null_on_oob=True),
    )
    counts = ["days", *(one.meta.output_name() for one in fields)]
    return (
        common.join(found, on="other", how="left")
        .with_columns(pl.col(counts).fill_null(0), pl.col("common").cast(pl.Int64))
        .select("other", "compared", "common", *counts, "largest")
        .sort("other")
    )


def _relative() -> pl.Expr:
    return pl.when(pl.col("old_value") != 0).then(pl.col("new_value") / pl.col("old_value") - 1)


def _refused(quarantine: pl.DataFrame, kind: str) -> pl.DataFrame:
    """Refused rows with the ``date`` that their text begins with."""
    rows = quarantine.filter(action="rejected", kind=kind).with_columns(date=_DAY)
    return rows.drop_nulls("date")
