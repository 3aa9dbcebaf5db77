"""Render the report page of one ticker as one HTML file that needs no network.

On top stand the forecasts and how far to trust them, below them the evidence of each horizon.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Any

from src.modeling.report import cards, sections, wording
from src.modeling.report.data import ReportData, price_fan
from src.modeling.report.statistics.horizon import horizon_statistics
from src.stages.html_page import figure_markup, render

if TYPE_CHECKING:
    from markupsafe import Markup

    from src.modeling.report.figure import Figure

PACKAGE = "src.modeling.report"


def render_page(data: ReportData, ticker: str) -> str:
    """The whole page."""
    return render(
        PACKAGE,
        "report.html",
        data=data,
        title=ticker,
        basis=wording.basis(data.horizons[0], ticker),
        horizons=[_horizon(data, place, ticker) for place in range(len(data.horizons))],
        draw=_numbered_figures(),
    )


def _horizon(data: ReportData, place: int, ticker: str) -> dict[str, Any]:
    """What the template shows of one horizon, by its place."""
    horizon, fan = data.horizons[place], price_fan(data, place, ticker)
    statistics = horizon_statistics(horizon.record, [ticker])
    return {
        "verdict": cards.verdict_card(horizon),
        "forecast": cards.forecast_card(
            horizon.forecasts.get(ticker),
            {share: measures.pool for share, measures in statistics.coverage.items()},
            "such intervals held",
        ),
        "sections": {
            "The range of what may happen": sections.price_range(horizon, statistics, fan),
            **sections.pool_sections(horizon, statistics, ticker),
            wording.parts_heading(horizon.challenger): sections.contributions(horizon, ticker),
        },
    }


def _numbered_figures() -> Callable[[Figure], Markup]:
    """Draws figures in the order of the page; plotly's script comes with the first."""
    numbers = count()

    def draw(figure: Figure) -> Markup:
        number = next(numbers)
        return figure_markup(figure, f"picture-{number}", with_library=number == 0)

    return draw
