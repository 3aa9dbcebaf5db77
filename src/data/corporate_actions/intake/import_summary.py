"""Say what became of the rows of an exchange's list of corporate actions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from src.data.next_step import rebuild_step

if TYPE_CHECKING:
    from src.data.corporate_actions.intake.exchange_lists.rows import ActionRow
    from src.data.corporate_actions.intake.exchange_lists.statements import Reading
    from src.data.corporate_actions.intake.listed_actions import ListChanges

_SHOWN = 20
# What rows become, in the order of the table.
_LINES = {
    "split": "splits and consolidations",
    "bonus": "bonuses",
    "dividend": "dividends and distributions",
    "rights": "rights",
    "demerger": "demergers",
    "event": "other events without a ratio",
    "nothing": "nothing: meetings, buy-backs, interest",
    "repeated": "repeated or revised by another row",
    "unclear": "not understood",
}


@dataclass(frozen=True)
class ImportedList:
    """Facts of an imported list.

    Attributes:
        tickers: How many of those that it names were taken.
        ticker: The one that was taken; None if all were.
        others: How many more it names.
        with_prices: Of how many of them prices are stored.
        errors: Rows that could not be used, as sentences.
    """

    path: str
    source: str
    tickers: int
    ticker: str | None
    others: int
    with_prices: int
    errors: Sequence[str]


def summary_of(
    imported: ImportedList,
    rows: Sequence[ActionRow],
    reading: Reading,
    stated: pl.DataFrame,
    changes: ListChanges,
) -> str:
    """A short table, what was not understood, and what waits for a person."""
    total = len(rows) + len(imported.errors)
    lines = [
        f"{imported.path}: {_counted(total, 'row')} of {_taken(imported)}, as {imported.source}",
        *(f"  {reading.rows[kind]:>6,}  {text}" for kind, text in _lines(reading).items()),
    ]
    failures = [*imported.errors, *reading.undated]
    if failures:
        lines.append(f"  {len(failures):>6,}  not usable")
    lines += _listed("Not understood", _unclear(stated))
    lines += _listed("Not usable", failures)
    lines += _listed("Changed", changes.warnings)
    return "\n".join([*lines, _ledger_line(imported, stated, changes)])


def _taken(imported: ImportedList) -> str:
    if imported.ticker is None:
        return _counted(imported.tickers, "ticker")
    left = f" alone (--all takes its {imported.others + 1:,} tickers)" if imported.others else ""
    return f"{imported.ticker}{left}"


def _lines(reading: Reading) -> dict[str, str]:
    others = ", ".join(reading.other_series)
    nothing = f"{_LINES['nothing']}{f', other series ({others})' if others else ''}"
    return {**_LINES, "nothing": nothing}


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _listed(title: str, sentences: Sequence[str]) -> list[str]:
    if not sentences:
        return []
    shown = [f"  {sentence}" for sentence in sentences[:_SHOWN]]
    more = len(sentences) - _SHOWN
    return [f"{title}:", *shown, *([f"  and {more} more"] if more > 0 else [])]


def _unclear(stated: pl.DataFrame) -> list[str]:
    unclear = stated.filter(kind="unclear").with_columns(
        subject=pl.col("evidence").str.json_path_match("$.subject"),
        reason=pl.col("evidence").str.json_path_match("$.reason"),
    )
    return [
        f"{row['ticker']} {row['date']}: {row['subject']!r}: {row['reason']}"
        for row in unclear.iter_rows(named=True)
    ]


def _ledger_line(imported: ImportedList, stated: pl.DataFrame, changes: ListChanges) -> str:
    changed = changes.rows.height - changes.new
    waiting = stated.filter(status="pending").height
    text = (
        f"Ledger: {changes.new:,} actions new, {changed:,} changed, "
        f"{stated.height - changes.new - changed:,} as before; {waiting:,} wait for a person"
    )
    text += " (`list --pending` shows what)" if waiting else ""
    without = imported.tickers - imported.with_prices
    if without:
        text += f"; no prices of {_counted(without, 'ticker')} are stored yet"
    if not changes.rows.height:
        return f"{text}."
    step = rebuild_step() if imported.ticker is None else rebuild_step(imported.ticker)
    return f"{text}; {step}."
