"""SQL statements and conditions that several tables share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from src.core.tables import Table

# Rows of quarantine that no bar stands for: one later than a wrong clock is stored in its time.
STILL_REFUSED = """kind = 'daily' AND action = 'rejected' AND NOT (rule = 'future_bar' AND EXISTS (
    SELECT FROM raw_daily_prices_clean c WHERE c.ticker = quarantine.ticker
        AND to_char(c.date, 'YYYY-MM-DD') = left(quarantine.at, 10)))"""


def insert(table: Table, values: Mapping[str, str], source: str = "") -> str:
    """``INSERT`` of expressions by column, selected from ``source`` (a table) or from nothing.

    The table goes by the name ``stored``, for what is appended to the statement.
    """
    origin = f" FROM {source}" if source else ""
    return (
        f"INSERT INTO {table.name} AS stored ({names(values)}) "
        f"SELECT {', '.join(values.values())}{origin}"
    )


def placeholders(table: Table, leave_out: Sequence[str] = ()) -> dict[str, str]:
    """Named placeholders of psycopg by column, with the declared types."""
    return {
        name: f"%({name})s::{kind}" for name, kind in table.columns.items() if name not in leave_out
    }


def update_if_changed(table: Table, columns: Iterable[str], uncompared: Sequence[str] = ()) -> str:
    """``ON CONFLICT``: update a stored row if it differs in any column but the ``uncompared``."""
    values = [name for name in columns if name not in table.key]
    compared = [name for name in values if name not in uncompared]
    sets = ", ".join(f'"{name}" = excluded."{name}"' for name in values)
    return (
        f" ON CONFLICT ({names(table.key)}) DO UPDATE SET {sets} "
        f"WHERE ({names(compared, 'stored')}) IS DISTINCT FROM ({names(compared, 'excluded')})"
    )


def names(columns: Iterable[str], of: str = "") -> str:
    """Quoted column names in a list, each qualified by the alias ``of`` if there is one."""
    prefix = f"{of}." if of else ""
    return ", ".join(f'{prefix}"{name}"' for name in columns)


def same_key(table: Table, left: str, right: str) -> str:
    """The condition that two aliases have rows of the same key."""
    return " AND ".join(f'{left}."{name}" = {right}."{name}"' for name in table.key)
