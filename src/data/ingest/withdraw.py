"""Take a wrong batch out: ``python -m src.data.ingest withdraw --batch N``.

Its rows and its splits and dividends count no longer. The batch stays in the archive, and a run
with an earlier ``--known-at`` still sees it.
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from src.core.errors import BadInput
from src.core.tables import (
    BATCH_WITHDRAWALS,
    CLEAN_DAILY,
    CLEAN_HOURLY,
    CLEAN_SERIES,
    CONFIRMED_SERIES,
    DATASETS,
    FEATURES_DAILY,
    INGEST_BATCHES,
    POOL_MEMBERS,
    PRICE_REVISIONS,
    QUARANTINE,
    RAW_SERIES,
)
from src.data.corporate_actions.recording.rebuild import rebuild_stated
from src.data.history.raw_rows import load_raw
from src.data.history.rebuild import (
    archived_series,
    rebuild_prices,
    stating_deliveries,
    valid_batches,
)
from src.data.history.revisions import COMPARISON_RULES, UTC, differences
from src.data.history.series_sums import price_sum, sums_frame
from src.data.ingest.storing.batch_rows import STAGE_NAME
from src.data.ingest.storing.raw_block import TABLES
from src.data.next_step import rebuild_step
from src.data.sources.delivery import KEY_COLUMNS
from src.stages.arguments import add_config, command_parser
from src.stages.cli import set_up

if TYPE_CHECKING:
    from src.db.store import Store

COMMAND = "withdraw"
USAGE = f"python -m src.data.ingest {COMMAND} --batch N"


def main(argv: Sequence[str]) -> int:
    """Withdraw one batch."""
    parser = command_parser(f"src.data.ingest {COMMAND}", "Take a batch out of the stored prices.")
    parser.add_argument(
        "--batch", type=int, required=True, metavar="N", help="its number, as the report shows it"
    )
    add_config(parser)
    args = parser.parse_args(argv)
    settings, now = set_up(args)
    from src.db.database import open_database
    from src.db.tables.locks import ticker_locks

    with open_database(settings.server, settings.home) as database:
        batch = _find(database.store, args.batch)
        symbol = batch["ticker"]
        owners = {span.ticker for span in database.store.identities().successors(symbol)}
        with (
            ticker_locks(database.control, sorted({symbol, *owners})),
            database.store.transaction(),
        ):
            changed = withdraw(database.store, batch, now)
    sys.stdout.write(
        f"{batch['ticker']}: batch {args.batch} ({batch['origin']}) is withdrawn, {changed:,} rows "
        f"changed; {rebuild_step(*(sorted(owners) or [symbol]))}.\n"
    )
    return 0


def _find(store: Store, number: int) -> dict[str, Any]:
    symbols = store.identities().symbols_of(store.tickers())
    batches = store.load(INGEST_BATCHES, symbols).filter(batch_id=number)
    if batches.is_empty():
        raise BadInput(
            f"No batch {number} is stored: `python -m src.data.report --ticker T` lists the "
            "batches of a ticker."
        )
    return batches.row(0, named=True)


def withdraw(store: Store, batch: dict[str, Any], now: dt.datetime) -> int:
    """Withdraw a row of ``ingest_batches`` at a time in UTC; the number of raw rows that changed.

    Raises:
        BadInput: it is withdrawn already, or other batches of its series were not archived.
    """
    ticker, number = batch["ticker"], batch["batch_id"]
    if valid_batches(store, [ticker]).filter(batch_id=number).is_empty():
        raise BadInput(f"Batch {number} is withdrawn already.")
    withdrawal = {"batch_id": [number], "ticker": [ticker], "withdrawn_at": [now]}
    schema = pl.Schema({"batch_id": pl.Int64(), "ticker": pl.String(), "withdrawn_at": UTC})
    store.upsert(BATCH_WITHDRAWALS, pl.DataFrame(withdrawal, schema=schema))
    left, gone = archived_series(store, ticker, batch["kind"], batch["source"])
    if left["content"].null_count():
        raise BadInput(
            f"{ticker}: some prices were stored before deliveries were archived, so they cannot be "
            f"rebuilt without batch {number}: ingest their files again with --fetched-at."
        )
    changed = _rebuild_prices(store, batch, left, now)
    if batch["kind"] == "daily":
        deliveries, withdrawn = map(stating_deliveries, (left, gone))
        rebuild_stated(store, ticker, batch["source"], deliveries, withdrawn, now)
    return changed


def _rebuild_prices(
    store: Store, batch: dict[str, Any], left: pl.DataFrame, now: dt.datetime
) -> int:
    ticker, source, kind = batch["ticker"], batch["source"], batch["kind"]
    table, key = TABLES[kind], KEY_COLUMNS[kind]
    stored = load_raw(store, table, [ticker])
    confirmed = store.load(CONFIRMED_SERIES, [ticker])
    kept = confirmed.filter(pl.col("batch_id") != batch["batch_id"])
    store.replace(CONFIRMED_SERIES, [ticker], kept)
    before = stored.filter(source=source)
    after = before.clear() if left.is_empty() else rebuild_prices(left).select(before.columns)
    changed = store.replace(table, [ticker], after, within={"source": source}, stored=stored)
    # A series without rows would count as a second source of its ticker.
    sums = [(ticker, kind, source, after.height, price_sum(after, key))] if after.height else []
    store.replace(RAW_SERIES, [ticker], sums_frame(sums), within={"kind": kind, "source": source})
    store.replace(CLEAN_SERIES, [ticker], store.load(CLEAN_SERIES, []))
    revisions = differences(before, after, key).with_columns(
        ticker=pl.lit(ticker),
        kind=pl.lit(kind),
        source=pl.lit(source),
        batch_id=pl.lit(batch["batch_id"], dtype=pl.Int64),
        known_at=pl.lit(now).cast(UTC),
    )
    store.upsert(PRICE_REVISIONS, revisions)
    _correct_quarantine(store, batch, after)
    if all(store.load(raw, [ticker]).is_empty() for raw in TABLES.values()):
        # Nothing is left to clean, so no later run of this ticker would do this.
        features = (FEATURES_DAILY, *DATASETS.values(), POOL_MEMBERS)
        for derived in (CLEAN_DAILY, CLEAN_HOURLY, *features):
            store.replace(derived, [ticker], store.load(derived, []))
        of_ingest = store.load(QUARANTINE, [ticker]).filter(stage=STAGE_NAME)
        store.replace(QUARANTINE, [ticker], of_ingest)
    return changed


def _correct_quarantine(store: Store, batch: dict[str, Any], after: pl.DataFrame) -> None:
    """Take out the batch's own rows, and rows that were refused because of it and now count."""
    rows = store.load(QUARANTINE, [batch["ticker"]]).filter(stage=STAGE_NAME)
    counting = after.select("batch_id", at=pl.col(KEY_COLUMNS[batch["kind"]]).cast(pl.String))
    # A row that its own file has twice stays refused, though a bar of its day counts.
    compared = pl.col("rule").is_in(list(COMPARISON_RULES.values()))
    others = rows.filter(pl.col("batch_id") != batch["batch_id"])
    still = others.filter(compared).join(counting, on=["batch_id", "at"], how="anti")
    kept = pl.concat([others.filter(~compared), still])
    store.replace(QUARANTINE, [batch["ticker"]], kept, within={"stage": STAGE_NAME})
