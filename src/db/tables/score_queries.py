"""The queries that score logged forecasts: which of them count, and their sums or each of them."""

from __future__ import annotations

from src.core.tables import PREDICTIONS
from src.db import sql

OF_TICKER = "(%(ticker)s::text IS NULL OR p.ticker = %(ticker)s)"
OF_HORIZON = (
    "(%(horizon)s::text IS NULL OR p.horizon = %(horizon)s AND p.sessions = %(ahead)s) "
    "AND (%(since)s::date IS NULL OR p.feature_date >= %(since)s)"
)
# Events of pools are about all their tickers, and few.
EVENTS = f"(p.pool IS NOT NULL OR {OF_TICKER})"

# Closes of all sessions, by calendar in order; and from when until when each version was live.
# Versions of before pools had models were of one ticker, and gave way to the first of its pool.
_TIMES = f"""
sessions AS MATERIALIZED (
    SELECT * FROM unnest(%(of_calendar)s::text[], %(days)s::date[], %(closes)s::timestamptz[])
        s(calendar, day, close)
),
shares AS MATERIALIZED (
    SELECT number, ticker, calendar, closes
    FROM unnest(%(tickers)s::text[], %(calendars)s::text[])
        WITH ORDINALITY t(ticker, calendar, number)
    JOIN (SELECT calendar, array_agg(close ORDER BY close) AS closes FROM sessions GROUP BY 1) c
        USING (calendar)
),
pools AS MATERIALIZED (
    SELECT pool, horizon, min(at) AS since FROM model_events
    WHERE made_live AND pool IS NOT NULL GROUP BY pool, horizon
),
live AS MATERIALIZED (
    SELECT horizon, digest, array_agg(at) AS since, array_agg(until) AS until
    FROM (
        SELECT p.horizon, digest, at, least(
            lead(at, 1, 'infinity') OVER
                (PARTITION BY coalesce(p.pool, p.ticker), p.horizon ORDER BY event_id),
            pools.since) AS until
        FROM model_events p
        LEFT JOIN pool_members m ON p.pool IS NULL AND m.ticker = p.ticker
        LEFT JOIN pools ON pools.pool = m.pool AND pools.horizon = p.horizon
        WHERE made_live AND {EVENTS}
    ) events
    GROUP BY horizon, digest
)"""  # noqa: S608 names of this module
# Numbers are sorted several times faster than texts.
_VERSIONS = f"""
versions AS MATERIALIZED (
    SELECT version, row_number() OVER (ORDER BY version COLLATE "C") AS number
    FROM (SELECT DISTINCT version FROM predictions p
        WHERE {OF_TICKER} AND kind = 'served') stored
)"""  # noqa: S608 names of this module
# Where each stored grid of levels has the two ends of each interval; NULL where it has none.
_GRIDS = f"""
grids AS MATERIALIZED (
    SELECT levels, array_agg(low ORDER BY place) AS lows, array_agg(high ORDER BY place) AS highs
    FROM (SELECT DISTINCT levels FROM predictions p
        WHERE {OF_TICKER} AND kind = 'served') stored
    CROSS JOIN unnest(%(lows)s::float8[], %(highs)s::float8[])
        WITH ORDINALITY ends(low_level, high_level, place)
    CROSS JOIN LATERAL (
        SELECT min(i) FILTER (WHERE abs(level - low_level) < 1e-9) AS low,
            min(i) FILTER (WHERE abs(level - high_level) < 1e-9) AS high
        FROM unnest(levels) WITH ORDINALITY u(level, i)
    ) positions
    GROUP BY levels
)"""  # noqa: S608 names of this module
# Each served forecast with its newest outcome, if it was made before the close of that outcome, and
# if its version was live when the next session closed. A version that the audit does not name was
# not withdrawn by anything that is known. Most were live once: the first time is tried first.
_SCORED = f"""
scored AS MATERIALIZED (
    SELECT p.kind, p.horizon, p.sessions, p.model, p.point, p.candidate, p.candidate_point,
        t.number AS share, v.number AS version, p.feature_date, p.made_at,
        o.realised_return AS realised, p.data_source = 'sample' AS synthetic,
        cardinality(levels) > 0 AS has_levels, {{inside}}
    FROM predictions p
    JOIN prediction_outcomes o ON {sql.same_key(PREDICTIONS, "o", "p")}
    JOIN shares t ON t.ticker = p.ticker
    JOIN versions v ON v.version = p.version
    JOIN grids USING (levels)
    LEFT JOIN sessions s ON s.calendar = t.calendar AND s.day = o.label_end
    LEFT JOIN live l ON l.horizon = p.horizon AND l.digest = p.version
    CROSS JOIN LATERAL (SELECT t.closes[width_bucket(p.made_at, t.closes) + 1] AS next_close) n
    WHERE {OF_TICKER} AND {OF_HORIZON} AND p.kind = 'served'
        AND p.made_at < coalesce(s.close, o.label_end::timestamp AT TIME ZONE 'UTC')
        AND (l.digest IS NULL
            OR (l.since[1] < next_close AND l.until[1] >= next_close)
            OR EXISTS (SELECT FROM unnest(l.since, l.until) t(since, until)
                WHERE t.since < next_close AND t.until >= next_close))
        AND NOT EXISTS (SELECT FROM prediction_outcomes newer
            WHERE {sql.same_key(PREDICTIONS, "newer", "o")} AND newer.matured_at > o.matured_at)
)"""  # noqa: S608 names of this module
# A row has the forecast that it was answered with, and beside it that of the best candidate, which
# is called a shadow; those of trials, whose kind in the table that is, are no part of this. Of
# several forecasts for one session the first counts: among all, and among the real ones.
_RANKED = """
forecasts AS MATERIALIZED (
    SELECT kind, horizon, sessions, model, point, {shared} FROM scored
    UNION ALL
    SELECT 'shadow', horizon, sessions, candidate, candidate_point, {shared} FROM scored
    WHERE candidate <> model
),
models AS MATERIALIZED (
    SELECT *, row_number() OVER () AS number
    FROM (SELECT DISTINCT kind, horizon, sessions, model FROM forecasts) named
),
ranked AS MATERIALIZED (
    SELECT number, point, {shared}, row_number() OVER first_made AS place,
        count(*) FILTER (WHERE NOT synthetic) OVER first_made AS real_place
    FROM forecasts JOIN models USING (kind, horizon, sessions, model)
    WINDOW first_made AS (PARTITION BY number, share, feature_date ORDER BY made_at, version
        ROWS UNBOUNDED PRECEDING)
)"""
_MEASURES = """
    count(DISTINCT share) AS tickers, count(DISTINCT version) AS versions,
    count(DISTINCT feature_date) AS dates, min(feature_date) AS first, max(feature_date) AS last,
    count(*) AS n, avg(abs(realised - point)) AS mae, avg(abs(realised)) AS mae_zero,
    count(*) FILTER (WHERE realised <> 0 AND point <> 0) AS signed,
    count(*) FILTER (WHERE realised > 0 AND point <> 0) AS rises,
    count(*) FILTER (WHERE realised <> 0 AND point <> 0 AND (realised > 0) = (point > 0))
        AS right_signs,
    count(*) FILTER (WHERE has_levels) AS coverage_n"""
