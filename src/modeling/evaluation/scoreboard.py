"""Score logged forecasts against their outcomes, per model.

A model counts once per ticker and session, by its first forecast: a repeated run adds nothing.
Served and shadow forecasts are kept apart. A forecast made after the close that decided it, from
prices that were brought in late, is left out: the pool may have known what followed. So is one
that was withdrawn, by a rollback or a new training, before the next session closed: of the
versions of that evening, told apart by digest, the one that was live then counts.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from src.core.arrays import Floats
from src.core.calendars.calendar import NotASession
from src.core.calendars.exchanges import calendar_of, close_of, exchange_of
from src.modeling.evaluation import point_metrics
from src.modeling.evaluation.interval_metrics import inside
from src.modeling.intervals.quantiles import INTERVALS

Row = Mapping[str, Any]

SERVED, SHADOW = "served", "shadow"
POOLED = ""
_ORDER = ("kind", "horizon", "sessions", "ticker", "model")


def scoreboard(scored: Iterable[Row]) -> list[dict[str, Any]]:
    """One row for each kind, horizon, ticker and model; ticker ``""`` is all real ones.

    Row keys: kind (``served`` or ``shadow``), horizon, sessions (ahead), ticker, tickers, model,
    versions (sets that forecast under that name), first and last (sessions forecast from), n,
    n_eff (sessions over the horizon, at least 1), mae, mae_zero (on the same rows), skill
    (1 - mae / mae_zero, None where zero never erred), coverage (share of outcomes inside by level,
    of the ``coverage_n`` rows with a distribution), direction and base_rate (share of right signs,
    and of the more common one; None without a forecast that has a sign).

    Args:
        scored: ``ForecastLog.scored``.
    """
    groups: dict[tuple[Any, ...], dict[tuple[Any, ...], Row]] = defaultdict(dict)
    counted = (row for row in scored if _made_in_time(row) and _stood(row))
    for row in sorted(counted, key=lambda row: row["made_at"]):
        for kind, model, point in _forecasts(row):
            scored_row = {**row, "scored_point": point}
            position = row["ticker"], row["feature_date"]
            for ticker in _groups(row):
                key = kind, row["horizon"], row["sessions"], ticker, model
                groups[key].setdefault(position, scored_row)
    return [
        {**dict(zip(_ORDER, key, strict=True)), **_measured(list(groups[key].values()))}
        for key in sorted(groups, key=_sort_key)
    ]


def _made_in_time(row: Row) -> bool:
    """Whether a forecast was made before the close that decided it."""
    try:
        return bool(row["made_at"] < close_of(row["ticker"], row["label_end"]))
    except NotASession:
        # The calendar was corrected since.
        return bool(row["made_at"].date() < row["label_end"])


def _stood(row: Row) -> bool:
    """Whether a served forecast's version was live when the session after it was made closed.

    A version that the audit does not name was not withdrawn by anything that is known.
    """
    if row["kind"] != SERVED or not row["live_from"]:
        return True
    closed = _next_close(row["ticker"], row["made_at"])
    return any(
        start < closed and (end is None or end >= closed)
        for start, end in zip(row["live_from"], row["live_until"], strict=True)
    )


@lru_cache(maxsize=4096)
def _next_close(ticker: str, at: dt.datetime) -> dt.datetime:
    """When the first session that is still open, or to come, at a time closes."""
    calendar = calendar_of(exchange_of(ticker))
    return calendar.hours(calendar.next_session(calendar.last_closed(at))).closes


def _groups(row: Row) -> tuple[str, ...]:
    """The tickers under which a row counts: synthetic prices do not count for the pool."""
    return (row["ticker"],) if row["data_source"] == "sample" else (row["ticker"], POOLED)


def _forecasts(row: Row) -> list[tuple[str, str, float]]:
    """Kind, model and point of every forecast in a row."""
    forecasts = [(row["kind"], row["model"], row["point"])]
    if row["candidate"] is not None and row["candidate"] != row["model"]:
        forecasts.append((SHADOW, row["candidate"], row["candidate_point"]))
    return forecasts


def _sort_key(key: tuple[Any, ...]) -> tuple[Any, ...]:
    """Served first, the near horizon first, all tickers together first."""
    kind, horizon, sessions, ticker, model = key
    return kind != SERVED, horizon != "short", sessions, ticker, model


def _measured(rows: Sequence[Row]) -> dict[str, Any]:
    actual = np.array([row["realised_return"] for row in rows], dtype=np.float64)
    points = np.array([row["scored_point"] for row in rows], dtype=np.float64)
    dates = np.array([row["feature_date"] for row in rows], dtype="datetime64[D]")
    right, base = point_metrics.direction(actual, points)
    return {
        "tickers": len({row["ticker"] for row in rows}),
        "versions": len({row["version"] for row in rows}),
        "first": dates.min().item(),
        "last": dates.max().item(),
        "n": len(rows),
        "n_eff": point_metrics.effective_n(dates, max(row["sessions"] for row in rows)),
        "mae": point_metrics.mae(actual, points),
        "mae_zero": point_metrics.mae(actual, np.zeros_like(actual)),
        "skill": point_metrics.skill(actual, points),
        **_coverage(rows),
        "direction": right,
        "base_rate": base,
    }


def _coverage(rows: Sequence[Row]) -> dict[str, Any]:
    grids: dict[tuple[float, ...], list[Row]] = defaultdict(list)
    for row in rows:
        grids[tuple(row["levels"])].append(row)
    grids.pop((), None)
    inside_by_share: dict[float, list[float]] = {share: [] for share in INTERVALS}
    for levels, of_grid in grids.items():
        actual = np.array([row["realised_return"] for row in of_grid], dtype=np.float64)
        quantiles = np.array([row["quantiles"] for row in of_grid], dtype=np.float64)
        for share in _shares(np.array(levels)):
            inside_by_share[share].extend(
                inside(actual, quantiles, share, np.array(levels)).tolist()
            )
    coverage = {
        f"{share:g}": float(np.mean(each)) for share, each in inside_by_share.items() if each
    }
    return {"coverage": coverage, "coverage_n": sum(len(of_grid) for of_grid in grids.values())}


def _shares(levels: Floats) -> list[float]:
    """The intervals that a grid has; the log may hold grids that are not used any more."""
    return [
        share
        for share in INTERVALS
        if all(np.isclose(levels, end).any() for end in ((1 - share) / 2, (1 + share) / 2))
    ]
