"""Rows of prices that were held back: how many, why, and what they were, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg.rows import class_row

if TYPE_CHECKING:
    import psycopg

# Of the last row of a page: the columns that rows are sorted by.
Place = tuple[str, str, str, str, int, int, str]

_WANTED = "(%(ticker)s::text IS NULL OR ticker = %(ticker)s)"
_COUNTS = f"""
SELECT rule, action, count(*) AS rows, max(at) AS newest
FROM quarantine WHERE {_WANTED} GROUP BY rule, action ORDER BY rows DESC, rule LIMIT 100
"""  # noqa: S608 names of this module
# Sorted as bytes, for which the newest session comes first whatever the server's language.
_KEY = (
    *('at COLLATE "C"', 'ticker COLLATE "C"', 'stage COLLATE "C"', 'kind COLLATE "C"'),
    *("batch_id", "line", 'rule COLLATE "C"'),
)
_ROWS = f"""
SELECT at, ticker, stage, kind, batch_id, line, rule, source, reason, action, "row" AS values
FROM quarantine
WHERE {_WANTED} AND (%(rule)s::text IS NULL OR rule = %(rule)s)
    AND (%(at)s::text IS NULL OR ({", ".join(_KEY)}) <
        (%(at)s, %(of)s, %(stage)s, %(kind)s, %(batch_id)s::bigint, %(line)s::bigint, %(by)s))
ORDER BY {", ".join(f"{name} DESC" for name in _KEY)} LIMIT %(limit)s
"""  # noqa: S608 as above
# Rows that cleaning handled in the newest run that got so far.
_CHECKED = """
SELECT s.rows FROM stage_runs s JOIN pipeline_runs r USING (run_id)
WHERE s.stage = 'data_cleaning' AND r.live ORDER BY r.number DESC LIMIT 1
"""


@dataclass(frozen=True)
class RuleCount:
    """Rows that one rule held back (``rejected``), or filled from elsewhere (``repaired``)."""

    rule: str
    action: str
    rows: int
    newest: str


@dataclass(frozen=True)
class HeldBackRow:
    """A row that was held back.

    Attributes:
        at: The session, or the start of an hourly bar, as it was delivered: it may be no date.
        values: The fields of the row as they were delivered.
    """

    at: str
    ticker: str
    stage: str
    kind: str
    batch_id: int
    line: int
    rule: str
    source: str
    reason: str
    action: str
    values: dict[str, Any]

    @property
    def place(self) -> Place:
        """Where the next page goes on."""
        return (
            *(self.at, self.ticker, self.stage, self.kind),
            *(self.batch_id, self.line, self.rule),
        )


def counts(connection: psycopg.Connection[Any], ticker: str | None) -> list[RuleCount]:
    """How many rows each rule held back, of one ticker or of all; the most first."""
    with connection.cursor(row_factory=class_row(RuleCount)) as cursor:
        return cursor.execute(_COUNTS, {"ticker": ticker}).fetchall()


def rows(
    connection: psycopg.Connection[Any],
    after: Place | None,
    *,
    ticker: str | None,
    rule: str | None,
    limit: int,
) -> list[HeldBackRow]:
    """Rows that were held back, the newest session first.

    Args:
        connection: An open one.
        after: Where the page before ended; None for the first.
        ticker: Whose; None for all.
        rule: By which rule; None for any.
        limit: So many at most.
    """
    names = ("at", "of", "stage", "kind", "batch_id", "line", "by")
    place = dict(zip(names, after or (None,) * len(names), strict=True))
    with connection.cursor(row_factory=class_row(HeldBackRow)) as cursor:
        parameters = {"ticker": ticker, "rule": rule, "limit": limit, **place}
        return cursor.execute(_ROWS, parameters).fetchall()


def checked_rows(connection: psycopg.Connection[Any]) -> int:
    """Rows that the newest run checked; 0 before the first."""
    row = connection.execute(_CHECKED).fetchone()
    return int(row[0]) if row else 0
