"""Mark promotions, rollbacks, splits and days that were held back on a chart over time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from html import escape

import plotly.graph_objects as go

from src.dashboard import theme, wording
from src.dashboard.charts import sessions
from src.db.pages.marks import Mark

# Words, the sign in texts, plotly's symbol and colour. Each has a sign of its own.
_LOOKS = {
    "promoted": ("model promoted", "▲", "triangle-up", theme.GOOD),
    "demoted": ("model taken back", "▼", "triangle-down", theme.BAD),
    "rolled_back": ("model rolled back", "▼", "triangle-down", theme.BAD),
    "split": ("split", "◆", "diamond", theme.HISTORY),
    "bonus": ("bonus shares", "◆", "diamond", theme.HISTORY),
    "rights": ("rights issue", "◆", "diamond", theme.HISTORY),
    "demerger": ("demerger", "◆", "diamond", theme.HISTORY),
    "event": ("scheme or reduction", "◆", "diamond", theme.HISTORY),
    "rejected": ("prices held back", "✕", "x-thin", theme.BAD),
    "repaired": ("prices repaired", "＋", "cross-thin", theme.HISTORY),
}
# More are counted instead of listed.
MOST_LISTED = 4


def add_marks(figure: go.Figure, marks: Sequence[Mark], days: Sequence[dt.date]) -> go.Figure:
    """The figure with a row of signs at its foot, each with its words on hover.

    Args:
        figure: Its x axis counts sessions: 0 is the first of ``days``. Changed, and returned.
        marks: Those outside ``days`` are left out.
        days: Sessions of the axis, ascending.
    """
    shown = within(marks, days)
    if not shown:
        return figure
    colours = [_LOOKS[mark.kind][3] for mark in shown]
    figure.add_scatter(
        x=[sessions.place(days, mark.day) for mark in shown],
        y=[0.03] * len(shown),
        yaxis="y9",
        mode="markers",
        marker={
            "symbol": [_LOOKS[mark.kind][2] for mark in shown],
            "color": colours,
            "line": {"color": colours, "width": 2},
            "size": 9,
        },
        text=[escape(words(mark)) for mark in shown],
        hovertemplate="%{text}<extra></extra>",
        cliponaxis=False,
        showlegend=False,
    )
    figure.update_layout(
        yaxis9={"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True}
    )
    return figure


def within(marks: Sequence[Mark], days: Sequence[dt.date]) -> list[Mark]:
    """The marks between the first and the last of ascending days."""
    return [mark for mark in marks if days and days[0] <= mark.day <= days[-1]]


def words(mark: Mark) -> str:
    """A mark as text, such as ``Thu 22 May 2025: split (3 for 1, pending)``."""
    about = {"short": "next session, ", "long": "long term, "}.get(mark.horizon, "")
    return f"{wording.day(mark.day)}: {_LOOKS[mark.kind][0]} ({about}{mark.detail})"


def legend(marks: Sequence[Mark]) -> str:
    """What the signs are: each in words while they are few, else how many of each; or empty."""
    if len(marks) <= MOST_LISTED:
        return " · ".join(f"{_LOOKS[mark.kind][1]} {words(mark)}" for mark in marks)
    kinds = list(dict.fromkeys(mark.kind for mark in marks))
    counts = {kind: sum(mark.kind == kind for mark in marks) for kind in kinds}
    return " · ".join(
        f"{_LOOKS[kind][1]} {_LOOKS[kind][0]}{f', {n} times' if n > 1 else ''}"
        for kind, n in counts.items()
    )
