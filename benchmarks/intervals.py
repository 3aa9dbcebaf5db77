"""Intervals walked forward on real prices, beside quantiles of each ticker's last 500 outcomes.

Run: python -m benchmarks.intervals CLEAN.parquet [SINCE] [TICKER,...]. CLEAN holds rows of
raw_daily_prices_clean. Prints figures; nothing is asserted.
"""

import sys
import time

import numpy as np
import polars as pl

from src.core.sessions import nse
from src.modeling import crps, intervals, panel, quantiles, volatility

SCORED_FROM = 750
SHARE = 0.9


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


def report(given, horizon, since, inputs):
    began = time.process_time()
    made = intervals.walk_forward(given, horizon, since=since, inputs=inputs)
    rows = np.arange(since, len(given.sessions))
    ours = made.quantiles(rows)
    taken = time.process_time() - began
    y = given.targets(horizon)
    reference = quantiles.rolling(y, horizon, rows)
    y = np.where(np.isfinite(reference[..., 0]), y[rows], np.nan)
    loss, other = crps.crps(y, ours), crps.crps(y, reference)
    gain = other - loss
    both = np.isfinite(gain)
    skill = 1 - loss[both].sum() / other[both].sum()
    t = panel_t(gain, horizon)
    print(f"\nh={horizon}: {both.sum()} scored of {np.isfinite(y).sum()}, {taken:.2f} cpu s")
    print(f"CRPS skill {skill:+.2%}, panel t {t[0]:.1f} (wide), {t[1]:.1f} (narrow, HLN)")
    for share in crps.SHARES:
        held, theirs = (np.nanmean(crps.inside(y, f, share)) for f in (ours, reference))
        print(f"coverage {share:.0%}: {held:.4f} ({held - share:+.4f}), reference {theirs:.4f}")
    held = crps.inside(y, ours, SHARE)
    ratio = made.sigma[rows] / np.nanmedian(made.sigma[rows], axis=0)
    low, high = np.nanquantile(ratio[both], [1 / 3, 2 / 3])
    calm, wild = np.nanmean(held[ratio <= low]), np.nanmean(held[ratio >= high])
    print(f"90 % holds {calm:.4f} in calm, {wild:.4f} in wild sessions of each ticker")
    enough = both.sum(axis=0) >= SCORED_FROM
    each = np.nanmean(held[:, enough], axis=0)
    print(
        f"{enough.sum()} tickers: {np.mean(np.abs(each - SHARE) <= 0.03):.1%} within 3 points,"
        f" {each.min():.3f} to {each.max():.3f}"
    )
    wide = [np.nanmean(np.where(both, crps.width(f, SHARE), np.nan)) for f in (ours, reference)]
    print(f"mean 90 % width {wide[0]:.4f}, {wide[0] / wide[1]:.3f} of the reference's")
    year = given.sessions[rows].astype("datetime64[Y]")
    for one in np.unique(year):
        now = both & (year == one)[:, None]
        if now.any():
            print(
                f"  {one}: skill {1 - loss[now].sum() / other[now].sum():+.2%},"
                f" 90 % holds {held[now].mean():.3f}, n {now.sum()}"
            )


def main() -> None:
    clean = pl.read_parquet(sys.argv[1])
    if len(sys.argv) > 3:
        clean = clean.filter(pl.col("ticker").is_in(sys.argv[3].split(",")))
    given = panel.build(clean, nse())
    first = sys.argv[2] if len(sys.argv) > 2 else "2019-01-01"
    since = int(np.searchsorted(given.sessions, np.datetime64(first)))
    began = time.process_time()
    inputs = volatility.inputs(given)
    print(f"{given.close.shape}, inputs {time.process_time() - began:.2f} cpu s")
    for horizon in (1, 63):
        report(given, horizon, since, inputs)


if __name__ == "__main__":
    main()
