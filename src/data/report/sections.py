"""What is known of a ticker's stored prices in, titled tables of text for a person out; pure."""

from __future__ import annotations

import polars as pl

from src.data.report import metrics
from src.data.report.formatting import (
    Section,
    at_of,
    bar,
    evidence,
    exact,
    moment,
    percent,
    price,
    values,
    worth,
)
from src.data.report.ticker_data import STALE, Stored, sums, verdicts

# A file with a million restated values would be no page any more; all of them are in the table.
MOST_REVISIONS = 1000


def sections(one: Stored) -> list[Section]:
    """The whole report, in the order in which it is read."""
    return [
        head(one),
        _coverage(one),
        _missing(one),
        *_quarantined(one),
        _repairs(one),
        _actions(one),
        _batches(one),
        *_revisions(one),
        *_differences(one),
        _sums(one),
    ]


def head(one: Stored) -> Section:
    """What the prices are, how new they are, and whether they can be relied on."""
    clean, newest = one.clean, one.batches["fetched_at"].max()
    rows = []
    if one.chosen == "sample":
        rows.append(("SAMPLE", "these prices are synthetic, no stock stands behind them"))
    if clean.is_empty():
        rows.append(("clean prices", "none"))
    else:
        last = clean["date"][-1]
        behind = one.calendar.count(last, one.calendar.last_closed(one.now))
        rows += [
            ("clean prices", f"{clean['date'][0]} to {last}, {clean.height:,} sessions"),
            ("last close", f"{price(clean['close'][-1])}, {_sessions(behind)} behind"),
            ("returns", ", ".join(sorted(set(clean["return_basis"])))),
        ]
    rows += [
        ("source", f"{one.chosen or 'none'}, price basis {_basis(one) or 'unknown'}"),
        ("raw rows", f"{one.raw.height:,} daily, {one.hourly.height:,} hourly"),
        ("newest fetch", moment(newest)),
    ]
    return Section(one.ticker, rows=rows, remarks=verdicts(one))


def _basis(one: Stored) -> str:
    used = one.clean.filter(pl.col("repaired_by").is_null()).select("date", "source")
    rows = one.raw.join(used, on=["date", "source"]).select("batch_id").unique()
    bases = one.batches.join(rows, on="batch_id")["price_basis"].unique().sort()
    return ", ".join(bases)


def _coverage(one: Stored) -> Section:
    years = metrics.coverage(one.clean, one.quarantine, one.calendar)
    return Section(
        "Coverage by year",
        ("year", "sessions", "bars", "missing", "repaired", "quarantined"),
        [(str(year), *(f"{n:,}" for n in counts)) for year, *counts in years.iter_rows()],
        ("Bars include the repaired ones; quarantined are refused daily rows.",),
    )


def _missing(one: Stored) -> Section:
    runs = metrics.missing_ranges(one.clean, one.quarantine, one.calendar)
    rows = [
        (str(first) if n == 1 else f"{first} to {last}", str(n), rules or "no row came")
        for first, last, n, rules in runs.iter_rows()
    ]
    total = int(runs["sessions"].sum())
    return Section(
        "Missing sessions", ("session", "sessions", "why"), rows, (f"{total:,} in all.",)
    )


def _quarantined(one: Stored) -> list[Section]:
    counts = metrics.rule_counts(one.quarantine)
    found, silent = counts.filter(pl.col("rows") > 0), counts.filter(rows=0)
    rows = [(_stage(stage), kind, rule, f"{n:,}") for stage, kind, rule, n in found.iter_rows()]
    quiet = [
        f"Rules for {kind} bars that refused nothing: {', '.join(names)}."
        for kind, names in silent.group_by("kind", maintain_order=True).agg("rule").iter_rows()
    ]
    summary = Section("Quarantine", ("at", "bars", "rule", "rows"), rows, tuple(quiet))
    return [summary, *(_refused_by(one, *name) for name in found.iter_rows())]


def _refused_by(one: Stored, stage: str, kind: str, rule: str, count: int) -> Section:
    refused = one.quarantine.filter(stage=stage, kind=kind, rule=rule, action="rejected")
    rows = [
        (row["at"] or f"line {row['line']}", row["source"], row["reason"], values(row["row"]))
        for row in refused.sort("at", "line").iter_rows(named=True)
    ]
    title = f"Refused by {rule} at {_stage(stage)} ({kind}): {count:,}"
    return Section(title, ("at", "source", "reason", "values"), rows, shown=3)


def _repairs(one: Stored) -> Section:
    found = metrics.repairs(one.quarantine, one.clean)
    rows = [
        (
            str(row["date"]),
            row["reason"],
            str(row["batch_id"]),
            bar(row, "was_"),
            bar(row),
        )
        for row in found.drop("adj_close", "was_adj_close").iter_rows(named=True)
    ]
    return Section("Repairs", ("session", "by", "batch", "was", "is"), rows)


def _actions(one: Stored) -> Section:
    rows = [
        (
            *(str(row["date"]), row["kind"], worth(row), row["status"]),
            *(f"{row['origin']}, {row['source']}", row["decided_by"], moment(row["known_at"])),
            evidence(row["evidence"]),
        )
        for row in one.ledger.sort("date", "kind").iter_rows(named=True)
    ]
    told = "An action is applied only to prices that lack it."
    names = ("ex-date", "kind", "worth", "status", "from", "decided by", "known since", "evidence")
    return Section("Corporate actions", names, rows, (told,) if rows else ())


