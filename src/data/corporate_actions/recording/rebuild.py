"""Rebuild what a source states in the ledger from its deliveries, in the order of their fetch."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import polars as pl

from src.core.tables import ACTION_HISTORY, CORPORATE_ACTIONS
from src.data.corporate_actions.intake.merge import WITHDRAWN, replay_statements
from src.data.corporate_actions.intake.statements import STATED_KEY
from src.data.corporate_actions.ledger import (
    KEY,
    LEDGER_SCHEMA,
    keep_contradictions,
    without_contradictions,
)
from src.data.corporate_actions.recording.history import (
    BATCH_WITHDRAWN,
    HISTORY_SCHEMA,
    new_states,
    record_rows,
    typed_rows,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from src.data.sources.delivery import Delivery
    from src.db.store import Store


def rebuild_stated(
    store: Store,
    ticker: str,
    source: str,
    deliveries: Sequence[Delivery],
    withdrawn: Sequence[Delivery] = (),
    changed_at: dt.datetime | None = None,
) -> None:
    """Bring the ledger to what all deliveries of a source state, in the order of their fetch.

    What a person decided stands, and so does what no delivery states, such as an imported list. A
    state on the way that the history lacks is put into it. What only ``withdrawn`` deliveries
    stated is gone; the history keeps it. ``changed_at`` is when this happens, by default when each
    row became known.
    """
    of_source = {"source": source, "origin": "stated"}
    ledger = typed_rows(store.load(CORPORATE_ACTIONS, [ticker]).filter(**of_source), LEDGER_SCHEMA)
    history = typed_rows(store.load(ACTION_HISTORY, [ticker]).filter(**of_source), HISTORY_SCHEMA)
    beside = _stated_beside(ledger, history, deliveries, withdrawn)
    rebuilt, states = replay_statements(deliveries, beside)
    store.upsert(ACTION_HISTORY, _missing_states(states, history))
    for rows in keep_contradictions(rebuilt, ledger).partition_by("known_at"):
        record_rows(store, rows, changed_at or rows["known_at"][0])
    gone = ledger.join(rebuilt, on=KEY, how="anti")
    gone = gone.join(_statements(withdrawn), on=STATED_KEY, how="semi")
    if gone.height and changed_at is not None:
        kept = store.load(CORPORATE_ACTIONS, [ticker]).filter(**of_source)
        kept = kept.join(gone, on=KEY, how="anti")
        store.replace(CORPORATE_ACTIONS, [ticker], kept, within=of_source)
        store.upsert(ACTION_HISTORY, new_states(_as_gone(gone), ledger, history, changed_at))


def _stated_beside(
    ledger: pl.DataFrame,
    history: pl.DataFrame,
    deliveries: Sequence[Delivery],
    withdrawn: Sequence[Delivery],
) -> pl.DataFrame:
    """What persons decided, and rows that no delivery states, as they were before a withdrawal."""
    decided = ledger.filter(decided_by="person")
    states = pl.concat([ledger.with_columns(changed_at=pl.col("known_at")), history])
    own = states.join(decided, on=KEY, how="anti").join(
        _statements(deliveries), on=STATED_KEY, how="anti"
    )
    is_later = pl.any_horizontal(
        pl.col("evidence").str.contains(f'"{word}"', literal=True)
        for word in (WITHDRAWN, BATCH_WITHDRAWN)
    )
    own = (
        own.filter(~is_later)
        .join(_statements(withdrawn), on=[*STATED_KEY, "known_at"], how="anti")
        .sort("changed_at")
        .unique(KEY, keep="last", maintain_order=True)
        .drop("changed_at")
    )
    return pl.concat([decided, without_contradictions(own)])


def _statements(deliveries: Sequence[Delivery]) -> pl.DataFrame:
    """The date and kind of each action that is stated, and when that was fetched."""
    schema = pl.Schema(
        {"date": pl.Date(), "kind": pl.String(), "known_at": pl.Datetime("us", "UTC")}
    )
    parts = [
        each.actions.select(*STATED_KEY, known_at=pl.lit(each.fetched_at)).cast(schema)
        for each in deliveries
        if each.actions is not None
    ]
    return pl.concat([pl.DataFrame(schema=schema), *parts])


def _missing_states(states: pl.DataFrame, history: pl.DataFrame) -> pl.DataFrame:
    """States before the newest one of their row in the history that are not in it.

    Of deliveries with one time of fetch the last one counts, as it does in the ledger.
    """
    states = states.unique([*KEY, "changed_at"], keep="last", maintain_order=True)
    newest = history.group_by(KEY).agg(newest=pl.col("changed_at").max())
    earlier = typed_rows(states, HISTORY_SCHEMA).join(newest, on=KEY)
    earlier = earlier.filter(pl.col("changed_at") < pl.col("newest")).drop("newest")
    return earlier.join(history, on=[*KEY, "changed_at"], how="anti")


def _as_gone(rows: pl.DataFrame) -> pl.DataFrame:
    evidence = json.dumps({BATCH_WITHDRAWN: True})
    return rows.with_columns(status=pl.lit("rejected"), evidence=pl.lit(evidence))
