"""Intervals walked forward on real prices, beside quantiles of each ticker's last 500 outcomes.

Run: python -m benchmarks.intervals CLEAN.parquet [SINCE] [TICKER,...]. CLEAN holds rows of
raw_daily_prices_clean. Prints figures; nothing is asserted.
"""

import sys
import time
from statistics import NormalDist

import numpy as np
import polars as pl

from src.core.calendars.nse import nse
from src.modeling.evaluation import interval_metrics
from src.modeling.intervals import distribution, quantiles, volatility
from src.modeling.intervals.quantiles import INTERVALS
from src.modeling.panel import panel

SCORED_FROM = 750
SHARE = 0.9
# Scored sessions in a row: about a year.
RUN = 250


def hac_t(values, bandwidth):
    """Mean over its Newey-West (1987) standard error, Bartlett weights."""
    n, centred = len(values), values - values.mean()
    variance = centred @ centred
    for lag in range(1, bandwidth + 1):
        variance += 2 * (1 - lag / (bandwidth + 1)) * (centred[lag:] @ centred[:-lag])
    return values.mean() * n / np.sqrt(variance)


def panel_t(gain, horizon):
    """t of a loss difference averaged over tickers per date, both bandwidths of the method."""
    daily = np.nanmean(gain[np.isfinite(gain).any(axis=1)], axis=1)
    n = len(daily)
    wide = hac_t(daily, int(max(horizon - 1, 1.3 * np.sqrt(n))))
    h = int(np.ceil(1.5 * (horizon - 1))) + 1
    return wide, hac_t(daily, h - 1) * np.sqrt((n + 1 - 2 * h + h * (h - 1) / n) / n)


def worst_run(inside):
    """Least share inside over ``RUN`` scored sessions in a row, the median ticker's."""
    lowest = []
    for n in range(inside.shape[1]):
        kept = inside[np.isfinite(inside[:, n]), n]
        if len(kept) >= SCORED_FROM:
            lowest.append(np.convolve(kept, np.ones(RUN) / RUN, mode="valid").min())
    return np.median(lowest) if lowest else np.nan


def perfect(horizon, sessions):
    """What forecasts without any fault would show: share within 3 points, worst run; means.

    Days are independent and normal, with a third of their variance the market's.
    """
    random = np.random.default_rng(7)
    near, worst = [], []
    for _ in range(100):
        shared, own = random.normal(size=(sessions, 1)), random.normal(size=(sessions, 50))
        path = np.cumsum(np.sqrt(1 / 3) * shared + np.sqrt(2 / 3) * own, axis=0)
        fell = np.abs(path[horizon:] - path[:-horizon]) / np.sqrt(horizon)
        inside = (fell <= NormalDist().inv_cdf((1 + SHARE) / 2)).astype(float)
        near.append(np.mean(np.abs(inside.mean(axis=0) - SHARE) <= 0.03))
        worst.append(worst_run(inside))
    return np.mean(near), np.mean(worst)


def by_state(inside, sigma):
    """Share inside by thirds of the sessions, by volatility over the ticker's median."""
    ratio = np.where(np.isfinite(inside), sigma / np.nanmedian(sigma, axis=0), np.nan)
    low, high = np.nanquantile(ratio, [1 / 3, 2 / 3])
    states = (ratio <= low, (ratio > low) & (ratio < high), ratio >= high)
    calm, usual, wild = (np.nanmean(inside[state]) for state in states)
    print(
        f"{SHARE:.0%} holds {calm:.4f} in calm, {usual:.4f} in usual, {wild:.4f} in wild sessions"
    )


def by_ticker(inside, horizon):
    scored = np.isfinite(inside).sum(axis=0)
    enough = scored >= SCORED_FROM
    if not enough.any():
        return
    each = np.nanmean(inside[:, enough], axis=0)
    near = np.mean(np.abs(each - SHARE) <= 0.03)
    print(f"{len(each)} tickers: {near:.1%} within 3 points, {each.min():.3f} to {each.max():.3f}")
    print(f"worst {RUN} sessions of the median ticker hold {worst_run(inside):.3f} at {SHARE:.0%}")
    near, worst = perfect(horizon, int(np.median(scored[enough])) + horizon)
    print(f"  faultless forecasts: {near:.1%} within 3 points, worst {RUN} hold {worst:.3f}")


def by_year(years, inside, loss, other):
    for year in np.unique(years):
        now = np.isfinite(other - loss) & (years == year)[:, None]
        if now.any():
            print(
                f"  {year}: skill {1 - loss[now].sum() / other[now].sum():+.2%},"
                f" {SHARE:.0%} holds {inside[now].mean():.3f}, n {now.sum()}"
            )


def report(whole, horizon, since, inputs):
    began = time.process_time()
    distributions = distribution.walk_forward(whole, horizon, since=since, inputs=inputs)
    rows = np.arange(since, len(whole.sessions))
    forecast = distributions.quantiles(rows)
    taken = time.process_time() - began
    y = whole.targets(horizon)
    reference = quantiles.trailing(y, horizon, rows)
    y = np.where(np.isfinite(reference[..., 0]), y[rows], np.nan)
    loss, other = interval_metrics.crps(y, forecast), interval_metrics.crps(y, reference)
    gain = other - loss
    both = np.isfinite(gain)
    skill = 1 - loss[both].sum() / other[both].sum()
    t = panel_t(gain, horizon)
    print(f"\nh={horizon}: {both.sum()} scored of {np.isfinite(y).sum()}, {taken:.2f} cpu s")
    print(f"CRPS skill {skill:+.2%}, panel t {t[0]:.1f} (wide), {t[1]:.1f} (narrow, HLN)")
    for share in INTERVALS:
        inside, past = (
            np.nanmean(interval_metrics.inside(y, f, share)) for f in (forecast, reference)
        )
        print(f"coverage {share:.0%}: {inside:.4f} ({inside - share:+.4f}), reference {past:.4f}")
    wide = [
        np.nanmean(np.where(both, interval_metrics.width(f, SHARE), np.nan))
        for f in (forecast, reference)
    ]
    print(f"mean {SHARE:.0%} width {wide[0]:.4f}, {wide[0] / wide[1]:.3f} of the reference's")
    inside = interval_metrics.inside(y, forecast, SHARE)
    by_state(inside, distributions.sigma[rows])
    by_ticker(inside, horizon)
    by_year(whole.sessions[rows].astype("datetime64[Y]"), inside, loss, other)


def main() -> None:
    clean = pl.read_parquet(sys.argv[1])
    if len(sys.argv) > 3:
        clean = clean.filter(pl.col("ticker").is_in(sys.argv[3].split(",")))
    whole = panel.build(clean, nse())
    first = sys.argv[2] if len(sys.argv) > 2 else "2019-01-01"
    since = int(np.searchsorted(whole.sessions, np.datetime64(first)))
    began = time.process_time()
    inputs = volatility.build_inputs(whole)
    print(f"{whole.close.shape}, inputs {time.process_time() - began:.2f} cpu s")
    for horizon in (1, 63):
        report(whole, horizon, since, inputs)


if __name__ == "__main__":
    main()
