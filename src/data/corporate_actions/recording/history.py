"""Write the ledger of corporate actions and its history, and read it as it was at a time.

The history has every state that a stated, entered or decided action ever had. What a rule infers
from the prices is made anew by every run and is not in it.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import polars as pl

from src.core.tables import ACTION_HISTORY, CORPORATE_ACTIONS
from src.data.corporate_actions.intake.merge import merge_delivery
from src.data.corporate_actions.ledger import KEY, LEDGER_SCHEMA
from src.data.corporate_actions.recording.joined import joined_actions

if TYPE_CHECKING:
    from src.data.sources.delivery import Delivery
    from src.db.store import Store

# In the evidence of a row's last state: its only batch was withdrawn, and the row is gone.
BATCH_WITHDRAWN = "batch_withdrawn"
HISTORY_SCHEMA = pl.Schema({**LEDGER_SCHEMA, "changed_at": pl.Datetime("us", "UTC")})


def record_delivery(store: Store, delivery: Delivery, batches: pl.DataFrame) -> tuple[str, ...]:
    """Take the actions that came with stored bars into the ledger.

    The delivery's batch must be among ``batches``, which are those of its kind and source: its
    ``fetched_at`` says when the actions became known. Of what was fetched before another batch of
    that source, only new actions are taken.

    Returns:
        Sentences for a person: what is pending, was restated, withdrawn or left out.
    """
    if delivery.actions is None or delivery.kind != "daily":
        return ()
    ledger = joined_actions(store, CORPORATE_ACTIONS, [delivery.ticker], store.identities())
    known_at = _known_at(delivery, batches)
    is_newest = batches.filter(pl.col("fetched_at") > known_at).is_empty()
    recorded = ledger.filter(source=delivery.vendor, origin="stated")
    merged = merge_delivery(delivery, recorded, known_at, is_newest=is_newest)
    record_rows(store, merged.rows, known_at)
    return merged.warnings


def _known_at(delivery: Delivery, batches: pl.DataFrame) -> dt.datetime:
    """When it was fetched; for a file that does not say, the time given to its batch."""
    if not delivery.fetched_at_stated:
        batch = batches.filter(content_hash=delivery.content_hash, price_basis=delivery.price_basis)
        fetched_at = batch["fetched_at"].max()
        if isinstance(fetched_at, dt.datetime):
            return fetched_at
    return delivery.fetched_at.astimezone(dt.UTC)


def record_rows(store: Store, rows: pl.DataFrame, changed_at: dt.datetime) -> None:
    """Write the rows that differ from the ledger's, and their new states to the history.

    A state that is not later than its row's newest one is dated a microsecond after that: the
    newest state in the history is always the ledger's own.
    """
    if rows.is_empty():
        return
    tickers = rows["ticker"].unique().to_list()
    before = typed_rows(store.load(CORPORATE_ACTIONS, tickers), LEDGER_SCHEMA)
    history = typed_rows(store.load(ACTION_HISTORY, tickers), HISTORY_SCHEMA)
    columns = LEDGER_SCHEMA.names()
    rows = typed_rows(rows, LEDGER_SCHEMA)
    changed = rows.join(before, on=columns, how="anti", nulls_equal=True)
    store.upsert(CORPORATE_ACTIONS, changed)
    store.upsert(ACTION_HISTORY, new_states(changed, before, history, changed_at))


def new_states(
    changed: pl.DataFrame, before: pl.DataFrame, history: pl.DataFrame, changed_at: dt.datetime
) -> pl.DataFrame:
    """The states to append: the changed rows, and before them what the history lacks.

    ``changed`` are ledger rows as they become, ``before`` as they were; one of these that is older
    than the history is its first state. ``changed_at`` is in UTC.
    """
    is_kept = (pl.col("origin") != "inferred") | (pl.col("decided_by") == "person")
    first = (
        before.filter(is_kept)
        .join(changed, on=KEY, how="semi")
        .join(history, on=KEY, how="anti")
        .with_columns(changed_at=pl.col("known_at"))
    )
    latest = pl.concat([history, first]).group_by(KEY).agg(latest=pl.col("changed_at").max())
    changed_at_utc = pl.lit(changed_at).cast(pl.Datetime("us", "UTC"))
    dated = pl.max_horizontal(changed_at_utc, pl.col("latest") + pl.duration(microseconds=1))
    states = changed.join(latest, on=KEY, how="left").with_columns(changed_at=dated)
    return pl.concat([first, states.drop("latest")]).select(HISTORY_SCHEMA.names())


def ledger_known_at(history: pl.DataFrame, known_at: dt.datetime) -> pl.DataFrame:
    """The ledger's rows as they stood at a time: of each key the newest state until then.

    States of that very instant are included, and nothing that rules inferred; in key order.
    """
    is_gone = pl.col("evidence").str.contains(f'"{BATCH_WITHDRAWN}"', literal=True)
    return (
        history.filter(pl.col("changed_at") <= known_at)
        .sort("changed_at")
        .unique(KEY, keep="last", maintain_order=True)
        .filter(~is_gone)
        .select(LEDGER_SCHEMA.names())
        .sort(KEY)
    )


def typed_rows(rows: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """The rows with the declared types, and their JSON in one canonical form."""
    texts = [json.dumps(json.loads(text), sort_keys=True) for text in rows["evidence"]]
    evidence = pl.Series("evidence", texts, dtype=pl.String)
    return rows.with_columns(evidence).select(schema.names()).cast(schema)
