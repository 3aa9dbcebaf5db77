"""Build the report on one session: all that is stored of that date.

It answers for a single price: where it is from, when it was first seen, whether it was changed, by
which rule, and what it replaced.
"""

from __future__ import annotations

import datetime as dt
from math import isclose, prod
from typing import Any

import polars as pl

from src.data.corporate_actions.action import SHARE_KINDS
from src.data.corporate_actions.ledger import active_actions, explained_days
from src.data.report.actions import action_cells, ratio_text
from src.data.report.formatting import (
    Section,
    format_bar,
    format_bar_time,
    format_row,
    format_time,
    format_value,
)
from src.data.report.sections import differing_values, restated_values
from src.data.report.ticker_data import TickerData


def session_sections(data: TickerData, day: dt.date) -> list[Section]:
    """Every table's rows of that date, under a summary of where its price is from.

    Raises:
        OutsideCalendar: the exchange's calendar does not cover the date.
    """
    parts = [
        _raw_rows(data, day),
        _delivered(data, day),
        _quarantined(data, day),
        restated_values(_of_day(data.revisions, day), with_noise=True),
        _actions(data, day),
        differing_values(data.differences.filter(date=day)),
        _hourly_bars(data, day),
    ]
    return [_summary(data, day), *(part for part in parts if part.rows)]


def _summary(data: TickerData, day: dt.date) -> Section:
    kind = "a session" if data.calendar.is_session(day) else "no session"
    estimate = " by estimate" if data.calendar.is_estimated(day) else ""
    rows = [("date", f"{day:%A}, {kind} of the exchange{estimate}")]
    clean = data.clean.filter(date=day)
    if clean.height:
        rows += _bar_rows(data, day, clean.row(0, named=True))
    else:
        rows.append(("clean bar", _why_no_bar(data, day)))
    stale = f"{data.stale:,} clean rows are older than the raw ones: run the pipeline."
    remarks = (stale,) if data.stale else ()
    return Section(f"{data.ticker} on {day}", rows=rows, remarks=remarks)


