"""Draw the stages of a run as bars, and how runs ended for stocks as a grid of symbols."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from src.dashboard import theme as colours
from src.dashboard import wording

if TYPE_CHECKING:
    from src.db.pages.runs import StageRun

# Of a stage: its symbol, colour and pattern, so that none rests on colour alone.
_STAGES = {
    "success": ("✓", colours.MODEL, ""),
    "partial": ("◆", colours.BASELINE, "/"),
    "failed": ("✕", colours.BAD, "x"),
}
# Of a stock at a session: symbol of plotly, its colour, and its words.
CELLS = {
    "done": ("square", colours.MODEL, "■ up to date"),
    "behind": ("diamond", colours.BASELINE, "◆ behind its exchange"),
    "failed": ("x", colours.BAD, "✕ left out"),
}
# Pixels of a row; columns of a grid with few sessions.
_ROW, _LEAST = 24, 12


def timeline(
    names: Mapping[str, str], stages: Sequence[StageRun], without: str, theme: str
) -> go.Figure:
    """Bars of the seconds that each stage took, one after the other.

    Args:
        names: Of all stages in their order, by what the log of runs calls them.
        stages: Those that ran.
        without: What stands beside the others, such as ``– not reached``.
        theme: ``light`` or ``dark``.
    """
    ran = {stage.stage: stage for stage in stages}
    figure, begins = go.Figure(), 0.0
    total = max(sum(stage.seconds for stage in stages), 1.0)
    for stage, name in names.items():
        begins += _bar(figure, name, begins, ran.get(stage), without)
    colours.style(figure, theme, height=_ROW * len(names) + 70)
    figure.update_xaxes(title="Seconds of work, stage after stage", range=[0, 1.25 * total])
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure


def _bar(figure: go.Figure, name: str, begins: float, row: StageRun | None, without: str) -> float:
    """Draw the bar of a stage, and what stands beside it; the seconds that it took."""
    seconds = row.seconds if row else 0.0
    symbol, colour, pattern = _STAGES.get(row.status if row else "", ("–", colours.HISTORY, ""))
    figure.add_bar(
        y=[name],
        x=[seconds],
        base=[begins],
        orientation="h",
        width=0.6,
        marker={"color": colour, "pattern": {"shape": pattern, "fgcolor": "white"}},
        hovertemplate=_hover(name, row) + "<extra></extra>",
    )
    text = f"{symbol} {wording.duration(seconds)}" if row else without
    figure.add_annotation(
        x=begins + seconds, y=name, text=text, showarrow=False, xanchor="left", xshift=6
    )
    return seconds


def _hover(name: str, stage: StageRun | None) -> str:
    if stage is None:
        return name
    return f"{name}: {stage.rows:,} rows, {wording.duration(stage.seconds)}"


def grid(
    cells: Mapping[tuple[str, dt.date], str],
    reasons: Mapping[tuple[str, dt.date], str],
    tickers: Sequence[str],
    theme: str,
) -> go.Figure:
    """A symbol for each stock and session that a run was to bring.

    Args:
        cells: A key of ``CELLS`` by stock and session.
        reasons: What is shown when one is pointed at.
        tickers: In the order of rows.
        theme: ``light`` or ``dark``.
    """
    days = sorted({day for _, day in cells})
    figure = go.Figure()
    for kind, (symbol, colour, words) in CELLS.items():
        shown = [key for key, value in cells.items() if value == kind]
        figure.add_scatter(
            x=[days.index(day) for _, day in shown],
            y=[ticker for ticker, _ in shown],
            mode="markers",
            marker={"symbol": symbol, "color": colour, "size": 12},
            customdata=[f"{wording.day(day)}: {reasons.get((t, day), words)}" for t, day in shown],
            hovertemplate="%{y}, %{customdata}<extra></extra>",
        )
    colours.style(figure, theme, height=_ROW * len(tickers) + 60)
    _axis_of_days(figure, days)
    order = list(reversed(tickers))
    figure.update_yaxes(categoryorder="array", categoryarray=order, showgrid=False)
    return figure


def _axis_of_days(figure: go.Figure, days: Sequence[dt.date]) -> None:
    labels = [f"{day.day} {day:%b}" for day in days]
    step = max(1, len(days) // 8)
    figure.update_xaxes(
        tickvals=list(range(len(days)))[::-step],
        ticktext=labels[::-step],
        range=[-0.7, max(len(days), _LEAST) - 0.3],
        showgrid=False,
    )
