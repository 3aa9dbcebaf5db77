"""Print sections as tables of plain text."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from src.data.report.formatting import Section

if TYPE_CHECKING:
    from rich.table import Table


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
