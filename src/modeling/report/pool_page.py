"""Render the report page of a pool at one horizon, on which a ticker can be chosen.

Plotly's script and the pool's evidence stand in it once; of each ticker there is a template and
compact numbers, which ``templates/chooser.html`` draws.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from src.core.arrays import Days, Floats
from src.modeling.report import cards, charts, sections, wording
from src.modeling.report.data import HorizonData, PriceFan, ReportData, price_fan
from src.modeling.report.page import PACKAGE
from src.modeling.report.statistics.horizon import HorizonStatistics, horizon_statistics
from src.stages.html_page import figure_markup, plotly_library, render, script_json

if TYPE_CHECKING:
    from src.modeling.report.figure import Figure


def render_pool_page(data: ReportData, place: int) -> str:
    """The whole page of one horizon, by its place."""
    horizon = data.horizons[place]
    tickers = sorted(horizon.forecasts)
    statistics = horizon_statistics(horizon.record, tickers)
    fans = {ticker: price_fan(data, place, ticker) for ticker in tickers}
    numbers = count()
    return render(
        PACKAGE,
        "pool.html",
        data=data,
        title=f"{data.pool}, {wording.horizon_name(horizon.horizon)}",
        basis=wording.basis(horizon),
        card=cards.verdict_card(horizon),
        tickers=[_ticker(horizon, statistics, ticker, fans[ticker]) for ticker in tickers],
        overview=[cards.overview_row(ticker, horizon.forecasts[ticker]) for ticker in tickers],
        range_note=wording.range_note(horizon.horizon, statistics.coverage[0.9].pool),
        pool_sections=sections.pool_sections(horizon, statistics),
        pictures=script_json(_pictures(horizon, fans)),
        library=plotly_library(),
        draw=lambda figure: figure_markup(figure, f"picture-{next(numbers)}", with_library=False),
    )


def _ticker(
    horizon: HorizonData, statistics: HorizonStatistics, ticker: str, fan: PriceFan | None
) -> dict[str, Any]:
    """What the template shows of one ticker."""
    parts, column = sections.known_parts(horizon, ticker), horizon.record.column(ticker)
    return {
        "name": ticker,
        "card": cards.forecast_card(
            horizon.forecasts[ticker],
            {share: measures.of(column) for share, measures in statistics.coverage.items()},
            "such intervals of it held",
        ),
        "has_fan": fan is not None,
        "parts": {wording.parts_heading(horizon.challenger): [sections.parts_note(horizon, parts)]},
        "parts_class": sections.parts_class(parts),
        "skill": sections.ticker_skill(statistics, ticker, column),
    }


def _pictures(horizon: HorizonData, fans: Mapping[str, PriceFan | None]) -> dict[str, Any]:
    """The figures of each ticker in numbers, in the order of the page, and what they share."""
    bars = [charts.contribution_bars(sections.known_parts(horizon, ticker)) for ticker in fans]
    drawn = [fan for fan in fans.values() if fan is not None]
    days = np.unique(np.concatenate([fan.days for fan in drawn])) if drawn else np.empty(0, "M8[D]")
    return {
        "days": charts.day_texts(days),
        "colours": [charts.RISE, charts.FALL],
        "fan": _without_values(charts.fan(drawn[0])) if drawn else None,
        "parts": _without_values(charts.contributions(max(bars, key=len, default=[]))),
        "tickers": [
            {
                "fan": None if fan is None else _fan_numbers(fan, days),
                "parts": [(name, float(f"{value:.4g}")) for name, value in of_ticker],
            }
            for fan, of_ticker in zip(fans.values(), bars, strict=True)
        ],
    }


def _fan_numbers(fan: PriceFan, days: Days) -> dict[str, Any]:
    """A fan in numbers; closes on consecutive ``days`` from the place ``from`` on."""
    places = np.searchsorted(days, fan.days)
    first = int(places[0]) if len(places) else 0
    closes: list[float | None] = [None] * (int(places[-1]) + 1 - first if len(places) else 0)
    for place, close in zip((places - first).tolist(), _rounded(fan.closes), strict=True):
        closes[place] = close
    return {
        "from": first,
        "closes": closes,
        "ahead": charts.day_texts(fan.ahead),
        "low": [_rounded(fan.bands[share][0]) for share in charts.BANDS],
        "high": [_rounded(fan.bands[share][1]) for share in charts.BANDS],
        "point": _rounded(fan.point),
    }


def _rounded(prices: Floats) -> list[float]:
    rounded: list[float] = np.round(prices, 2).tolist()
    return rounded


def _without_values(figure: Figure) -> dict[str, Any]:
    """A figure's layout and the look of its traces, without what differs by ticker."""
    varying = ("x", "y")
    traces = [{k: v for k, v in trace.items() if k not in varying} for trace in figure.data]
    return {"data": traces, "layout": figure.layout}
