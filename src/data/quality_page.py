"""The report on a ticker's stored prices as one HTML file that needs no server and no network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from errno import EISDIR
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from src.core.errors import BadInput
from src.data import quality
from src.data.price_picture import coverage_figure, marks, price_figure
from src.data.sections import Section
from src.data.stored import BROKEN, STALE, Stored

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

# More rows than this are folded away until they are asked for.
OPEN_ROWS = 40
# The page may fetch nothing: what it needs is in it.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:"
)
STYLE = """
:root { color-scheme: light; --ink: #243b53; --soft: #627d98; --line: #d9e2ec; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1rem; background: #fff; color: var(--ink);
  font: 15px/1.45 system-ui, sans-serif; }
h1 { margin: .2rem 0; font-size: 1.7rem; overflow-wrap: anywhere; }
h2 { margin: 2.2rem 0 .4rem; font-size: 1.15rem; }
summary { color: var(--soft); }
p { margin: .3rem 0; max-width: 60rem; }
.note { color: var(--soft); }
.good, .bad { display: inline-block; margin: .2rem .4rem .2rem 0; padding: .25rem .7rem;
  border-radius: 1rem; background: #e3f4ec; color: #14532d; }
.bad { background: #fdecea; color: #8a1c13; font-weight: 600; }
.wide { overflow-x: auto; -webkit-overflow-scrolling: touch; }
table { border-collapse: collapse; font-size: 13.5px; font-variant-numeric: tabular-nums; }
th { color: var(--soft); font-weight: 500; text-align: left; }
th, td { padding: .28rem .9rem .28rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; max-width: 34rem; overflow-wrap: anywhere; }
td { min-width: 3.5rem; }
td.day { white-space: nowrap; }
.number { text-align: right; white-space: nowrap; }
.picture { height: 26rem; margin: .5rem 0; }
.picture.years { height: 15rem; }
summary { cursor: pointer; padding: .3rem 0; }
footer { margin-top: 2.5rem; color: var(--soft); }
@media (max-width: 40rem) { body { padding: .7rem; } .picture { height: 21rem; } }
"""


def page(one: Stored, sections: Sequence[Section]) -> str:
    """The whole page; every text in it is escaped.

    Args:
        one: what the pictures are drawn of.
        sections: the tables, the head first.
    """
    head, *others = sections
    gaps = quality.missing_sessions(one.clean, one.calendar)
    marked = marks(one.clean, one.quarantine, one.ledger, gaps, one.differences)
    years = quality.coverage(one.clean, one.quarantine, one.calendar)
    body = [_head(head)]
    if one.clean.height:
        body += [
            "<h2>Price, and each day that was touched</h2>",
            _picture(price_figure(one.clean, marked), "picture", library=True),
            _picture(coverage_figure(years), "picture years", library=False),
        ]
    body += [_section(each) for each in others]
    body.append(f"<footer>Written {one.now:%Y-%m-%d %H:%M} UTC. All times are UTC.</footer>")
    title = escape(f"{one.ticker}: stored prices")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f"<title>{title}</title><style>{STYLE}</style></head>\n<body>\n"
        + "\n".join(body)
        + "\n</body></html>\n"
    )


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
    names = "".join(
        f"<th{kind}>{escape(name)}</th>" for kind, name in zip(kinds, one.headers, strict=False)
    )
    rows = "\n".join(
        "<tr>"
        + "".join(f"<td{kind}>{escape(cell)}</td>" for kind, cell in zip(kinds, row, strict=True))
        + "</tr>"
        for row in one.rows
    )
    top = f"<thead><tr>{names}</tr></thead>" if names else ""
    return f'<div class="wide"><table>{top}<tbody>\n{rows}\n</tbody></table></div>'


def _kind(one: Section, column: int) -> str:
    if one.headers and one.is_numeric(column):
        return ' class="number"'
    return ' class="day"' if one.is_dated(column) else ""


def _picture(figure: Figure, look: str, *, library: bool) -> str:
    drawn: str = figure.to_html(
        full_html=False,
        include_plotlyjs=library,
        config={"responsive": True, "displaylogo": False, "displayModeBar": False},
        default_height="100%",
        div_id=look.replace(" ", "-"),
    )
    return f'<div class="{look}">{drawn}</div>'
