"""Find the columns of a list by its header, and read its dates, ISINs and numbers."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from src.core.errors import BadInput
from src.data.sources.files.reader import read_text

if TYPE_CHECKING:
    from pathlib import Path

# Of each notation the pattern of a whole cell; what stands for the same cell is told per file.
_NOTATIONS = ("%d-%b-%Y", "%d-%B-%Y", "%Y-%m-%d", "%d-%b-%y", "%d %b %Y", "%d/%m/%Y", "%m/%d/%Y")
_DASHED = ("%d-%m-%Y", "%m-%d-%Y")
_ISIN = re.compile(r"[A-Z]{2}[A-Z0-9]{9}[0-9]")


@dataclass(frozen=True)
class Refusal:
    """A row that was not taken.

    Attributes:
        line: In the file, from 1.
        reason: Such as ``'31-FEB-2020' is not a date``.
    """

    line: int
    reason: str


class RefusedRow(Exception):
    """A row cannot be taken; the message is the reason."""


@dataclass(frozen=True)
class Row:
    """A line of a list: its number in the file, from 1, and its trimmed cells."""

    line: int
    cells: tuple[str, ...]


def read_rows(path: Path) -> list[Row]:
    """The lines of a text file that are not blank, with trimmed cells.

    Raises:
        BadInput: It cannot be read, is a workbook or has no line.
    """
    try:
        text = read_text(path).decode()
        delimiter = max(",;\t", key=text.split("\n", 1)[0].count)
        reader = csv.reader(io.StringIO(text), delimiter=delimiter)
        rows = [Row(reader.line_num, tuple(cell.strip() for cell in cells)) for cells in reader]
    except csv.Error as error:
        raise BadInput(f"{path}: it is not a table of text ({error}): save it as CSV.") from error
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error
    return [row for row in rows if any(row.cells)]


def header_names(row: Row) -> list[str]:
    """The names of columns in one form: ``DATE_OF_LISTING`` is ``date of listing``."""
    return [" ".join(re.split(r"[\s_.]+", cell.lower().strip())).strip() for cell in row.cells]


def places(names: Sequence[str], wanted: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Where each wanted column stands, of those that are there, by any of its names."""
    return {
        key: names.index(name)
        for key, spellings in wanted.items()
        if (name := next((spelling for spelling in spellings if spelling in names), None))
    }


def read_dates(cells: Sequence[str], column: str) -> dict[str, dt.date]:
    """The dates of a column's cells by how they are written; cells that are none are left out.

    Raises:
        BadInput: Day and month could be either of two numbers in all of them.
    """
    texts = {text for text in cells if text}
    parsed = {notation: _parsed(texts, notation) for notation in (*_NOTATIONS, *_DASHED)}
    most = max(len(dates) for dates in parsed.values())
    best = [dates for dates in parsed.values() if dates and len(dates) == most]
    if any(dates != best[0] for dates in best[1:]):
        text = next(iter(best[0]))
        raise BadInput(
            f"day and month cannot be told apart in its column {column!r} (first: {text!r}): "
            "write the dates as 2011-06-29."
        )
    return best[0] if best else {}


def check_isin(text: str) -> str:
    """An ISIN whose last digit agrees with the others.

    Raises:
        RefusedRow: It is none.
    """
    isin = text.upper()
    if not _ISIN.fullmatch(isin) or not _agrees(isin):
        raise RefusedRow(f"{text[:20]!r} is not an ISIN")
    return isin


def read_number(text: str, what: str) -> float | None:
    """A number above zero, None for a blank cell; raises RefusedRow."""
    if text in ("", "-"):
        return None
    try:
        number = float(text.replace(",", ""))
    except ValueError:
        number = 0.0
    if not 0 < number < 1e9:
        raise RefusedRow(f"the {what} {text[:20]!r} is not a number above zero")
    return number


def _parsed(texts: set[str], notation: str) -> dict[str, dt.date]:
    dates = {}
    for text in texts:
        try:
            dates[text] = dt.datetime.strptime(text, notation).date()  # noqa: DTZ007 a date alone
        except ValueError:
            continue
    return dates


def _agrees(isin: str) -> bool:
    """Whether the check digit is right (ISO 6166: letters as numbers from 10, then Luhn)."""
    digits = "".join(str(int(character, 36)) for character in isin)
    doubled = (int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(digits)))
    return sum(number // 10 + number % 10 for number in doubled) % 10 == 0
