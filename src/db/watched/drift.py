"""Read what forecasts came to, day by day, and keep what drift was measured from it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

Row = Mapping[str, Any]

# The first forecast that was served of each ticker and session. Its distribution is fetched by its
# place in the table once it is known which count: sorted with it, the rows would fill the disk.
_FIRST = """
first_made AS MATERIALIZED (
    SELECT DISTINCT ON (p.ticker, p.feature_date)
        p.ticker, p.horizon, p.feature_date, p.version, p.data_hash, p.kind, p.made_at,
        p.ctid AS place
    FROM predictions p JOIN pool_members m USING (ticker)
    WHERE m.pool = %(pool)s AND p.horizon = %(horizon)s AND p.kind = 'served'
        AND p.feature_date >= %(since)s AND p.target_date > %(since)s
        AND cardinality(p.levels) > 0
    ORDER BY p.ticker, p.feature_date, p.made_at, p.version
)"""
_KEY = "ticker, horizon, feature_date, version, data_hash, kind"
# A forecast made after the close that decided it is left out.
_OUTCOMES = f"""
WITH {_FIRST},
newest AS MATERIALIZED (
    SELECT DISTINCT ON ({_KEY}) {_KEY}, label_end AS day, realised_return AS y
    FROM prediction_outcomes
    WHERE horizon = %(horizon)s AND feature_date >= %(since)s AND kind = 'served'
    ORDER BY {_KEY}, matured_at DESC
),
sessions AS MATERIALIZED (
    SELECT * FROM unnest(%(days)s::date[], %(closes)s::timestamptz[]) s(day, close)
),
matured AS MATERIALIZED (
    SELECT place, y FROM first_made JOIN newest USING ({_KEY}) JOIN sessions USING (day)
    WHERE made_at < close
),
grouped AS MATERIALIZED (
    SELECT feature_date AS day, levels, width_bucket(y, quantiles) AS bucket, count(*) AS n,
        sum(abs(y) - abs(y - point)) AS absolute_gain,
        sum(y * y - (y - point) ^ 2) AS squared_gain
    FROM matured JOIN predictions p ON p.ctid = place
    GROUP BY feature_date, levels, bucket
)
SELECT * FROM grouped ORDER BY day
"""  # noqa: S608 names of this module
# Few rows are expected where there are many: each would be looked up in a loop, and all would be
# sorted to form few groups.
_FOR_OUTCOMES = (
    "SET LOCAL work_mem = '128MB'",
    "SET LOCAL enable_nestloop = off",
    "SET LOCAL enable_sort = off",
    "SET LOCAL max_parallel_workers_per_gather = 0",
)
# Returns grow with the square root of time: the path so far is set beside the distribution of the
# whole horizon as if it had gone on in proportion.
_PATHS = f"""
WITH {_FIRST},
pending AS MATERIALIZED (
    SELECT ticker, date FROM features_daily WHERE action_pending AND date >= %(since)s
),
paths AS (
    SELECT p.feature_date, p.levels, p.quantiles,
        exp(ln(b.adj_close / a.adj_close) * sqrt(p.sessions / %(elapsed)s::float8)) - 1 AS y
    FROM first_made f JOIN predictions p ON p.ctid = f.place
    JOIN unnest(%(days)s::date[], %(later)s::date[]) s(day, later) ON s.day = p.feature_date
    JOIN features_daily a ON a.ticker = p.ticker AND a.date = p.feature_date
    JOIN features_daily b ON b.ticker = p.ticker AND b.date = s.later
    WHERE a.adj_close > 0 AND b.adj_close > 0 AND NOT EXISTS (
        SELECT FROM pending w
        WHERE w.ticker = p.ticker AND w.date > p.feature_date AND w.date <= s.later)
)
SELECT feature_date AS day, levels, width_bucket(y, quantiles) AS bucket, count(*) AS n
FROM paths GROUP BY feature_date, levels, bucket ORDER BY feature_date
"""  # noqa: S608 names of this module
# By version of the features of a pool's tickers: these, and the sessions without means of theirs.
_WITHOUT_MEANS = """
SELECT m.features_version, m.tickers, array_agg(d.date ORDER BY d.date)
FROM (SELECT DISTINCT date FROM features_daily WHERE date >= %(since)s) d
CROSS JOIN (SELECT features_version, array_agg(ticker ORDER BY ticker) AS tickers
    FROM pool_members WHERE pool = %(pool)s GROUP BY features_version) m
WHERE d.date >= %(again)s OR NOT EXISTS (
    SELECT FROM feature_means k WHERE k.pool = %(pool)s AND k.session = d.date
        AND k.features_version = m.features_version)
GROUP BY m.features_version, m.tickers
"""
_WRITE_MEANS = """
INSERT INTO feature_means (pool, session, features_version, means) VALUES (%s, %s, %s, %s)
ON CONFLICT (pool, session) DO UPDATE
    SET features_version = excluded.features_version, means = excluded.means
"""
_READ_MEANS = """
SELECT k.session, k.means, s.names
FROM feature_means k JOIN feature_sets s USING (features_version)
WHERE k.pool = %(pool)s AND k.session >= %(since)s
    AND k.features_version = (SELECT features_version FROM feature_means
        WHERE pool = %(pool)s ORDER BY session DESC LIMIT 1)
