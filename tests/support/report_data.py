"""What a report is drawn from, put together by hand."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
from scipy import stats

from src.modeling.evaluation.forecast_record import ForecastRecord
from src.modeling.gate import verdict as gate
from src.modeling.gate.rules import rules_for
from src.modeling.intervals.distribution import ReturnDistribution
from src.modeling.intervals.quantiles import LEVELS
from src.modeling.report.data import CurrentForecast, HorizonData, ReportData

TIME = dt.datetime(2026, 3, 2, 10, 30, tzinfo=dt.UTC)
MADE = dt.date(2026, 2, 27)
NORMAL = stats.norm.ppf(LEVELS)


def forecast(days: int, point: float = 0.0, sigma: float = 0.02, **changed) -> CurrentForecast:
    """From a close of 2,500; the range is that of a normal distribution."""
    distribution = ReturnDistribution((sigma * NORMAL).tolist())
    made = CurrentForecast(
        feature_date=MADE,
        target_date=MADE + dt.timedelta(days=days),
        target_date_estimated=days > 10,
        last_close=2500.0,
        point=point,
        prob_up=distribution.prob_up,
        intervals={
            interval["level"]: (interval["low_return"], interval["high_return"])
            for interval in distribution.intervals(2500.0)
        },
        served="drift" if point else "zero",
    )
    return replace(made, **changed)


def record(horizon: int, rows: int = 900, tickers: tuple[str, ...] = ("A.NS",)) -> ForecastRecord:
    """Normal outcomes, forecast with the right spread; the drift guesses a little upwards."""
    shape = (rows, len(tickers))
    sigma = np.full(shape, 0.02 * np.sqrt(horizon))
    actual = np.random.default_rng(horizon).normal(0, sigma)
    actual[max(rows - horizon, 0) :] = np.nan
    zero = np.zeros(shape)
    return ForecastRecord(
        horizon=horizon,
        sessions=np.datetime64(MADE, "D") - np.arange(rows)[::-1],
        tickers=tickers,
        actual=actual,
        points={"zero": zero, "mean": zero - 0.004, "drift": zero + 0.001, "served": zero},
        sigma=sigma,
        reference_crps=np.where(np.isfinite(actual), 0.3 * sigma, np.nan),
        quantiles=sigma[..., None] * NORMAL,
    )


def report_data(rows: int = 900, tickers: int = 6) -> ReportData:
    """Both horizons of a pool; zero is served for the next session, drift for 63."""
    names = tuple(f"{letter}.NS" for letter in "ABCDEFGH"[:tickers])
    parts = [("momentum", 0.002), ("volatility", -0.001)]
    days = np.datetime64(MADE, "D") - np.arange(130)[::-1]
    verdict = gate.judge(
        np.full((9, 1), 0.01), np.zeros((9, 1)), sigma=None, rules=rules_for(1, 0.0)
    )
    near = HorizonData(
        record(1, rows, names),
        challenger="drift",
        verdict=verdict,
        pool_size=tickers,
        forecasts={name: forecast(3) for name in names},
        contributions=dict.fromkeys(names, parts),
    )
    far = replace(
        near,
        record=record(63, rows, names),
        forecasts={name: forecast(91, 0.0134, 0.15) for name in names},
        contributions={},
    )
    closes = {name: (days, np.linspace(2000, 2500, len(days))) for name in names}
    return ReportData("NSE", (near, far), closes, "9f3c2a", "20260302_103000", TIME)


def with_horizons(data: ReportData, **changed) -> ReportData:
    """The same with every horizon changed alike."""
    return replace(data, horizons=tuple(replace(each, **changed) for each in data.horizons))
