"""Show the few single numbers of a forecast as tiles."""

from __future__ import annotations

import streamlit as st

from src.dashboard import wording
from src.dashboard.parts.predictions import sentences
from src.dashboard.parts.predictions.outcomes import Outcome
from src.dashboard.parts.predictions.stock_forecasts import StockForecast

HELP = {
    "Point": "The return that is forecast, and the close that it makes. Use the range, not this.",
    "Chance of a rise": "The share of the forecast's outcomes that lie above the last close. A "
    "session is a day on which the exchange trades.",
    "80 % range": "How wide the range is that should hold 8 in 10 outcomes.",
    "Last outcomes": "Outcomes of earlier forecasts inside their 80 % ranges, as listed below.",
}


def draw(forecast: StockForecast, outcomes: list[Outcome], *, indian: bool) -> None:
    """Return and close that are forecast, chance of a rise, width, and what outcomes did."""
    with st.grid(4, min_column_width=150, border=True, key=f"tiles_{forecast.horizon}"):
        for name, (value, beside) in tiles(forecast, outcomes, indian=indian).items():
            st.metric(
                name, value, delta=beside, delta_color="off", delta_arrow="off", help=HELP[name]
            )


def tiles(
    forecast: StockForecast, outcomes: list[Outcome], *, indian: bool
) -> dict[str, tuple[str, str]]:
    """Of each tile the value, a dash where it is not known, and what stands below it."""
    answer, width = forecast.answer, None
    if forecast.returns is not None:
        low, high = forecast.returns.ends[sentences.LEVEL]
        width = high - low
    n, inside = len(outcomes), sum(each.inside for each in outcomes)
    aim = f"inside, aim {round(sentences.LEVEL * n)}"
    return {
        "Point": (
            wording.percent(answer["pred_return"], signed=True),
            f"close {wording.price(answer['est_future_close'], indian=indian)}",
        ),
        "Chance of a rise": (
            wording.percent(answer["prob_up"], 0),
            f"in {wording.ahead(forecast.sessions)}",
        ),
        "80 % range": (wording.percent(width, 1), "of the close"),
        "Last outcomes": (f"{inside} of {n}", aim) if outcomes else ("–", "none yet"),
    }
