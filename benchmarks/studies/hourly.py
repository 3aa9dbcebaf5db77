"""What variance from hourly bars adds to the forecast of one ticker's variance, walked forward.

Run: python -m benchmarks.studies.hourly CLEAN.parquet HOURLY.csv [TICKER]. CLEAN holds rows of
raw_daily_prices_clean, HOURLY any layout the csv source reads. Prints figures; nothing is asserted.

Each forecast is a least-squares fit, expanding, to the log of the mean variance of the next h
sessions. It starts from the forecast that is served (of all tickers or of this one alone, both
from daily bars of all years) and may add by how much the hourly bars' variance exceeded the
daily bars' over 1, 5 and 22 sessions; or it has nothing but such means (HAR: Corsi 2009) of the
years that have hourly bars. What is realised is measured both ways too: neither is the truth.
"""

import datetime as dt
import sys
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.studies.intervals import build_panel
from src.core.calendars.nse import nse
from src.data.sources.files.source import FileSource
from src.modeling.evaluation import hac, interval_metrics
from src.modeling.intervals import conformal, regression, regressors, volatility
from src.modeling.panel import rolling

# Bars from 09:15 to 15:30. A shorter session is left out, as a halted one would be.
HOURS = 7
WINDOWS = (1, 5, 22)
REFIT_EVERY = 21
ROWS = 250
# Each beside the forecast whose information it adds to or replaces.
PAIRS = (
    ("pool, hourly added", "pool"),
    ("alone, hourly added", "alone"),
    # The ticker's daily means refit the pool's forecast to it too: the pair tells the two apart.
    ("pool, daily means added", "pool"),
    ("pool, both means added", "pool, daily means added"),
    ("hourly means", "daily means"),
    ("both means", "daily means"),
)


def session_variances(path, ticker):
    """Variance between open and close by session: squared moves, and Garman-Klass per bar."""
    source = FileSource([Path(path)], calendar=nse(), ticker=ticker, now=dt.datetime.now(dt.UTC))
    (delivery,) = source.fetch("hourly", ticker, None, None)
    spread = (pl.col("high") / pl.col("low")).log()
    body = (pl.col("close") / pl.col("open")).log()
    gap = (pl.col("open") / pl.col("close").shift(1).over("date")).log().fill_null(0)
    within = 0.5 * spread**2 - (2 * np.log(2) - 1) * body**2
    bars = delivery.frame.sort("ts").with_columns(
        date=pl.col("ts").dt.convert_time_zone("Asia/Kolkata").dt.date()
    )
    return (
        bars.with_columns(moves=(body + gap) ** 2, ranges=gap**2 + within.clip(lower_bound=0))
        .group_by("date")
        .agg(pl.col("moves", "ranges").sum(), bars=pl.len())
        .filter(pl.col("bars") == HOURS)
    )


def hourly_variance(whole, column, prices, sessions, measure):
    """Overnight squared plus the session's hourly variance, like the daily one; (T, 1)."""
    opened = pl.col("open") * pl.col("adj_close") / pl.col("close")
    overnight = (opened / pl.col("adj_close").shift(1)).log()
    both = prices.sort("date").select("date", overnight=overnight).join(sessions, on="date")
    out = np.full((len(whole.sessions), 1), np.nan)
    rows = np.searchsorted(whole.sessions, both["date"].to_numpy().astype("datetime64[D]"))
    out[rows, 0] = both["overnight"].to_numpy() ** 2 + both[measure].to_numpy()
    # A move that waits for a decision is no return.
    return np.where(np.isfinite(whole.log_returns[:, [column]]), out, np.nan)


def logs(variance):
    return np.log(np.maximum(variance, 0) + regressors.TINY)


