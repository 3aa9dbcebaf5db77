"""What a run may know of the prices in; the clean bars of its tickers and their mates out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl

from src.core.errors import ForecastError
from src.core.hashing import frame_hash
from src.modeling.panel import pools as pooling

if TYPE_CHECKING:
    from src.stages.stage import RunContext


class NoFeatures(ForecastError):
    """There are no features of the newest bar: run the pipeline again."""


def known_pools(context: RunContext) -> list[pl.DataFrame]:
    """Clean rows of the context's tickers and of all that are pooled with them, as known then."""
    stored = context.store.tickers()
    clean = pooling.pools(context.store, context.tickers, stored, context.as_of)
    return clean if context.known_at is None else [_as_known(context, pool) for pool in clean]


def pool_hash(pools: Sequence[pl.DataFrame]) -> str:
    """A hash of all the rows that a run's statistics rest on."""
    return frame_hash(pl.concat(pools) if pools else pl.DataFrame())


def newest_row(
    ticker: str, features: pl.DataFrame, pools: Sequence[pl.DataFrame]
) -> dict[str, Any]:
    """A ticker's newest row of ``features_daily``, with the ``return_basis`` of its bar.

    Raises:
        NoFeatures: When there is none, or not of the newest bar.
    """
    if features.is_empty() or not pools:
        raise NoFeatures(f"{ticker} has no features yet: run `python -m mlops.pipeline` first.")
    row = features.sort("date").row(-1, named=True)
    bars = pl.concat([pool.filter(ticker=ticker) for pool in pools]).sort("date").tail(1)
    if bars["date"].to_list() != [row["date"]]:
        raise NoFeatures(
            f"The features of {ticker} end on {row['date']} and its clean prices do not: run "
            "`python -m mlops.pipeline` again."
        )
    return {**row, "return_basis": bars["return_basis"].item()}


def _as_known(context: RunContext, pool: pl.DataFrame) -> pl.DataFrame:
    """The pool with the bars of mates made from what had been fetched of them by then."""
    from src.data.cleaning.stage import DAILY
    from src.data.cleaning.stage import clean as cleaned

    mates = sorted(set(pool["ticker"]) - set(context.tickers))
    own = pool.filter(pl.col("ticker").is_in(list(context.tickers)))
    if not mates:
        return own
    others, _ = cleaned(replace(context, tickers=tuple(mates)))
    return pl.concat([own, others.bars.select(DAILY)], how="diagonal_relaxed")
