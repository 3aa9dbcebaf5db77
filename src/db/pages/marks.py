"""Read what has happened to a stock and its models, to be marked on charts over time."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

# Rows of the newest marks; a chart with more could not be read.
MOST = 60
# The day of a row of the quarantine is text, and need be no date: ISO texts are in order as well.
# An action that several vendors name is one; a rejected one has not happened.
_MARKS = """
SELECT * FROM (
    SELECT (at AT TIME ZONE %(zone)s)::date::text AS day, kind, horizon,
        coalesce(version_tag, served) AS detail
    FROM model_events
    WHERE pool = (SELECT pool FROM pool_members WHERE ticker = %(ticker)s) AND made_live
        AND kind IN ('promoted', 'demoted', 'rolled_back')
    UNION ALL
    SELECT DISTINCT ON (date, kind) date::text, kind, '',
        CASE WHEN ratio IS NULL THEN status ELSE format('%%s for 1, %%s', ratio, status) END
    FROM corporate_actions
    WHERE ticker = %(ticker)s AND kind NOT IN ('dividend', 'unclear') AND status <> 'rejected'
    UNION ALL
    SELECT DISTINCT ON (left(at, 10), action) left(at, 10), action, '', reason
    FROM quarantine WHERE ticker = %(ticker)s AND kind = 'daily'
) marks
WHERE day BETWEEN %(since)s AND %(until)s ORDER BY day DESC, kind LIMIT %(most)s
"""


@dataclass(frozen=True)
class Mark:
    """Something that happened on a day.

    Attributes:
        day: In India; of a row that was held back it need not be a session.
        kind: ``promoted``, ``demoted`` or ``rolled_back`` of a model; ``split``, ``bonus``,
            ``rights``, ``demerger`` or ``event`` of the share; ``rejected`` or ``repaired``
            of a day's prices.
        horizon: ``short`` or ``long`` of a model, else empty.
        detail: The model or its version, the ratio and whether it is applied, or the reason.
    """

    day: dt.date
    kind: str
    horizon: str
    detail: str


def marks(
    connection: psycopg.Connection[Any], ticker: str, since: dt.date, until: dt.date, zone: str
) -> list[Mark]:
    """What happened to a ticker from one day to another, in order; the newest 60.

    Args:
        connection: To the database.
        ticker: The stock.
        since: The first day.
        until: The last day.
        zone: By whose calendar the times of models are days, such as ``Asia/Kolkata``.
    """
    parameters = {
        "ticker": ticker,
        "since": since.isoformat(),
        "until": until.isoformat(),
        "zone": zone,
        "most": MOST,
    }
    rows = connection.execute(_MARKS, parameters).fetchall()
    return [Mark(day, *more) for text, *more in reversed(rows) if (day := _day(text)) is not None]


def _day(text: str) -> dt.date | None:
    """The day of a row; None where a file had a date that does not exist."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None
