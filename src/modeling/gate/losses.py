"""Paired forecasts and realised outcomes in; cumulative losses out.

They are cumulated over sessions, so that the gate's numbers of any past day cost a few passes over
the rows before it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from src.modeling.evaluation import hac

Floats = npt.NDArray[np.float64]

LOSSES = ("absolute", "squared")


class Book(NamedTuple):
    """Cumulative sums of losses; row 0 is before the first session.

    Attributes:
        references: What the challenger is compared with: zero, and the champion unless it is zero.
        panel: Loss differences (reference less challenger) averaged over the tickers of a date;
            (T + 1, references, losses).
        tickers: Absolute-loss differences of each ticker; (T + 1, references, N).
        errors: Absolute errors of each reference; (T + 1, references, N).
        moments: Pairs, outcomes, their squares, forecasts, their squares; (T + 1, 5).
    """

    references: tuple[str, ...]
    panel: hac.Sums
    tickers: hac.Sums
    errors: Floats
    moments: Floats

    def against_zero(self) -> Book:
        """The same pairs with zero as the only reference."""
        return Book(
            self.references[:1],
            hac.Sums(self.panel.values[:, :1], self.panel.counts),
            hac.Sums(self.tickers.values[:, :1], self.tickers.counts),
            self.errors[:, :1],
            self.moments,
        )


def spread(
    dates: npt.NDArray[np.datetime64], tickers: npt.NDArray[np.str_], *columns: Floats
) -> list[Floats]:
    """Long columns, a row a date and ticker, as matrices: ascending dates by ascending tickers.

    Raises:
        ValueError: For a date and ticker given twice.
    """
    days, row = np.unique(dates, return_inverse=True)
    names, column = np.unique(tickers, return_inverse=True)
    place = row * names.size + column
    if np.unique(place).size < place.size:
        raise ValueError("each ticker may have one forecast a date")
    made = [np.full(days.size * names.size, np.nan) for _ in columns]
    for matrix, values in zip(made, columns, strict=True):
        matrix[place] = values
    return [matrix.reshape(days.size, names.size) for matrix in made]


def book(actual: Floats, challenger: Floats, champion: Floats | None = None) -> Book:
    """Losses of (T, N) pairs; a cell with any of the three missing is no pair.

    Raises:
        ValueError: For matrices of different shapes.
    """
    given = {"zero": np.zeros_like(actual)}
    if champion is not None and np.any(champion != 0):
        given["champion"] = champion
    if actual.ndim != 2 or any(one.shape != actual.shape for one in (challenger, *given.values())):
        raise ValueError(
            "outcomes and forecasts must be matrices of one shape, sessions by tickers"
        )
    known = np.isfinite(actual) & np.isfinite(challenger)
    for one in given.values():
        known &= np.isfinite(one)
    y, f = np.where(known, actual, 0.0), np.where(known, challenger, 0.0)
    ours, theirs = np.abs(y - f), np.stack([np.abs(y - one) for one in given.values()], axis=1)
    theirs = np.where(known[:, None], theirs, 0.0)
    gains = theirs - ours[:, None]
    cells = known.sum(axis=1)
    per_date = (
        np.stack([gains.sum(axis=2), (theirs**2 - ours[:, None] ** 2).sum(axis=2)], axis=2)
        / np.maximum(cells, 1)[:, None, None]
    )
    moments = np.stack([cells, *(one.sum(axis=1) for one in (y, y * y, f, f * f))], axis=1)
    return Book(
        tuple(given),
        hac.Sums(_cumulated(per_date), _cumulated((cells > 0)[:, None, None])),
        hac.Sums(_cumulated(gains), _cumulated(known[:, None])),
        _cumulated(theirs),
        _cumulated(moments),
    )


def _cumulated(rows: npt.NDArray[np.generic]) -> Floats:
    out = np.zeros((len(rows) + 1, *rows.shape[1:]))
    np.cumsum(rows, axis=0, out=out[1:])
    return out
