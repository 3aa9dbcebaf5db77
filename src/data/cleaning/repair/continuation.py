"""Continue a series after its last bar from other sources, over the actions since then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from src.core.tables import OHLC
from src.data.cleaning.repair.fill_gaps import CandidateBars, Repair, fill_gaps
from src.data.corporate_actions.action import Action
from src.data.corporate_actions.adjust import divisors_after, shares_after


@dataclass(frozen=True)
class Continuation:
    """A series as it is after the actions since its last bar, and the bars that follow it."""

    bars: pl.DataFrame
    repairs: list[Repair]


def continue_series(
    bars: pl.DataFrame,
    gaps: Sequence[dt.date],
    candidates: Sequence[CandidateBars],
    actions: Sequence[Action],
) -> Continuation:
    """Fill the gaps after the last bar where a candidate agrees with the series up to there.

    The other sources' prices are adjusted for changes in shares since the last bar. Where the
    series is not yet, it is divided by them; dividends since then are taken off ``adj_close``.

    Args:
        bars: As of ``fill_gaps``, with all prices and the volume.
        gaps: The sessions after the last bar.
        candidates: As of ``fill_gaps``.
        actions: Those that are applied and dated after the last bar.
    """
    changes = [action for action in actions if action.divisor != 1]
    dividends = [action for action in actions if action.kind == "dividend"]
    if bars["price_basis"][0] == "total":
        # Its level after a dividend is another one, which nobody states.
        return Continuation(bars, fill_gaps(bars, gaps, candidates, [d.date for d in dividends]))
    repairs = fill_gaps(bars, gaps, candidates, [])
    if not repairs and changes:
        divided = _divided(bars, changes)
        repairs = fill_gaps(divided, gaps, candidates, [])
        bars = divided if repairs else bars
    return _without_dividends(Continuation(bars, repairs), dividends, changes)


def _divided(bars: pl.DataFrame, changes: Sequence[Action]) -> pl.DataFrame:
    days = bars["date"].to_numpy()
    divisors = pl.Series(divisors_after(days, changes))
    return bars.with_columns(
        pl.col(*OHLC, "adj_close") / divisors,
        pl.col("volume") * pl.Series(shares_after(days, changes)),
    )


def _without_dividends(
    continued: Continuation, dividends: Sequence[Action], changes: Sequence[Action]
) -> Continuation:
    """With ``adj_close`` before each dividend times 1 - amount / close before it."""
    for dividend in dividends:
        closes = [(each.date, each.bar["close"]) for each in continued.repairs]
        if not closes or dividend.date > closes[-1][0]:
            continue
        earlier = [close for day, close in closes if day < dividend.date]
        before = earlier[-1] if earlier else continued.bars["close"][-1]
        evening = np.array([dividend.date], dtype="datetime64[D]") - 1
        factor = 1 - dividend.cash / float(divisors_after(evening, changes)[0]) / before
        if factor > 0:
            continued = _times(continued, dividend.date, factor)
    return continued


def _times(continued: Continuation, until: dt.date, factor: float) -> Continuation:
    repairs = [
        replace(each, bar=each.bar | {"adj_close": each.bar["adj_close"] * factor})
        if each.date < until
        else each
        for each in continued.repairs
    ]
    return Continuation(continued.bars.with_columns(pl.col("adj_close") * factor), repairs)
