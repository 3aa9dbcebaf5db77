"""Compare a change of symbol with what is known of both symbols."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from src.core.errors import BadInput
from src.core.tables import INSTRUMENTS, RAW_DAILY
from src.data.history.rebuild import valid_batches
from src.data.instruments.facts import is_other_issuer

if TYPE_CHECKING:
    import datetime as dt

    from src.data.instruments.lists.stated import SymbolChange
    from src.db.store import Store

# A company that left its symbol has no bar under it in the first sessions under the new one; a
# company that takes the symbol up comes later.
FIRST_DAYS, COMMON_DAYS = 20, 5


class KnownSymbols:
    """What is stored of symbols: their listings and their daily prices."""

    def __init__(self, store: Store, symbols: Sequence[str]) -> None:
        rows = store.load(INSTRUMENTS, symbols)
        self._store = store
        self._listings = {row["ticker"]: row for row in rows.iter_rows(named=True)}
        self._stored = set(valid_batches(store, symbols)["ticker"])
        identities = store.identities()
        self._changed = {symbol for symbol in symbols if identities.concern([symbol])}

    def unknown(self, change: SymbolChange) -> list[str]:
        """Which of the two symbols are neither listed nor stored, nor in another change."""
        known = {*self._listings, *self._stored, *self._changed}
        return [symbol for symbol in (change.old, change.new) if symbol not in known]

    def check(self, change: SymbolChange) -> None:
        """Refuse a change between two shares.

        Raises:
            BadInput: The lists have both symbols with different companies, or one source has bars
                of both on many of the first days under the new one.
        """
        if self._is_taken_up(change.old, change.date):
            return
        self._check_listings(change)
        if {change.old, change.new} <= self._stored:
            _check_prices(self._store, change)

    def _is_taken_up(self, old: str, day: dt.date) -> bool:
        """Whether the old symbol was listed again, by another company."""
        listed_on = self._listings.get(old, {}).get("listed_on")
        return listed_on is not None and listed_on >= day

    def _check_listings(self, change: SymbolChange) -> None:
        old, new = (self._listings.get(symbol) for symbol in (change.old, change.new))
        if old is None or new is None or not is_other_issuer(old["isin"], new["isin"]):
            return
        raise BadInput(
            f"{change.old} ({old['name'] or 'no name'}, {old['isin']}) and {change.new} "
            f"({new['name'] or 'no name'}, {new['isin']}) are two companies by the lists of "
            "shares: check both symbols."
        )


def _check_prices(store: Store, change: SymbolChange) -> None:
    rows = store.load(
        RAW_DAILY,
        [change.old, change.new],
        columns=("ticker", "date", "source"),
        since=change.date,
    )
    for source in rows["source"].unique().sort():
        bars = rows.filter(source=source)
        days = bars.filter(ticker=change.new)["date"].sort().head(FIRST_DAYS)
        both = bars.filter(pl.col("date").is_in(days.implode()), ticker=change.old)["date"]
        if both.len() >= COMMON_DAYS:
            raise BadInput(
                f"{change.old} cannot have become {change.new} on {change.date}: {source} has bars "
                f"of both on {both.len()} of the first {days.len()} days from then on (the first: "
                f"{both.sort()[0]}); check both symbols and the day."
            )
