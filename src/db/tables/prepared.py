"""What the clean prices and features of each ticker were last made of, to see what has changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

# Everything stored that cleaning and features depend on. An action takes effect, and a bar counts,
# once its session has closed: both only up to that session.
_FACTS = """
WITH spans AS (SELECT * FROM ticker_spans()),
symbols AS (
    SELECT ticker, ticker AS symbol FROM unnest(%(tickers)s::text[]) t(ticker)
    UNION SELECT ticker, symbol FROM spans WHERE ticker = ANY(%(tickers)s)
)
SELECT t.ticker, concat_ws('|', b.facts, w.facts, h.facts, a.facts, i.listed_on,
    (SELECT max(date) FROM raw_daily_prices r WHERE r.ticker = t.ticker AND date <= %(until)s),
    (SELECT max(ts) FROM raw_hourly_prices r
        WHERE r.ticker = t.ticker AND ts < %(until)s::date + 1),
    (SELECT string_agg(concat(symbol, days, s.ticker), ' ' ORDER BY symbol, days) FROM spans s
        WHERE t.ticker IN (s.ticker, s.symbol)),
    (SELECT string_agg(concat(state, date), ' ' ORDER BY stated_at) FROM instrument_states s
        WHERE s.ticker = t.ticker))
FROM unnest(%(tickers)s::text[]) t(ticker)
LEFT JOIN (SELECT s.ticker, concat(count(*), '/', max(batch_id)) AS facts
    FROM symbols s JOIN ingest_batches f ON f.ticker = s.symbol GROUP BY s.ticker) b USING (ticker)
LEFT JOIN (SELECT s.ticker, concat('withdrawn ', count(*), '/', max(withdrawn_at)) AS facts
    FROM symbols s JOIN batch_withdrawals f ON f.ticker = s.symbol
    GROUP BY s.ticker) w USING (ticker)
LEFT JOIN (SELECT s.ticker, concat('history ', count(*), '/', max(changed_at)) AS facts
    FROM symbols s JOIN corporate_action_history f ON f.ticker = s.symbol
    GROUP BY s.ticker) h USING (ticker)
LEFT JOIN (SELECT s.ticker, concat('actions ', count(*)) AS facts
    FROM symbols s JOIN corporate_actions f ON f.ticker = s.symbol
    WHERE date <= %(until)s AND (origin <> 'inferred' OR decided_by = 'person')
    GROUP BY s.ticker) a USING (ticker)
LEFT JOIN instruments i USING (ticker)
"""
_OUTDATED = """
SELECT t.ticker FROM stored_tickers t
WHERE EXISTS (SELECT FROM features_daily f WHERE f.ticker = t.ticker)
    AND NOT EXISTS (SELECT FROM pool_members m
        WHERE m.ticker = t.ticker AND m.features_version = %s AND m.horizons = %s)
ORDER BY t.ticker
"""
_REAL = "SELECT ticker FROM stored_tickers WHERE is_real ORDER BY ticker"
_TRADED = """
SELECT ticker FROM stored_tickers LEFT JOIN current_states s USING (ticker)
WHERE is_real AND coalesce(s.state, 'active') = 'active' ORDER BY ticker
"""
_UNTRADED = """
SELECT ticker, state, date::text FROM stored_tickers JOIN current_states USING (ticker)
WHERE is_real AND state <> 'active' ORDER BY ticker
"""
_LONGEST_UNFETCHED = """
SELECT t.ticker FROM unnest(%s::text[]) WITH ORDINALITY t(ticker, place)
CROSS JOIN LATERAL (SELECT max(fetched_at) AS fetched_at FROM ingest_batches
    WHERE ticker = t.ticker AND source = %s) b
ORDER BY b.fetched_at NULLS FIRST, place
"""


class PreparedTickers:
    """The table ``prepared_tickers``, and the stored facts that its fingerprints are made of."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def facts(self, tickers: Sequence[str], until: dt.date) -> dict[str, str]:
        """By ticker, a text that changes with what is stored of it up to the session ``until``."""
        parameters = {"tickers": list(tickers), "until": until}
        return dict(self._connection.execute(_FACTS, parameters).fetchall())

    def fingerprints(self, tickers: Sequence[str]) -> dict[str, str]:
        """What was written of these tickers when they were last worked through."""
        rows = self._connection.execute(
            "SELECT ticker, fingerprint FROM prepared_tickers WHERE ticker = ANY(%s)",
            (list(tickers),),
        )
        return dict(rows.fetchall())

    def outdated(self, features_version: str, horizons: str) -> list[str]:
        """Tickers with features of another version, labels of other horizons, or in no pool."""
        rows = self._connection.execute(_OUTDATED, (features_version, horizons)).fetchall()
        return [ticker for (ticker,) in rows]

    def longest_unfetched(self, tickers: Sequence[str], source: str) -> list[str]:
        """The tickers, first those of which a source has delivered nothing new for the longest."""
        rows = self._connection.execute(_LONGEST_UNFETCHED, (list(tickers), source)).fetchall()
        return [ticker for (ticker,) in rows]

    def real_tickers(self) -> list[str]:
        """All tickers with stored prices, but for synthetic ones."""
        return [ticker for (ticker,) in self._connection.execute(_REAL).fetchall()]

    def traded_tickers(self) -> list[str]:
        """The real tickers but for those that are stated to be suspended or delisted."""
        return [ticker for (ticker,) in self._connection.execute(_TRADED).fetchall()]

    def untraded_tickers(self) -> dict[str, str]:
        """The other real tickers, with their state: such as ``delisted since 2026-01-05``."""
        rows = self._connection.execute(_UNTRADED).fetchall()
        return {ticker: f"{state} since {since}" for ticker, state, since in rows}
