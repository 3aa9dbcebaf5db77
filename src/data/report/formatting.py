"""Format values of the report as titled tables, and these as plain text."""

from __future__ import annotations

import datetime as dt
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from src.core.tables import DAILY_VALUES

if TYPE_CHECKING:
    from rich.table import Table

NUMBER = re.compile(r"[+-]?[\d,.]+(e[+-]\d+)?%?( times)?|-|\d+ → \d+")
DAY = re.compile(r"\d{4}-\d\d-\d\d[\d:+. ]*")
SHORT_NAMES = dict(zip(DAILY_VALUES, ("O", "H", "L", "C", "V", "adj"), strict=True))


@dataclass(frozen=True)
class Section:
    """A table under a title; ``shown`` rows of it fit on a terminal. Titles differ."""

    title: str
    headers: tuple[str, ...] = ()
    rows: Sequence[tuple[str, ...]] = ()
    remarks: tuple[str, ...] = ()
    shown: int = 40

    @property
    def column_classes(self) -> list[str]:
        """Of each column ``number``, ``day`` or, for other text, an empty string.

        Counts and numbers are read best on the right, dates and times in one piece. Without
        headers, a table has no columns of numbers.
        """
        width = len(self.rows[0]) if self.rows else 0
        return [self._column_class(column) for column in range(width)]

    def _column_class(self, column: int) -> str:
        cells = [row[column] for row in self.rows]
        if self.headers and all(map(NUMBER.fullmatch, cells)):
            return "number"
        return "day" if all(map(DAY.fullmatch, cells)) else ""


def format_price(value: float | None) -> str:
    """A price with the digits that a person reads."""
    if value is None:
        return "-"
    return f"{value:,.2f}" if abs(value) >= 10 else f"{value:.4g}"


def format_value(value: float | None, digits: int = 7) -> str:
    """A value with enough digits to tell it from one that was restated: noise is below 1e-5."""
    if value is None:
        return "-"
    has_no_fraction = float(value).is_integer() or abs(value) >= 10**digits
    return f"{value:,.0f}" if has_no_fraction else f"{value:,.{digits}g}"


def format_change(value: float | None) -> str:
    """A relative change in percent; a large one as a multiple."""
    if value is None:
        return "-"
    return f"{value:+.3%}" if abs(value) < 10 else f"{value + 1:,.4g} times"


def format_time(value: object) -> str:
    """A time in UTC to the second, without the zone's name."""
    return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, dt.datetime) else "-"


def format_bar_time(at: dt.datetime, kind: str) -> str:
    """A session's date, or an hour's start in UTC."""
    return str(at.date()) if kind == "daily" else f"{at:%Y-%m-%d %H:%M}"


def format_bar(row: Mapping[str, Any], prefix: str = "", digits: int = 7) -> str:
    """The values of a bar on one line, without nulls; ``nothing`` where all are null."""
    values = {short: row.get(f"{prefix}{name}") for name, short in SHORT_NAMES.items()}
    texts = [
        f"{short} {format_value(value, digits)}"
        for short, value in values.items()
        if value is not None
    ]
    return " ".join(texts) or "nothing"


def format_row(text: str | None) -> str:
    """A row that is stored as a JSON object on one line; other text as it is."""
    try:
        row = json.loads(text or "{}")
    except json.JSONDecodeError:
        return text or ""
    if not isinstance(row, dict):
        return str(row)
    values = {name: value for name, value in row.items() if name != "at"}
    if set(values) <= set(SHORT_NAMES) and not any(isinstance(v, str) for v in values.values()):
        return format_bar(row)
    return ", ".join(f"{name} {_format_any(value)}" for name, value in values.items())


def _format_any(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return format_value(value)
    return str(value)


def as_text(sections: Sequence[Section], width: int) -> str:
    """Sections as tables of that width."""
    from rich.console import Console
    from rich.text import Text

    out = io.StringIO()
    console = Console(file=out, width=width, color_system=None, highlight=False, emoji=False)
    for section in sections:
        console.print(Text(_printable(section.title)))
        for remark in section.remarks:
            console.print(Text(f"  {_printable(remark)}"))
        if section.rows:
            console.print(_table(section))
        elif section.headers:
            console.print(Text("  none"))
        left = len(section.rows) - section.shown
        if left > 0:
            console.print(Text(f"  and {left:,} more: --html F lists them"))
        console.print()
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _table(section: Section) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=SIMPLE_HEAD, show_header=bool(section.headers), pad_edge=False, padding=(0, 1)
    )
    for column, css_class in enumerate(section.column_classes):
        header = section.headers[column] if section.headers else ""
        side: Literal["right", "left"] = "right" if css_class == "number" else "left"
        table.add_column(header, justify=side, overflow="fold", no_wrap=bool(css_class))
    for row in section.rows[: section.shown]:
        table.add_row(*(Text(_printable(cell)) for cell in row))
    return table


def _printable(text: str) -> str:
    """Text without control characters: a file's name may hold some that move the cursor."""
    return "".join(character if character.isprintable() else "�" for character in text)
