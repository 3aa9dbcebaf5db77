"""Find the header among a file's first lines, and recognise from it what each column is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from src.core.errors import BadInput
from src.data.sources.files.layouts.layout import missing_columns, missing_message, shown
from src.data.sources.files.layouts.other_lists import other_list
from src.data.sources.files.layouts.single_header import date_columns, single_header
from src.data.sources.files.layouts.stated_columns import EXAMPLE, layout_of_columns
from src.data.sources.files.layouts.words import SYMBOLS, canonical, field_of
from src.data.sources.files.layouts.yfinance import flat_header, several_headers

if TYPE_CHECKING:
    from src.data.sources.files.layouts.layout import Layout

_NUMBER = re.compile(r"[+-]?[\d,]*\.?\d+")
# Open, high, low and close.
_NUMBERS_OF_BAR = 4


def recognise_layout(head: Sequence[Sequence[str]], columns: Sequence[str] = ()) -> Layout:
    """The layout of a file with these first lines that are not blank.

    The lines above the header are its title; a file without a header needs ``columns`` (see
    ``layout_of_columns``).

    Raises:
        BadInput: for an unknown layout, with the columns it has and those it lacks.
    """
    first, layout = next(
        ((first, layout) for first in range(len(head)) if (layout := _layout_at(head[first:]))),
        (0, None),
    )
    if columns:
        if layout is not None:
            raise BadInput(
                f"it has a header ({shown(head[first])}): leave out --columns, which is for a file "
                "without one."
            )
        return layout_of_columns(columns, head)
    if layout is None:
        raise BadInput(other_list(head) or _unknown(head))
    _refuse_rows_above(head[:first])
    titles = tuple(" ".join(cell for cell in line if cell) for line in head[:first])
    return replace(layout, header_lines=first + layout.header_lines, titles=titles)


def _layout_at(head: Sequence[Sequence[str]]) -> Layout | None:
    return several_headers(head) or flat_header(head[0]) or single_header(head[0], head[1:])


def _refuse_rows_above(lines: Sequence[Sequence[str]]) -> None:
    for line in lines:
        if _is_row(line):
            raise BadInput(
                f"it has a row above its header ({shown(line)}): move the header to the top."
            )


def _is_row(line: Sequence[str]) -> bool:
    return sum(bool(_NUMBER.fullmatch(cell)) for cell in line) >= _NUMBERS_OF_BAR


def _unknown(head: Sequence[Sequence[str]]) -> str:
    """The sentence about the line that is most like a header."""
    line = max(head, key=lambda cells: len({field_of(name) for name in cells} - {None}))
    titles = [canonical(name) for name in line]
    fields = {field: 0 for name in line if (field := field_of(name))}
    missing = missing_columns(fields, dated=bool(date_columns(titles, ())))
    if not fields and not set(SYMBOLS) & set(titles) and _is_row(head[0]):
        return (
            f"it has no header: no column for {', '.join(missing)} among {shown(head[0])}; name "
            f"them in their order with --columns, such as --columns {EXAMPLE}."
        )
    return missing_message(missing, line)