def means(variance):
    return [logs(rolling.mean(variance, w, at_least=(w + 1) // 2)) for w in WINDOWS]


def walked(start, columns, label, horizon):
    """Forecasts of the log and of the mean itself, from labels realised plus the embargo."""
    x = np.concatenate([np.ones_like(label), *columns], axis=1)
    label = label - start
    whole = np.isfinite(x).all(axis=1)
    fitted, scale = np.full(len(label), np.nan), np.full(len(label), np.nan)
    for row in range(0, len(label), REFIT_EVERY):
        ended = max(0, row - horizon - regression.EMBARGO + 1)
        seen = np.flatnonzero(whole[:ended] & np.isfinite(label[:ended, 0]))
        if len(seen) >= ROWS:
            beta = np.linalg.lstsq(x[seen], label[seen, 0], rcond=None)[0]
            rows = slice(row, row + REFIT_EVERY)
            fitted[rows] = x[rows] @ beta
            # The mean of a variance is more than exp of the mean of its log: Duan (1983).
            scale[rows] = np.exp(label[seen, 0] - x[seen] @ beta).mean()
    fitted = start[:, 0] + fitted
    return fitted, np.exp(fitted) * scale


def crps_of(fitted, y):
    """CRPS of the next session, quantiles from the ticker's own errors alone; (T,)."""
    sigma = np.exp(0.5 * fitted)[:, None]
    scores = conformal.score_quantiles(y / sigma, 1)
    made = scores[np.arange(len(y)) // conformal.REFRESH_EVERY] * sigma[..., None]
    return interval_metrics.crps(y, made)[:, 0]


def losses(fitted, mean, label, y, horizon):
    """Per session: QLIKE (Patton 2011), squared error of the log, and CRPS at one session."""
    ratio = np.exp(label[:, 0]) / mean
    made = {"QLIKE": ratio - np.log(ratio) - 1, "log": np.square(label[:, 0] - fitted)}
    return made | ({"CRPS": crps_of(fitted, y)} if horizon == 1 else {})


def past_mean(label, horizon):
    """What R2 is measured against: the mean of the labels realised so far; (T,)."""
    known = rolling.mean(label, len(label), at_least=ROWS)[:, 0]
    return np.concatenate([np.full(horizon, np.nan), known[:-horizon]])


def compare(models, target, y, horizon):
    label = logs(rolling.ahead(target, horizon))
    made = {
        name: losses(*walked(start, columns, label, horizon), label, y, horizon)
        for name, (start, columns) in models.items()
    }
    naive = np.square(label[:, 0] - past_mean(label, horizon))
    every = [naive, *(loss for one in made.values() for loss in one.values())]
    shared = np.isfinite(every).all(axis=0)
    n = int(shared.sum())
    print(f"  {n} sessions")
    for name, one in made.items():
        r2 = 1 - one["log"][shared].sum() / naive[shared].sum()
        rest = "".join(f", {k} {one[k][shared].mean():.5f}" for k in one if k != "log")
        print(f"  {name:23}: R2 of log variance {r2:+.4f}{rest}")
    for name, other in PAIRS:
        gains = {k: (made[other][k] - made[name][k])[shared] for k in made[name]}
        share = {k: gain.sum() / made[other][k][shared].sum() for k, gain in gains.items()}
        said = [f"{k} {share[k]:+.2%} (t {hac.mean_test(gains[k], horizon).t:+.2f})" for k in gains]
        print(f"  {name} against {other}: loss less by " + ", ".join(said))


def served(known, column, horizon):
    """Log of the mean variance of the next h sessions as the product forecasts it; (T, 1)."""
    return 2 * np.log(volatility.forecast(known, horizon)[:, [column]]) - np.log(horizon)


def forecasts(everyone, single, daily, hourly):
    """What each forecast starts from and the columns that it adds."""
    own, finer = means(daily), means(hourly)
    more = [a - b for a, b in zip(finer, own, strict=True)]
    nothing = np.zeros_like(everyone)
    return {
        "pool": (everyone, []),
        "pool, hourly added": (everyone, more),
        "pool, daily means added": (everyone, own),
        "pool, both means added": (everyone, [*own, *finer]),
        "alone": (single, []),
        "alone, hourly added": (single, more),
        "daily means": (nothing, own),
        "hourly means": (nothing, finer),
        "both means": (nothing, [*own, *finer]),
    }


def main() -> None:
    clean = pl.read_parquet(sys.argv[1])
    whole = build_panel(clean)
    ticker = sys.argv[3] if len(sys.argv) > 3 else "TCS.NS"
    prices, column = clean.filter(pl.col("ticker") == ticker), whole.tickers.index(ticker)
    pool = volatility.build_inputs(whole)
    alone = volatility.build_inputs(whole.select(columns=np.array([column])))
    y = whole.targets(1)[:, [column]]
    sessions = session_variances(sys.argv[2], ticker)
    for measure in ("ranges", "moves"):
        hourly = hourly_variance(whole, column, prices, sessions, measure)
        # Where either is missing both are, so that they are compared on the same sessions.
        daily = np.where(np.isfinite(hourly), alone.variance, np.nan)
        print(f"\n{ticker}, hourly {measure}: {np.isfinite(hourly).sum()} whole sessions")
        for horizon in (1, 63):
            everyone, single = served(pool, column, horizon), served(alone, 0, horizon)
            models = forecasts(everyone, single, daily, hourly)
            for name, target in (("hourly", hourly), ("daily", daily)):
                print(f" h={horizon}, what is realised measured from {name} bars:")
                compare(models, target, y, horizon)


if __name__ == "__main__":
    main()
