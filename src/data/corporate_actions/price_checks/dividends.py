"""Find the stated dividends of one ticker that its prices make implausible.

A dividend is compared with its expected effect: the adjusted close takes it off the prices before
it, once, and the price falls by about as much on the ex-date. Prices are noisy, so they can only
contradict dividends far beyond an ordinary day's move. Nothing is corrected here, since a person
has to decide which of two numbers is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np
import polars as pl

from src.core.arrays import Days, Floats

SCHEMA = pl.Schema({"date": pl.Date, "amount": pl.Float64, "why": pl.String})

# adj_close may take off this much more or less than the dividend: vendors round, and some divide
# by another close than the one before.
ADJUSTMENT_TOLERANCE = 0.1
# An ordinary day's move is at least this: the price of a share that hardly trades proves little.
LEAST_NOISE = 0.01
# A tenth of the price is a large dividend, and so is four times the median of the others.
LARGE_YIELD, LARGE_TO_OTHERS, LEAST_OTHERS = 0.10, 4.0, 3
# By how many ordinary moves the price has to miss the expected fall; fewer are needed where the
# other dividends speak against this one too.
MISSED_FALL, MISSED_FALL_OUTLIER = 5.0, 3.0
# Real dividends move the price by about their size; one of a hundredth of the move is stated in
# another unit (pence for pounds) when the move is at least this many ordinary ones.
UNIT, UNIT_TOLERANCE, UNUSUAL_FALL = 100.0, 1.5, 5.0
# One dividend stated for two dates; funds that pay weekly are seven days apart.
NEAR = np.timedelta64(6, "D")


@dataclass(frozen=True, slots=True)
class _Effects:
    """What the bars show of each dividend, as arrays over the dividends.

    Attributes:
        stated: Sum of all amounts stated for the bar, which may be more than one dividend.
        before: The close before; nan where there is no bar before or none from the ex-date on.
        deducted: What adj_close takes off that close; nan where it cannot be known.
        rounding: How far ``deducted`` may be off by the rounding of adj_close alone.
        fall: Log return of the ex-date, falling counted as positive.
        noise: Standard deviation of an ordinary log return.
    """

    stated: Floats
    before: Floats
    deducted: Floats
    rounding: Floats
    fall: Floats
    noise: float

    @property
    def yields(self) -> Floats:
        return self.stated / self.before

    @property
    def expected_fall(self) -> Floats:
        """Log return, falling counted as positive, that the stated dividend causes by itself."""
        return -np.log1p(-np.minimum(self.yields, 0.99))


def implausible_dividends(bars: pl.DataFrame, stated: pl.DataFrame) -> pl.DataFrame:
    """The stated dividends that contradict adj_close, the price or each other, in date order.

    Args:
        bars: one ticker in date order: date, close (split-adjusted only) and, where the vendor
            has one, adj_close. Bars without a close are passed over.
        stated: date (ex-date) and amount, in the basis of close. Amounts of zero, and ex-dates
            that the bars do not surround, are compared with the other dividends alone, or not.

    Returns:
        date, amount, why: the first of the reasons, as one clause of a sentence.
    """
    stated = stated.filter(_is_positive("amount")).sort("date")
    if stated.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    amounts = stated["amount"].to_numpy().astype(np.float64)
    days = stated["date"].to_numpy()
    effects = _effects(bars.filter(_is_positive("close")), days, amounts)
    checks = zip(
        _differs_from_adj_close(effects),
        _stated_twice(effects, days, amounts),
        _differs_from_fall(effects, amounts),
        strict=True,
    )
    reasons = [next(filter(None, clauses), "") for clauses in checks]
    why = pl.Series("why", [reason or None for reason in reasons], dtype=pl.String)
    return stated.select("date", "amount", why).cast(SCHEMA).filter(pl.col("why").is_not_null())


def _is_positive(name: str) -> pl.Expr:
    return pl.col(name).is_between(0, inf, closed="none")


def _effects(bars: pl.DataFrame, days: Days, amounts: Floats) -> _Effects:
    dates = bars["date"].to_numpy()
    rows = np.searchsorted(dates, days)
    has_bars = (rows > 0) & (rows < dates.size)
    rows = np.where(has_bars, rows, dates.size)
    close, adjusted = _column(bars, "close"), _column(bars, "adj_close")
    ratio = np.where(adjusted > 0, adjusted, np.nan) / close
    moves = np.diff(np.log(close), prepend=np.nan)
    deducted = 1 - np.append(np.nan, ratio[:-1]) / ratio
    before = np.append(np.append(np.nan, close[:-1]), np.nan)[rows]
    return _Effects(
        stated=np.where(has_bars, np.bincount(rows, weights=amounts)[rows], amounts),
        before=before,
        deducted=np.append(deducted, np.nan)[rows] * before,
        rounding=before * _rounding(np.delete(deducted, rows[has_bars])),
        fall=-np.append(moves, np.nan)[rows],
        noise=_noise(moves[1:]),
    )


def _column(bars: pl.DataFrame, name: str) -> Floats:
    if name not in bars.columns:
        return np.full(bars.height, np.nan)
    return bars[name].cast(pl.Float64).fill_null(np.nan).to_numpy()


def _rounding(deducted: Floats) -> float:
    """How much adj_close / close varies where nothing is paid; single precision at least."""
    errors = np.abs(deducted[np.isfinite(deducted)])
    return max(1e-6, 2 * float(np.quantile(errors, 0.95)) if errors.size else 0.0)


def _noise(moves: Floats) -> float:
    if not moves.size:
        return LEAST_NOISE
    return max(LEAST_NOISE, 1.4826 * float(np.median(np.abs(moves - np.median(moves)))))


def _differs_from_adj_close(effects: _Effects) -> list[str]:
    """adj_close takes off another amount: none, twice, capital gains too, another unit."""
    error = np.abs(effects.deducted - effects.stated)
    differs = error > ADJUSTMENT_TOLERANCE * effects.stated + effects.rounding
    return [
        f"the adjusted close takes off {max(deducted, 0.0):.4g}, not {amount:.4g}" if bad else ""
        for deducted, amount, bad in zip(effects.deducted, effects.stated, differs, strict=True)
    ]


def _stated_twice(effects: _Effects, days: Days, amounts: Floats) -> list[str]:
    """The amount is stated for a date nearby; the date on which the price fell more is the true."""
    reasons = [""] * days.size
    clear = MISSED_FALL_OUTLIER * effects.noise
    is_repeated = np.isclose(amounts[1:], amounts[:-1], rtol=1e-4) & (np.diff(days) <= NEAR)
    for earlier in map(int, np.flatnonzero(is_repeated)):
        later = earlier + 1
        later_is_true = effects.fall[later] - effects.fall[earlier] > clear
        false, true = (earlier, later) if later_is_true else (later, earlier)
        reasons[false] = f"the same amount is stated for {days[true]}"
    return reasons


def _differs_from_fall(effects: _Effects, amounts: Floats) -> list[str]:
    """The price did not fall for a large dividend, or fell about a hundred times a small one."""
    missing = effects.expected_fall - effects.fall
    is_outlier = np.array([_is_outlier(amounts, row) for row in range(amounts.size)])
    needed = np.where(is_outlier, MISSED_FALL_OUTLIER, MISSED_FALL) * effects.noise
    is_large = is_outlier | (effects.yields >= LARGE_YIELD)
    # A small fall is lost in any day's move, and its absence says nothing.
    is_felt = effects.expected_fall > effects.noise
    is_missed = (effects.fall < effects.expected_fall / 2) & (missing > needed)
    too_large = is_large & is_felt & is_missed
    unit_error = np.abs(np.log(np.maximum(effects.fall, 1e-12) / (UNIT * effects.yields)))
    is_other_unit = unit_error < np.log(UNIT_TOLERANCE)
    too_small = is_other_unit & (effects.fall > UNUSUAL_FALL * effects.noise)
    return [
        f"it is {share:.1%} of the price, which moved {np.expm1(-fall):+.1%}" if bad else ""
        for share, fall, bad in zip(
            effects.yields, effects.fall, too_large | too_small, strict=True
        )
    ]


def _is_outlier(amounts: Floats, row: int) -> bool:
    others = np.delete(amounts, row)
    return others.size >= LEAST_OTHERS and amounts[row] >= LARGE_TO_OTHERS * np.median(others)
