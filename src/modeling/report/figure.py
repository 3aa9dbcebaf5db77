"""Describe a figure to plotly's script in plain values, by the names of its reference.

plotly's own objects check every value that they are given: that takes longer than to compute the
statistics of a report. https://plotly.com/javascript/reference/
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from src.core.arrays import Floats

# From one end of the figure to the other.
_LEVEL = {"x0": 0, "x1": 1, "xref": "x domain", "yref": "y"}
_UPRIGHT = {"y0": 0, "y1": 1, "yref": "y domain", "xref": "x"}


@dataclass(frozen=True)
class Figure:
    """The layout of a figure, and its traces in the order in which they are drawn."""

    layout: dict[str, Any]
    data: list[dict[str, Any]] = field(default_factory=list)

    def add(self, kind: str, **trace: Any) -> None:
        """Add a trace, such as a ``scatter``."""
        self.data.append({"type": kind, **trace})

    def add_line(self, *, x: float | None = None, y: float | None = None, **look: Any) -> None:
        """Draw a line from one end of the figure to the other: upright at ``x``, level at ``y``."""
        if x is not None:
            self._add_shape("line", {"x0": x, "x1": x}, _UPRIGHT, line=look)
        if y is not None:
            self._add_shape("line", {"y0": y, "y1": y}, _LEVEL, line=look)

    def add_band(self, low: float, high: float, **look: Any) -> None:
        """Fill the range between two values of y."""
        self._add_shape("rect", {"y0": low, "y1": high}, _LEVEL, line={"width": 0}, **look)

    def _add_shape(
        self, kind: str, place: dict[str, float], span: dict[str, Any], **look: Any
    ) -> None:
        self.layout.setdefault("shapes", []).append({"type": kind, **place, **span, **look})

    def update_axis(self, axis: str, title: str = "", **changes: Any) -> None:
        """Change ``xaxis`` or ``yaxis``, and give it a title."""
        titled = {"title": {**self.layout[axis]["title"], "text": title}} if title else {}
        self.layout[axis] = {**self.layout[axis], **changes, **titled}

    def to_json(self) -> str:
        """The figure as JSON: ``data`` and ``layout``."""
        return json.dumps({"data": self.data, "layout": self.layout}, allow_nan=False)


def plain(values: Floats) -> list[float | None]:
    """The numbers of an array, None where one is not known."""
    known = np.isfinite(values)
    return [v if k else None for v, k in zip(values.tolist(), known.tolist(), strict=True)]
