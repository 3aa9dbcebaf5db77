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
    bars = known_bars(context)
    if bars.is_empty():
        return made
    whole = panel.build(bars, context.calendar)
    inputs = volatility.inputs(whole)
    for horizon in horizons:
        rows = {one: _last_bar(whole, one) for one in context.tickers if one in whole.tickers}
        if not rows:
            continue
        since = min(rows.values())
        forecasts = intervals.walk_forward(whole, horizon, since=since, inputs=inputs)
        for ticker, row in rows.items():
            column = whole.tickers.index(ticker)
            made[ticker, horizon] = Outlook(forecasts.quantiles_of(np.array([row]), column)[0])
    return made


def known_bars(context: RunContext) -> pl.DataFrame:
    """Clean rows of the context's tickers and of all that are pooled with them, as known then."""
    stored = context.store.tickers()
    clean = pooling.clean_bars(context.store, context.tickers, stored, context.as_of)
    if context.known_at is None:
        return clean
    from src.data.cleaning import DAILY
    from src.data.cleaning import clean as cleaned

    mates = sorted(set(clean["ticker"]) - set(context.tickers))
    own = clean.filter(pl.col("ticker").is_in(list(context.tickers)))
    if not mates:
        return own
    others, _ = cleaned(replace(context, tickers=tuple(mates)))
    return pl.concat([own, others.bars.select(DAILY)], how="diagonal_relaxed")


def _last_bar(whole: Panel, ticker: str) -> int:
    there = np.isfinite(whole.close[:, whole.tickers.index(ticker)])
    return int(np.flatnonzero(there)[-1])
