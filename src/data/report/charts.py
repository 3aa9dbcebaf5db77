"""Make the report's plotly figures: the price with a mark for each touched day, and coverage.

plotly is imported when a figure is made: it takes longer than a whole report as text.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import polars as pl

from src.data.corporate_actions.action import VALUE_KINDS
from src.data.corporate_actions.ledger import explained_days
from src.data.report.metrics import AT_DATE

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from plotly.graph_objects import Figure

MARKS_SCHEMA = pl.Schema({"date": pl.Date(), "kind": pl.String(), "reason": pl.String()})
# Colours that a reader with red-green blindness can tell apart, each with another shape.
MARK_STYLES = {
    "refused": ("#d55e00", "x-thin-open"),
    "repaired": ("#0072b2", "diamond"),
    "missing": ("#333333", "line-ns-open"),
    "differs": ("#cc79a7", "circle-open"),
    "action": ("#009e73", "triangle-up"),
    "pending": ("#e69f00", "star"),
}
BAR_COLOURS = {"as delivered": "#a9c4d6", "repaired": "#0072b2", "missing": "#333333"}
# The hover text of one day lists so many reasons; the tables have them all.
MOST_REASONS = 6


def day_marks(
    clean: pl.DataFrame,
    quarantine: pl.DataFrame,
    ledger: pl.DataFrame,
    missing: Sequence[dt.date],
    differences: pl.DataFrame,
) -> pl.DataFrame:
    """Every day that was changed or has something wrong: ``date, kind, reason``.

    ``kind`` is a name of ``MARK_STYLES``; a day has at most one row of each. ``reason`` is plain
    text, one reason a line.
    """
    quarantined = quarantine.filter(kind="daily").with_columns(
        date=AT_DATE, reason=pl.format("{}: {}", "rule", "reason")
    )
    parts = [
        quarantined.filter(action="rejected").with_columns(kind=pl.lit("refused")),
        quarantined.filter(action="repaired").with_columns(kind=pl.lit("repaired")),
        _action_marks(ledger),
        _pending_marks(clean.filter("action_pending"), ledger),
        pl.DataFrame({"date": list(missing)}, schema={"date": pl.Date()}).with_columns(
            kind=pl.lit("missing"), reason=pl.lit("a session without a bar")
        ),
        differences.with_columns(
            kind=pl.lit("differs"),
            reason=pl.format(
                "{} of {}: {} there, {} here", "field", "other", "other_value", "value"
            ),
        ),
    ]
    return (
        pl.concat([part.select(list(MARKS_SCHEMA)).cast(MARKS_SCHEMA) for part in parts])
        .drop_nulls("date")
        .group_by("date", "kind")
        .agg(pl.col("reason").head(MOST_REASONS).str.join("\n"))
        .sort("date", "kind")
    )


def _pending_marks(pending: pl.DataFrame, ledger: pl.DataFrame) -> pl.DataFrame:
    causes = explained_days(ledger)
    reasons = [
        f"a move by {causes[day]}" if day in causes else "a move that no action explains"
        for day in pending["date"]
    ]
    return pending.with_columns(kind=pl.lit("pending"), reason=pl.Series(reasons, dtype=pl.String))


def _action_marks(ledger: pl.DataFrame) -> pl.DataFrame:
    divides = pl.format("divides earlier prices by {}", pl.col("ratio").round_sig_figs(6))
    effect = pl.coalesce(
        pl.when(pl.col("kind").is_in(VALUE_KINDS)).then(divides),
        pl.format("{} for 1", "ratio"),
        pl.format("{} a share", "amount"),
        pl.lit(""),
    )
    is_pending = pl.col("status") == "pending"
    return ledger.filter(pl.col("status").is_in(["applied", "pending"])).with_columns(
        reason=pl.format("{} {}, {} by {}", "kind", effect, "origin", "source"),
        kind=pl.when(is_pending).then(pl.lit("pending")).otherwise(pl.lit("action")),
    )


def price_figure(clean: pl.DataFrame, marks: pl.DataFrame) -> Figure:
    """The clean close on a log axis, with a mark for each row of ``marks``.

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
    placed = _with_height(marks, clean)
    for kind, (colour, symbol) in MARK_STYLES.items():
        days = placed.filter(kind=kind)
        if days.is_empty():
            continue
        figure.add_scatter(
            x=days["date"].to_list(),
            y=days["close"].to_list(),
            name=f"{kind} ({days.height:,})",
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 9, "line": {"width": 1.6}},
            customdata=[_hover(text) for text in days["reason"]],
            hovertemplate=f"%{{x|%Y-%m-%d}} <b>{kind}</b><br>%{{customdata}}<extra></extra>",
        )
    _style(figure)
    figure.update_yaxes(type="log", title="close, split-adjusted (log)", tickformat=",", dtick="D2")
    return figure


def coverage_figure(years: pl.DataFrame) -> Figure:
    """The years of ``metrics.coverage`` as stacked bars: as delivered, repaired and missing."""
    from plotly import graph_objects as go

    shown = years.filter(pl.col("sessions") > 0).with_columns(
        (pl.col("bars") - pl.col("repaired")).alias("as delivered")
    )
    figure = go.Figure()
    for name, colour in BAR_COLOURS.items():
        figure.add_bar(
            x=shown["year"].to_list(),
            y=shown[name].to_list(),
            name=name,
            marker={"color": colour},
            hovertemplate=f"%{{x}}: %{{y}} {name}<extra></extra>",
        )
    _style(figure)
    figure.update_layout(barmode="stack")
    figure.update_xaxes(dtick=1 if shown.height < 12 else 4)
    figure.update_yaxes(title="sessions")
    return figure


def _with_height(marks: pl.DataFrame, clean: pl.DataFrame) -> pl.DataFrame:
    closes = clean.select("date", "close").drop_nulls().sort("date")
    placed = marks.sort("date").join_asof(closes, on="date", strategy="backward")
    return placed.with_columns(pl.col("close").fill_null(strategy="backward"))


def _hover(text: str) -> str:
    """Text escaped for plotly, which reads tags and entities."""
    return "<br>".join(escape(line, quote=False) for line in text.split("\n"))


def _style(figure: Figure) -> None:
    figure.update_layout(
        template="plotly_white",
        margin={"l": 56, "r": 12, "t": 8, "b": 32},
        font={"family": "system-ui, sans-serif", "size": 13, "color": "#243b53"},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hoverlabel={"align": "left"},
    )
