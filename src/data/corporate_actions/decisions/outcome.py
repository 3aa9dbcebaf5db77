"""Say what a command changed in the ledger of one ticker, and what is left to do."""

from __future__ import annotations

import datetime as dt

import polars as pl

from src.data.corporate_actions.ledger import KEY

# Pending actions that are named.
SHOWN = 3


def outcome_text(verb: str, ledger: pl.DataFrame, rows: pl.DataFrame, closed: dt.date) -> str:
    """What became of the rows, what they replaced, what waits for a person and what for its day.

    ``ledger`` is the ticker's as it was before, ``closed`` the last session that has closed.
    """
    actions = f"{rows.height} action{'' if rows.height == 1 else 's'} {verb}"
    replaced = _replaced_text(ledger, rows) if verb == "added" else ""
    after = pl.concat([ledger.join(rows, on=KEY, how="anti"), rows.select(ledger.columns)])
    return f"{actions}{replaced}, {_pending_text(after)}{_later_text(rows, closed)}"


def _replaced_text(ledger: pl.DataFrame, rows: pl.DataFrame) -> str:
    """The values that were entered for the same day before."""
    values = [
        f"{amount:g} a share" if ratio is None else f"{ratio:g}"
        for ratio, amount in ledger.join(rows, on=KEY, how="semi").select("ratio", "amount").rows()
    ]
    return f" in place of {' and '.join(values)} that was entered before" if values else ""


def _pending_text(ledger: pl.DataFrame) -> str:
    pending = ledger.filter(status="pending").sort("date", "kind")
    named = [f"{kind} of {day}" for kind, day in pending.head(SHOWN).select("kind", "date").rows()]
    if pending.height > SHOWN:
        named.append(f"{pending.height - SHOWN} more")
    which = f" ({', '.join(named)})" if named else ""
    return f"{pending.height} pending{which}"


def _later_text(rows: pl.DataFrame, closed: dt.date) -> str:
    is_later = pl.col("date") > closed
    later = rows.filter(is_later, pl.col("status") != "rejected")["date"].sort().to_list()
    if not later:
        return ""
    return f", {len(later)} not applied before the session of {later[0]} has closed"
