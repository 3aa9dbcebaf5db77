"""Restored models in; what each is asked with, made from stored prices and stored, out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from src.config import logs

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.db.database import Database
    from src.registry.live_models import LiveModels

log = logs.get(__name__)


def write_inputs(
    settings: Settings,
    database: Database,
    models: LiveModels,
    tickers: Sequence[str],
    now: dt.datetime,
) -> str:
    """Store what the live models of tickers are asked with at their newest bars.

    Returns:
        What could not be done and what to run then, in a sentence; empty when all went well.
    """
    try:
        problems = _written(settings, database, models, tickers, now)
    except Exception as error:
        # What was restored is live already: whatever fails here must not look as if it were not.
        log.error(str(error), exc_info=error, file_only=True)
        problems = dict.fromkeys(tickers, " ".join(str(error).split()) or type(error).__name__)
    if not problems:
        return ""
    named, why = ", ".join(problems), next(iter(problems.values())).rstrip(".")
    return (
        f"The models are live, but what they are asked with is missing for {named} ({why}): run "
        "`python -m mlops.pipeline --skip-training --ticker` with each."
    )


def _written(
    settings: Settings,
    database: Database,
    models: LiveModels,
    tickers: Sequence[str],
    now: dt.datetime,
) -> dict[str, str]:
    """The first problem of each ticker that has one."""
    from src.core.exchanges import by_exchange
    from src.db.serving import ServingInputs
    from src.modeling.known_pools import known_pools
    from src.modeling.live import answers
    from src.stages.context import make_context

    problems: dict[str, str] = {}
    for group in by_exchange(tickers):
        context = make_context(settings, database.store, group, run_id="rollback", now=now)
        found = answers(context, models, group, known_pools(context))
        ServingInputs(database.control).write(found.rows)
        for (ticker, _), sentence in sorted(found.problems.items()):
            problems.setdefault(ticker, sentence)
    return problems
