"""Render self-contained HTML pages, which need no server and no network, from Jinja2 templates."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup
    from plotly.graph_objects import Figure


def render(package: str, template: str, **values: Any) -> str:
    """Fill a template of a package's folder ``templates`` with the values that it refers to.

    Every value is escaped unless it is ``Markup``. A template may extend ``base.html`` and import
    ``macros.html``, which lie beside this module.

    Raises:
        jinja2.UndefinedError: Where the template refers to a value that was not given.
    """
    return _environment(package).get_template(template).render(**values)


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


def figure_markup(figure: Figure, name: str, *, with_library: bool) -> Markup:
    """A plotly figure as markup, as wide and as high as the box that it is put into.

    ``name`` is the id of its element, another one for each figure of a page. Plotly's script comes
    with the first figure of a page only.
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


def plotly_library() -> Markup:
    """Plotly's script, for a page whose figures are drawn by a script of its own."""
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    return Markup(f"<script>{get_plotlyjs()}</script>")  # noqa: S704 - the library itself


def script_json(value: Any) -> Markup:
    """A value as JSON that can stand in a ``<script>``: no text in it can end the element."""
    from markupsafe import Markup

    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 - no tag is left in it
