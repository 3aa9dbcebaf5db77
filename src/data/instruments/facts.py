"""Compare what a list states of instruments with what is stored of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from src.core.tables import INSTRUMENT_HISTORY, INSTRUMENTS

if TYPE_CHECKING:
    from src.data.instruments.lists.stated import Facts
    from src.db.store import Store

NAMES = ("name", "listed_on", "isin", "face_value", "series")
SCHEMA = pl.Schema(
    {
        "ticker": pl.String(),
        "name": pl.String(),
        "listed_on": pl.Date(),
        "isin": pl.String(),
        "face_value": pl.Float64(),
        "series": pl.String(),
        "source": pl.String(),
        "stated_at": pl.Datetime("us", "UTC"),
    }
)
# The country, its kind of issuer and the issuer: what follows is the security.
_ISSUER = slice(2, 7)


@dataclass(frozen=True)
class Comparison:
    """What a list changes.

    Attributes:
        rows: Of ``instruments``, to store.
        new: Tickers of which nothing was stored from a list.
        changed: Tickers of which something was stated otherwise before.
        unchanged: The number of the others.
        sentences: Of changes that a person should know: listing dates and companies.
    """

    rows: pl.DataFrame
    new: list[str]
    changed: list[str]
    unchanged: int
    sentences: list[str]


def compare(
    stated: Sequence[Facts], stored: pl.DataFrame, source: str, at: dt.datetime
) -> Comparison:
    """Compare facts with rows of ``instruments``; ``source`` states them ``at`` a time in UTC.

    What a list leaves blank stays. Of the same company the earlier date of listing stays: a later
    one is of a relisting, and its prices before that are its own.
    """
    before = {row["ticker"]: row for row in stored.iter_rows(named=True)}
    rows: list[dict[str, Any]] = []
    new: list[str] = []
    changed: list[str] = []
    sentences: list[str] = []
    for facts in stated:
        old = before.get(facts.ticker)
        merged = {name: getattr(facts, name) for name in NAMES}
        if old is not None:
            merged, differences = _merged(facts, old)
            sentences += differences
            if all(merged[name] == old[name] for name in NAMES):
                continue
        is_change = old is not None and old["source"] is not None
        (changed if is_change else new).append(facts.ticker)
        rows.append({"ticker": facts.ticker, **merged, "source": source, "stated_at": at})
    unchanged = len(stated) - len(rows)
    return Comparison(pl.DataFrame(rows, schema=SCHEMA), new, changed, unchanged, sentences)


def store_facts(store: Store, comparison: Comparison) -> None:
    """Write the rows that are new, also to the history."""
    store.upsert(INSTRUMENTS, comparison.rows)
    store.insert(INSTRUMENT_HISTORY, comparison.rows)


def is_other_issuer(isin: str | None, other: str | None) -> bool:
    """Whether two ISINs, where both are known, are of two companies."""
    return bool(isin and other and isin[_ISSUER] != other[_ISSUER])


def _merged(facts: Facts, old: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The facts as they are to be stored, and what a person should know of the difference."""
    merged = {name: _first(getattr(facts, name), old[name]) for name in NAMES}
    return merged, list(_differences(facts, old, merged))


def _differences(facts: Facts, old: Mapping[str, Any], merged: dict[str, Any]) -> Iterator[str]:
    is_other = is_other_issuer(old["isin"], facts.isin)
    if is_other:
        yield (
            f"{facts.ticker}: its ISIN was {old['isin']} ({old['name']}) and is {facts.isin} "
            f"({facts.name}): another company has the symbol, so prices before its listing are "
            "not its own."
        )
    elif old["isin"] and facts.isin and old["isin"] != facts.isin:
        yield f"{facts.ticker}: its ISIN was {old['isin']} and is {facts.isin}."
    was, now = old["listed_on"], facts.listed_on
    if was and now and was != now:
        is_relisting = now > was and not is_other
        if is_relisting:
            merged["listed_on"] = was
        kept = f"; the earlier one stays, so that prices since {was} count" if is_relisting else ""
        yield f"{facts.ticker}: its date of listing was {was} and is stated as {now}{kept}."


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)
