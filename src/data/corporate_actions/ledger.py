"""Read the ledger of corporate actions: which rows are active, each action once."""

from __future__ import annotations

import datetime as dt
import json
from fractions import Fraction
from typing import Any

import polars as pl

from src.core.tables import CORPORATE_ACTIONS
from src.data.corporate_actions.action import PRICE_KINDS, SHARE_KINDS, Action

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
# The key under which the evidence of a row says why the prices contradict it.
CONTRADICTION = "doubt"
_ORIGIN_RANK = {"entered": 0, "stated": 1, "inferred": 2}


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
    rows about that date that nobody decided on are left out: a second source may state the same
    action later.
    """
    if ledger.is_empty():
        return ledger
    rows = ledger.filter((pl.col("origin") != "inferred") | (pl.col("decided_by") == "person"))
    if rows.is_empty():
        return rows
    changes_shares = pl.col("kind").is_in(SHARE_KINDS)
    decided = rows.filter(changes_shares, decided_by="person")["date"].unique().to_list()
    is_overruled = changes_shares & (pl.col("decided_by") == "rule") & pl.col("date").is_in(decided)
    return without_contradictions(rows.filter(~is_overruled))


def is_contradicted() -> pl.Expr:
    """Rows that are pending because the prices contradict them, not by a person's decision."""
    by_rule = (pl.col("status") == "pending") & (pl.col("decided_by") == "rule")
    return by_rule & pl.col("evidence").str.contains(f'"{CONTRADICTION}"', literal=True)


def without_contradictions(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows as their source states them, applied where the prices contradicted them."""
    status = pl.when(is_contradicted()).then(pl.lit("applied")).otherwise("status")
    evidence = pl.when(is_contradicted()).then(pl.lit("{}")).otherwise("evidence")
    return rows.with_columns(status=status, evidence=evidence)


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
    """The rows as pending until a person decides, with the reason as evidence."""
    evidence = pl.struct(reason.alias(CONTRADICTION)).struct.json_encode()
    return rows.with_columns(status=pl.lit("pending"), evidence=evidence)


def contradiction_of(row: dict[str, str]) -> str:
    """The reason that ``as_contradicted`` gave a row."""
    reason: str = json.loads(row["evidence"])[CONTRADICTION]
    return reason


def likely_splits(row: dict[str, Any]) -> str:
    """The ratios of an inferred split that the prices make likely, as ``2 or 2.5 for 1``."""
    weights: dict[str, float] = json.loads(row["evidence"]).get("ratios", {})
    ordered = sorted(weights, key=weights.__getitem__, reverse=True)
    ratios = [float(Fraction(text)) for text in ordered] or [row["ratio"]]
    return f"{' or '.join(f'{ratio:.4g}' for ratio in ratios)} for 1"


def active_actions(ledger: pl.DataFrame) -> list[Action]:
    """The actions that are stated, entered or accepted, each once, in date order."""
    return applied_actions(effective_rows(ledger))


def applied_actions(rows: pl.DataFrame) -> list[Action]:
    """The actions of the rows with status ``applied``, each once, in date order."""
    return [] if rows.is_empty() else to_actions(deduplicate(rows.filter(status="applied")))


def deduplicate(applied: pl.DataFrame) -> pl.DataFrame:
    """One row for each action, however many sources report it.

    On a date the change in shares is that of one origin and source, which may report a split and a
    bonus: what a person entered is preferred to what a source states, and that to what was
    inferred. Of dividends likewise one a date is kept.
    """
    if applied.is_empty():
        return applied
    rank = pl.col("origin").replace_strict(_ORIGIN_RANK, return_dtype=pl.Int8)
    ranked = applied.sort(rank, "known_at", "source")
    changes_shares = pl.col("kind").is_in(SHARE_KINDS)
    reporter = pl.concat_str("origin", "source", separator="|")
    shares = ranked.filter(changes_shares).filter(reporter == reporter.first().over("date"))
    others = ranked.filter(~changes_shares)
    return (
        pl.concat([shares, others])
        .unique(["date", "kind"], keep="first", maintain_order=True)
        .sort("date", "kind")
    )


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
    """Dates of stated changes in price that wait for a person's decision."""
    if rows.is_empty():
        return set()
    changes_price = pl.col("kind").is_in(PRICE_KINDS)
    return set(rows.filter(changes_price, status="pending")["date"].to_list())
