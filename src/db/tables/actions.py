"""Read which symbols have corporate actions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

_SYMBOLS = "SELECT DISTINCT ticker FROM corporate_actions ORDER BY ticker"


def symbols_with_actions(connection: psycopg.Connection[Any]) -> list[str]:
    """The symbols under which the ledger has rows, also those without stored prices, by name."""
    return [symbol for (symbol,) in connection.execute(_SYMBOLS).fetchall()]
