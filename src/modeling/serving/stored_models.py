"""Live models and the newest features of their tickers in; forecasts, and their inputs, out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from src.core.errors import ForecastError
from src.core.tables import FEATURES_DAILY
from src.modeling.panel import panel
from src.modeling.panel.known_pools import newest_row, pool_hash
from src.modeling.serving.inputs import ModelInputs, build_model_inputs
from src.modeling.serving.keeping import keep
from src.modeling.serving.predict import forecast
from src.modeling.serving.records import serving_row
from src.modeling.training.stage import TABLES
from src.registry.storage.artifact import Artifact
from src.stages.stage import RunContext

if TYPE_CHECKING:
    import polars as pl

    from src.config.settings import Horizons

Load = Callable[[str, str], Artifact]


@dataclass
class StoredForecasts:
    """What stored models say.

    Attributes:
        forecasts: Entries of ``forecasts`` in results.json.
        rows: Of ``serving_inputs``, one for each forecast.
        problems: By ticker and horizon, a sentence where there is no forecast.
    """

    forecasts: list[dict[str, Any]] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    problems: dict[tuple[str, str], str] = field(default_factory=dict)


def stored_forecasts(
    context: RunContext, ticker: str, pools: Sequence[pl.DataFrame]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Forecasts from the stored artifacts, and a sentence for each horizon that has none.

    A live run stores what they were made from, and logs them.

    Args:
        context: Of a run for this ticker.
        ticker: Whose.
        pools: ``known_pools`` of the context.
    """
    if context.models is None:
        return [], ["The stored models know later prices: train to forecast from a past session."]
    found = answers(context, context.models.load, [ticker], pools)
    keep(context, found.rows, found.forecasts)
    return found.forecasts, list(dict.fromkeys(found.problems.values()))


def answers(
    context: RunContext,
    load: Load,
    tickers: Sequence[str],
    pools: Sequence[pl.DataFrame],
) -> StoredForecasts:
    """What models of tickers say at their last bars; each pool is worked through once.

    Args:
        context: Of a run.
        load: The model of a ticker and horizon.
        tickers: Whose.
        pools: ``known_pools`` of the context.
    """
    found = StoredForecasts()
    newest = _newest(context, tickers, pools, found)
    stored = _stored(load, sorted(newest), context.settings.training.horizons, found)
    for pool in pools if stored else ():
        whole = panel.build(pool, context.calendar)
        data_hash = pool_hash([pool])
        own = [one for one in stored if one.ticker in whole.tickers]
        for asked in build_model_inputs(whole, own):
            _say(context, asked, newest[asked.artifact.ticker], data_hash, found)
    return found


def _newest(
    context: RunContext,
    tickers: Sequence[str],
    pools: Sequence[pl.DataFrame],
    found: StoredForecasts,
) -> dict[str, dict[str, Any]]:
    """The newest features by ticker, of those that have some."""
    rows = {}
    for ticker in tickers:
        features = context.store.load(FEATURES_DAILY, [ticker], context.as_of)
        try:
            rows[ticker] = newest_row(ticker, features, pools)
        except ForecastError as error:
            found.problems |= {(ticker, horizon): str(error) for horizon in TABLES}
    return rows


def _stored(
    load: Load, tickers: Sequence[str], horizons: Horizons, found: StoredForecasts
) -> list[Artifact]:
    stored = []
    for ticker in tickers:
        for horizon in TABLES:
            try:
                one = load(ticker, horizon)
            except ForecastError as error:
                found.problems[ticker, horizon] = str(error)
                continue
            wanted = getattr(horizons, horizon)
            if one.sessions == wanted:
                stored.append(one)
            else:
                found.problems[ticker, horizon] = (
                    f"The {horizon} model of {ticker} looks {one.sessions} sessions ahead, the "
                    f"configuration says {wanted}: train again."
                )
    return stored


def _say(
    context: RunContext,
    asked: ModelInputs,
    newest: Mapping[str, Any],
    data_hash: str,
    found: StoredForecasts,
) -> None:
    artifact, given = asked.artifact, {**newest, **asked.values}
    try:
        said = forecast(artifact, given, calendar=context.calendar, outlook=asked.outlook)
    except ForecastError as error:
        found.problems[artifact.ticker, artifact.horizon] = str(error)
        return
    found.forecasts.append(said)
    row = serving_row(asked, newest, data_hash=data_hash, written_at=context.now)
    found.rows.append(row)
