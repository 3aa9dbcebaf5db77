"""Draw both horizons of a stock side by side."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from src.dashboard import frame, theme, wording
from src.dashboard.charts.forecasts import bands
from src.dashboard.charts.forecasts.bands import Bands, Row
from src.dashboard.parts.predictions import outcomes, sentences
from src.dashboard.parts.predictions.sentences import Answer
from src.dashboard.parts.predictions.stock_forecasts import StockForecast, StockForecasts

# A forecast whose distribution is known.
Known = tuple[StockForecast, Bands]
NAMES = {"short": "Next session", "long": "Long term"}


def draw(ticker: str, found: StockForecasts) -> None:
    """The ranges as returns on one axis, then the numbers of each horizon."""
    indian = frame.indian()
    known = [(each, each.returns) for each in found.made.values() if each.returns is not None]
    st.header(_headline(ticker, known), anchor=False)
    if known:
        _chart(ticker, known)
    columns = st.columns(2, gap="large")
    for column, horizon in zip(columns, NAMES, strict=True):
        with column:
            st.subheader(NAMES[horizon], anchor=False)
            if horizon in found.made:
                with frame.block("The forecast"):
                    _numbers(ticker, found.made[horizon], indian=indian)
            else:
                st.info(wording.plain(found.missing.get(horizon, "It has not been computed yet.")))


def _headline(ticker: str, known: Sequence[Known]) -> str:
    if not known:
        return f"{ticker}: no range is known at either horizon"
    parts = []
    for each, returns in known:
        low, high = returns.ends[sentences.LEVEL]
        span = f"{wording.percent(low, 1, signed=True)} and {wording.percent(high, 1, signed=True)}"
        parts.append(f"between {span} in {wording.ahead(each.sessions)}")
    return f"{ticker}: {wording.of_ten(sentences.LEVEL)} outcomes {', '.join(parts)}"


def _chart(ticker: str, known: Sequence[Known]) -> None:
    rows = []
    for each, returns in known:
        ahead = wording.ahead(each.sessions)
        candidate = each.answer["candidate"]
        other = None
        if candidate and not candidate["promoted"]:
            other = (wording.model(candidate["name"]), candidate["pred_return"])
        rows.append(Row(f"{ahead}\nforecast", returns, theme.MODEL, other))
        if each.baseline is not None:
            rows.append(Row(f"{ahead}\nno change", each.baseline, theme.BASELINE))
    figure = bands.nested(
        rows,
        lambda value: wording.percent(value, signed=True),
        "return from the last close",
        theme.kind(),
    )
    figure.update_xaxes(tickformat=".0%")
    theme.show(figure, key="both", alt=_headline(ticker, known))
    st.markdown(
        ":small[:gray[Tall 50 %, middle 80 %, long 95 % of outcomes; ◇ the model that was tried "
        "where it is not in use.]]"
    )


def _numbers(ticker: str, forecast: StockForecast, *, indian: bool) -> None:
    """What is known of one horizon, line by line."""
    answer = forecast.answer
    came = outcomes.known_outcomes(ticker, forecast.horizon)
    inside = sum(each.inside for each in came)
    estimated = " (estimated)" if answer["predict_date_estimated"] else ""
    lines = {
        "About": f"{wording.day(answer['predict_date'])}{estimated}",
        **_ranges(answer, indian=indian),
        "Point": _price(answer["est_future_close"], answer["pred_return"], indian=indian),
        "Baseline “no change”": wording.price(answer["last_close"], indian=indian),
        "Model that was tried": _tried(answer, indian=indian),
        "Chance of a rise": wording.percent(answer["prob_up"], 0),
        "Verdict": wording.VERDICTS[answer["verdict"]],
        "Last outcomes": f"{inside} of {len(came)} inside the 80 % range" if came else "none yet",
        "Made from": f"{wording.day(answer['feature_date'])}, {sentences.age(answer)}",
    }
    st.table(lines, border="horizontal")


def _ranges(answer: Answer, *, indian: bool) -> dict[str, str]:
    """The 80 and 95 % ranges of the price."""
    ranges = {}
    for share in (0.8, 0.95) if answer["intervals"] else ():
        interval = wording.interval_of(answer, share)
        ranges[f"{wording.percent(share, 0)} range"] = wording.price_range(
            interval["low_close"], interval["high_close"], indian=indian
        )
    return ranges


def _tried(answer: Answer, *, indian: bool) -> str:
    """The trained model with its forecast, and whether it is in use."""
    candidate = answer["candidate"]
    if candidate is None:
        return "–"
    price = _price(candidate["est_future_close"], candidate["pred_return"], indian=indian)
    used = "" if candidate["promoted"] else "not "
    return f"{wording.model(candidate['name'])}: {price}, {used}in use"


def _price(price: float, change: float, *, indian: bool) -> str:
    return f"{wording.price(price, indian=indian)} ({wording.percent(change, signed=True)})"
