"""The report on a ticker's stored prices as one HTML file that needs no server and no network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from errno import EISDIR
from html import escape
from pathlib import Path

from src.core.errors import BadInput
from src.data.report import metrics
from src.data.report.charts import coverage_figure, marks, price_figure
from src.data.report.formatting import Section
from src.data.report.ticker_data import BROKEN, STALE, Stored
from src.stages.html_page import document, picture, table

# More rows than this are folded away until they are asked for.
OPEN_ROWS = 40


def page(one: Stored, sections: Sequence[Section]) -> str:
    """The whole page; every text in it is escaped.

    Args:
        one: what the pictures are drawn of.
        sections: the tables, the head first.
    """
    head, *others = sections
    gaps = metrics.missing_sessions(one.clean, one.calendar)
    marked = marks(one.clean, one.quarantine, one.ledger, gaps, one.differences)
    years = metrics.coverage(one.clean, one.quarantine, one.calendar)
    body = [_head(head)]
    if one.clean.height:
        body += [
            "<h2>Price, and each day that was touched</h2>",
            picture(price_figure(one.clean, marked), "picture", "picture", library=True),
            picture(coverage_figure(years), "picture years", "picture-years", library=False),
        ]
    body += [_section(each) for each in others]
    body.append(f"<footer>Written {one.now:%Y-%m-%d %H:%M} UTC. All times are UTC.</footer>")
    return document(f"{one.ticker}: stored prices", body)


def save(path: Path, text: str) -> None:
    """Write the page whole or not at all; raises BadInput where it cannot be written."""
    aside = path.parent / f".new-{os.getpid()}-{path.name}"
    try:
        if path.is_dir():
            raise IsADirectoryError(EISDIR, "it is a folder")
        aside.write_text(text, encoding="utf-8", errors="replace")
        aside.replace(path)
    except OSError as error:
        raise BadInput(
            f"The page {path} cannot be written: {error.strerror}. Give a file in a folder that "
            "exists and can be written to."
        ) from None
    finally:
        with suppress(OSError):
            aside.unlink()


def _head(head: Section) -> str:
    verdicts = "".join(
        f'<span class="{"bad" if _is_bad(one) else "good"}">{escape(one)}</span>'
        for one in head.remarks
    )
    return f"<h1>{escape(head.title)}</h1>\n<p>{verdicts}</p>\n{_table(head)}"


def _is_bad(verdict: str) -> bool:
    return verdict.startswith((STALE, BROKEN, "No clean"))


def _section(one: Section) -> str:
    notes = "".join(f'<p class="note">{escape(remark)}</p>' for remark in one.remarks)
    title = f"<h2>{escape(one.title)}</h2>{notes}"
    if not one.rows:
        return f'{title}<p class="note">none</p>'
    if len(one.rows) <= OPEN_ROWS:
        return title + _table(one)
    folded = f"<summary>all {len(one.rows):,} rows</summary>{_table(one)}"
    return f"{title}<details>{folded}</details>"


def _table(one: Section) -> str:
    kinds = [_kind(one, column) for column in range(len(one.rows[0]))]
    return table(one.headers, one.rows, kinds)


def _kind(one: Section, column: int) -> str:
    if one.headers and one.is_numeric(column):
        return "number"
    return "day" if one.is_dated(column) else ""
