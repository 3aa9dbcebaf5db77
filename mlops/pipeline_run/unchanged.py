"""Tell which tickers need not be worked through again, and which need it after an upgrade."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING

import polars as pl

from src.config.load import config_hash
from src.config.version import source_hash
from src.core.pools import pool_of
from src.core.tables import POOL_MEMBERS, PREPARED_TICKERS
from src.data.history.as_known import last_session
from src.data.sources.delivery import SAMPLE_TICKER
from src.features import catalogue
from src.features.members import horizons_text

if TYPE_CHECKING:
    from src.db.tables.prepared import PreparedTickers
    from src.stages.stage import RunContext

# Before the fingerprint of a ticker that could not be worked through.
FAILED = "failed "


class Fingerprints:
    """Fingerprints of what the clean prices and features of tickers are made of.

    They cover the stored rows and actions that count by the last closed session, the settings and
    the code.
    """

    def __init__(self, prepared: PreparedTickers, context: RunContext) -> None:
        self._prepared = prepared
        self._context = context

    def unchanged(self, tickers: Sequence[str]) -> set[str]:
        """Tickers that were worked through and of which nothing has changed since."""
        stored = self._prepared.fingerprints(tickers)
        return {t for t, fingerprint in self._now(tickers).items() if stored.get(t) == fingerprint}

    def failed(self, tickers: Sequence[str]) -> set[str]:
        """Tickers that could not be worked through the last time."""
        stored = self._prepared.fingerprints(tickers)
        return {t for t, fingerprint in stored.items() if fingerprint.startswith(FAILED)}

    def write(self, tickers: Sequence[str], *, failed: bool = False) -> None:
        """Note that these tickers were worked through, or failed, in the open transaction."""
        now = self._now(tickers)
        prefix = FAILED if failed else ""
        rows = {"ticker": list(tickers), "fingerprint": [prefix + now[t] for t in tickers]}
        schema = {"ticker": pl.String, "fingerprint": pl.String}
        self._context.store.upsert(PREPARED_TICKERS, pl.DataFrame(rows, schema=schema))

    def outdated(self, pools: Iterable[str]) -> list[str]:
        """Tickers of these pools with features of another version or labels of other horizons.

        Those that have already failed with it are left out.
        """
        horizons = horizons_text(self._context.settings)
        tickers = self._prepared.outdated(catalogue.version(), horizons)
        concerned = [ticker for ticker in tickers if pool_before_run(ticker) in set(pools)]
        stored, now = self._prepared.fingerprints(concerned), self._now(concerned)
        return [ticker for ticker in concerned if stored.get(ticker) != FAILED + now[ticker]]

    def _now(self, tickers: Sequence[str]) -> dict[str, str]:
        facts = self._prepared.facts(tickers, last_session(self._context))
        return {t: sha256(f"{self._basis}|{facts[t]}".encode()).hexdigest() for t in tickers}

    @cached_property
    def _basis(self) -> str:
        settings = self._context.settings
        code = source_hash("core", "data", "features")
        return f"{config_hash(settings)}|{code}"


def pool_before_run(ticker: str) -> str:
    """The pool of a ticker whose prices have not been read yet."""
    return pool_of(ticker, synthetic=ticker == SAMPLE_TICKER)


def leave_pool(context: RunContext, tickers: Sequence[str]) -> None:
    """Take tickers out of their pool, in the open transaction."""
    if tickers:
        context.store.replace(POOL_MEMBERS, tickers, context.store.load(POOL_MEMBERS, []))
