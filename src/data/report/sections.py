"""Build the report on a ticker's stored prices as titled tables of text."""

from __future__ import annotations

import polars as pl

from src.core.tables import OHLCV
from src.data.ingest.storing.batch_rows import STAGE_NAME as INGEST
from src.data.report import metrics
from src.data.report.actions import action_cells
from src.data.report.formatting import (
    Section,
    format_bar,
    format_bar_time,
    format_change,
    format_price,
    format_row,
    format_time,
    format_value,
)
from src.data.report.row_counts import STALE, count_rows, verdicts
from src.data.report.ticker_data import TickerData

# A page cannot show a million restated values; all of them are in the table price_revisions.
MOST_REVISIONS = 1000


def report_sections(data: TickerData) -> list[Section]:
    """The whole report, in the order in which it is read."""
    return [
        _head(data),
        _coverage(data),
        _missing_sessions(data),
        *_quarantine(data),
        _repairs(data),
        _actions(data),
        _deliveries(data),
        *_revisions(data),
        *_differences(data),
        _row_counts(data),
    ]


def _head(data: TickerData) -> Section:
    """What the prices are, how new they are, and whether they can be relied on."""
    rows = [("share", data.share)] if data.share else []
    rows += [("state", data.state)] if data.state else []
    if data.chosen == "sample":
        rows.append(("SAMPLE", "these prices are synthetic, no stock stands behind them"))
    if data.clean.is_empty():
        rows.append(("clean prices", "none"))
    else:
        first, last = data.clean["date"][0], data.clean["date"][-1]
        behind = data.calendar.count(last, data.calendar.last_closed(data.now))
        behind_text = f"{behind:,} session{'' if behind == 1 else 's'} behind"
        rows += [
            ("clean prices", f"{first} to {last}, {data.clean.height:,} sessions"),
            ("last close", f"{format_price(data.clean['close'][-1])}, {behind_text}"),
            ("returns", ", ".join(sorted(set(data.clean["return_basis"])))),
        ]
    rows += [
        ("source", f"{data.chosen or 'none'}, price basis {_price_basis(data) or 'unknown'}"),
        ("raw rows", f"{data.raw.height:,} daily, {data.hourly.height:,} hourly"),
        ("newest fetch", format_time(data.batches["fetched_at"].max())),
    ]
    return Section(data.ticker, rows=rows, remarks=tuple(text for text, _ in verdicts(data)))


def _price_basis(data: TickerData) -> str:
    used = data.clean.filter(pl.col("repaired_by").is_null()).select("date", "source")
    batch_ids = data.raw.join(used, on=["date", "source"]).select("batch_id").unique()
    bases = data.batches.join(batch_ids, on="batch_id")["price_basis"].unique().sort()
    return ", ".join(bases)


def _coverage(data: TickerData) -> Section:
    years = metrics.coverage(data.clean, data.quarantine, data.calendar)
    return Section(
        "Coverage by year",
        ("year", "sessions", "bars", "missing", "repaired", "quarantined"),
        [(str(year), *(f"{n:,}" for n in counts)) for year, *counts in years.iter_rows()],
        ("Bars include the repaired ones; quarantined are refused daily rows.",),
    )


def _missing_sessions(data: TickerData) -> Section:
    runs = metrics.missing_ranges(data.clean, data.quarantine, data.calendar)
    rows = [
        (str(first) if n == 1 else f"{first} to {last}", str(n), rules or "no row delivered")
        for first, last, n, rules in runs.iter_rows()
    ]
    total = f"{int(runs['sessions'].sum()):,} in all."
    return Section("Missing sessions", ("session", "sessions", "why"), rows, (total,))


def _quarantine(data: TickerData) -> list[Section]:
    counts = metrics.rule_counts(data.quarantine)
    used, unused = counts.filter(pl.col("rows") > 0), counts.filter(rows=0)
    rows = [(_stage(stage), kind, rule, f"{n:,}") for stage, kind, rule, n in used.iter_rows()]
    remarks = [
        f"Rules for {kind} bars that refused nothing: {', '.join(names)}."
        for kind, names in unused.group_by("kind", maintain_order=True).agg("rule").iter_rows()
    ]
    summary = Section("Quarantine", ("at", "bars", "rule", "rows"), rows, tuple(remarks))
    return [summary, *(_refused_by_rule(data, *count) for count in used.iter_rows())]


def _refused_by_rule(data: TickerData, stage: str, kind: str, rule: str, count: int) -> Section:
    refused = data.quarantine.filter(stage=stage, kind=kind, rule=rule, action="rejected")
    rows = [
        (row["at"] or f"line {row['line']}", row["source"], row["reason"], format_row(row["row"]))
        for row in refused.sort("at", "line").iter_rows(named=True)
    ]
    title = f"Refused by {rule} at {_stage(stage)} ({kind}): {count:,}"
    return Section(title, ("at", "source", "reason", "values"), rows, shown=3)


def _repairs(data: TickerData) -> Section:
    repairs = metrics.repairs(data.quarantine, data.clean).drop("adj_close", "was_adj_close")
    rows = [
        (
            *(str(row["date"]), row["reason"], str(row["batch_id"])),
            *(format_bar(row, "was_"), format_bar(row)),
        )
        for row in repairs.iter_rows(named=True)
    ]
    return Section("Repairs", ("session", "by", "batch", "was", "is"), rows)