_ENDS = ("low", "high")
_SHARED = (*("share", "version", "feature_date", "made_at", "realised", "synthetic", "has_levels"),)


def forecasts_statement(intervals: int) -> str:
    """The query of ``ScoreLog.forecasts`` for so many intervals."""
    ends = [(f"{end}s[{k}]", f"{end}_{k}") for k in range(1, intervals + 1) for end in _ENDS]
    columns = [name for _, name in ends]
    bounds = ", ".join(f"quantiles[{place}] AS {name}" for place, name in ends)
    ranked = _RANKED.format(shared=", ".join([*_SHARED, *columns]))
    parts = (_TIMES, _VERSIONS, _GRIDS, _SCORED.format(inside=bounds), ranked)
    return (
        f"WITH {','.join(parts)} SELECT kind, model, ticker, feature_date, realised, point, "  # noqa: S608 as above
        f"{', '.join(columns)} FROM ranked JOIN models USING (number) "
        "JOIN shares ON shares.number = share WHERE place = 1 ORDER BY made_at, version"
    )


def sums_statement(intervals: int) -> str:
    """The query of ``ScoreLog.sums`` for so many intervals."""
    inside = ", ".join(
        f"CASE WHEN lows[{k}] + highs[{k}] IS NOT NULL THEN "
        f"o.realised_return BETWEEN quantiles[lows[{k}]] AND quantiles[highs[{k}]] "
        f"END AS inside_{k - 1}"
        for k in range(1, intervals + 1)
    )
    columns = [f"inside_{k}" for k in range(intervals)]
    measures = _MEASURES + "".join(
        f", count({name}) AS {name.replace('inside', 'known')}, "
        f"count(*) FILTER (WHERE {name}) AS {name}"
        for name in columns
    )
    ranked = _RANKED.format(shared=", ".join([*_SHARED, *columns]))
    parts = (_TIMES, _VERSIONS, _GRIDS, _SCORED.format(inside=inside), ranked)
    return (
        f"WITH {','.join(parts)} SELECT kind, horizon, sessions, model, "  # noqa: S608 as above
        "coalesce(ticker, '') AS ticker, sums.* FROM ("
        f"SELECT number, share, {measures} FROM ranked WHERE place = 1 GROUP BY number, share "
        f"UNION ALL SELECT number, NULL, {measures} FROM ranked "
        "WHERE NOT synthetic AND real_place = 1 GROUP BY number"
        ") sums JOIN models USING (number) LEFT JOIN shares ON shares.number = share"
    )
