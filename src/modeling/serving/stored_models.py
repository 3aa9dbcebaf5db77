"""Forecast with the live models of pools, and record what was forecast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from src.core.errors import ForecastError
from src.core.hashing import joint_hash
from src.core.tables import HORIZONS
from src.modeling.experiment.run import FeatureCache
from src.modeling.intervals import distribution
from src.modeling.serving.inputs import HorizonForecasts, input_rows, newest_values
from src.modeling.serving.pool_data import (
    last_bars,
    load_members,
    load_pool_panel,
    pool_lock,
    pools_of,
)
from src.modeling.serving.pool_inputs import pool_row_of
from src.modeling.serving.predict import forecast_from_row
from src.modeling.serving.records import prediction_row
from src.registry.storage.artifact import Artifact
from src.stages.stage import StageReport

if TYPE_CHECKING:
    from src.core.model_events import Pin
    from src.modeling.panel.panel import Panel
    from src.modeling.serving.pool_data import PoolMembers
    from src.stages.stage import RunContext

Row = Mapping[str, Any]
# Sessions that the newest features can depend on: the longest window, what decays, and a margin
# for sessions without a bar.
MOST_SESSIONS = 1_200
# Written with each row, and no reason to write it again.
_NOT_COMPARED = ("data_hash", "written_at")


class _Live(NamedTuple):
    """A live model, its row of ``pool_inputs`` and its pin, if there are any."""

    artifact: Artifact
    pool_row: Row | None
    pin: Pin | None


class NoModelToForecastWith(ForecastError):
    """A run that trains nothing found no model of its pool."""

    def __init__(self, pool: str, tickers: Sequence[str]) -> None:
        of = tickers[0] if len(tickers) == 1 else f"{len(tickers)} tickers"
        which = f"--ticker {of}" if len(tickers) == 1 else "--all"
        super().__init__(
            f"The prices of {of} are up to date, but no model of pool {pool} has been trained yet: "
            f"run `python -m mlops.pipeline {which}` without --skip-training."
        )


def run(context: RunContext) -> StageReport:
    """Forecast with the models that are live, from inputs brought up to date; nothing is trained.

    Raises:
        NoModelToForecastWith: One of the pools has no model yet.
    """
    forecasts: list[dict[str, Any]] = []
    warnings: list[str] = []
    pools: dict[str, dict[str, Any]] = {}
    for pool, tickers in pools_of(context).items():
        members = _refreshed(context, pool, tickers)
        of_pool, problems = live_forecasts(context, pool, tickers)
        forecasts += of_pool
        warnings += problems
        pools[pool] = {"tickers": len(members.tickers), "data_hash": members.data_hash}
    return StageReport(
        rows=len(forecasts),
        details={
            "forecasts": forecasts,
            "pools": pools,
            "data_hash": joint_hash([facts["data_hash"] for facts in pools.values()]),
        },
        warnings=tuple(warnings),
    )


def _refreshed(context: RunContext, pool: str, tickers: Sequence[str]) -> PoolMembers:
    """The members of a pool, the stored inputs of some tickers brought up to date."""
    with pool_lock(context, pool):
        with context.store.transaction(read_only=True):
            members = load_members(context, pool)
            if context.models is None:
                return members
            if not any(context.models.state(pool, horizon) for horizon in HORIZONS):
                raise NoModelToForecastWith(pool, tickers)
            stale = stale_tickers(context, members, tickers)
            panel = load_pool_panel(context, members) if stale else None
        if panel is not None:
            refresh_rows(context, members, panel, stale)
    return members


def stale_tickers(context: RunContext, members: PoolMembers, tickers: Sequence[str]) -> list[str]:
    """Those of the tickers whose stored inputs were computed from other rows of the pool.

    And those whose inputs are of a later session than what the live model needs of the whole pool:
    a run that could not read the model has left that as it was.
    """
    if context.records is None:
        return []
    live, current = _live_models(context, members.pool)[0], []
    for row in context.records.serving.read(tickers):
        if row["data_hash"] == members.data_hash and not _is_ahead(row, live.get(row["horizon"])):
            current.append(row["ticker"])
    return [ticker for ticker in tickers if current.count(ticker) < len(HORIZONS)]


def _is_ahead(row: Row, live: _Live | None) -> bool:
    if live is None or row["note"] is not None:
        return False
    return live.pool_row is None or bool(live.pool_row["session"] < row["feature_date"])


def refresh_rows(
    context: RunContext, members: PoolMembers, panel: Panel, tickers: Sequence[str]
) -> None:
    """Bring stored inputs up to date without training: of some tickers, or of the whole pool.

    The whole pool's are computed where a session has become complete since. Rows that say the same
    are left as they are, so that no forecast is logged anew.
    """
    records = context.records
    if context.models is None or records is None:
        return
    # What is wrong with the others is said where the forecasts are made.
    live = _live_models(context, members.pool)[0].values()
    complete = panel.sessions[panel.last_complete].item()
    is_new = any(row is None or row["session"] < complete for _, row, _ in live)
    tickers = panel.tickers if is_new else tickers
    stored = {(row["ticker"], row["horizon"]): row for row in records.serving.read(tickers)}
    rows = computed_rows(context, members, panel, tickers, stored)
    changed = [row for row in rows if _differs(row, stored.get((row["ticker"], row["horizon"])))]
    with records.serving.transaction():
        records.serving.write(changed)
        if is_new:
            records.serving.write_pool([pool_row_of(m, rows, context.now) for m, *_ in live])


def computed_rows(
    context: RunContext,
    members: PoolMembers,
    panel: Panel,
    tickers: Sequence[str],
    stored: Mapping[tuple[str, str], Row],
) -> list[dict[str, Any]]:
    """Rows of ``serving_inputs`` of some tickers at both horizons, with their stored metrics."""
    bars = last_bars(panel, tickers)
    if not bars:
        return []
    shared, rows = FeatureCache(panel), []
    recent = {row: _recent(panel, row) for row in set(bars.values())}
    for name in HORIZONS:
        sessions = getattr(context.settings.training.horizons, name)
        forecasts = HorizonForecasts(
            name,
            distribution.walk_forward(
                panel, sessions, since=min(bars.values()), inputs=shared.variances
            ),
            {t: stored[t, name]["metrics"] for t in bars if (t, name) in stored},
        )
        for row, features in recent.items():
            at_row = [ticker for ticker, bar in bars.items() if bar == row]
            values = newest_values(panel, features, at_row)
            rows += input_rows(panel, values, forecasts, members, at_row, context.now)
    return rows


def live_forecasts(
    context: RunContext, pool: str, tickers: Sequence[str]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Forecasts of the live models of a pool from stored inputs, logged if the run is live.

    Returns:
        Entries of ``forecasts`` in results.json, by ticker and then horizon, and a sentence for
        each horizon or ticker that has none.
    """
    if context.models is None or context.records is None:
        return [], [
            "The stored models were trained on later prices: to forecast from a past session, run "
            "without --skip-training."
        ]
    live, problems = _live_models(context, pool)
    entries, logged = [], []
    for row in context.records.serving.read(tickers):
        if row["horizon"] not in live:
            continue
        artifact, pool_row, pin = live[row["horizon"]]
        try:
            entry = forecast_from_row(artifact, row, pool_row, context.calendar, pin)
        except ForecastError as error:
            problems.append(str(error))
            continue
        entries.append(entry)
        logged.append(prediction_row(entry, row, artifact.digest, context.now))
    context.records.forecasts.log(logged)
    return entries, list(dict.fromkeys(problems))


