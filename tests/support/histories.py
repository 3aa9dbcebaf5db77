"""Random histories of one ticker: deliveries in any order of arrival, cleanings and decisions."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from src.core.tables import (
    ACTION_HISTORY,
    CLEAN_DAILY,
    CORPORATE_ACTIONS,
    DAILY_VALUES,
    INGEST_BATCHES,
    RAW_DAILY,
    RAW_HOURLY,
)
from src.data.cleaning import stage as cleaning
from src.data.corporate_actions.decisions.manual import decided_rows
from src.data.corporate_actions.ledger import LEDGER_SCHEMA, without_contradictions
from src.data.corporate_actions.recording.history import ledger_known_at, record_rows
from src.data.history import as_known
from src.data.history.raw_rows import load_raw
from src.data.history.rebuild import valid_batches
from src.data.ingest import stage as ingest
from src.data.ingest.withdraw import withdraw
from src.data.sources.delivery import Delivery
from tests.support.prices import NOW, StubSource, bar, context, delivery, run, sessions

DAYS = sessions(dt.date(2026, 3, 16), 12)
ACTIONS = {"date": pl.Date, "kind": pl.String, "ratio": pl.Float64, "amount": pl.Float64}
MINUTE = dt.timedelta(minutes=1)


@dataclass
class History:
    """What happened to one ticker in a database, minute by minute from ``NOW`` on."""

    store: Any
    home: Path
    ticker: str
    arrived: list[Delivery] = field(default_factory=list)
    decided: bool = False
    now: dt.datetime = NOW

    def context(self, **facts: Any) -> Any:
        self.now += MINUTE
        return context(self.store, self.home, tickers=(self.ticker,), now=self.now, **facts)

    def ingest(self, made: Delivery) -> None:
        self.arrived.append(made)
        named = replace(made, ticker=self.ticker)
        run(ingest.stage(StubSource([named])), self.context())

    def clean(self) -> None:
        run(cleaning.STAGE, self.context())

    def decide(self, chance: random.Random) -> None:
        """Let a person accept or reject one of the actions."""
        ledger = self.load(CORPORATE_ACTIONS)
        if ledger.is_empty():
            return
        row = chance.choice(ledger.rows(named=True))
        status = chance.choice(["applied", "rejected"])
        self.now += MINUTE
        with self.store.transaction():
            decided = decided_rows(ledger, row["date"], row["kind"], status)
            record_rows(self.store, decided, self.now)
        self.decided = True

    def withdraw(self, chance: random.Random) -> None:
        """Take one of the batches out again."""
        batches = valid_batches(self.store, [self.ticker])
        if batches.is_empty():
            return
        batch = chance.choice(batches.rows(named=True))
        self.now += MINUTE
        with self.store.transaction():
            withdraw(self.store, batch, self.now)
        self.arrived = [made for made in self.arrived if made.origin != batch["origin"]]

    def continue_series(self, chance: random.Random) -> None:
        """Bring what is stored again, mostly unchanged, with one more bar at the end."""
        stored = load_raw(self.store, RAW_DAILY, [self.ticker])
        if stored.is_empty():
            return
        bars = stored.select(pl.col("date").alias("at"), *DAILY_VALUES).rows(named=True)
        if chance.random() < 0.2:
            bars[chance.randrange(len(bars))]["volume"] = 1.0
        newest = valid_batches(self.store, [self.ticker]).sort("fetched_at").row(-1, named=True)
        more = delivery(
            [*bars, bar(bars[-1]["at"] + dt.timedelta(days=1), 100.0)],
            fetched_at=chance.choice([newest["fetched_at"], self.now, NOW - dt.timedelta(hours=3)]),
            price_basis=newest["price_basis"],
            origin=f"continued {len(self.arrived)} at {self.now}",
        )
        self.ingest(more)

    def load(self, table: Any) -> pl.DataFrame:
        return self.store.load(table, [self.ticker])


def random_bar(at: Any, level: float, chance: random.Random) -> dict[str, Any]:
    """Near ``level``: equal, another rounding, revised, with nulls or without a close."""
    kind = chance.choice(["same", "noise", "noise", "revised", "null", "hole"])
    factor = 1.0
    if kind == "noise":
        factor += chance.randint(-5, 5) * 3e-6
    if kind == "revised":
        factor += chance.uniform(-0.02, 0.02)
    made = bar(at, level * factor, volume=float(chance.randint(1000, 9999)))
    if kind == "null":
        made = made | {chance.choice(["open", "volume", "adj_close"]): None}
    return dict.fromkeys(made) | {"at": at} if kind == "hole" else made


def random_actions(chance: random.Random) -> pl.DataFrame | None:
    """Some of three dividends and a split, with one of two values; None where none are stated."""
    if chance.random() < 0.25:
        return None
    possible = [
        (DAYS[3], "dividend", None, chance.choice([2.0, 3.0])),
        (DAYS[6], "dividend", None, chance.choice([2.0, 40.0])),
        (DAYS[8], "dividend", None, 1.0),
        (DAYS[9], "split", chance.choice([1.1, 1.2]), None),
    ]
    stated = [row for row in possible if chance.random() < 0.6]
    return pl.DataFrame(stated, schema=ACTIONS, orient="row")


def random_deliveries(chance: random.Random) -> list[Delivery]:
    """Two to five deliveries of one series, some of them fetched at the same time."""
    is_hourly = chance.random() < 0.15
    opens = dt.time(4, 45)
    keys = [dt.datetime.combine(d, opens, dt.UTC) for d in DAYS] if is_hourly else DAYS
    levels = [100 * (1 + chance.uniform(-0.03, 0.03)) for _ in DAYS]
    bases = chance.choice([["split"], ["split"], ["unadjusted"], ["total"], ["split", "total"]])
    made = []
    for number in range(chance.randint(2, 5)):
        chosen = [n for n in range(len(keys)) if chance.random() < 0.7] or [0]
        bars = [random_bar(keys[n], levels[n], chance) for n in chosen]
        facts: dict[str, Any] = {} if is_hourly else {"actions": random_actions(chance)}
        made.append(
            delivery(
                bars,
                fetched_at=NOW - dt.timedelta(hours=chance.randint(1, 5)),
                price_basis=chance.choice(bases),
                origin=f"delivery {number}",
                **facts,
            )
        )
    return made


def play(history: History, chance: random.Random) -> None:
    """Deliveries in a random order, with cleanings, decisions and withdrawals in between."""
    for made in random_deliveries(chance):
        history.ingest(made)
        if chance.random() < 0.4:
            history.continue_series(chance)
        if chance.random() < 0.4:
            history.clean()
        if chance.random() < 0.15:
            history.decide(chance)
        if chance.random() < 0.15:
            history.withdraw(chance)


def in_order_of_fetch(history: History, ticker: str) -> History:
    """The same deliveries under another ticker, brought in the order of their fetch."""
    again = History(history.store, history.home, ticker)
    for made in sorted(history.arrived, key=lambda each: each.fetched_at):
        again.ingest(made)
    return again


def raw_rows(history: History) -> list[pl.DataFrame]:
    """Both raw tables, with the origin of each row's batch in the place of its number."""
    origins = history.load(INGEST_BATCHES).select("batch_id", "origin")
    return [
        load_raw(history.store, table, [history.ticker])
        .join(origins, on="batch_id", how="left")
        .drop("batch_id", "ticker")
        for table in (RAW_DAILY, RAW_HOURLY)
    ]


def stated(history: History) -> pl.DataFrame:
    """The ledger as sources state it: without inferences, and without what cleaning contradicts."""
    ledger = history.load(CORPORATE_ACTIONS).filter(origin="stated")
    return without_contradictions(ledger).drop("ticker")


def clean_rows(history: History) -> pl.DataFrame:
    history.clean()
    return history.load(CLEAN_DAILY).drop("ticker")


def assert_known_now_is_stored(history: History) -> None:
    """What was known at the present is what is stored: raw prices and ledger."""
    given = history.context(known_at=history.now)
    for table in (RAW_DAILY, RAW_HOURLY):
        stored = load_raw(history.store, table, [history.ticker])
        assert as_known.raw_prices(given, table).equals(stored)
    known = ledger_known_at(history.load(ACTION_HISTORY), history.now)
    live = history.load(CORPORATE_ACTIONS)
    by_rule = (pl.col("origin") == "inferred") & (pl.col("decided_by") == "rule")
    assert known.equals(live.filter(~by_rule).select(LEDGER_SCHEMA.names()))