def _bar_rows(data: TickerData, day: dt.date, clean: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [("clean bar", format_bar(clean))]
    repairs = data.quarantine.filter(action="repaired", at=str(day), kind="daily")
    raw = _raw_row(data, day)
    if repairs.height:
        repair = repairs.row(0, named=True)
        batch = _describe_batch(data, repair["batch_id"])
        rows += [
            ("where from", f"{repair['reason']} (rule {repair['rule']}); {batch}"),
            ("replaced", format_row(repair["row"])),
        ]
    elif raw is not None:
        batch = _describe_batch(data, raw["batch_id"])
        rows.append(("where from", f"the row of {raw['source']}, {batch}"))
    if raw is not None:
        rows.append(("first seen", f"{format_time(raw['first_seen'])} UTC"))
        rows.append(("derived", _derivation(data, day, clean, raw)))
    rows.append(("changed", _restatements(data, day, clean["source"])))
    rows.append(("adj_close", _adjustment(clean)))
    if clean["action_pending"]:
        cause = explained_days(data.ledger).get(day)
        why = f"a move by {cause}" if cause else "a move that no action explains"
        rows.append(("pending", f"{why}: no label crosses it"))
    return rows


def _raw_row(data: TickerData, day: dt.date) -> dict[str, Any] | None:
    """The row that the clean bar was made from; None if it was made from hours or there is none."""
    clean = data.clean.filter(date=day)
    if clean.is_empty() or clean["repaired_by"][0] == "hourly":
        return None
    rows = data.raw.filter(date=day, source=clean["source"][0])
    return rows.row(0, named=True) if rows.height else None


def _derivation(data: TickerData, day: dt.date, clean: dict[str, Any], raw: dict[str, Any]) -> str:
    if not raw["close"]:
        return "the raw row has no close"
    factor = clean["close"] / raw["close"]
    raw_close = format_value(raw["close"], 9)
    if abs(factor - 1) < 1e-12:
        return f"clean close = raw close {raw_close}"
    closed = data.calendar.last_closed(data.now)
    splits = _splits_after(data.ledger.filter(pl.col("date") <= closed), day)
    listed = ", ".join(
        f"{date} {ratio_text(kind, ratio)}"
        if kind in SHARE_KINDS
        else f"{date} {kind}, which {ratio_text(kind, ratio)}"
        for date, kind, ratio in splits
    )
    is_all_lacking = isclose(prod(ratio for *_, ratio in splits) * factor, 1)
    partly = "" if is_all_lacking else ", not all lacking"
    is_of_shares = all(kind in SHARE_KINDS for _, kind, _ in splits)
    name = "splits and bonuses" if is_of_shares else "actions"
    since = f"; {name} since{partly}: {listed}" if splits else ""
    return f"clean close = {factor:.10g} times the raw close {raw_close}{since}"


def _splits_after(ledger: pl.DataFrame, day: dt.date) -> list[tuple[dt.date, str, float]]:
    """What is applied to prices of that day: each later date, kind and what it divides them by."""
    active = [action for action in active_actions(ledger) if action.divisor != 1]
    by_rule = ledger.filter(origin="inferred", decided_by="rule", status="applied")
    days = [action.date for action in active]
    inferred = by_rule.filter(~pl.col("date").is_in(days)).unique("date")
    ratios = [(action.date, str(action.kind), action.divisor) for action in active]
    ratios += inferred.select("date", "kind", "ratio").rows()
    return sorted(each for each in ratios if each[0] > day)


def _restatements(data: TickerData, day: dt.date, source: str) -> str:
    revisions = _of_day(data.revisions, day).filter(source=source, kind="daily")
    if revisions.is_empty():
        return "never restated since"
    restated = revisions.filter(~pl.col("noise"))
    fields = ", ".join(sorted(set(restated["field"]))) or "noise only"
    fetches, noise = restated["batch_id"].n_unique(), revisions.height - restated.height
    return f"restated in {fetches} fetches: {fields}; {noise} changes are noise"


def _adjustment(clean: dict[str, Any]) -> str:
    if clean["return_basis"] == "price":
        return "equal to the close: no dividends are known"
    if clean["adj_close"] == clean["close"]:
        return "equal to the close: no dividend since"
    return f"{clean['adj_close'] / clean['close']:.8g} times the close, for the dividends since"


def _why_no_bar(data: TickerData, day: dt.date) -> str:
    rejected = data.quarantine.filter(action="rejected", kind="daily", source=data.chosen)
    refused = rejected.filter(pl.col("at").str.starts_with(str(day)))
    if refused.height:
        row = refused.row(-1, named=True)
        return f"none: {row['rule']} refused the row of {row['source']}: {row['reason']}"
    if data.raw.filter(date=day, source=data.chosen).height:
        return "none: the stored clean prices do not have it"
    if data.calendar.is_session(day):
        return "none: no row was delivered and none filled in"
    return "none"


def _raw_rows(data: TickerData, day: dt.date) -> Section:
    rows = [
        (
            *(row["source"], format_bar(row, digits=9)),
            *(str(row["batch_id"]), format_time(row["first_seen"])),
        )
        for row in data.raw.filter(date=day).iter_rows(named=True)
    ]
    return Section("Raw rows as stored", ("source", "values", "batch", "first seen (UTC)"), rows)


def _delivered(data: TickerData, day: dt.date) -> Section:
    delivered = _of_day(data.delivered, day).filter(kind="daily").join(data.batches, on="batch_id")
    rows = [
        (
            *(str(row["batch_id"]), format_time(row["fetched_at"])),
            f"{row['source']} ({row['price_basis']})",
            *(format_bar(row, digits=9), row["origin"]),
        )
        for row in delivered.sort("fetched_at", "batch_id").iter_rows(named=True)
    ]
    headers = ("batch", "fetched (UTC)", "source", "values as delivered", "from")
    return Section("As delivered", headers, rows)


def _quarantined(data: TickerData, day: dt.date) -> Section:
    quarantined = data.quarantine.filter(pl.col("at").str.starts_with(str(day)))
    rows = [
        (
            *(row["stage"].removeprefix("data_"), row["at"], row["rule"], row["action"]),
            *(row["source"], str(row["batch_id"]), row["reason"], format_row(row["row"])),
        )
        for row in quarantined.iter_rows(named=True)
    ]
    headers = ("at", "bar", "rule", "action", "source", "batch", "reason", "values")
    return Section("Quarantine", headers, rows)


def _actions(data: TickerData, day: dt.date) -> Section:
    rows = [action_cells(row) for row in data.ledger.filter(date=day).iter_rows(named=True)]
    headers = ("kind", "value", "status", "from", "decided by", "known since (UTC)", "evidence")
    return Section("Corporate actions of that date", headers, rows)


def _hourly_bars(data: TickerData, day: dt.date) -> Section:
    """The hours of a session, by the exchange's own date."""
    local_date = pl.col("ts").dt.convert_time_zone(data.zone).dt.date()
    hours = data.hourly.filter(local_date == day).sort("source", "ts")
    rows = [
        (
            *(format_bar_time(row["ts"], "hourly"), row["source"]),
            *(format_bar(row), str(row["batch_id"])),
        )
        for row in hours.iter_rows(named=True)
    ]
    return Section("Hourly bars", ("begins (UTC)", "source", "values", "batch"), rows)


def _of_day(rows: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """Rows whose ``at`` lies on that date: midnight UTC for a daily bar."""
    return rows.filter(pl.col("at").dt.date() == day)


def _describe_batch(data: TickerData, batch_id: int) -> str:
    batches = data.batches.filter(batch_id=batch_id)
    if batches.is_empty():
        return f"batch {batch_id}"
    batch = batches.row(0, named=True)
    ingested = "" if batch["fetched_at_stated"] else " (time of the ingest)"
    fetched = f"{format_time(batch['fetched_at'])} UTC{ingested}"
    return f"batch {batch_id}, fetched {fetched}, {batch['origin']}"
