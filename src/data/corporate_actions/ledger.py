"""Read the ledger of corporate actions: which rows are active, each action once."""

from __future__ import annotations

import datetime as dt
import json
from math import isclose, prod
from typing import Any

import polars as pl

from src.core.tables import CORPORATE_ACTIONS
from src.data.corporate_actions.action import PRICE_KINDS, SHARE_KINDS, VALUE_KINDS, Action

KEY = list(CORPORATE_ACTIONS.key)
LEDGER_SCHEMA = pl.Schema(
    {
        "ticker": pl.String(),
        "date": pl.Date(),
        "kind": pl.String(),
        "source": pl.String(),
        "origin": pl.String(),
        "ratio": pl.Float64(),
        "amount": pl.Float64(),
        "status": pl.String(),
        "decided_by": pl.String(),
        "evidence": pl.String(),
        "known_at": pl.Datetime("us", "UTC"),
    }
)
NO_ROWS = pl.DataFrame(schema=LEDGER_SCHEMA)
# The key under which the evidence of a row says why the prices contradict it, and the one under
# which it has the jump that the row explains.
CONTRADICTION, JUMP = "doubt", "jump"
_ORIGIN_RANK = {"entered": 0, "stated": 1, "inferred": 2}
# The exchanges themselves, which others repeat.
_EXCHANGES = ("nse", "bse")
# Two sources that date one action differently are a session apart, over a long weekend.
SAME_ACTION, EQUAL = dt.timedelta(days=4), 1e-4


def reached_rows(
    ledger: pl.DataFrame, until: dt.date, restated_until: dt.date | None = None
) -> pl.DataFrame:
    """The rows that prices up to the session ``until`` may be adjusted for.

    An action takes effect with the session of its ex-date. Adjusted prices were restated for every
    split up to the day on which they were fetched, ``restated_until``, whatever sessions of them
    are used: amounts of dividends are divided by these splits too.
    """
    restated = restated_until or until
    is_restated = pl.col("kind").is_in(SHARE_KINDS) & (pl.col("date") <= restated)
    return ledger.filter((pl.col("date") <= until) | is_restated)


def effective_rows(ledger: pl.DataFrame) -> pl.DataFrame:
    """The rows that do not follow from the prices, with former contradictions set to applied.

    Contradictions are found anew by every run. Where a person has decided on a change in shares,
    or in value, rows about that date that nobody decided on are left out: a second source may
    state the same action later.
    """
    if ledger.is_empty():
        return ledger
    rows = ledger.filter((pl.col("origin") != "inferred") | (pl.col("decided_by") == "person"))
    if rows.is_empty():
        return rows
    return without_contradictions(rows.filter(~is_overruled(rows)))


def is_overruled(rows: pl.DataFrame) -> pl.Series:
    """Rows of a rule on whose date a person has decided on a change of the same sort; (n,)."""
    overruled = pl.Series([False] * rows.height, dtype=pl.Boolean)
    for kinds in (SHARE_KINDS, VALUE_KINDS):
        is_sort = rows["kind"].is_in(kinds)
        decided = rows.filter(is_sort, pl.col("decided_by") == "person")["date"].unique().to_list()
        overruled |= is_sort & (rows["decided_by"] == "rule") & rows["date"].is_in(decided)
    return overruled


def is_contradicted() -> pl.Expr:
    """Rows that are pending because of what the prices show, not by a person's decision."""
    by_rule = (pl.col("status") == "pending") & (pl.col("decided_by") == "rule")
    return by_rule & pl.col("evidence").str.contains(f'"{CONTRADICTION}"', literal=True)


