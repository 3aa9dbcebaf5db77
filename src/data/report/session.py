"""What is known of a ticker's prices and one date in, all that is stored of that date out; pure.

It answers for a single price: where it is from, when it was learnt, whether it was changed, by
which rule, and what it replaced.
"""

from __future__ import annotations

import datetime as dt
from math import isclose, prod
from typing import Any

import polars as pl

from src.data.corporate_actions.action import SHARE_KINDS
from src.data.corporate_actions.ledger import active_actions
from src.data.report.formatting import Section, at_of, bar, evidence, exact, moment, values, worth
from src.data.report.sections import changed_values, differing
from src.data.report.ticker_data import Stored


def one_session(one: Stored, day: dt.date) -> list[Section]:
    """Every table's rows of that date, under a sentence that says where its price is from.

    Raises:
        OutsideCalendar: the exchange's calendar does not know the date.
    """
    hours = of_zone(one.hourly, day, one.zone)
    parts = [
        _rows_as_stored(one, day),
        _deliveries(one, day),
        _quarantined(one, day),
        _revised(one, day),
        _actions(one, day),
        differing(one.differences.filter(date=day)),
        _hours(hours),
    ]
    return [_answer(one, day), *(part for part in parts if part.rows)]


def of_zone(hourly: pl.DataFrame, day: dt.date, zone: str) -> pl.DataFrame:
    """The hourly rows of a session, told by the exchange's own date."""
    return hourly.filter(pl.col("ts").dt.convert_time_zone(zone).dt.date() == day)


def origin_of(one: Stored, day: dt.date) -> dict[str, Any] | None:
    """The row that the clean bar was made from, None where hours made it or there is no bar."""
    clean = one.clean.filter(date=day)
    if clean.is_empty() or clean["repaired_by"][0] == "hourly":
        return None
    rows = one.raw.filter(date=day, source=clean["source"][0])
    return rows.row(0, named=True) if rows.height else None


def shares_since(ledger: pl.DataFrame, day: dt.date) -> list[tuple[dt.date, float]]:
    """The applied splits and bonuses dated after that day: each date and the shares for one."""
    told = [(one.date, one.shares) for one in active_actions(ledger) if one.kind in SHARE_KINDS]
    by_rule = ledger.filter(origin="inferred", decided_by="rule", status="applied")
    known = [date for date, _ in told]
    inferred = by_rule.filter(~pl.col("date").is_in(known)).unique("date")
    every = [*told, *inferred.select("date", "ratio").rows()]
    return sorted(one for one in every if one[0] > day)


def _answer(one: Stored, day: dt.date) -> Section:
    kind = "a session" if one.calendar.is_session(day) else "no session"
    guess = " by estimate" if one.calendar.is_estimated(day) else ""
    rows = [("date", f"{day:%A}, {kind} of the exchange{guess}")]
    clean = one.clean.filter(date=day)
    if clean.height:
        rows += _of_bar(one, day, clean.row(0, named=True))
    else:
        rows.append(("clean bar", _why_none(one, day)))
    stale = (f"{one.stale:,} clean rows are older than the raw ones: run the pipeline.",)
    return Section(f"{one.ticker} on {day}", rows=rows, remarks=stale if one.stale else ())


