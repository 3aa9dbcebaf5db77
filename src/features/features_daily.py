"""Compute the features of the clean daily prices: one row per session, warm-up rows marked."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np
import polars as pl

from src.core.tables import CLEAN_DAILY, FEATURES_DAILY, OHLCV
from src.features.bars import Bars
from src.features.catalogue import Feature, features, version, warm_up_rows
from src.stages.cli import run_command, stage_main, stage_parser
from src.stages.stage import RunContext, Stage, StageReport, count_by_ticker


def run(context: RunContext) -> StageReport:
    """Compute the features of the context's tickers and replace them as a whole."""
    windows = context.settings.features
    clean = context.store.load(CLEAN_DAILY, context.tickers, context.as_of)
    frame = compute(clean, features(windows), warm_up_rows(windows), version(windows))
    context.store.replace(FEATURES_DAILY, context.tickers, frame)
    return StageReport(
        rows=frame.height,
        details={
            "columns": [feature.name for feature in features(windows)],
            "warm_up_rows": int(frame["warm_up"].sum()),
            "features_version": version(windows),
        },
        counts=count_by_ticker(
            context.tickers, rows=frame, warm_up=frame.filter(pl.col("warm_up"))
        ),
    )


def compute(
    clean: pl.DataFrame, wanted: tuple[Feature, ...], warm_up: int, features_version: str
) -> pl.DataFrame:
    """Features of any number of tickers, from rows of ``raw_daily_prices_clean`` in key order.

    Returns:
        One row per clean row: ``ticker, date, close, warm_up, source, features_version`` and the
        features, null where a window is not full or a value is not defined. The first ``warm_up``
        rows of each ticker are marked.
    """
    tickers = clean.partition_by("ticker", maintain_order=True) or [clean]
    blocks = [_block(prices, wanted, warm_up) for prices in tickers]
    return pl.concat(blocks).with_columns(features_version=pl.lit(features_version))


def _block(clean: pl.DataFrame, wanted: tuple[Feature, ...], warm_up: int) -> pl.DataFrame:
    bars = Bars(*(clean[name].to_numpy() for name in OHLCV))
    values = {feature.name: _finite(feature.compute(bars)) for feature in wanted}
    return clean.select("ticker", "date", "close").with_columns(
        warm_up=pl.int_range(pl.len()) < warm_up, source=clean["source"], **values
    )


def _finite(values: np.ndarray) -> pl.Series:
    return pl.Series(np.where(np.isfinite(values), values, np.nan), nan_to_null=True)


STAGE = Stage(
    name="feature_engineering",
    summary="Compute the features of the clean daily prices.",
    reads=(CLEAN_DAILY,),
    writes=(FEATURES_DAILY,),
    run=run,
)


def main(argv: Sequence[str] | None = None) -> int:
    """The command ``python -m src.features.features_daily``."""
    return stage_main(
        STAGE, argv, parser=stage_parser("src.features.features_daily", STAGE.summary)
    )


if __name__ == "__main__":
    sys.exit(run_command(main))