def _actions(data: TickerData) -> Section:
    rows = [
        (str(row["date"]), *action_cells(row))
        for row in data.ledger.sort("date", "kind").iter_rows(named=True)
    ]
    remarks = ("An action is applied only to prices that lack it.",) if rows else ()
    headers = ("ex-date", "kind", "value", "status", "from", "decided by", "known since")
    return Section("Corporate actions", (*headers, "evidence"), rows, remarks)


def _deliveries(data: TickerData) -> Section:
    rejected = data.quarantine.filter(stage=INGEST, action="rejected")
    refused_counts = dict(rejected.group_by("batch_id").len().iter_rows())
    rows = [
        (
            *(str(row["batch_id"]), format_time(row["fetched_at"])),
            f"{row['kind']} {row['source']} ({row['layout']}, {row['price_basis']})",
            *(f"{row['rows_delivered']:,}", f"{refused_counts.get(row['batch_id'], 0):,}"),
            "; ".join(filter(None, (row["origin"], row["notes"]))),
        )
        for row in data.batches.sort("batch_id").iter_rows(named=True)
    ]
    remarks = ("Where the time of a fetch is not stated, it is the time of the ingest.",)
    headers = ("batch", "fetched (UTC)", "bars", "rows", "refused", "from")
    return Section("Deliveries", headers, rows, remarks)


def _revisions(data: TickerData) -> list[Section]:
    days = metrics.revisions_by_day(data.revisions)
    rows = [
        (
            *(str(row["day"]), f"{row['kind']} {row['source']}", row["field"]),
            *(f"{row[name]:,}" for name in ("restated", "filled", "noise")),
            format_change(row["largest"]),
        )
        for row in days.iter_rows(named=True)
    ]
    headers = ("fetched", "bars", "field", "restated", "filled", "noise", "largest change")
    noise = int(days["noise"].sum())
    remarks = (f"{noise:,} changes are below 1e-5 and count as noise.",) if noise else ()
    summary = Section("Restated values", headers, rows, remarks)
    return [summary, restated_values(data.revisions)] if rows else [summary]


def restated_values(revisions: pl.DataFrame, *, with_noise: bool = False) -> Section:
    """Each value that was restated, the largest change first."""
    wanted = revisions if with_noise else revisions.filter(~pl.col("noise"))
    largest = metrics.largest_revisions(wanted.with_columns(noise=pl.lit(value=False)))
    rows = [
        (
            format_bar_time(row["at"], row["kind"]),
            *(f"{row['kind']} {row['source']}", row["field"]),
            *(format_value(row["old_value"]), format_value(row["new_value"])),
            *(format_change(row["relative"]), f"{row['previous_batch_id']} → {row['batch_id']}"),
            format_time(row["known_at"]),
        )
        for row in largest.head(MOST_REVISIONS).iter_rows(named=True)
    ]
    left = largest.height - len(rows)
    remarks = (f"The {left:,} smallest are left out; price_revisions has them.",) if left else ()
    headers = ("of", "bars", "field", "was", "became", "change", "batch", "known since (UTC)")
    return Section("Restated values, the largest first", headers, rows, remarks, shown=10)


def _differences(data: TickerData) -> list[Section]:
    agreement = metrics.agreement(data.differences, data.raw, data.clean)
    rows = [
        (
            *(row["other"], row["compared"] or "-"),
            *(f"{row[name]:,}" for name in ("common", "days", *OHLCV)),
            format_change(row["largest"]),
        )
        for row in agreement.iter_rows(named=True)
    ]
    headers = ("other source", "compared", "common days", "days that differ", *OHLCV, "largest")
    nothing = f"No other source than {data.chosen or 'none'} has days in common."
    remarks = () if rows else (nothing,)
    summary = Section("Differences between sources", headers, rows, remarks)
    if data.differences.is_empty():
        return [summary]
    return [summary, differing_values(data.differences)]


def differing_values(differences: pl.DataFrame) -> Section:
    """Each value on which another source differs by more than a tenth of a percent."""
    rows = [
        (
            *(str(row["date"]), row["field"], row["source"], format_value(row["value"])),
            *(row["other"], format_value(row["other_value"]), format_change(row["relative"])),
        )
        for row in differences.sort("date", "field").iter_rows(named=True)
    ]
    headers = ("session", "field", "source", "value", "other source", "value", "difference")
    return Section("Values that differ", headers, rows, shown=15)


def _row_counts(data: TickerData) -> Section:
    verdict = {True: "holds", False: "DOES NOT HOLD", None: "unknown"}
    rows = [
        (
            *(_stage(row["stage"]), row["kind"], row["source"], f"{row['delivered']:,}"),
            *("-" if row[n] is None else f"{row[n]:,}" for n in ("kept", "repeated", "refused")),
            verdict[row["holds"]],
        )
        for row in count_rows(data).iter_rows(named=True)
    ]
    remarks = [
        "At ingest: rows delivered = raw rows + repeats of them + rejected. At cleaning: raw rows "
        "of the chosen source = clean bars not repaired + refused."
    ]
    if data.stale:
        remarks.append(f"{STALE}; until then the sums of cleaning are unknown.")
    headers = ("at", "bars", "source", "rows", "kept", "repeated", "refused", "sum")
    return Section("Row conservation", headers, rows, tuple(remarks))


def _stage(stage: str) -> str:
    return stage.removeprefix("data_")
