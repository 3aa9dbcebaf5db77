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
SELECT t.ticker, concat_ws('|', b.facts, w.facts, h.facts, a.facts, i.listed_on,
    (SELECT max(date) FROM raw_daily_prices r WHERE r.ticker = t.ticker AND date <= %(until)s),
    (SELECT max(ts) FROM raw_hourly_prices r
        WHERE r.ticker = t.ticker AND ts < %(until)s::date + 1))
FROM unnest(%(tickers)s::text[]) t(ticker)
LEFT JOIN (SELECT ticker, concat(count(*), '/', max(batch_id)) AS facts
    FROM ingest_batches GROUP BY ticker) b USING (ticker)
LEFT JOIN (SELECT ticker, concat('withdrawn ', count(*), '/', max(withdrawn_at)) AS facts
    FROM batch_withdrawals GROUP BY ticker) w USING (ticker)
LEFT JOIN (SELECT ticker, concat('history ', count(*), '/', max(changed_at)) AS facts
    FROM corporate_action_history GROUP BY ticker) h USING (ticker)
LEFT JOIN (SELECT ticker, concat('actions ', count(*)) AS facts FROM corporate_actions
    WHERE date <= %(until)s AND (origin <> 'inferred' OR decided_by = 'person')
    GROUP BY ticker) a USING (ticker)
LEFT JOIN instruments i USING (ticker)
"""
_OUTDATED = """
SELECT t.ticker FROM (SELECT DISTINCT ticker FROM ingest_batches) t
WHERE EXISTS (SELECT FROM features_daily f WHERE f.ticker = t.ticker)
    AND NOT EXISTS (SELECT FROM pool_members m
        WHERE m.ticker = t.ticker AND m.features_version = %s AND m.horizons = %s)
ORDER BY t.ticker
"""
_REAL = """
SELECT ticker FROM ingest_batches GROUP BY ticker HAVING bool_and(source <> 'sample')
ORDER BY ticker
"""
_LONGEST_UNFETCHED = """
SELECT ticker FROM unnest(%s::text[]) WITH ORDINALITY t(ticker, place)
LEFT JOIN (SELECT ticker, max(fetched_at) AS fetched_at FROM ingest_batches WHERE source = %s
    GROUP BY ticker) b USING (ticker)
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