def without_contradictions(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows as their source states them, applied where the prices contradicted them."""
    if rows.filter(is_contradicted()).is_empty():
        return rows
    evidence = pl.col("evidence").map_elements(_as_stated, return_dtype=pl.String)
    return rows.with_columns(
        status=pl.when(is_contradicted()).then(pl.lit("applied")).otherwise("status"),
        evidence=pl.when(is_contradicted()).then(evidence).otherwise("evidence"),
    )


def _as_stated(evidence: str) -> str:
    parts: dict[str, Any] = json.loads(evidence)
    kept = {name: part for name, part in parts.items() if name not in (CONTRADICTION, JUMP)}
    return json.dumps(kept, sort_keys=True)


def keep_contradictions(rows: pl.DataFrame, ledger: pl.DataFrame) -> pl.DataFrame:
    """The rows, with the contradictions that the ledger has of the same applied values."""
    same = [*KEY, "ratio", "amount"]
    before = ledger.filter(is_contradicted()).select(*same, "status", "evidence")
    joined = rows.join(
        before, on=same, how="left", suffix="_before", nulls_equal=True, maintain_order="left"
    )
    is_kept = pl.col("status_before").is_not_null() & (pl.col("status") == "applied")
    return joined.with_columns(
        pl.when(is_kept).then(f"{name}_before").otherwise(name).alias(name)
        for name in ("status", "evidence")
    ).select(rows.columns)


def as_contradicted(rows: pl.DataFrame, reason: pl.Expr) -> pl.DataFrame:
    """The rows as pending until a person decides, with the reason in their evidence."""
    reasons = rows.select("evidence", reason=reason)
    evidence = [with_evidence(text, {CONTRADICTION: why}) for text, why in reasons.iter_rows()]
    return rows.with_columns(
        status=pl.lit("pending"), evidence=pl.Series(evidence, dtype=pl.String)
    )


def with_evidence(evidence: str, parts: dict[str, Any]) -> str:
    """The JSON of a row's evidence with more parts."""
    return json.dumps({**json.loads(evidence), **parts}, sort_keys=True)


def contradiction_of(row: dict[str, str]) -> str:
    """The reason that ``as_contradicted`` gave a row."""
    reason: str = json.loads(row["evidence"])[CONTRADICTION]
    return reason


def active_actions(ledger: pl.DataFrame) -> list[Action]:
    """The actions that are stated, entered or accepted, each once, in date order."""
    return applied_actions(effective_rows(ledger))


def applied_actions(rows: pl.DataFrame) -> list[Action]:
    """The actions of the rows with status ``applied``, each once, in date order."""
    return [] if rows.is_empty() else to_actions(deduplicate(rows.filter(status="applied")))


def deduplicate(applied: pl.DataFrame) -> pl.DataFrame:
    """One row for each action, however many sources report it.

    On a date the change in shares is that of one origin and source, which may report a split and a
    bonus: what a person entered is preferred to what a source states, the exchange's own word to
    that of others, and all of these to what was inferred. Of dividends likewise one a date is
    kept. Equal changes, or dividends, that two report a session apart are one.
    """
    if applied.is_empty():
        return applied
    rank = pl.col("origin").replace_strict(_ORIGIN_RANK, return_dtype=pl.Int8)
    ranked = applied.sort(rank, ~pl.col("source").is_in(_EXCHANGES), "known_at", "source")
    is_share = pl.col("kind").is_in(SHARE_KINDS)
    is_dividend = pl.col("kind") == "dividend"
    parts = [
        _of_one_reporter(ranked.filter(is_share), "ratio"),
        _of_one_reporter(ranked.filter(is_dividend), "amount"),
        ranked.filter(~is_share & ~is_dividend),
    ]
    return (pl.concat(parts).unique(["date", "kind"], keep="first", maintain_order=True)).sort(
        "date", "kind"
    )


def _of_one_reporter(ranked: pl.DataFrame, column: str) -> pl.DataFrame:
    """For each date the rows of its first reporter, unless one before has them a session apart."""
    if ranked.height < 2:
        return ranked
    values: dict[tuple[str, str, dt.date], list[float]] = {}
    for *report, value in ranked.select("origin", "source", "date", column).iter_rows():
        values.setdefault((report[0], report[1], report[2]), []).append(value)
    kept: dict[dt.date, tuple[str, str, float]] = {}
    for (origin, source, day), parts in values.items():
        whole = prod(parts)
        is_known = day in kept or any(
            abs(day - other) <= SAME_ACTION
            and (other_origin, other_source) != (origin, source)
            and isclose(whole, value, rel_tol=EQUAL)
            for other, (other_origin, other_source, value) in kept.items()
        )
        if not is_known:
            kept[day] = (origin, source, whole)
    is_kept = [
        kept.get(day, ("", "", 0.0))[:2] == (origin, source)
        for origin, source, day in ranked.select("origin", "source", "date").iter_rows()
    ]
    return ranked.filter(pl.Series(is_kept, dtype=pl.Boolean))


def to_actions(rows: pl.DataFrame) -> list[Action]:
    """The rows as actions, in their order."""
    return [
        Action(row["date"], row["kind"], ratio=row["ratio"], amount=row["amount"])
        for row in rows.iter_rows(named=True)
    ]


def decided_days(rows: pl.DataFrame) -> set[dt.date]:
    """Dates on which a person has decided what moved the price."""
    if rows.is_empty():
        return set()
    changes_price = pl.col("kind").is_in(PRICE_KINDS)
    return set(rows.filter(changes_price, decided_by="person")["date"].to_list())


def pending_days(rows: pl.DataFrame) -> set[dt.date]:
    """Dates of changes in price that wait for a person's decision whatever the prices show."""
    if rows.is_empty():
        return set()
    is_waiting = pl.col("kind").is_in(SHARE_KINDS) | (pl.col("decided_by") == "person")
    changes_price = pl.col("kind").is_in(PRICE_KINDS)
    return set(rows.filter(changes_price, is_waiting, status="pending")["date"].to_list())


def explained_days(ledger: pl.DataFrame) -> dict[dt.date, str]:
    """Of one ticker, the dates of moves that stated events explain, with what explains each."""
    waiting = ledger.filter(pl.col("kind").is_in(VALUE_KINDS), status="pending")
    texts = {}
    for row in waiting.iter_rows(named=True):
        jump = json.loads(row["evidence"]).get(JUMP)
        day = row["date"] if jump is None else dt.date.fromisoformat(jump["date"])
        texts[day] = f"the {row['kind']} that {row['source']} states for {row['date']}"
    return texts
