"""Render a run report as one HTML file that needs no network.

On top stand the forecasts and how far to trust them, below them the evidence of each horizon.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Any

from src.modeling.intervals.distribution import rise_probability
from src.modeling.intervals.quantiles import INTERVALS, interval_bounds
from src.modeling.training.report import wording
from src.modeling.training.report.data import CurrentForecast, HorizonRecord, ReportData
from src.modeling.training.report.sections import horizon_sections
from src.modeling.training.report.statistics import HorizonStatistics, horizon_statistics
from src.stages.html_page import figure_markup, render

if TYPE_CHECKING:
    from markupsafe import Markup
    from plotly.graph_objects import Figure

PACKAGE = "src.modeling.training.report"
# Look of a verdict; others are unsure.
VERDICT_CLASSES = {"better": "good", "worse": "bad"}
INTERVAL_HEADERS = ("interval", "return", "close", "such intervals held", "n", "n_eff")


def render_page(data: ReportData) -> str:
    """The whole page."""
    horizons = [(record, horizon_statistics(record, data.column)) for record in data.horizons]
    return render(
        PACKAGE,
        "report.html",
        data=data,
        dates=[data.sessions[0], data.sessions[-1]] if data.sessions.size else [],
        others=len(data.tickers) - 1,
        cards=[_card(record, statistics) for record, statistics in horizons],
        glossary=wording.GLOSSARY,
        horizons=[
            (
                wording.horizon_name(record.horizon).capitalize(),
                horizon_sections(data, record, statistics),
            )
            for record, statistics in horizons
        ],
        draw=_numbered_figures(),
    )


def _numbered_figures() -> Callable[[Figure], Markup]:
    """Draws figures in the order of the page; plotly's script comes with the first."""
    numbers = count()

    def draw(figure: Figure) -> Markup:
        number = next(numbers)
        return figure_markup(figure, f"picture-{number}", with_library=number == 0)

    return draw


def _card(record: HorizonRecord, statistics: HorizonStatistics) -> dict[str, Any]:
    """What the template's summary of one horizon shows."""
    status = record.status
    verdict = status.verdict.verdict
    return {
        "title": wording.horizon_name(record.horizon).capitalize(),
        "verdict": verdict,
        "verdict_class": VERDICT_CLASSES.get(verdict, "unsure"),
        "judgement": wording.verdict(status.verdict, record.challenger),
        "served": wording.served(status),
        **_forecast(status.forecast, statistics),
    }


def _forecast(forecast: CurrentForecast, statistics: HorizonStatistics) -> dict[str, Any]:
    facts = [
        ("made at the close of", f"{forecast.feature_date}, {forecast.last_close:,.2f}"),
        ("about", wording.target(forecast)),
        (
            "served forecast",
            f"{wording.signed(forecast.point)}, {forecast.last_close * (1 + forecast.point):,.2f}",
        ),
    ]
    if not forecast.has_range:
        note = "Its range is not known: too few outcomes are stored."
        return {"note": note, "facts": facts, "intervals": []}
    past = statistics.coverage[0.9][0]
    rise = wording.percent(float(rise_probability(forecast.quantiles)), 0)
    scored = f"ranges scored on n = {past.n:,}, n_eff = {wording.n_eff(past.n_eff)}"
    return {
        "note": "",
        "facts": [*facts, ("P(rise)", f"{rise} ({scored})")],
        "interval_headers": INTERVAL_HEADERS,
        "intervals": [_interval_row(forecast, share, statistics) for share in INTERVALS],
    }


def _interval_row(
    forecast: CurrentForecast, share: float, statistics: HorizonStatistics
) -> tuple[str, ...]:
    low, high = (float(forecast.quantiles[k]) for k in interval_bounds(share))
    lowest, highest = (forecast.last_close * (1 + end) for end in (low, high))
    past = statistics.coverage[share][0]
    return (
        f"{share:.0%}",
        wording.span(low, high),
        f"{lowest:,.2f} to {highest:,.2f}",
        wording.percent(past.value),
        f"{past.n:,}",
        wording.n_eff(past.n_eff),
    )
