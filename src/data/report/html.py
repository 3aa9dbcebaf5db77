"""Write the report on a ticker's stored prices as one HTML file without a server or a network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from errno import EISDIR
from pathlib import Path
from typing import TYPE_CHECKING

from src.core.errors import BadInput
from src.data.cleaning.repair.fill_gaps import missing_sessions
from src.data.report.charts import coverage_figure, day_marks, price_figure
from src.data.report.formatting import Section
from src.data.report.metrics import coverage
from src.data.report.row_counts import verdicts
from src.data.report.ticker_data import TickerData
from src.stages.html_page import figure_markup, render

if TYPE_CHECKING:
    from markupsafe import Markup

# Longer tables are folded away until they are opened.
MOST_OPEN_ROWS = 40


def render_page(data: TickerData, sections: Sequence[Section]) -> str:
    """The whole page, with the first section as its head; every text in it is escaped."""
    head, *others = sections
    return render(
        "src.data.report",
        "report.html",
        ticker=data.ticker,
        head=head,
        verdicts=verdicts(data),
        sections=others,
        most_open_rows=MOST_OPEN_ROWS,
        now=data.now,
        **_figures(data),
    )


def save_page(path: Path, text: str) -> None:
    """Write the page whole or not at all; raises BadInput where it cannot be written."""
    new_path = path.parent / f".new-{os.getpid()}-{path.name}"
    try:
        if path.is_dir():
            raise IsADirectoryError(EISDIR, "it is a folder")
        new_path.write_text(text, encoding="utf-8", errors="replace")
        new_path.replace(path)
    except OSError as error:
        raise BadInput(
            f"The page {path} cannot be written ({error.strerror}): give a file in a folder that "
            "exists and can be written to."
        ) from None
    finally:
        with suppress(OSError):
            new_path.unlink()


def _figures(data: TickerData) -> dict[str, Markup | None]:
    """The figures by their names in the template; None where no clean prices are stored."""
    if data.clean.is_empty():
        return {"price_figure": None, "coverage_figure": None}
    missing = missing_sessions(data.clean["date"], data.calendar)
    marks = day_marks(data.clean, data.quarantine, data.ledger, missing, data.differences)
    years = coverage(data.clean, data.quarantine, data.calendar)
    price, bars = price_figure(data.clean, marks), coverage_figure(years)
    return {
        "price_figure": figure_markup(price, "picture", with_library=True),
        "coverage_figure": figure_markup(bars, "picture-years", with_library=False),
    }
