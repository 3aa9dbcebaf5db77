"""Store what models that a rollback makes live need of their pools."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from src.config import logs
from src.core.errors import one_line

if TYPE_CHECKING:
    from src.db.database import Database
    from src.registry.storage.artifact import Artifact

log = logs.get(__name__)


def write_inputs(database: Database, restored: Sequence[Artifact], now: dt.datetime) -> str:
    """Store the pool's inputs of restored models, from the stored rows of their tickers.

    Called in the transaction that makes the models live. Whatever fails here, that transaction
    goes on: a rollback must always be possible.

    Returns:
        What could not be done and what to run then, in a sentence; empty when all went well.
    """
    try:
        with database.control.transaction():
            problems = _write(database, restored, now)
    except Exception as error:
        log.error(str(error), exc_info=error, file_only=True)
        pools = sorted({artifact.pool for artifact in restored})
        problems = dict.fromkeys(pools, one_line(error))
    if not problems:
        return ""
    why = next(iter(problems.values())).rstrip(".")
    return (
        f"The models are live, but those of {', '.join(problems)} cannot answer yet ({why}): run "
        "`python -m mlops.pipeline --all`."
    )


def _write(database: Database, restored: Sequence[Artifact], now: dt.datetime) -> dict[str, str]:
    """The first problem of each pool that has one."""
    from src.db.tables.serving_inputs import ServingInputs
    from src.modeling.serving.pool_inputs import pool_row_of

    serving, rows = ServingInputs(database.control), []
    problems: dict[str, str] = {}
    for artifact in restored:
        stored = serving.of_pool(artifact.pool, artifact.horizon)
        usable = [row for row in stored if row["features_version"] == artifact.features_version]
        if usable:
            rows.append(pool_row_of(artifact, usable, now))
        else:
            problems.setdefault(artifact.pool, _why(artifact, stored))
    serving.write_pool(rows)
    return problems


def _why(artifact: Artifact, stored: Sequence[dict[str, Any]]) -> str:
    if not stored:
        return f"no inputs of its tickers at the {artifact.horizon} horizon are stored"
    return (
        f"its {artifact.horizon} model was trained on features {artifact.features_version}, stored "
        f"are {stored[0]['features_version']}"
    )
