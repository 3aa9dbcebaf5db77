"""Tell whether trials were decided otherwise, or earlier, than on the undisturbed evening."""

from __future__ import annotations

from src.core.model_events import TRIAL_TAG
from tests.chaos.episodes.evening import Record
from tests.chaos.world import prices
from tests.chaos.world.world import World

_MADE_LIVE = "SELECT DISTINCT digest FROM model_events WHERE made_live ORDER BY digest"
# Sessions before the last of which the API was the first to log every answer.
_UNPAIRED = """
SELECT feature_date FROM predictions WHERE kind = 'served' AND horizon = 'short'
GROUP BY feature_date HAVING bool_and(made_at >= %s AND target_date < made_at::date)
"""
# Whose answers there are of the session on whose evening a trial promoted its challenger.
_ANSWERED = f"""
SELECT DISTINCT version, feature_date FROM predictions WHERE kind = 'served' AND feature_date IN (
  SELECT at::date FROM model_events WHERE made_live AND version_tag LIKE '{TRIAL_TAG}%%')
ORDER BY version
"""


def is_decided_otherwise(world: World, record: Record) -> bool:
    """Whether a trial rests on other pairs, or promoted before its evening was forecast.

    The API, which may be the first to log an answer, has the clock of the last evening; and an
    answer that is logged after the next close is no part of a pair. A disturbed run may look at
    trials without having forecast the pool: the evening's forecasts are of what it promoted then.
    """
    databases = (None, record.after.database)
    differ = (
        len({tuple(world.query(sql, database=name)) for name in databases}) > 1
        for sql in (_MADE_LIVE, _ANSWERED)
    )
    return any(differ) or bool(world.query(_UNPAIRED, prices.evening(prices.DAYS[-1])))