def _of_bar(one: Stored, day: dt.date, clean: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [("clean bar", bar(clean))]
    repair = one.quarantine.filter(action="repaired", at=str(day), kind="daily")
    raw = origin_of(one, day)
    if repair.height:
        of = repair.row(0, named=True)
        rows += [
            ("where from", f"{of['reason']} (rule {of['rule']}); {_batch(one, of['batch_id'])}"),
            ("replaced", values(of["row"])),
        ]
    elif raw is not None:
        rows.append(("where from", f"the row of {raw['source']}, {_batch(one, raw['batch_id'])}"))
    if raw is not None:
        rows.append(("learnt", f"{moment(raw['first_seen'])} UTC, when the day was first seen"))
        rows.append(("derived", _derived(one, day, clean, raw)))
    rows.append(("changed", _changed(one, day, clean["source"])))
    rows.append(("adj_close", _adjusted(clean)))
    if clean["action_pending"]:
        rows.append(("pending", "a jump that no action explains: no label crosses it"))
    return rows


def _derived(one: Stored, day: dt.date, clean: dict[str, Any], raw: dict[str, Any]) -> str:
    if not raw["close"]:
        return "the raw row has no close"
    factor = clean["close"] / raw["close"]
    if abs(factor - 1) < 1e-12:
        return f"clean close = raw close {exact(raw['close'], 9)}"
    later = shares_since(one.ledger, day)
    named = ", ".join(f"{date} {shares:g} for 1" for date, shares in later)
    some = "" if isclose(prod(shares for _, shares in later) * factor, 1) else ", not all lacking"
    because = f"; splits and bonuses since{some}: {named}" if later else ""
    return f"clean close = {factor:.10g} times the raw close {exact(raw['close'], 9)}{because}"


def _changed(one: Stored, day: dt.date, source: str) -> str:
    own = _of_day(one.revisions, day).filter(source=source, kind="daily")
    real = own.filter(~pl.col("noise"))
    if own.is_empty():
        return "never restated since"
    fields = ", ".join(sorted(set(real["field"]))) or "noise only"
    fetches = real["batch_id"].n_unique()
    return f"restated in {fetches} fetches: {fields}; {own.height - real.height} changes are noise"


def _adjusted(clean: dict[str, Any]) -> str:
    if clean["return_basis"] == "price":
        return "equal to the close: no dividends are known"
    if clean["adj_close"] == clean["close"]:
        return "equal to the close: no dividend since"
    return f"{clean['adj_close'] / clean['close']:.8g} times the close, for the dividends since"


def _why_none(one: Stored, day: dt.date) -> str:
    refused = one.quarantine.filter(action="rejected", kind="daily", source=one.chosen).filter(
        pl.col("at").str.starts_with(str(day))
    )
    if refused.height:
        of = refused.row(-1, named=True)
        return f"none: the row of {of['source']} was refused by {of['rule']}: {of['reason']}"
    if one.raw.filter(date=day, source=one.chosen).height:
        return "none: the stored clean prices do not have it"
    return "none: no row came and none was filled in" if one.calendar.is_session(day) else "none"


def _rows_as_stored(one: Stored, day: dt.date) -> Section:
    rows = [
        (row["source"], bar(row, digits=9), str(row["batch_id"]), moment(row["first_seen"]))
        for row in one.raw.filter(date=day).iter_rows(named=True)
    ]
    return Section("Raw rows as stored", ("source", "values", "batch", "first seen (UTC)"), rows)


def _deliveries(one: Stored, day: dt.date) -> Section:
    held = _of_day(one.delivered, day).filter(kind="daily").join(one.batches, on="batch_id")
    rows = [
        (
            *(str(row["batch_id"]), moment(row["fetched_at"])),
            f"{row['source']} ({row['price_basis']})",
            *(bar(row, digits=9), row["origin"]),
        )
        for row in held.sort("fetched_at", "batch_id").iter_rows(named=True)
    ]
    names = ("batch", "fetched (UTC)", "source", "values as they came", "from")
    return Section("As delivered", names, rows)


def _quarantined(one: Stored, day: dt.date) -> Section:
    found = one.quarantine.filter(pl.col("at").str.starts_with(str(day)))
    rows = [
        (
            *(row["stage"].removeprefix("data_"), row["at"], row["rule"], row["action"]),
            *(row["source"], str(row["batch_id"]), row["reason"], values(row["row"])),
        )
        for row in found.iter_rows(named=True)
    ]
    names = ("at", "bar", "rule", "action", "source", "batch", "reason", "values")
    return Section("Quarantine", names, rows)


def _revised(one: Stored, day: dt.date) -> Section:
    return changed_values(_of_day(one.revisions, day), with_noise=True)


def _actions(one: Stored, day: dt.date) -> Section:
    rows = [
        (
            *(row["kind"], worth(row), row["status"], f"{row['origin']}, {row['source']}"),
            *(row["decided_by"], moment(row["known_at"]), evidence(row["evidence"])),
        )
        for row in one.ledger.filter(date=day).iter_rows(named=True)
    ]
    names = ("kind", "worth", "status", "from", "decided by", "known since (UTC)", "evidence")
    return Section("Corporate actions of that date", names, rows)


def _hours(hours: pl.DataFrame) -> Section:
    rows = [
        (at_of(row["ts"], "hourly"), row["source"], bar(row), str(row["batch_id"]))
        for row in hours.sort("source", "ts").iter_rows(named=True)
    ]
    return Section("Hourly bars", ("begins (UTC)", "source", "values", "batch"), rows)


def _of_day(rows: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """Rows whose ``at`` lies on that date: midnight UTC for a daily bar."""
    return rows.filter(pl.col("at").dt.date() == day)


def _batch(one: Stored, number: int) -> str:
    held = one.batches.filter(batch_id=number)
    if held.is_empty():
        return f"batch {number}"
    row = held.row(0, named=True)
    stated = "" if row["fetched_at_stated"] else " (when it came in)"
    return f"batch {number}, fetched {moment(row['fetched_at'])} UTC{stated}, {row['origin']}"