def _batches(one: Stored) -> Section:
    at_ingest = one.quarantine.filter(stage=metrics.INGEST, action="rejected")
    refused = dict(at_ingest.group_by("batch_id").len().iter_rows())
    rows = [
        (
            *(str(row["batch_id"]), moment(row["fetched_at"])),
            f"{row['kind']} {row['source']} ({row['layout']}, {row['price_basis']})",
            *(f"{row['rows_delivered']:,}", f"{refused.get(row['batch_id'], 0):,}"),
            f"{row['origin']}{'; ' if row['notes'] else ''}{row['notes'] or ''}",
        )
        for row in one.batches.sort("batch_id").iter_rows(named=True)
    ]
    told = ("A fetch whose time nobody stated has the time at which it came in.",)
    names = ("batch", "fetched (UTC)", "bars", "rows", "refused", "from")
    return Section("Deliveries", names, rows, told)


def _revisions(one: Stored) -> list[Section]:
    days = metrics.revisions_by_day(one.revisions)
    counts = [
        (
            *(str(row["day"]), f"{row['kind']} {row['source']}", row["field"]),
            *(f"{row[name]:,}" for name in ("restated", "filled", "noise")),
            percent(row["largest"]),
        )
        for row in days.iter_rows(named=True)
    ]
    names = ("fetched", "bars", "field", "restated", "filled", "noise", "largest change")
    noise = int(days["noise"].sum())
    told = (f"{noise:,} changes are below 1e-5 and count as noise.",) if noise else ()
    summary = Section("Restated values", names, counts, told)
    return [summary, changed_values(one.revisions)] if counts else [summary]


def changed_values(revisions: pl.DataFrame, *, with_noise: bool = False) -> Section:
    """Each value that was restated, the largest change first."""
    found = revisions if with_noise else revisions.filter(~pl.col("noise"))
    largest = metrics.largest_revisions(found.with_columns(noise=pl.lit(value=False)))
    rows = [
        (
            at_of(row["at"], row["kind"]),
            *(f"{row['kind']} {row['source']}", row["field"]),
            *(exact(row["old_value"]), exact(row["new_value"]), percent(row["relative"])),
            f"{row['previous_batch_id']} → {row['batch_id']}",
            moment(row["known_at"]),
        )
        for row in largest.head(MOST_REVISIONS).iter_rows(named=True)
    ]
    left = largest.height - len(rows)
    told = (f"The {left:,} smallest are left out; price_revisions has them.",) if left else ()
    names = ("of", "bars", "field", "was", "became", "change", "batch", "known since (UTC)")
    return Section("Restated values, the largest first", names, rows, told, shown=10)


def _differences(one: Stored) -> list[Section]:
    agreed = metrics.agreement(one.differences, one.raw, one.clean)
    rows = [
        (
            *(row["other"], row["compared"] or "-"),
            *(f"{row[n]:,}" for n in ("common", "days", "open", "high", "low", "close", "volume")),
            percent(row["largest"]),
        )
        for row in agreed.iter_rows(named=True)
    ]
    names = ("other source", "compared", "common days", "days that differ")
    names_of_fields = ("open", "high", "low", "close", "volume")
    told = () if rows else (f"No other source than {one.chosen or 'none'} has days in common.",)
    summary = Section(
        "Differences between sources", (*names, *names_of_fields, "largest"), rows, told
    )
    return [summary, differing(one.differences)] if one.differences.height else [summary]


def differing(differences: pl.DataFrame) -> Section:
    """Each value on which another source differs by more than a tenth of a percent."""
    rows = [
        (
            *(str(row["date"]), row["field"], row["source"], exact(row["value"])),
            *(row["other"], exact(row["other_value"]), percent(row["relative"])),
        )
        for row in differences.sort("date", "field").iter_rows(named=True)
    ]
    names = ("session", "field", "source", "says", "other", "says", "difference")
    return Section("Values that differ", names, rows, shown=15)


def _sums(one: Stored) -> Section:
    verdict = {True: "holds", False: "DOES NOT HOLD", None: "cannot be told"}
    rows = [
        (
            *(_stage(row["stage"]), row["kind"], row["source"], f"{row['came']:,}"),
            *("-" if row[n] is None else f"{row[n]:,}" for n in ("kept", "repeated", "refused")),
            verdict[row["holds"]],
        )
        for row in sums(one).iter_rows(named=True)
    ]
    told: tuple[str, ...] = (
        "At ingest: rows delivered = raw rows + repeats of them + rejected. At cleaning: raw rows "
        "of the chosen source = clean bars not repaired + refused.",
    )
    if one.stale:
        told = (*told, f"{STALE}; until then the sums of cleaning cannot be told.")
    names = ("at", "bars", "source", "rows", "kept", "repeated", "refused", "sum")
    return Section("Row conservation", names, rows, told)


def _stage(stage: str) -> str:
    return stage.removeprefix("data_")


def _sessions(count: int) -> str:
    return f"{count:,} session{'' if count == 1 else 's'}"
