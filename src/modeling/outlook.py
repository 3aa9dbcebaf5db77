"""What a run may know of the prices in; the distribution of each ticker's next returns out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from src.modeling import intervals, panel, pooling, volatility
from src.modeling.crps import bounds
from src.modeling.quantiles import LEVELS

if TYPE_CHECKING:
    from src.modeling.panel import Panel
    from src.stages.stage import RunContext

Floats = npt.NDArray[np.float64]

SHARES = (0.50, 0.80, 0.90, 0.95)


@dataclass(frozen=True, eq=False)
class Outlook:
    """Quantiles of one ticker's simple return from its newest bar; (K,), NaN where not known."""

    quantiles: Floats

    @property
    def prob_up(self) -> float | None:
        """P(return > 0), or None."""
        return None if self._unknown else float(intervals.rise_probability(self.quantiles))

    def around(self, close: float) -> list[dict[str, float]]:
        """The central intervals, as returns and as prices; none where nothing is known."""
        if self._unknown:
            return []
        found = []
        for share in SHARES:
            low, high = (float(self.quantiles[at]) for at in bounds(share))
            found.append(
                {
                    "level": share,
                    "low_return": low,
                    "high_return": high,
                    "low_close": close * (1 + low),
                    "high_close": close * (1 + high),
                }
            )
        return found

    @property
    def _unknown(self) -> bool:
        return not np.isfinite(self.quantiles).all()


NOTHING = Outlook(np.full(len(LEVELS), np.nan))


def outlooks(context: RunContext, horizons: Sequence[int]) -> dict[tuple[str, int], Outlook]:
    """The outlook of each of the context's tickers at each horizon, pooled with all others."""
    made: dict[tuple[str, int], Outlook] = {}
    for bars in known_pools(context):
        made |= _of_pool(panel.build(bars, context.calendar), context.tickers, horizons)
    return made


def _of_pool(
    whole: Panel, tickers: Sequence[str], horizons: Sequence[int]
) -> dict[tuple[str, int], Outlook]:
    made: dict[tuple[str, int], Outlook] = {}
    rows = {one: _last_bar(whole, one) for one in tickers if one in whole.tickers}
    inputs, since = volatility.inputs(whole), min(rows.values())
    for horizon in horizons:
        forecasts = intervals.walk_forward(whole, horizon, since=since, inputs=inputs)
        for ticker, row in rows.items():
            column = whole.tickers.index(ticker)
            made[ticker, horizon] = Outlook(forecasts.quantiles_of(np.array([row]), column)[0])
    return made


def known_pools(context: RunContext) -> list[pl.DataFrame]:
    """Clean rows of the context's tickers and of all that are pooled with them, as known then."""
    stored = context.store.tickers()
    clean = pooling.pools(context.store, context.tickers, stored, context.as_of)
    return clean if context.known_at is None else [_as_known(context, pool) for pool in clean]


def _as_known(context: RunContext, pool: pl.DataFrame) -> pl.DataFrame:
    """The pool with the bars of mates made from what had been fetched of them by then."""
    from src.data.cleaning import DAILY
    from src.data.cleaning import clean as cleaned

    mates = sorted(set(pool["ticker"]) - set(context.tickers))
    own = pool.filter(pl.col("ticker").is_in(list(context.tickers)))
    if not mates:
        return own
    others, _ = cleaned(replace(context, tickers=tuple(mates)))
    return pl.concat([own, others.bars.select(DAILY)], how="diagonal_relaxed")


def _last_bar(whole: Panel, ticker: str) -> int:
    there = np.isfinite(whole.close[:, whole.tickers.index(ticker)])
    return int(np.flatnonzero(there)[-1])
