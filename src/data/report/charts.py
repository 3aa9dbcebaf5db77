"""Clean prices and what was done to them in, plotly figures out; nothing is drawn here.

plotly is imported when a figure is asked for: it takes longer than a whole report as text.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from plotly.graph_objects import Figure

MARKS_SCHEMA = pl.Schema({"date": pl.Date(), "kind": pl.String(), "told": pl.String()})
# Colours that a reader with red-green blindness can tell apart, each with a shape of its own.
LOOKS = {
    "refused": ("#d55e00", "x-thin-open"),
    "repaired": ("#0072b2", "diamond"),
    "missing": ("#333333", "line-ns-open"),
    "differs": ("#cc79a7", "circle-open"),
    "action": ("#009e73", "triangle-up"),
    "pending": ("#e69f00", "star"),
}
BARS = {"as delivered": "#a9c4d6", "repaired": "#0072b2", "missing": "#333333"}
# Hover text of one day names so many reasons; the tables have them all.
MOST_REASONS = 6


def marks(
    clean: pl.DataFrame,
    quarantine: pl.DataFrame,
    ledger: pl.DataFrame,
    missing: Sequence[dt.date],
    differences: pl.DataFrame,
) -> pl.DataFrame:
    """Every day that something was done to or is wrong with: ``date, kind, told``.

    ``kind`` is a name of ``LOOKS``; a day has at most one row of each. ``told`` is plain text, one
    reason a line.
    """
    rows = quarantine.filter(kind="daily").with_columns(
        date=pl.col("at").str.head(10).str.to_date("%Y-%m-%d", strict=False),
        told=pl.format("{}: {}", "rule", "reason"),
    )
    worth = pl.coalesce(
        pl.format("{} for 1", "ratio"), pl.format("{} a share", "amount"), pl.lit("")
    )
    acts = ledger.with_columns(
        told=pl.format("{} {}, {} by {}", "kind", worth, "origin", "source"),
        kind=pl.when(pl.col("status") == "pending").then(pl.lit("pending")).otherwise(None),
    ).filter(pl.col("status").is_in(["applied", "pending"]))
    jump = pl.lit("a jump that no action explains")
    parts = [
        rows.filter(action="rejected").with_columns(kind=pl.lit("refused")),
        rows.filter(action="repaired").with_columns(kind=pl.lit("repaired")),
        acts.with_columns(pl.col("kind").fill_null("action")),
        clean.filter("action_pending").with_columns(kind=pl.lit("pending"), told=jump),
        pl.DataFrame({"date": list(missing)}, schema={"date": pl.Date()}).with_columns(
            kind=pl.lit("missing"), told=pl.lit("a session without a bar")
        ),
        differences.with_columns(
            kind=pl.lit("differs"),
            told=pl.format("{} of {}: {} there, {} here", "field", "other", "other_value", "value"),
        ),
    ]
    return (
        pl.concat([part.select(list(MARKS_SCHEMA)).cast(MARKS_SCHEMA) for part in parts])
        .drop_nulls("date")
        .group_by("date", "kind")
        .agg(pl.col("told").head(MOST_REASONS).str.join("\n"))
        .sort("date", "kind")
    )


def price_figure(clean: pl.DataFrame, marked: pl.DataFrame) -> Figure:
    """The clean close on a log axis, with a mark for each day of ``marked``.

    A day without a bar is marked at the height of the bar before it, else of the first.
    """
    from plotly import graph_objects as go

    figure = go.Figure(
        go.Scatter(
            x=clean["date"].to_list(),
            y=clean["close"].to_list(),
            name="close",
            mode="lines",
            line={"color": "#334e68", "width": 1.3},
            hovertemplate="%{x|%Y-%m-%d}: %{y:,.2f}<extra></extra>",
        )
    )
    placed = _with_height(marked, clean)
    for kind, (colour, symbol) in LOOKS.items():
        days = placed.filter(kind=kind)
        if days.is_empty():
            continue
        figure.add_scatter(
            x=days["date"].to_list(),
            y=days["close"].to_list(),
            name=f"{kind} ({days.height:,})",
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 9, "line": {"width": 1.6}},
            customdata=[_hover(text) for text in days["told"]],
            hovertemplate=f"%{{x|%Y-%m-%d}} <b>{kind}</b><br>%{{customdata}}<extra></extra>",
        )
    _plain(figure)
    figure.update_yaxes(type="log", title="close, split-adjusted (log)", tickformat=",", dtick="D2")
    return figure


def coverage_figure(years: pl.DataFrame) -> Figure:
    """Sessions of each year as stacked bars: as delivered, repaired and missing.

    Args:
        years: what ``quality.coverage`` gives.
    """
    from plotly import graph_objects as go

    shown = years.filter(pl.col("sessions") > 0).with_columns(
        (pl.col("bars") - pl.col("repaired")).alias("as delivered")
    )
    figure = go.Figure()
    for name, colour in BARS.items():
        figure.add_bar(
            x=shown["year"].to_list(),
            y=shown[name].to_list(),
            name=name,
            marker={"color": colour},
            hovertemplate=f"%{{x}}: %{{y}} {name}<extra></extra>",
        )
    _plain(figure)
    figure.update_layout(barmode="stack")
    figure.update_xaxes(dtick=1 if shown.height < 12 else 4)
    figure.update_yaxes(title="sessions")
    return figure


def _with_height(marked: pl.DataFrame, clean: pl.DataFrame) -> pl.DataFrame:
    closes = clean.select("date", "close").drop_nulls().sort("date")
    placed = marked.sort("date").join_asof(closes, on="date", strategy="backward")
    return placed.with_columns(pl.col("close").fill_null(strategy="backward"))


def _hover(text: str) -> str:
    """Text as plotly may show it: it reads tags and entities."""
    return "<br>".join(escape(line, quote=False) for line in text.split("\n"))


def _plain(figure: Figure) -> None:
    figure.update_layout(
        template="plotly_white",
        margin={"l": 56, "r": 12, "t": 8, "b": 32},
        font={"family": "system-ui, sans-serif", "size": 13, "color": "#243b53"},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hoverlabel={"align": "left"},
    )
