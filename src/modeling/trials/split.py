"""Set the share of the API's clients that a running trial's challenger answers."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from src.core.traffic_split import check_share
from src.core.trials import SPLIT, Trial, TrialConflict, TrialEvent, check_text
from src.db.tables import traffic_splits
from src.db.tables.trials import TrialLog

if TYPE_CHECKING:
    from src.db.reconnect import Connection


def set_share(
    connection: Connection, trial: Trial, share: float, author: str, reason: str, at: dt.datetime
) -> None:
    """From now on the challenger answers this share of the clients; 0 switches the split off.

    Args:
        connection: Autocommit.
        trial: A registered one.
        share: From 0 to 1.
        author: Who decides.
        reason: Why.
        at: An aware time.

    Raises:
        TrialRefused: The share is none, or author or reason are missing.
        TrialConflict: The trial has ended, or another one of its pool and horizon has a split.
    """
    check_share(share)
    check_text("author", author)
    check_text("reason", reason)
    log = TrialLog(connection)
    with log.exclusive():
        if all(trial.hash != running.hash for running in log.running(trial.pool)):
            raise TrialConflict(
                f"The trial {trial.hash[:12]} has ended: its challenger answers nobody any more, "
                "so there is no share to set."
            )
        if share > 0:
            _check_alone(connection, trial)
        log.add_event(TrialEvent(trial.hash, at, SPLIT, author, reason, evidence={"share": share}))


def _check_alone(connection: Connection, trial: Trial) -> None:
    """A client would have to be in both, and the answers of either would depend on the other."""
    for split in traffic_splits.in_force(connection):
        is_same_place = (split.pool, split.horizon) == (trial.pool, trial.horizon)
        if is_same_place and split.trial != trial.hash:
            raise TrialConflict(
                f"The trial {split.trial[:12]} splits the {trial.horizon} forecasts of "
                f"{trial.pool} already (share {split.share:g}): set its share to 0 first."
            )
