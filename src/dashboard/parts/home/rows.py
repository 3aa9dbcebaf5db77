"""Put together what is known of every stock at one horizon: forecast, verdict, and what is odd."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from src.core.calendars.exchanges import calendar_of, exchange_of
from src.core.errors import ForecastError
from src.core.model_events import BASELINE
from src.dashboard import evidence, frame, readers, wording
from src.dashboard.banner import ages, real
from src.dashboard.forecasts import forecasts
from src.db.pages import home
from src.db.pages.home import TickerState
from src.db.pages.overview import StoredTicker
from src.modeling.report.statistics.measures import Measure
from src.monitoring.quality.score import DORMANT_AFTER

LEVEL = 0.8
CHANGED, OUTSIDE, STALE, HELD_BACK = "Verdict changed", "Outside 95 %", "Stale", "Held back"
MISSING = "No forecast"
# Seconds after which all is put together again: a model's file may have been mended meanwhile.
AGAIN = 300
# What a table can be narrowed to. The last needs nobody: the answer says why there is none.
FLAGS = (OUTSIDE, HELD_BACK, STALE, CHANGED)


@dataclass(frozen=True)
class StockRow:
    """A stock at one horizon.

    Attributes:
        age: Sessions that have closed since its newest price.
        lag: How many of these the stock of its pool with the newest price has.
        low: Lower end of the 80 % range of the price; None where it is not known.
        high: Its upper end.
        verdict: On the pool's candidate; None without a forecast.
        last_close: Of the newest session; None without a forecast, as the next.
        point: The forecast of the price.
        skill: Of the pool's candidate on this stock; None where it has not been measured.
        flags: What is odd, of ``FLAGS`` and ``MISSING``.
        why: The same in words.
        is_untraded: Whether it is stated to be suspended or delisted.
    """

    ticker: str
    pool: str
    age: int
    lag: int
    low: float | None
    high: float | None
    verdict: str | None
    last_close: float | None
    point: float | None
    skill: Measure | None
    flags: tuple[str, ...]
    why: tuple[str, ...]
    is_untraded: bool = False

    @property
    def needs_a_look(self) -> bool:
        """Whether something is odd of a stock that still trades."""
        return bool(set(self.flags) - {CHANGED}) and not self.is_dormant

    @property
    def is_dormant(self) -> bool:
        """Whether others of its pool have gone on for long: it was delisted or renamed."""
        return self.lag > DORMANT_AFTER or self.is_untraded


@dataclass(frozen=True)
class AllStocks:
    """Every stored stock at one horizon.

    Attributes:
        rows: What needs a look first, what no longer trades last, else by name.
        session: The newest session that outcomes are known of; None before the first.
        settled: Stocks with an outcome of that session.
        inside_80: How many of these lay inside their 80 % range.
    """

    rows: tuple[StockRow, ...]
    session: dt.date | None
    settled: int
    inside_80: int


def all_stocks(horizon: str) -> AllStocks:
    """Every stored stock at a horizon, kept until the data have changed or a session has closed.

    For five minutes at most.

    Raises:
        ForecastError: The database does not answer.
    """
    tickers = frame.stored()
    closed = {
        exchange: calendar_of(exchange).last_closed(readers.now())
        for exchange in {exchange_of(ticker.ticker) for ticker in tickers}
    }
    sessions = tuple(sorted(day.isoformat() for day in closed.values()))
    return _all_stocks(horizon, readers.version(), sessions)


@st.cache_data(ttl=AGAIN, max_entries=8, show_spinner=False)
def _all_stocks(horizon: str, version: int, closed: Sequence[str]) -> AllStocks:
    # Version and closed sessions are not used: what is kept is true for them alone.
    tickers = frame.stored()
    found = {
        each.ticker: each for each in readers.read(home.ticker_states) if each.horizon == horizon
    }
    session = last_outcome(tickers, found.values())
    settled = [each for each in found.values() if each.label_end == session]
    inside = [each.inside_80 for each in settled if each.inside_80 is not None]
    rows = sorted(_rows(horizon, tickers, found, session), key=_rank)
    return AllStocks(tuple(rows), session, len(inside), sum(inside))


def _rows(
    horizon: str,
    tickers: Sequence[StoredTicker],
    states: Mapping[str, TickerState],
    session: dt.date | None,
) -> Iterator[StockRow]:
    answers = forecasts([ticker.ticker for ticker in tickers])
    in_use = {
        model.pool: model.served
        for model in readers.read(home.live_models)
        if model.horizon == horizon
    }
    aged = list(zip(tickers, ages(tickers), strict=True))
    newest: dict[str, int] = {}
    for ticker, age in aged:
        newest[ticker.pool] = min(age, newest.get(ticker.pool, age))
    for ticker, age in aged:
        if ticker.ticker in states:
            answer = answers.answers.get((ticker.ticker, horizon))
            served = in_use.get(ticker.pool, "")
            lag = age - newest[ticker.pool]
            yield _row(age, lag, states[ticker.ticker], answer, session, served)


def last_outcome(tickers: Sequence[StoredTicker], states: Iterable[TickerState]) -> dt.date | None:
    """The newest session with an outcome: of real prices, which made-up ones may be ahead of."""
    shown = {each.ticker for each in real(tickers) or tickers}
    known = (each.label_end for each in states if each.ticker in shown and each.label_end)
    return max(known, default=None)


def _rank(row: StockRow) -> tuple[int, int, str]:
    """What needs a look first, and what is rare before what only waits for a run."""
    if row.needs_a_look:
        return 0, [MISSING, *FLAGS].index(row.flags[0]), row.ticker
    return (2 if row.is_dormant else 1), 0, row.ticker


def _row(
    age: int,
    lag: int,
    state: TickerState,
    answer: Mapping[str, Any] | None,
    session: dt.date | None,
    in_use: str,
) -> StockRow:
    flags = dict(_flags(age, lag, state, answer, session, in_use))
    low = high = None
    if answer and answer["intervals"]:
        interval = wording.interval_of(answer, LEVEL)
        low, high = interval["low_close"], interval["high_close"]
    return StockRow(
        ticker=state.ticker,
        pool=state.pool,
        age=age,
        lag=lag,
        low=low,
        high=high,
        verdict=answer["verdict"] if answer else None,
        last_close=answer["last_close"] if answer else None,
        point=answer["est_future_close"] if answer else None,
        skill=_skill(state, answer) if answer else None,
        flags=tuple(flags),
        why=tuple(flags.values()),
        is_untraded=state.standing is not None,
    )


def _flags(
    age: int,
    lag: int,
    state: TickerState,
    answer: Mapping[str, Any] | None,
    session: dt.date | None,
    in_use: str,
) -> list[tuple[str, str]]:
    """What is odd, and the words for it; ``in_use`` is the model that the pool is answered by."""
    found, sessions = [], readers.horizons()[state.horizon]
    if answer is None:
        found.append((MISSING, "no forecast"))
    if state.outside_95 and state.label_end == session:
        found.append((OUTSIDE, f"outside 95 % at {wording.ahead(sessions)}"))
    by_model = in_use not in ("", BASELINE)
    if state.note is not None or (by_model and answer and answer["model"]["name"] == BASELINE):
        found.append((HELD_BACK, "held back"))
    if age >= readers.settings().data.stale_after_sessions:
        guess = "delisted?" if lag > DORMANT_AFTER else None
        gone = f", {state.standing or guess}" if state.standing or guess else ""
        found.append((STALE, f"{wording.count(age, 'session')} old{gone}"))
    if state.verdict_changed:
        before = wording.VERDICTS.get(str(state.verdict_before), "–")
        found.append((CHANGED, f"was {before}"))
    return found


def _skill(state: TickerState, answer: Mapping[str, Any]) -> Measure | None:
    candidate, model = answer["candidate"], answer["model"]
    if candidate is None:
        return None
    try:
        found = evidence.skills(model["pool"], state.horizon, model["version"], candidate["name"])
    except ForecastError:
        return None
    return found.get(state.ticker)
