"""Summarise, for the top of a report page, what is forecast and how far to trust it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from src.modeling.intervals.quantiles import INTERVALS
from src.modeling.report import wording
from src.modeling.report.data import CurrentForecast, HorizonData
from src.modeling.report.statistics.measures import Measure

# Look of a verdict; others are unsure.
VERDICT_CLASSES = {"better": "good", "worse": "bad"}


def verdict_card(horizon: HorizonData) -> dict[str, Any]:
    """The gate's verdict on the pool's challenger."""
    verdict = horizon.verdict.verdict
    return {
        "title": wording.horizon_name(horizon.horizon).capitalize(),
        "verdict": verdict,
        "verdict_class": VERDICT_CLASSES.get(verdict, "unsure"),
        "judgement": wording.verdict(horizon.verdict, horizon.challenger),
    }


def forecast_card(
    forecast: CurrentForecast | None, coverage: Mapping[float, Measure], held: str
) -> dict[str, Any]:
    """One ticker's forecast of now.

    Beside each interval stands the ``coverage`` of such intervals, under the header ``held``.
    """
    if forecast is None:
        note = "There is no forecast of it: results.json of the run says why."
        return {"served": "", "note": note, "facts": [], "intervals": []}
    facts = [
        ("made at the close of", f"{forecast.feature_date}, {forecast.last_close:,.2f}"),
        ("about", wording.target(forecast)),
        (
            "served forecast",
            f"{wording.signed(forecast.point)}, {forecast.last_close * (1 + forecast.point):,.2f}",
        ),
    ]
    card = {"served": wording.served(forecast), "note": wording.forecast_note(forecast)}
    if forecast.prob_up is None or not forecast.intervals:
        return {**card, "facts": facts, "intervals": []}
    past = coverage[0.9]
    rise = wording.percent(forecast.prob_up, 0)
    scored = f"ranges scored on n = {past.n:,}, n_eff = {wording.n_eff(past.n_eff)}"
    return {
        **card,
        "facts": [*facts, ("P(rise)", f"{rise} ({scored})")],
        "interval_headers": ("interval", "return", "close", held, "n", "n_eff"),
        "intervals": [_interval_row(forecast, share, coverage[share]) for share in INTERVALS],
    }


def overview_row(ticker: str, forecast: CurrentForecast) -> tuple[str, ...]:
    """One ticker's line of a table of many."""
    close, range_of_closes = forecast.last_close, wording.NOT_KNOWN
    if forecast.intervals:
        low, high = (close * (1 + end) for end in forecast.intervals[0.9])
        range_of_closes = f"{low:,.2f} to {high:,.2f}"
    return (
        ticker,
        str(forecast.feature_date),
        f"{close:,.2f}",
        str(forecast.target_date),
        wording.signed(forecast.point),
        range_of_closes,
        wording.percent(forecast.prob_up, 0),
    )


def _interval_row(forecast: CurrentForecast, share: float, past: Measure) -> tuple[str, ...]:
    low, high = forecast.intervals[share]
    lowest, highest = (forecast.last_close * (1 + end) for end in (low, high))
    return (
        f"{share:.0%}",
        wording.span(low, high),
        f"{lowest:,.2f} to {highest:,.2f}",
        wording.percent(past.value),
        f"{past.n:,}",
        wording.n_eff(past.n_eff),
    )
