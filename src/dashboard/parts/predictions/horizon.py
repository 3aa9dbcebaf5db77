"""Draw what is forecast of a stock at one horizon, how sure it is, and compared with what."""

from __future__ import annotations

import datetime as dt
from typing import Any

import streamlit as st
from plotly.graph_objects import Figure

from src.core.calendars.exchange import NSE
from src.core.calendars.exchanges import calendar_of, exchange_of
from src.dashboard import frame, readers, theme, wording
from src.dashboard.charts import marks as chart_marks
from src.dashboard.charts.forecasts import bands, dots, fan
from src.dashboard.charts.forecasts.bands import Bands, Row
from src.dashboard.charts.forecasts.fan import Prices, Target
from src.dashboard.charts.price_axis import price_axis
from src.dashboard.parts.predictions import numbers, outcomes, sentences, tiles
from src.dashboard.parts.predictions.stock_forecasts import StockForecast, StockForecasts
from src.db.pages import marks, predictions

# Sessions of history. For the next session fewer, so that its range can be seen beside them.
HISTORY = {"short": 21, "long": 126}


def draw(ticker: str, found: StockForecasts, horizon: str) -> None:
    """Everything about one horizon; one sentence where there is no forecast."""
    forecast = found.made.get(horizon)
    if forecast is None:
        st.header(f"{ticker}: no forecast at this horizon", anchor=False)
        st.info(wording.plain(found.missing.get(horizon, "It has not been computed yet.")))
        return
    indian = frame.indian()
    _answer(forecast, found.problem, indian=indian)
    with frame.block("What came of earlier forecasts"):
        tiles.draw(forecast, outcomes.known_outcomes(ticker, horizon), indian=indian)
    if forecast.returns is not None:
        with frame.block("The history of prices"):
            _fan(ticker, found, forecast, indian=indian)
        left, right = st.columns(2, gap="large")
        with left, frame.block("The spread of outcomes"):
            _how_sure(ticker, forecast, indian=indian)
        with right:
            _compared(forecast, indian=indian)
        numbers.draw(forecast, indian=indian)
    with frame.block("What came of earlier forecasts"):
        outcomes.draw(ticker, forecast, indian=indian)


def _answer(forecast: StockForecast, problem: str, *, indian: bool) -> None:
    """The range in one sentence, the verdict, what it means, and where the numbers come from."""
    answer = forecast.answer
    st.header(sentences.headline(answer, forecast.sessions, indian=indian), anchor=False)
    if answer["warnings"]:
        st.warning("  \n".join(map(wording.plain, answer["warnings"])), icon=":material/warning:")
    st.markdown(sentences.verdict(answer, forecast.verdict, forecast.sessions))
    st.markdown(f":small[:gray[{sentences.meaning(answer)} {sentences.source(problem, answer)}]]")
    if answer["note"]:
        st.info(wording.plain(f"{answer['note']}."))


def _fan(ticker: str, found: StockForecasts, forecast: StockForecast, *, indian: bool) -> None:
    """The latest closes and the ranges of the price at what was forecast."""
    prices = _prices(ticker, forecast)
    if not prices.days:
        made_from = wording.day(forecast.answer["feature_date"])
        st.markdown(f"No closes up to {made_from} are stored to draw.")
        return
    targets = _targets(found, forecast)
    first, last = prices.days[0], prices.days[-1]
    happened = readers.read(marks.marks, ticker, first, last, exchange_of(ticker).zone)
    figure = fan.fan(
        prices,
        targets,
        happened,
        title=f"close{_unit(ticker)}",
        theme=theme.kind(),
        indian=indian,
    )
    headline = sentences.headline(forecast.answer, forecast.sessions, indian=indian)
    theme.show(figure, key=f"fan_{forecast.horizon}", alt=f"Closes and ranges. {headline}")
    st.markdown(f":small[:gray[{_caption(targets)}]]")
    if happened:
        st.markdown(f":small[:gray[Marks: {wording.plain(chart_marks.legend(happened))}]]")


def _prices(ticker: str, forecast: StockForecast) -> Prices:
    """The latest closes up to that of the forecast, and the sessions up to its target."""
    made_from, about = (
        dt.date.fromisoformat(forecast.answer[name]) for name in ("feature_date", "predict_date")
    )
    closes = readers.read(predictions.closes, ticker, made_from, HISTORY[forecast.horizon])
    ahead = calendar_of(exchange_of(ticker)).sessions(made_from + dt.timedelta(1), about)
    return Prices([day for day, _ in closes], [close for _, close in closes], ahead)


