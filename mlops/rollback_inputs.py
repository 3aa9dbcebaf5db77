"""Compute and store the inputs of models that a rollback is about to make live."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from src.config import logs
from src.core.errors import one_line

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.db.database import Database
    from src.registry.storage.artifact import Artifact

log = logs.get(__name__)


def write_inputs(
    settings: Settings, database: Database, restored: Sequence[Artifact], now: dt.datetime
) -> str:
    """Store the inputs of restored models at the newest bars of their tickers.

    Returns:
        What could not be done and what to run then, in a sentence; empty when all went well.
    """
    try:
        problems = _write(settings, database, restored, now)
    except Exception as error:
        # A rollback must be possible whatever fails here.
        log.error(str(error), exc_info=error, file_only=True)
        tickers = sorted({artifact.ticker for artifact in restored})
        problems = dict.fromkeys(tickers, one_line(error))
    if not problems:
        return ""
    why = next(iter(problems.values())).rstrip(".")
    return (
        f"The models are live, but the inputs of {', '.join(problems)} could not be computed "
        f"({why}): run `python -m mlops.pipeline --skip-training --ticker` with each."
    )


def _write(
    settings: Settings, database: Database, restored: Sequence[Artifact], now: dt.datetime
) -> dict[str, str]:
    """The first problem of each ticker that has one."""
    from src.core.calendars.exchanges import by_exchange
    from src.db.tables.serving_inputs import ServingInputs
    from src.modeling.panel.pools import load_pools
    from src.modeling.serving.stored_models import forecast_with
    from src.registry.storage.artifact import NoModel
    from src.stages.context import make_context

    models = {artifact.pair: artifact for artifact in restored}

    def load(ticker: str, horizon: str) -> Artifact:
        if (ticker, horizon) not in models:
            raise NoModel(ticker, horizon)
        return models[ticker, horizon]

    problems: dict[str, str] = {}
    for tickers in by_exchange(sorted({ticker for ticker, _ in models})):
        context = make_context(settings, database.store, tickers, run_id="rollback", now=now)
        forecasts = forecast_with(context, load, tickers, load_pools(context))
        ServingInputs(database.control).write(forecasts.rows)
        for pair, problem in sorted(forecasts.problems.items()):
            if pair in models:
                problems.setdefault(pair[0], problem)
    return problems
