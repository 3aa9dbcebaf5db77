"""Draw the table of all stocks, which can be narrowed and leads to the forecasts of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import polars as pl
import streamlit as st

from src.dashboard import evidence, frame, readers, wording
from src.dashboard.parts.home.rows import FLAGS, AllStocks, StockRow
from src.db.pages import home
from src.modeling.report.statistics.measures import Measure

NEEDS = "Needs a look"
FILTERS = (NEEDS, *FLAGS)
# Closes of the small lines, rows that are seen at once, and their height in pixels.
CLOSES, SEEN, HEIGHT = 60, 12, 35
OPENED = "opened_stock"
PREDICTIONS = f"{frame.PAGES}/predictions.py"
# Named in a sentence; the table has the others.
NAMED = 5


def needs_sentence(horizons: Sequence[AllStocks]) -> str:
    """Which stocks need a look at one horizon or another, and why."""
    total, why = len(horizons[0].rows), defaultdict[str, list[str]](list)
    for row in (row for stocks in horizons for row in stocks.rows if row.needs_a_look):
        why[row.ticker] += [reason for reason in row.why if reason not in why[row.ticker]]
    if not why:
        none = f"None of {total:,} stocks" if total > 1 else "No stock"
        return f":material/check: {none} needs a look."
    named = "; ".join(f"**{ticker}** ({', '.join(why[ticker])})" for ticker in list(why)[:NAMED])
    more = f" and {len(why) - NAMED} more" if len(why) > NAMED else ""
    verb = "needs" if len(why) == 1 else "need"
    return f"**{len(why)} of {wording.count(total, 'stock')} {verb} a look:** {named}{more}."


def table(stocks: AllStocks) -> None:
    """Draw it with its filter."""
    chosen = st.pills("Show only", FILTERS, selection_mode="multi", key="only", bind="query-params")
    rows = narrowed(stocks.rows, chosen or [])
    if not rows:
        st.info(f"No stock is shown: none of {len(stocks.rows)} is “{'” or “'.join(chosen)}”.")
        return
    st.markdown(f":small[:gray[{len(rows)} of {wording.count(len(stocks.rows), 'stock')}]]")
    st.dataframe(
        content(rows, readers.read(home.recent_closes, CLOSES), indian=frame.indian()),
        hide_index=True,
        height=HEIGHT * (min(len(rows), SEEN) + 1) + 3,
        column_config=_columns([row.ticker for row in rows]),
        key="stocks",
        placeholder="–",
        alt="All stocks with their 80 % range, verdict, last close, point forecast and skill",
    )
    st.markdown(f":small[:gray[{footnote(stocks.rows)}]]")
    if st.session_state.get(OPENED):
        st.switch_page(PREDICTIONS)


def footnote(rows: Sequence[StockRow]) -> str:
    """What the column of skills means, and how many of its ranges leave out zero by chance."""
    parts = ["Click on a stock to open its forecasts, or choose it at the top."]
    dates = [row.skill.dates for row in rows if row.skill is not None]
    if dates:
        parts.append(
            f"Skill is how much smaller the errors of the best model were than those of “no "
            f"change”, on one stock over the newest {wording.count(max(dates), 'session')}, each "
            "forecast from what was known before it; above zero is better. The verdict rests on "
            "the whole record of all stocks that are trained together."
        )
    if by_chance := round(0.05 * len(dates)):
        parts.append(
            f"With {wording.count(len(dates), 'stock')}, about {by_chance} of these ranges would "
            "leave out zero by chance alone."
        )
    return " ".join(parts)


def narrowed(rows: Sequence[StockRow], chosen: Sequence[str]) -> list[StockRow]:
    """The rows to which any of the chosen filters applies; all without one."""
    return [
        row
        for row in rows
        if not chosen or (NEEDS in chosen and row.needs_a_look) or set(row.flags) & set(chosen)
    ]


def content(
    rows: Sequence[StockRow], closes: dict[str, list[float]], *, indian: bool
) -> pl.DataFrame:
    """The cells of the table."""
    columns: dict[str, list[Any]] = {
        "Stock": [row.ticker for row in rows],
        "80 % range": [_range(row, indian=indian) for row in rows],
        "Verdict": [wording.VERDICTS.get(row.verdict or "none", "–") for row in rows],
        "Look at": ["; ".join(row.why) for row in rows],
        "Last close": [row.last_close for row in rows],
        "Point": [row.point for row in rows],
        "Last 60 sessions": [closes.get(row.ticker, []) for row in rows],
        "Skill": [skill_text(row.skill) for row in rows],
    }
    if indian:
        for name in ("Last close", "Point"):
            columns[name] = [
                None if value is None else wording.price(value, indian=True)
                for value in columns[name]
            ]
    return pl.DataFrame(columns, schema_overrides={"Last 60 sessions": pl.List(pl.Float32)})


def skill_text(skill: Measure | None) -> str:
    """Such as ``+0.24 (−0.10 to +0.58)``, in percent; ``–`` where it is not known."""
    if skill is None or skill.value is None:
        return "–"
    value, low, high = (
        wording.percent(share, 2, signed=True).split(wording.NO_BREAK)[0]
        for share in (skill.value, skill.low, skill.high)
    )
    return f"{value} (too few)" if skill.low is None else f"{value} ({low} to {high})"


def _range(row: StockRow, *, indian: bool) -> str:
    if row.low is None or row.high is None:
        return "–"
    return wording.price_range(row.low, row.high, indian=indian)


def _columns(tickers: Sequence[str]) -> dict[str, Any]:
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    prices = text(alignment="right") if frame.indian() else number(format="accounting")
    return {
        "Stock": st.column_config.ButtonColumn(
            type="tertiary", pinned=True, key=OPENED, on_click=_choose, args=(tickers,)
        ),
        "80 % range": text(alignment="right", help="8 in 10 outcomes should fall inside."),
        "Verdict": text(help="Of the test of the pool's model against “no change”."),
        "Look at": text(
            help="Outside 95 %: the last outcome lay outside its range. Held back: no change is "
            "forecast whatever model is in use. Was …: the verdict has changed."
        ),
        "Last close": prices,
        "Point": prices,
        "Last 60 sessions": st.column_config.LineChartColumn(),
        "Skill": text(
            f"Skill, % ({evidence.RANGE})",
            alignment="right",
            help="Above zero is better than “no change”; see below the table.",
        ),
    }


def _choose(tickers: Sequence[str]) -> None:
    """Make the stock that was clicked on the chosen one, before the page is drawn again."""
    st.session_state["stock"] = tickers[st.session_state[OPENED]["row"]]