def _targets(found: StockForecasts, forecast: StockForecast) -> list[Target]:
    """The forecasts up to this horizon that were made from the same close."""
    return [
        Target(each.sessions, each.returns.times(each.answer["last_close"]))
        for each in sorted(found.made.values(), key=lambda each: each.sessions)
        if each.sessions <= forecast.sessions
        and each.returns is not None
        and each.answer["feature_date"] == forecast.answer["feature_date"]
    ]


def _caption(targets: list[Target]) -> str:
    """How to read the fan."""
    read = "(thick 80 %, thin 95 %, ring: the point, dashes: no change)"
    outside = "1 in 20 outcomes should fall outside the widest band."
    axis = "The axis counts trading sessions, so weekends and holidays take no room."
    furthest = targets[-1].sessions
    if furthest == 1:
        return f"The bar is the forecast of the next session {read}. {outside} {axis}"
    bars = " and ".join(f"+{target.sessions}" for target in targets)
    drawn = f"Bars at {bars} are the two forecasts" if targets[1:] else f"The bar is at {bars}"
    return (
        f"{drawn} {read}. The shading only joins them to the last close; nothing is forecast for "
        f"the sessions in between. {outside} {axis}"
    )


def _how_sure(ticker: str, forecast: StockForecast, *, indian: bool) -> None:
    """Twenty equally likely outcomes."""
    st.subheader("How sure?", anchor=False)
    answer, close = forecast.answer, forecast.answer["last_close"]
    stored = readers.read(predictions.distribution, ticker, forecast.horizon)
    if stored is None or stored.data_hash != answer["data_hash"] or not stored.levels:
        st.markdown("The stored distribution is of another forecast: open the page again.")
        return
    returns = dots.equally_likely(stored.levels, stored.quantiles)
    stacked = dots.stack([close * (1 + each) for each in returns], close)
    above = len(returns) - stacked.below
    sentence = (
        f"Twenty equally likely outcomes: **{stacked.below} of {len(returns)}** are below the last "
        f"close ({wording.price(close, indian=indian)}), {above} above."
    )
    st.markdown(sentence)
    figure = dots.quantile_dots(stacked, close, _axis_title(answer), theme.kind())
    figure.update_xaxes(**price_axis(stacked.at[0], stacked.at[-1], indian=indian))
    theme.show(figure, key=f"dots_{forecast.horizon}", alt=sentence.replace("**", ""))


def _axis_title(answer: dict[str, Any]) -> str:
    return f"close on {wording.day(answer['predict_date'])}{_unit(answer['ticker'])}"


def _unit(ticker: str) -> str:
    """The currency of prices where it is known, to be added to a title."""
    return " (₹)" if exchange_of(ticker) is NSE else ""


def _compared(forecast: StockForecast, *, indian: bool) -> None:
    """The forecast and no change as nested bars on one axis."""
    st.subheader("Compared with what?", anchor=False)
    answer, returns = forecast.answer, forecast.returns
    st.markdown(sentences.in_use(answer, indian=indian))
    if returns is None or forecast.baseline is None:
        st.markdown("Too few past outcomes are known to say how widely “no change” would miss.")
        return
    sentence = sentences.compared(answer, returns, forecast.baseline, forecast.past, indian=indian)
    st.markdown(sentence)
    figure = _bars(answer, returns, forecast.baseline, indian=indian)
    theme.show(figure, key=f"compared_{forecast.horizon}", alt=sentence.replace("**", ""))
    st.markdown(":small[:gray[Tall 50 %, middle 80 %, long 95 % of outcomes.]]")


def _bars(answer: dict[str, Any], returns: Bands, baseline: Bands, *, indian: bool) -> Figure:
    """Prices of the forecast and of no change as nested bars."""
    close, candidate = answer["last_close"], answer["candidate"]
    other = None
    if candidate and not candidate["promoted"]:
        other = (wording.model(candidate["name"]), candidate["est_future_close"])
    rows = [
        Row("Forecast", returns.times(close), theme.MODEL, other),
        Row("Baseline\nno change", baseline.times(close), theme.BASELINE),
    ]
    ends = [end for row in rows for end in row.bands.ends[0.95]]
    digits = wording.price_digits(max(ends) - min(ends))
    figure = bands.nested(
        rows,
        lambda value: wording.price(value, indian=indian, digits=digits),
        _axis_title(answer),
        theme.kind(),
    )
    return figure.update_xaxes(**price_axis(min(ends), max(ends), indian=indian))