def _live_models(context: RunContext, pool: str) -> tuple[dict[str, _Live], list[str]]:
    """The models of a pool that can be read and look as far ahead as the configuration says."""
    models, records = context.models, context.records
    assert models is not None and records is not None  # noqa: S101, PT018 the caller has looked
    live, problems = {}, []
    for horizon in HORIZONS:
        try:
            artifact = models.load(pool, horizon)
        except ForecastError as error:
            problems.append(str(error))
            continue
        configured = getattr(context.settings.training.horizons, horizon)
        if artifact.sessions == configured:
            pool_row = records.serving.read_pool(pool, horizon, artifact.digest)
            live[horizon] = _Live(artifact, pool_row, models.pin(pool, horizon))
        else:
            problems.append(
                f"The {horizon} model of pool {pool} has horizon {artifact.sessions}, the "
                f"configuration says {configured}: train again."
            )
    return live, problems


def _recent(panel: Panel, row: int) -> Any:
    """Features of the sessions up to a row, with the rows numbered as in the whole panel."""
    from dataclasses import replace

    first = max(row + 1 - MOST_SESSIONS, 0)
    features = FeatureCache(panel.select(rows=slice(first, row + 1))).features
    return replace(features, rows=features.rows + first)


def _differs(row: Row, stored: Row | None) -> bool:
    return stored is None or any(
        row[name] != stored[name] for name in row if name not in _NOT_COMPARED
    )
