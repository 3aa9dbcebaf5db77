"""Score logged forecasts against their outcomes, per model.

A model counts once per ticker and session, by its first forecast: a repeated run adds nothing.
What was served and the candidate that was shown beside it, a shadow, are kept apart; what the
challengers of trials forecast is not scored here. A forecast made after the close that decided it,
from prices that were brought in late, is left out: the pool may have known what followed. So is
one that was withdrawn, by a rollback or a new training, before the next session closed: of the
versions of that evening, told apart by digest, the one that was live then counts.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from src.core.calendars.exchanges import calendar_of, exchange_of
from src.modeling.intervals.quantiles import INTERVALS

if TYPE_CHECKING:
    from src.core.calendars.exchange import Exchange
    from src.db.tables.scores import ScoreLog

Row = Mapping[str, Any]

SERVED, SHADOW = "served", "shadow"
POOLED = ""
_ORDER = ("kind", "horizon", "sessions", "ticker", "model")
# A forecast may have been made some days after its session, over a weekend or a holiday.
MARGIN = dt.timedelta(days=14)
_ENDS = [((1 - share) / 2, (1 + share) / 2) for share in INTERVALS]


def scoreboard(log: ScoreLog, ticker: str | None = None) -> list[dict[str, Any]]:
    """One row for each kind, horizon, ticker and model; ticker ``""`` is all real ones.

    Row keys: kind (``served`` or ``shadow``), horizon, sessions (ahead), ticker, tickers, model,
    versions (sets that forecast under that name), first and last (sessions forecast from), n,
    n_eff (sessions over the horizon, at least 1), mae, mae_zero (on the same rows), skill
    (1 - mae / mae_zero, None where zero never erred), coverage (share of outcomes inside by level,
    of the ``coverage_n`` rows with a distribution), direction and base_rate (share of right signs,
    and of the more common one; None without a forecast that has a sign).

    Args:
        log: What was forecast, and what came true.
        ticker: Whose forecasts are scored; None for all.
    """
    with log.one_snapshot():
        spans = log.spans(ticker)
        sums = log.sums(ticker, _calendars(spans), _all_sessions(spans), _ENDS)
    return [_scores(row) for row in sorted(sums, key=_sort_key)]


def scored_forecasts(
    log: ScoreLog,
    horizon: tuple[str, int],
    since: dt.date,
    tickers: Collection[str],
    ticker: str | None = None,
) -> list[tuple[Any, ...]]:
    """The forecasts of some tickers that the scoreboard counts, one by one.

    Columns: kind, model, ticker, feature_date, realised, point, and the two ends of each interval
    in ``INTERVALS``; in the order of making.

    Args:
        log: What was forecast, and what came true.
        horizon: ``short`` or ``long``, and how many sessions ahead that is.
        since: The first feature date.
        tickers: Those that are wanted.
        ticker: The only one, where there is one.
    """
    with log.one_snapshot():
        spans = {name: span for name, span in log.spans(ticker).items() if name in tickers}
        calendars, sessions = _calendars(spans), _all_sessions(spans)
        return log.forecasts(horizon, since, calendars, sessions, _ENDS, ticker)


def _calendars(names: Iterable[str]) -> dict[str, str]:
    """The code of each ticker's exchange."""
    return {name: exchange_of(name).code for name in names}


def _all_sessions(
    spans: Mapping[str, tuple[dt.date, dt.date]],
) -> list[tuple[str, dt.date, dt.datetime]]:
    """Exchange, date and close of every session in the spans of its tickers."""
    groups: dict[Exchange, list[str]] = defaultdict(list)
    for name in spans:
        groups[exchange_of(name)].append(name)
    return [
        (exchange.code, *session)
        for exchange, names in groups.items()
        for session in _sessions(exchange, [spans[name] for name in names])
    ]


def _sessions(
    exchange: Exchange, spans: Sequence[tuple[dt.date, dt.date]]
) -> Iterator[tuple[dt.date, dt.datetime]]:
    """Every session of these spans with its close, and of some days around them."""
    calendar = calendar_of(exchange)
    first = max(min(start for start, _ in spans) - MARGIN, calendar.covered_from)
    for day in calendar.sessions(first, max(end for _, end in spans) + MARGIN):
        yield day, calendar.hours(day).closes


def _sort_key(row: Row) -> tuple[Any, ...]:
    """Served first, the near horizon first, all tickers together first."""
    return (row["kind"] != SERVED, row["horizon"] != "short", *(row[name] for name in _ORDER[2:]))


def _scores(sums: Row) -> dict[str, Any]:
    """A row of the scoreboard from its sums."""
    signed, rises = sums["signed"], sums["rises"]
    return {
        **{name: sums[name] for name in (*_ORDER, "tickers", "versions", "first", "last", "n")},
        "n_eff": max(1.0, sums["dates"] / sums["sessions"]),
        "mae": sums["mae"],
        "mae_zero": sums["mae_zero"],
        "skill": 1 - sums["mae"] / sums["mae_zero"] if sums["mae_zero"] > 0 else None,
        "coverage": {
            f"{share:g}": sums[f"inside_{place}"] / sums[f"known_{place}"]
            for place, share in enumerate(INTERVALS)
            if sums[f"known_{place}"]
        },
        "coverage_n": sums["coverage_n"],
        "direction": sums["right_signs"] / signed if signed else None,
        "base_rate": max(rises, signed - rises) / signed if signed else None,
    }
