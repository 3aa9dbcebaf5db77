"""Titles, tables and plotly figures in; one HTML file that needs no server and no network out.

Text is escaped here; what is handed to ``document`` as a part of the body is markup already.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup
    from plotly.graph_objects import Figure

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


def render(package: str, template: str, **values: Any) -> str:
    """Fill a template; every value is escaped unless it is ``Markup``.

    Args:
        package: The package whose folder ``templates`` holds the template, e.g.
            ``src.data.report``. It may extend ``base.html`` and import ``macros.html``, which lie
            beside this module.
        template: The template's file name.
        values: What the template refers to.

    Raises:
        jinja2.UndefinedError: Where the template refers to a value that was not given.
    """
    return _environment(package).get_template(template).render(**values)


@cache
def _environment(package: str) -> Environment:
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    loaders = [PackageLoader(package), PackageLoader("src.stages")]
    return Environment(
        loader=ChoiceLoader(loaders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def figure_markup(figure: Figure, name: str, *, with_library: bool) -> Markup:
    """A plotly figure as markup, as wide and as high as the box that it is put into.

    Args:
        figure: The figure.
        name: The id of its element: one figure a name on a page.
        with_library: Whether plotly's script comes with it: with the first figure of a page only.
    """
    from markupsafe import Markup

    return Markup(  # noqa: S704 - plotly escapes the texts of its figures
        figure.to_html(
            full_html=False,
            include_plotlyjs=with_library,
            config={"responsive": True, "displaylogo": False, "displayModeBar": False},
            default_height="100%",
            div_id=name,
        )
    )


def document(title: str, body: Sequence[str], style: str = "") -> str:
    """The whole file.

    Args:
        title: Plain text.
        body: Markup, in order.
        style: Rules of this page alone, after the shared ones.
    """
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f"<title>{escape(title)}</title><style>{STYLE}{style}</style></head>\n<body>\n"
        + "\n".join(body)
        + "\n</body></html>\n"
    )


def table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], kinds: Sequence[str] | None = None
) -> str:
    """A table that scrolls by itself where the screen is narrow; every cell is escaped.

    Args:
        headers: Names of the columns; none for a table without a head.
        rows: Cells as plain text.
        kinds: Class of each column: ``number``, ``day`` or none (an empty text).
    """
    width = len(rows[0]) if rows else len(headers)
    looks = [f' class="{kind}"' if kind else "" for kind in kinds or [""] * width]
    names = "".join(
        f"<th{look}>{escape(name)}</th>" for look, name in zip(looks, headers, strict=False)
    )
    lines = "\n".join(
        "<tr>"
        + "".join(f"<td{look}>{escape(cell)}</td>" for look, cell in zip(looks, row, strict=True))
        + "</tr>"
        for row in rows
    )
    top = f"<thead><tr>{names}</tr></thead>" if names else ""
    return f'<div class="wide"><table>{top}<tbody>\n{lines}\n</tbody></table></div>'


def picture(figure: Figure, look: str, name: str, *, library: bool) -> str:
    """A figure as wide as the page.

    Args:
        figure: What is drawn.
        look: Classes of its box, which give the height.
        name: Identifies the figure on the page.
        library: Whether plotly's script comes with it: with the first figure of a page only.
    """
    drawn: str = figure.to_html(
        full_html=False,
        include_plotlyjs=library,
        config={"responsive": True, "displaylogo": False, "displayModeBar": False},
        default_height="100%",
        div_id=name,
    )
    return f'<div class="{look}">{drawn}</div>'
