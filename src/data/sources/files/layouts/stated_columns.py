"""Lay out a file without a header by the names that a person states for its columns."""

from __future__ import annotations

from collections.abc import Sequence

from src.core.errors import BadInput, UsageError
from src.data.sources.files.layouts.layout import Layout, missing_columns

EXAMPLE = "date,open,high,low,close,volume"
# A column to pass over.
NONE = "-"
_VALUES = ("open", "high", "low", "close", "adj_close", "volume")
WORDS = ("date", "time", "symbol", "ticker", "series", *_VALUES, NONE)


def check_columns(words: Sequence[str]) -> tuple[str, ...]:
    """The words in lower case, as ``layout_of_columns`` takes them; none for none.

    Raises:
        UsageError: for another word, one that is there twice, or a price that is not there.
    """
    if not words:
        return ()
    names = tuple(word.strip().lower() for word in words)
    stated = ["symbol" if name == "ticker" else name for name in names if name != NONE]
    unknown = next((name for name in names if name not in WORDS), None)
    if unknown is not None:
        raise UsageError(f"--columns {unknown[:40]!r} is no column: use {', '.join(WORDS)}.")
    repeated = next((name for name in stated if stated.count(name) > 1), None)
    if repeated is not None:
        raise UsageError(f"--columns has {repeated} twice: write {NONE} for a column to pass over.")
    missing = missing_columns(dict.fromkeys(stated, 0), dated="date" in stated)
    if missing:
        raise UsageError(f"--columns lacks {', '.join(missing)}: give all, such as {EXAMPLE}.")
    return names


def layout_of_columns(columns: Sequence[str], head: Sequence[Sequence[str]]) -> Layout:
    """The layout of a file without a header, whose columns are these (see ``WORDS``).

    Raises:
        UsageError: as ``check_columns``.
        BadInput: for a file with more or fewer columns.
    """
    names = check_columns(columns)
    width = len(head[0])
    while width and not head[0][width - 1]:  # the line ends with a comma
        width -= 1
    if width != len(names):
        raise BadInput(
            f"its first line has {width} columns and --columns names {len(names)}: name each, "
            f"with {NONE} for one to pass over."
        )
    places = {name: place for place, name in enumerate(names) if name != NONE}
    symbol = places.get("symbol", places.get("ticker"))
    return Layout(
        name="plain",
        vendor="nse" if "series" in places else None,
        basis="unadjusted" if "series" in places else None,
        header_lines=0,
        names=names,
        dates=(places["date"], *([places["time"]] if "time" in places else [])),
        values={None: {name: places[name] for name in _VALUES if name in places}},
        symbol=symbol,
        series=places.get("series"),
    )
