"""Read a file of corporate actions as rows of texts, and tell whose list it is by its columns."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from src.core.errors import BadInput
from src.data.corporate_actions.intake.exchange_lists.rows import source_of
from src.data.sources.files.layouts.other_lists import other_list
from src.data.sources.files.reader import read_text

YAHOO_VALUES = ("Dividends", "Stock Splits")
ADVICE = "give a CSV file with the columns Date (YYYY-MM-DD), Dividends and Stock Splits."
_ADVICE_OF_ALL = f"give NSE's or BSE's list of corporate actions, or {ADVICE.removeprefix('give ')}"
_DELIMITERS = (",", ";", "\t", "|")
# Titles may stand above the names of the columns.
_HEADER_WITHIN = 10
# Where an answer of an exchange has its rows.
_ROWS_UNDER = ("data", "Table")


@dataclass(frozen=True)
class ActionFile:
    """The rows of a file.

    Attributes:
        source: ``nse``, ``bse`` or ``yahoo``.
        records: The cells of each row by the name of its column.
        lines: Where each row stands in the file.
    """

    source: str
    records: list[dict[str, Any]]
    lines: list[int]


def read_action_file(path: Path) -> ActionFile:
    """Read a file of NSE, BSE or Yahoo.

    Raises:
        BadInput: It cannot be read, or is none of these; the sentence begins with the path.
    """
    try:
        text = read_text(path).decode()
        return _of_json(text) if text.lstrip()[:1] in ("[", "{") else _of_csv(text)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error


def _of_json(text: str) -> ActionFile:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"it is no JSON ({error}): download it again.") from error
    if isinstance(content, dict):
        content = next((content[name] for name in _ROWS_UNDER if name in content), content)
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise BadInput(f"it is no list of actions: {_ADVICE_OF_ALL}")
    if not content:
        raise BadInput("it has no rows: nothing is taken from it.")
    source = _source(list(content[0]))
    if source is None:
        raise BadInput(f"it is no list of corporate actions: {_ADVICE_OF_ALL}")
    return ActionFile(source, content, list(range(1, len(content) + 1)))


def _of_csv(text: str) -> ActionFile:
    for delimiter in _DELIMITERS:
        rows = _rows(text, delimiter)
        for _, header in islice(rows, _HEADER_WITHIN):
            source = _source(header)
            if source is not None:
                return _records(source, header, rows)
            if "Date" in header:
                raise BadInput(f"it has no column {YAHOO_VALUES[0]}: {ADVICE}")
    heads = (list(islice(_rows(text, mark), _HEADER_WITHIN)) for mark in _DELIMITERS)
    headers = [cells for head in heads for _, cells in head]
    other = other_list(headers, "of corporate actions", "corporate_actions")
    raise BadInput(other or f"it is no list of corporate actions: {_ADVICE_OF_ALL}")


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The lines with something in them: the number of each, and its cells."""
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise BadInput(f"line {reader.line_num} is no CSV ({error}): download it again.") from error


def _records(source: str, header: list[str], rows: Iterator[tuple[int, list[str]]]) -> ActionFile:
    """The rows below the names of the columns; these may be repeated where files were joined."""
    numbered = [(line, cells) for line, cells in rows if cells != header]
    # Lines of the exchanges' lists may end with a separator.
    if any(any(cells[len(header) :]) for _, cells in numbered):
        raise BadInput(
            f"it is not a table in CSV: {ADVICE if source == 'yahoo' else _ADVICE_OF_ALL}"
        )
    records: list[dict[str, Any]] = [
        {name: cells[i] if i < len(cells) else "" for i, name in enumerate(header)}
        for _, cells in numbered
    ]
    if not records:
        raise BadInput("it has no rows: nothing is taken from it.")
    return ActionFile(source, records, [line for line, _ in numbered])


def _source(columns: list[str]) -> str | None:
    if "Date" in columns and any(name in columns for name in YAHOO_VALUES):
        return "yahoo"
    return source_of(columns)
