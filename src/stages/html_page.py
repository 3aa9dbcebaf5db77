"""Render self-contained HTML pages, which need no server and no network, from Jinja2 templates."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


# Stands in the place of plotly's script until a page is whole: each of a template's steps copies
# what it is given, and the script alone takes 10 MB. No text of a page is like it, being escaped.
_LIBRARY = '<script class="plotly"></script>'


class HasJson(Protocol):
    """A figure of ours, or one of plotly's own objects."""

    def to_json(self) -> str:
        """Its ``data`` and ``layout``."""
        ...


def render(package: str, template: str, **values: Any) -> str:
    """Fill a template of a package's folder ``templates`` with the values that it refers to.

    Every value is escaped unless it is ``Markup``. A template may extend ``base.html`` and import
    ``macros.html``, which lie beside this module.

    Raises:
        jinja2.UndefinedError: Where the template refers to a value that was not given.
    """
    page = _environment(package).get_template(template).render(**values)
    before, library, after = page.partition(_LIBRARY)
    return "".join((before, _plotly_script(), after)) if library else page


@cache
def _environment(package: str) -> Environment:
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("src.stages")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def figure_markup(figure: HasJson, name: str, *, with_library: bool) -> Markup:
    """A plotly figure as markup, as wide and as high as the box that it is put into.

    ``name`` is the id of its element, another one for each figure of a page. Plotly's script comes
    with the first figure of a page only.
    """
    from markupsafe import Markup

    library = plotly_library() if with_library else ""
    drawn = _in_script(figure.to_json())
    return Markup(  # noqa: S704 - no text of the figure can end its script
        f'{library}<div id="{name}" class="plotly-graph-div" style="height:100%; width:100%"></div>'
        f'<script>{{const figure = {drawn}; Plotly.newPlot("{name}", figure.data, figure.layout, '
        "{responsive: true, displaylogo: false, displayModeBar: false});}</script>"
    )


def plotly_library() -> Markup:
    """Plotly's script, once the page with it is rendered."""
    from markupsafe import Markup

    return Markup(_LIBRARY)  # noqa: S704 - ours


def _plotly_script() -> str:
    from importlib.resources import files

    script = files("plotly").joinpath("package_data", "plotly.min.js").read_text(encoding="utf-8")
    return f"<script>{script}</script>"


def script_json(value: Any) -> Markup:
    """A value as JSON that can stand in a ``<script>``: no text in it can end the element."""
    from markupsafe import Markup

    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return Markup(_in_script(text))  # noqa: S704 - no tag is left in it


def _in_script(text: str) -> str:
    """JSON in which no text can end the element that it stands in."""
    return text.replace("<", "\\u003c")
