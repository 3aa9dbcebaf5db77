"""Bars and stated dividends of one ticker in, the dividends that cannot be believed out; pure.

A dividend is held against what it should have done: the adjusted close takes it off the prices
before it, once, and the price falls by about as much on the ex-date. The price is a noisy witness:
it speaks only on dividends far beyond an ordinary day's move. Nothing is corrected here, since
which of two numbers is wrong is for a person to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]
SCHEMA = pl.Schema({"date": pl.Date, "amount": pl.Float64, "why": pl.String})

# adj_close may take off this much more or less than the dividend: vendors round, and some divide
# by another close than the one before.
TAKEN_OFF_ROOM = 0.1
# An ordinary day's move is at least this, so that a price that hardly trades is no exact witness.
LEAST_NOISE = 0.01
# A tenth of the price is a large dividend, and so is four times the median of the others.
LARGE_YIELD, LARGE_TO_OTHERS, LEAST_OTHERS = 0.10, 4.0, 3
# Ordinary moves by which the price failed to fall: fewer are needed where the others differ too.
UNFELT, UNFELT_BESIDE_OTHERS = 5.0, 3.0
# Real dividends move the price by about their size; a hundredth of the move is another unit.
UNIT, UNIT_ROOM, STARTLING = 100.0, 1.5, 5.0
# One dividend under two dates; funds that pay weekly are seven days apart.
NEAR = np.timedelta64(6, "D")


@dataclass(frozen=True, slots=True)
class _Witness:
    """What bars say of each dividend, as arrays over the dividends.

    Attributes:
        stated: All that is stated for the bar, which may be more than one dividend.
        before: The close before; nan where there is no bar before or none from the ex-date on.
        taken: What adj_close takes off that close; nan where it cannot be known.
        room: How far ``taken`` may be off by the rounding of adj_close alone.
        fall: Log return of the ex-date, falling counted as positive.
        noise: Standard deviation of an ordinary log return.
    """

    stated: Floats
    before: Floats
    taken: Floats
    room: Floats
    fall: Floats
    noise: float

    @property
    def yields(self) -> Floats:
        return self.stated / self.before

    @property
    def due(self) -> Floats:
        """Log return, falling positive, that the stated dividend makes by itself."""
        return -np.log1p(-np.minimum(self.yields, 0.99))


def doubtful_dividends(bars: pl.DataFrame, stated: pl.DataFrame) -> pl.DataFrame:
    """The stated dividends that adj_close, the price or each other contradict, in date order.

    Args:
        bars: one ticker in date order: date, close (split-adjusted only) and, where the vendor
            has one, adj_close. Bars without a close are passed over.
        stated: date (ex-date) and amount, in the basis of close. Amounts of zero, and ex-dates
            that the bars do not surround, are judged by the other dividends alone or not at all.

    Returns:
        date, amount, why: the first of the reasons, as one clause for a person.
    """
    stated = stated.filter(_is_positive("amount")).sort("date")
    if stated.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    amounts = stated["amount"].to_numpy().astype(np.float64)
    days = stated["date"].to_numpy().astype("datetime64[D]")
    witness = _witness(bars.filter(_is_positive("close")), days, amounts)
    reasons = _not_as_adjusted(witness)
    for others in (_stated_twice(witness, days, amounts), _unfelt(witness, amounts)):
        reasons = [first or other for first, other in zip(reasons, others, strict=True)]
    why = pl.Series("why", [reason or None for reason in reasons], dtype=pl.String)
    return stated.select("date", "amount", why).cast(SCHEMA).filter(pl.col("why").is_not_null())


def _is_positive(name: str) -> pl.Expr:
    return pl.col(name).is_between(0, inf, closed="none")


def _witness(bars: pl.DataFrame, days: Days, amounts: Floats) -> _Witness:
    dates = bars["date"].to_numpy().astype("datetime64[D]")
    rows = np.searchsorted(dates, days)
    seen = (rows > 0) & (rows < dates.size)
    rows = np.where(seen, rows, dates.size)
    close, adjusted = _column(bars, "close"), _column(bars, "adj_close")
    ratio = np.where(adjusted > 0, adjusted, np.nan) / close
    moves = np.diff(np.log(close), prepend=np.nan)
    off = 1 - np.append(np.nan, ratio[:-1]) / ratio
    before = np.append(np.append(np.nan, close[:-1]), np.nan)[rows]
    return _Witness(
        stated=np.where(seen, np.bincount(rows, weights=amounts)[rows], amounts),
        before=before,
        taken=np.append(off, np.nan)[rows] * before,
        room=before * _rounding(np.delete(off, rows[seen])),
        fall=-np.append(moves, np.nan)[rows],
        noise=_noise(moves[1:]),
    )


def _column(bars: pl.DataFrame, name: str) -> Floats:
    if name not in bars.columns:
        return np.full(bars.height, np.nan)
    return bars[name].cast(pl.Float64).fill_null(np.nan).to_numpy()


def _rounding(off: Floats) -> float:
    """How much adj_close / close wavers where nothing is paid; single precision at least."""
    off = np.abs(off[np.isfinite(off)])
    return max(1e-6, 2 * float(np.quantile(off, 0.95)) if off.size else 0.0)


def _noise(moves: Floats) -> float:
    if not moves.size:
        return LEAST_NOISE
    return max(LEAST_NOISE, 1.4826 * float(np.median(np.abs(moves - np.median(moves)))))


def _not_as_adjusted(seen: _Witness) -> list[str]:
    """adj_close takes off another amount: none, twice, capital gains too, another unit."""
    differs = np.abs(seen.taken - seen.stated) > TAKEN_OFF_ROOM * seen.stated + seen.room
    return [
        f"the adjusted close takes off {max(taken, 0.0):.4g}, not {amount:.4g}" if bad else ""
        for taken, amount, bad in zip(seen.taken, seen.stated, differs, strict=True)
    ]


def _stated_twice(seen: _Witness, days: Days, amounts: Floats) -> list[str]:
    """The amount stands under a date nearby; where the price fell clearly more is the true one."""
    reasons = [""] * days.size
    clear = UNFELT_BESIDE_OTHERS * seen.noise
    same = np.isclose(amounts[1:], amounts[:-1], rtol=1e-4) & (np.diff(days) <= NEAR)
    for earlier in map(int, np.flatnonzero(same)):
        later = earlier + 1
        later_is_true = seen.fall[later] - seen.fall[earlier] > clear
        false, true = (earlier, later) if later_is_true else (later, earlier)
        reasons[false] = f"the same amount is stated for {days[true]}"
    return reasons


def _unfelt(seen: _Witness, amounts: Floats) -> list[str]:
    """The price did not fall for a large dividend, or fell about a hundred times a small one."""
    missing = seen.due - seen.fall
    apart = np.array([_stands_apart(amounts, row) for row in range(amounts.size)])
    needed = np.where(apart, UNFELT_BESIDE_OTHERS, UNFELT) * seen.noise
    large = apart | (seen.yields >= LARGE_YIELD)
    too_large = large & (seen.fall < seen.due / 2) & (missing > needed)
    in_unit = np.abs(np.log(np.maximum(seen.fall, 1e-12) / (UNIT * seen.yields)))
    too_small = (in_unit < np.log(UNIT_ROOM)) & (seen.fall > STARTLING * seen.noise)
    return [
        f"it is {share:.1%} of the price, which moved {np.expm1(-fall):+.1%}" if bad else ""
        for share, fall, bad in zip(seen.yields, seen.fall, too_large | too_small, strict=True)
    ]


def _stands_apart(amounts: Floats, row: int) -> bool:
    others = np.delete(amounts, row)
    return others.size >= LEAST_OTHERS and amounts[row] >= LARGE_TO_OTHERS * np.median(others)
