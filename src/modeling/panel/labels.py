"""Label each feature row with the return that followed it, and count the rows without a label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import polars as pl

    from src.core.calendars.calendar import Calendar

Days = npt.NDArray[np.datetime64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

NOT_FEATURES = ("ticker", "date", "close", "warm_up", "source", "features_version")
LEADING = ("ticker", "date", "label_end", "target", "source", "features_version")
# A row is counted under the first reason that applies.
EXCLUSIONS = ("warm_up", "incomplete", "label_missing", "label_open", "pending_jump")
# More days than any date has, so that (ticker, day) fits one sortable integer.
_SPAN = 2**20


@dataclass(frozen=True)
class Dataset:
    """Rows that may train or score.

    Attributes:
        frame: ``ticker, date, label_end, target, features_version`` and the features in the
            order they came in; sorted by ticker and date. ``target`` is a simple return.
        counts: ``rows_in``, one number per name in ``EXCLUSIONS``, and ``rows``; the
            exclusions and ``rows`` sum to ``rows_in``.
    """

    frame: pl.DataFrame
    counts: dict[str, int]

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the feature columns, in order."""
        return tuple(name for name in self.frame.columns if name not in LEADING)


@dataclass(frozen=True)
class _Bars:
    """The clean bars of all tickers, sorted by ticker and date.

    ``pending`` has one element more than there are bars: how many pending jumps came before.
    """

    keys: Ints
    days: Ints
    adj_close: npt.NDArray[np.float64]
    pending: Ints
    first: Ints
    last: Ints

    def find(self, keys: Ints) -> Ints:
        """Position of the usable bar with each key, -1 where there is none."""
        at = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        price = self.adj_close[at]
        usable = (self.keys[at] == keys) & np.isfinite(price) & (price > 0)
        return np.where(usable, at, -1)


def build(
    features: pl.DataFrame,
    clean: pl.DataFrame,
    *,
    horizon: int,
    feature_window: int,
    calendar: Calendar,
) -> Dataset:
    """Join each feature row to the return that followed it, for one or many tickers.

    target = adj_close(label_end) / adj_close(date) - 1, where label_end lies ``horizon``
    sessions after date by the calendar, so that a missing bar never moves a label.

    Args:
        features: ``NOT_FEATURES`` and the feature columns; one row per (ticker, date).
        clean: ``ticker, date, adj_close, action_pending``; one row per (ticker, date).
        horizon: Sessions from a row to its label, at least 1.
        feature_window: Sessions that the longest feature looks back on, the row's included.
        calendar: The exchange's sessions.

    Raises:
        ValueError: For a horizon or window below 1, or a frame without feature columns.
    """
    import polars as pl

    names = [name for name in features.columns if name not in NOT_FEATURES]
    if horizon < 1 or feature_window < 1 or not names:
        raise ValueError("a dataset needs a horizon and a window of at least 1, and features")
    rows = features.sort("ticker", "date")
    ends = _label_ends(rows["date"].to_numpy().astype("datetime64[D]"), horizon, calendar)
    excluded, target = _exclusions(*_coded(rows, clean), _days(rows), ends, feature_window)
    complete = pl.all_horizontal(pl.col(names).is_finite().fill_null(False))
    excluded["warm_up"] = rows["warm_up"].fill_null(True).to_numpy()
    excluded["incomplete"] = ~rows.select(complete).to_series().to_numpy()
    included = len(EXCLUSIONS)
    reason = np.select([excluded[name] for name in EXCLUSIONS], range(included), included)
    frame = (
        rows.with_columns(label_end=pl.Series(ends), target=pl.Series(target))
        .filter(pl.Series(reason == included))
        .select(*LEADING, *names)
    )
    counts = np.bincount(reason, minlength=included + 1).tolist()
    by_reason = dict(zip((*EXCLUSIONS, "rows"), counts, strict=True))
    return Dataset(frame, {"rows_in": rows.height} | by_reason)


def _days(frame: pl.DataFrame) -> Ints:
    return frame["date"].to_numpy().astype("datetime64[D]").astype(np.int64)


def _coded(rows: pl.DataFrame, clean: pl.DataFrame) -> tuple[Ints, _Bars]:
    """The tickers of ``rows`` as numbers (-1: no bar at all), and the bars under those numbers."""
    import polars as pl

    clean = clean.sort("ticker", "date")
    tickers = pl.Enum(clean["ticker"].unique(maintain_order=True))

    def coded(column: pl.Series) -> Ints:
        codes: Any = column.cast(tickers, strict=False).to_physical().cast(pl.Int64)
        return np.asarray(codes.fill_null(-1).to_numpy(), dtype=np.int64)

    codes, days = coded(clean["ticker"]), _days(clean)
    pending = clean["action_pending"].fill_null(False).to_numpy()
    every = np.arange(len(tickers.categories))
    bars = _Bars(
        keys=codes * _SPAN + days,
        days=days,
        adj_close=clean["adj_close"].cast(pl.Float64).fill_null(np.nan).to_numpy(),
        pending=np.concatenate(([0], np.cumsum(pending, dtype=np.int64))),
        first=np.searchsorted(codes, every, side="left"),
        last=np.searchsorted(codes, every, side="right") - 1,
    )
    return coded(rows["ticker"]), bars


def _label_ends(dates: Days, horizon: int, calendar: Calendar) -> Days:
    """The session ``horizon`` sessions on; not-a-time where the date itself is no session."""
    distinct, inverse = np.unique(dates, return_inverse=True)
    ends = np.full(len(distinct), np.datetime64("NaT"), dtype="datetime64[D]")
    # Prices older than the calendar have no known sessions ahead of them either.
    traded = distinct >= np.datetime64(calendar.covered_from, "D")
    traded[traded] = calendar.session_ids(distinct[traded]) >= 0
    ends[traded] = calendar.ahead_many(distinct[traded], horizon)
    return ends[inverse]


def _exclusions(
    codes: Ints, bars: _Bars, days: Ints, ends: Days, window: int
) -> tuple[dict[str, Bools], npt.NDArray[np.float64]]:
    """Which rows are excluded by their label, by reason, and the label itself."""
    target = np.full(len(codes), np.nan)
    if not len(bars.keys):
        missing = np.ones(len(codes), dtype=bool)
        return {
            "label_missing": missing,
            "label_open": ~missing,
            "pending_jump": ~missing,
        }, target
    end_days = np.where(np.isnat(ends), -1, ends.astype(np.int64))
    start, end = bars.find(codes * _SPAN + days), bars.find(codes * _SPAN + end_days)
    based = (start >= 0) & (end_days > days)
    is_open = based & (end_days > bars.days[bars.last[codes]])
    usable = based & (end >= 0)
    target[usable] = bars.adj_close[end[usable]] / bars.adj_close[start[usable]] - 1
    # The window is counted in bars, as features are, up to the row's own session; the label
    # follows it, so that one count covers both.
    since = np.maximum(start - window + 1, bars.first[codes])
    jumps = bars.pending[np.where(usable, end, 0) + 1] - bars.pending[np.where(usable, since, 0)]
    return {
        "label_missing": ~usable & ~is_open,
        "label_open": is_open,
        "pending_jump": usable & (jumps > 0),
    }, target
