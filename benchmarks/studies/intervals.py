"""Intervals walked forward on real prices: how often outcomes fall inside, and how narrow they are.

Run: python -m benchmarks.studies.intervals CLEAN.parquet [TICKER,...]. CLEAN holds rows of
raw_daily_prices_clean. Prints figures; nothing is asserted. Coverage is shown with the bound that
chance allows it at 5 % (HAC, fixed b); CRPS beside quantiles of each ticker's last 500 outcomes.
"""

import datetime as dt
import sys
import time

import numpy as np
import polars as pl

from src.config.sections.results import FeatureSettings
from src.core.calendars.nse import nse
from src.features.catalogue import time_series_features
from src.features.labels import label_rows
from src.features.ticker_features import compute
from src.modeling.evaluation import hac, interval_metrics
from src.modeling.intervals import distribution, quantiles, volatility
from src.modeling.intervals.quantiles import INTERVALS
from src.modeling.panel import assemble
from src.modeling.panel.panel import mean_by_date

HORIZONS = (1, 63)
# Kiefer-Vogelsang (2005), table 1, Bartlett's kernel at 2.5 %: both sides together are 5 %.
TWO_SIDED = (1.9600, 2.9694, 0.4160, -0.5324)
# Rows of the prices, and the years of the forecasts that are scored.
UNIVERSES = (
    ("all tickers", pl.lit(value=True), ((2019, 2100),)),
    ("source upstox alone", pl.col("source") == "upstox", ((2023, 2100),)),
    ("cut to begin in 2018", pl.col("date") >= dt.date(2018, 1, 1), ((2019, 2100), (2020, 2021))),
)


def build_panel(clean):
    """The panel that the pipeline would have stored of these clean rows."""
    features = compute(clean.sort("ticker", "date"), FeatureSettings())
    labels = {horizon: label_rows(features, horizon, nse()) for horizon in HORIZONS}
    names = [feature.name for feature in time_series_features()]
    return assemble.build(features, names, labels, nse())


def by_date(values):
    """Sums over the tickers of a date, so that their mean is the mean of all values; (T,)."""
    counts = np.isfinite(values).sum(axis=1)
    sums = np.nansum(values, axis=1)
    return np.where(counts > 0, sums / counts[counts > 0].mean(), np.nan)


def chance(differences, horizon):
    """How far the mean may lie from the truth by chance, at 5 %."""
    test = hac.mean_test(differences, horizon)
    limit = sum(c * float(test.b) ** power for power, c in enumerate(TWO_SIDED))
    return limit * float(test.noise) / np.sqrt(float(test.n))


def coverage(y, forecast, share, horizon):
    inside = interval_metrics.inside(y, forecast, share)
    mean = np.nanmean(inside)
    bound = chance(by_date(inside - mean), horizon)
    verdict = "" if abs(mean - share) <= bound else " OUT"
    return (
        f"{share:.0%}: {mean:.1%} ({100 * (mean - share):+.1f}, bound {100 * bound:.1f}){verdict}"
    )


def by_state(y, forecast, sigma):
    """Share inside 90 % by thirds of the forecasts, by volatility over the ticker's median."""
    inside = interval_metrics.inside(y, forecast, 0.9)
    usual = np.full(sigma.shape[1], np.nan)
    listed = np.isfinite(sigma).any(axis=0)
    usual[listed] = np.nanmedian(sigma[:, listed], axis=0)
    ratio = np.where(np.isfinite(inside), sigma / usual, np.nan)
    low, high = np.nanquantile(ratio, [1 / 3, 2 / 3])
    states = (ratio <= low, (ratio > low) & (ratio < high), ratio >= high)
    return ", ".join(f"{np.nanmean(inside[state]):.1%}" for state in states)


def period(y, forecast, reference, sigma, horizon):
    """The figures of one period; outcomes and sigma (R, N), forecasts (R, N, K)."""
    loss, other = interval_metrics.crps(y, forecast), interval_metrics.crps(y, reference)
    both = np.isfinite(other - loss)
    skill = 1 - loss[both].sum() / other[both].sum()
    t = hac.mean_test(mean_by_date(other - loss), horizon).t
    widths = [np.mean(interval_metrics.width(of, 0.9)[both]) for of in (forecast, reference)]
    print(
        f"  {both.sum():,} scored of {np.isfinite(y).sum():,}; CRPS {skill:+.2%} (t {t:.1f});"
        f" 90 % is {widths[0] / widths[1]:.3f} as wide as the reference's"
    )
    print("  " + "   ".join(coverage(y, forecast, share, horizon) for share in INTERVALS))
    print(f"  inside 90 % when calm, usual, wild: {by_state(y, forecast, sigma)}")


def by_year(years, y, forecast, reference):
    loss, other = interval_metrics.crps(y, forecast), interval_metrics.crps(y, reference)
    inside = interval_metrics.inside(y, forecast, 0.9)
    for year in np.unique(years):
        now = np.isfinite(other - loss) & (years == year)[:, None]
        if now.any():
            skill = 1 - loss[now].sum() / other[now].sum()
            print(f"    {year}: CRPS {skill:+.2%}, inside 90 % {inside[now].mean():.1%}")


def report(whole, horizon, periods, inputs):
    years = whole.sessions.astype("datetime64[Y]").astype(int) + 1970
    rows = np.flatnonzero(years >= periods[0][0])
    began = time.process_time()
    forecasts = distribution.walk_forward(whole, horizon, since=int(rows[0]), inputs=inputs)
    taken = time.process_time() - began
    y, years = whole.targets(horizon), years[rows]
    reference, forecast = quantiles.trailing(y, horizon, rows), forecasts.quantiles(rows)
    y, sigma = y[rows], forecasts.sigma[rows]
    print(f"\n{horizon} session(s) ahead, {taken:.2f} cpu s")
    for first, last in periods:
        print(f" made {first} to {min(last, years[-1])}")
        chosen = (years >= first) & (years <= last)
        period(*(part[chosen] for part in (y, forecast, reference, sigma)), horizon)
    by_year(years, y, forecast, reference)


def main() -> None:
    clean = pl.read_parquet(sys.argv[1])
    if len(sys.argv) > 2:
        clean = clean.filter(pl.col("ticker").is_in(sys.argv[2].split(",")))
    for name, chosen, periods in UNIVERSES:
        rows = clean.filter(chosen)
        if rows.is_empty():
            continue
        whole = build_panel(rows)
        began = time.process_time()
        inputs = volatility.build_inputs(whole)
        taken = time.process_time() - began
        print(f"\n== {name}: {whole.close.shape[1]} tickers, inputs {taken:.2f} cpu s")
        for horizon in HORIZONS:
            report(whole, horizon, periods, inputs)


if __name__ == "__main__":
    main()