ORDER BY k.session
"""
COLUMNS = (
    *("pool", "horizon", "measure", "session", "value", "expected", "n", "t", "limit_t"),
    *("bad", "sentence", "measured_at"),
)
_WRITE = (
    f"INSERT INTO drift_measures ({', '.join(COLUMNS)}) "  # noqa: S608 names of this module
    f"VALUES ({', '.join(f'%({name})s' for name in COLUMNS)}) "
    "ON CONFLICT (pool, horizon, measure, session) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in COLUMNS[4:])
)
# By the key of each table, so that no outcome of another session is read.
_LACKS_MEASURES = """
SELECT NOT EXISTS (SELECT FROM drift_measures WHERE pool = %(pool)s AND session = %(session)s)
    AND EXISTS (SELECT FROM pool_members m JOIN prediction_outcomes o ON o.ticker = m.ticker
        AND o.horizon = 'short' AND o.feature_date = %(before)s AND o.kind = 'served'
        WHERE m.pool = %(pool)s)
"""
_LATEST = (
    f"SELECT DISTINCT ON (pool, horizon, measure) {', '.join(COLUMNS)} "  # noqa: S608
    "FROM drift_measures ORDER BY pool, horizon, measure, session DESC"
)


class DriftTables:
    """The tables that drift is read from and kept in, over an open autocommit connection."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def outcomes(
        self,
        pool: str,
        horizon: str,
        since: dt.date,
        closes: Mapping[dt.date, dt.datetime],
    ) -> list[dict[str, Any]]:
        """Outcomes of served forecasts by day of the forecast and place among its quantiles.

        Args:
            pool: Whose tickers.
            horizon: ``short`` or ``long``.
            since: First day of forecasts.
            closes: The close of every session that an outcome may be of.

        Returns:
            Rows of day, levels, bucket (quantiles at or below the outcome), n, and the sums of
            absolute_gain and squared_gain (the loss of zero less that of the forecast).
        """
        parameters = {"pool": pool, "horizon": horizon, "since": since}
        days = {"days": list(closes), "closes": list(closes.values())}
        with self._connection.transaction():
            for setting in _FOR_OUTCOMES:
                self._connection.execute(setting)
            return self._rows(_OUTCOMES, parameters | days)

    def paths(
        self, pool: str, horizon: str, elapsed: int, later: Mapping[dt.date, dt.date]
    ) -> list[dict[str, Any]]:
        """Where prices stood ``elapsed`` sessions after served forecasts; see ``outcomes``.

        Args:
            pool: Whose tickers.
            horizon: ``short`` or ``long``.
            elapsed: Sessions.
            later: The session so many after it, by day of the forecast.

        Returns:
            Rows of day, levels, bucket and n.
        """
        parameters = {"pool": pool, "horizon": horizon, "since": min(later), "elapsed": elapsed}
        days = {"days": list(later), "later": list(later.values())}
        return self._rows(_PATHS, parameters | days)

    def sessions_without_means(
        self, pool: str, since: dt.date, again: dt.date
    ) -> list[tuple[str, list[str], list[dt.date]]]:
        """Sessions whose means are not known yet, and those of ``again`` and later.

        Returns:
            For each version of features in the pool: it, the tickers that have it, the sessions.
        """
        parameters = {"pool": pool, "since": since, "again": again}
        return self._connection.execute(_WITHOUT_MEANS, parameters).fetchall()

    def write_means(
        self, pool: str, version: str, means: Iterable[tuple[dt.date, Sequence[float | None]]]
    ) -> None:
        """Keep the means of a pool's inputs by session; those of the same session are replaced."""
        rows = [(pool, session, version, values) for session, values in means]
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.executemany(_WRITE_MEANS, rows)

    def feature_means(
        self, pool: str, since: dt.date
    ) -> tuple[list[str], list[tuple[dt.date, list[float | None]]]]:
        """Names of a pool's stored inputs, and their kept means over its tickers by session."""
        parameters = {"pool": pool, "since": since}
        rows = self._connection.execute(_READ_MEANS, parameters).fetchall()
        return (list(rows[-1][2]) if rows else []), [(day, means) for day, means, _ in rows]

    def pool_sizes(self) -> dict[str, int]:
        """Number of tickers by pool."""
        query = "SELECT pool, count(*) FROM pool_members GROUP BY pool"
        return {pool: int(count) for pool, count in self._connection.execute(query)}

    def lacks_measures(self, pool: str, session: dt.date, before: dt.date) -> bool:
        """Whether a pool has outcomes of a session, which follows ``before``, and no measure."""
        parameters = {"pool": pool, "session": session, "before": before}
        row = self._connection.execute(_LACKS_MEASURES, parameters).fetchone()
        return bool(row and row[0])

    def write(self, measures: Sequence[Row]) -> None:
        """Keep measures, rows with ``COLUMNS``; one of the same session is replaced."""
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.executemany(_WRITE, measures)

    def latest(self) -> list[dict[str, Any]]:
        """The newest of each pool, horizon and measure, with ``COLUMNS``."""
        return self._rows(_LATEST, {})

    def _rows(self, query: str, parameters: Row) -> list[dict[str, Any]]:
        from psycopg.rows import dict_row

        with self._connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, parameters, prepare=False).fetchall()
