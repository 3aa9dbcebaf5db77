"""Evenings of some tickers: what may arrive of each, and the tables after the data stages."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from src.core.calendars.nse import nse
from src.core.tables import (
    CLEAN_DAILY,
    CLEAN_HOURLY,
    CLEAN_SERIES,
    CORPORATE_ACTIONS,
    DATASET_LONG,
    DATASET_SHORT,
    FEATURE_SERIES,
    FEATURES_DAILY,
    JSON,
    POOL_MEMBERS,
    QUARANTINE,
    Table,
)
from src.data.cleaning import stage as cleaning
from src.data.corporate_actions.decisions.manual import decided_rows
from src.data.corporate_actions.ledger import LEDGER_SCHEMA
from src.data.corporate_actions.recording.history import record_rows
from src.data.history.rebuild import valid_batches
from src.data.ingest import stage as ingest
from src.data.ingest.withdraw import withdraw
from src.db.dry_run import DryRunStore
from src.features import features_daily
from tests.support.prices import StubSource, bar, context, delivery, run

FIRST, HISTORY = dt.date(2022, 6, 1), 930
DERIVED: tuple[Table, ...] = (
    *(CLEAN_DAILY, CLEAN_HOURLY, CLEAN_SERIES, QUARANTINE, CORPORATE_ACTIONS),
    *(FEATURES_DAILY, DATASET_SHORT, DATASET_LONG, FEATURE_SERIES, POOL_MEMBERS),
)
ACTIONS = {"date": pl.Date, "kind": pl.String, "ratio": pl.Float64, "amount": pl.Float64}
# What an evening may bring of a ticker; ordinary ones more often.
EVENTS = (
    *("whole", "whole", "whole", "day", "day", "day", "three days", "nothing", "gap"),
    *("flat", "impossible", "no adjusted close", "revised", "filled", "halved", "hundredfold"),
    *("dividend", "entered", "decided", "before the close", "withdrawn", "second source"),
    *("no price",),
)


@dataclass
class Share:
    """One ticker: its bars so far, on one price basis, as its source has them today."""

    ticker: str
    basis: str
    chance: random.Random
    bars: list[dict[str, Any]] = field(default_factory=list)
    actions: list[tuple[dt.date, str, float | None, float | None]] = field(default_factory=list)
    level: float = 100.0

    def trade(self, day: dt.date) -> dict[str, Any]:
        """Add the bar of a session."""
        before = self.bars[-1]["close"] if self.bars else None
        self.level *= 1 + self.chance.uniform(-0.02, 0.02)
        made = bar(day, round(self.level, 2), volume=float(self.chance.randint(100, 9999)))
        made["open"] = round(before or made["close"], 2)
        made["high"], made["low"] = (pick(made["open"], made["close"]) for pick in (max, min))
        if self.basis == "unadjusted":
            made["adj_close"] = None
        self.bars.append(made)
        return made


class Evenings:
    """Shares in a database, evening by evening."""

    def __init__(self, store: Any, home: Path, shares: Sequence[Share]) -> None:
        self.store, self.home = store, home
        self.shares: list[Share] = []
        self.day = nse().ahead(FIRST, HISTORY)
        self.join(*shares)
        self.work()

    @property
    def tickers(self) -> tuple[str, ...]:
        """Of the shares so far, sorted."""
        return tuple(sorted(share.ticker for share in self.shares))

    @property
    def now(self) -> dt.datetime:
        """The evening after the close."""
        return dt.datetime.combine(self.day, dt.time(13), dt.UTC)

    def context(self, store: Any = None) -> Any:
        return context(store or self.store, self.home, tickers=self.tickers, now=self.now)

    def join(self, *shares: Share) -> None:
        """Bring shares that were not there before, with all their history."""
        for share in shares:
            for day in nse().sessions(FIRST, self.day):
                if share.chance.random() > 0.003:
                    share.trade(day)
        self.shares += shares
        self.deliver([(share, share.bars) for share in shares])

    def deliver(self, files: Sequence[tuple[Share, list[dict[str, Any]]]], **facts: Any) -> None:
        """Bring files of shares."""
        made = []
        for share, bars in files:
            actions = pl.DataFrame(share.actions, schema=ACTIONS, orient="row")
            usual = delivery(
                list(bars),
                ticker=share.ticker,
                fetched_at=self.now,
                price_basis=share.basis,
                origin=f"{share.ticker} {self.now} {len(bars)}",
                actions=actions if share.actions else None,
            )
            made.append(replace(usual, **facts))
        run(ingest.stage(StubSource(made)), self.context())

    def work(self) -> None:
        """Run the stages after ingest."""
        for stage in (cleaning.STAGE, features_daily.STAGE):
            run(stage, self.context())

    def evening(self, events: Sequence[str], newcomer: Share | None = None) -> None:
        """One more session, with an event of each of the first shares; the others trade."""
        self.day = nse().next_session(self.day)
        others = ["whole"] * (len(self.shares) - len(events))
        for share, event in zip(self.shares, [*events, *others], strict=True):
            self.happen(share, event)
        if newcomer is not None:
            self.join(newcomer)
        self.work()

    def happen(self, share: Share, event: str) -> None:
        chance, bars = share.chance, share.bars
        if event == "nothing":
            return
        if event == "withdrawn":
            self._withdraw_newest(share)
            return
        if event in ("entered", "decided"):
            self._enter(share) if event == "entered" else self._decide(share)
        if event == "three days":
            for _ in range(2):
                share.trade(self.day)
                self.day = nse().next_session(self.day)
        if event == "halved":
            share.level /= 2
        if event == "revised":
            old = chance.choice(bars[:-3])
            old["close"] = old["high"] = round(old["high"] * 1.01, 2)
        if event == "filled":
            self._fill(share)
        new = share.trade(self.day)
        bent = {
            "flat": {
                "high": new["close"],
                "low": new["close"],
                "open": new["close"],
                "volume": 0.0,
            },
            "impossible": {"high": new["low"] * 0.9},
            "no adjusted close": {"adj_close": None},
            "no price": dict.fromkeys(("open", "high", "low", "close", "adj_close")),
            "hundredfold": {n: new[n] * 100 for n in ("open", "high", "low", "close")},
        }
        if event == "gap":
            bars.pop()
            return
        if event == "dividend":
            self._pay(share)
        new.update(bent.get(event, {}))
        if event == "second source":
            self.deliver([(replace(share, actions=[]), bars[-30:])], vendor="unnamed")
            return
        if event == "before the close":
            early = dt.datetime.combine(self.day, dt.time(6), dt.UTC)
            self.deliver([(share, bars)], fetched_at=early)
            return
        self.deliver([(share, bars[-1:] if event in ("day", "flat", "impossible") else bars)])

    def _pay(self, share: Share) -> None:
        """A dividend goes ex: where the source adjusts closes, all of history is on a new level."""
        share.actions.append((self.day, "dividend", None, 1.5))
        before = next(each["close"] for each in reversed(share.bars[:-1]) if each["close"])
        factor = 1 - 1.5 / before
        for each in share.bars[:-1]:
            if each["adj_close"] is not None:
                each["adj_close"] = each["adj_close"] * factor

    def _fill(self, share: Share) -> None:
        have = {each["at"] for each in share.bars}
        gone = [day for day in nse().sessions(FIRST, share.bars[-1]["at"]) if day not in have]
        if gone:
            day = share.chance.choice(gone)
            before = [each for each in share.bars if each["at"] < day]
            if before:
                made = {**before[-1], "at": day, "volume": 777.0}
                share.bars.insert(len(before), made)

    def _enter(self, share: Share) -> None:
        """A person enters a dividend of long ago."""
        row = {
            "ticker": share.ticker,
            "date": share.bars[share.chance.randrange(50, 800)]["at"],
            "kind": "dividend",
            "source": "tester",
            "origin": "entered",
            "ratio": None,
            "amount": 0.7,
            "status": "applied",
            "decided_by": "person",
            "evidence": "{}",
            "known_at": self.now,
        }
        with self.store.transaction():
            rows = pl.DataFrame([row], schema=LEDGER_SCHEMA, orient="row")
            record_rows(self.store, rows, self.now)

    def _decide(self, share: Share) -> None:
        ledger = self.store.load(CORPORATE_ACTIONS, [share.ticker])
        if ledger.height:
            row = share.chance.choice(ledger.rows(named=True))
            status = share.chance.choice(["applied", "rejected"])
            with self.store.transaction():
                decided = decided_rows(ledger, row["date"], row["kind"], status)
                record_rows(self.store, decided, self.now)

    def _withdraw_newest(self, share: Share) -> None:
        batches = valid_batches(self.store, [share.ticker]).sort("batch_id")
        if batches.height > 1:
            with self.store.transaction():
                withdraw(self.store, batches.row(-1, named=True), self.now)

    def tables(self, store: Any = None) -> dict[str, pl.DataFrame]:
        """What the stages have made of these tickers, JSON in one form."""
        frames = {}
        for table in DERIVED:
            frame = (store or self.store).load(table, self.tickers)
            if table is QUARANTINE:
                frame = frame.filter(stage=cleaning.STAGE_NAME)
            plain = [name for name, kind in table.columns.items() if kind == JSON]
            texts = [
                pl.Series(name, [json.dumps(json.loads(t), sort_keys=True) for t in frame[name]])
                for name in plain
            ]
            # How often rows were changed is no matter of what they are.
            columns = sorted(set(frame.columns) - {*plain, "changes"})
            frames[table.name] = frame.select(columns).with_columns(
                text.cast(pl.String) for text in texts
            )
        return frames

    def rebuilt(self) -> dict[str, pl.DataFrame]:
        """The same made from empty tables, of the same raw rows; nothing is written."""
        dry = DryRunStore(self.store)
        for table in DERIVED:
            if table is not CORPORATE_ACTIONS:
                kept = dry.load(table, self.tickers)
                is_of_ingest = pl.lit(table is QUARANTINE) & (
                    pl.col("stage") == "data_ingest" if table is QUARANTINE else pl.lit(value=True)
                )
                dry.replace(table, self.tickers, kept.filter(is_of_ingest))
        for stage in (cleaning.STAGE, features_daily.STAGE):
            run(stage, self.context(dry))
        return self.tables(dry)
