"""Read logged forecasts with what has been recorded of them.

Of those that were served all are read, because an outcome may have to be restated. Of trials only
those that run count, and of their forecasts those without an outcome; those with one are read where
the outcome of what was served beside them is restated. What an ended trial forecast last never gets
an outcome: it was decided on what was known, and nothing reads the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from src.core.errors import ForecastError
from src.core.tables import PREDICTION_OUTCOMES, PREDICTIONS
from src.db.tables.trials import TrialLog

if TYPE_CHECKING:
    import datetime as dt

    import polars as pl

    from src.stages.stage import RunContext

SERVED, SHADOW = "served", "shadow"
_FORECAST = (*PREDICTIONS.key, "sessions", "made_at")
_OUTCOME = ("label_end", "realised_return")


def to_settle(context: RunContext, until: dt.date) -> pl.DataFrame:
    """Forecasts of the context's tickers from sessions before ``until``, whose outcome may come.

    Returns:
        Key, ``sessions``, ``made_at`` and the newest ``label_end`` and ``realised_return``, or
        nulls; ``logged_as`` is the ticker that it was made for: an earlier symbol where that was
        changed.
    """
    import polars as pl

    served = _served(context).filter(pl.col("feature_date") < until)
    symbols = context.store.identities().symbols_of(context.tickers)
    versions = _running(context)
    if not versions:
        return served
    assert context.records is not None  # noqa: S101 there are trials
    awaited = context.records.forecasts.awaited_of_trials(versions, symbols, until)
    return pl.concat([served, _frame(context, served, awaited, _FORECAST)])


def with_restated(context: RunContext, restated: pl.DataFrame) -> pl.DataFrame:
    """Forecasts of running trials with an outcome, beside served ones that are ``restated``.

    Rows and columns as of ``to_settle``.
    """
    keys = list(restated.select("logged_as", "horizon", "feature_date").unique().iter_rows())
    versions = _running(context) if keys else []
    if not versions:
        return restated.select(_FORECAST, *_OUTCOME, "logged_as").clear()
    assert context.records is not None  # noqa: S101 there are trials
    rows = context.records.forecasts.recorded_of_trials(versions, keys)
    return _frame(context, restated, rows, (*_FORECAST, *_OUTCOME))


def _served(context: RunContext) -> pl.DataFrame:
    load, identities = context.store.load, context.store.identities()
    symbols, within = identities.symbols_of(context.tickers), {"kind": SERVED}
    key = list(PREDICTIONS.key)
    forecasts = load(PREDICTIONS, symbols, columns=_FORECAST, within=within)
    columns = [*key, "matured_at", *_OUTCOME]
    outcomes = load(PREDICTION_OUTCOMES, symbols, columns=columns, within=within)
    newest = outcomes.unique(key, keep="last", maintain_order=True).drop("matured_at")
    return _of_today(context, forecasts.join(newest, on=key, how="left"))


def _of_today(context: RunContext, logged: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    of_today = context.store.identities().resolve_rows(
        logged.with_columns(logged_as="ticker"), "feature_date"
    )
    return of_today.filter(pl.col("ticker").is_in(list(context.tickers)))


def _running(context: RunContext) -> list[str]:
    """The versions of running trials; none where they cannot be read, which the looks tell of."""
    if context.records is None:
        return []
    try:
        trials = TrialLog(context.records.connection).running()
    except ForecastError:
        return []
    return [trial.candidate_version for trial in trials]


def _frame(
    context: RunContext, like: pl.DataFrame, rows: Sequence[tuple[Any, ...]], names: Sequence[str]
) -> pl.DataFrame:
    """Rows of the database in the columns of ``to_settle``, with the types of ``like``."""
    import polars as pl

    columns = (*_FORECAST, *_OUTCOME)
    schema = {name: like.schema[name] for name in columns}
    frame = pl.DataFrame(rows, {name: schema[name] for name in names}, orient="row")
    missing = [pl.lit(None, schema[name]).alias(name) for name in columns if name not in names]
    return _of_today(context, frame.with_columns(missing).select(columns))
