"""Blocks of tickers on real tables: one that fails keeps no other back, what is unchanged rests."""

import datetime as dt
from dataclasses import dataclass, field

import psycopg
import pytest

from mlops.pipeline_run.data_stages import DataStages, blocks
from mlops.pipeline_run.unchanged import Fingerprints
from src.core.tables import FEATURES_DAILY, POOL_MEMBERS
from src.data.corporate_actions.decisions.manual import entered_row
from src.data.corporate_actions.recording.history import record_rows
from src.data.ingest import stage as ingest
from src.db.tables.prepared import PreparedTickers
from src.features import indicators
from tests.support.checksums import rows
from tests.support.prices import NOW, StubSource, bar, context, delivery, sessions

DAYS = sessions(dt.date(2025, 10, 1), 60)
CLOSED = [dt.date(2025, 10, 4) + dt.timedelta(weeks=week) for week in range(12)]  # Saturdays
SETTINGS = {"data": {"min_rows_required": 20}}
TICKERS = ("A.NS", "B.NS", "C.NS")


def prices(ticker, days=DAYS, shift=0.0):
    """A delivery that wanders a little."""
    bars = [bar(day, 100.0 + (n * 7 + shift) % 5) for n, day in enumerate(days)]
    return delivery(bars, ticker=ticker, content_hash=f"{ticker} {days} {shift}")


@dataclass
class Reported:
    """What a reporter was told."""

    stages: list = field(default_factory=list)
    errors: dict = field(default_factory=dict)
    left_out: dict = field(default_factory=dict)

    def begins(self, stage):
        self.stages.append(stage)

    def done(self, clock, report):
        self.left_out |= report.failed

    def failed(self, clock, tickers, error):
        self.errors |= {ticker: (clock.stage, str(error)) for ticker in tickers}


@pytest.fixture
def bring(store, home, database_url):
    """Bring tickers up to date: ``bring(deliveries)`` gives those that are, and what was told."""
    with psycopg.connect(database_url, autocommit=True) as connection:

        def run(deliveries=(), tickers=TICKERS, now=NOW, skip=True, of=StubSource, **settings):
            given = context(store, home, tickers=tickers, now=now, **{**SETTINGS, **settings})
            told = Reported()
            stages = DataStages(
                given,
                told,
                Fingerprints(PreparedTickers(connection), given),
                skip_unchanged=skip,
                url=database_url,
            )
            going_on = list(tickers)
            if deliveries:
                going_on = stages.ingest(tickers, ingest.stage(of(list(deliveries))))
            return stages.prepare(going_on), told

        yield run


def stored(store, table, tickers=TICKERS):
    with store.transaction(read_only=True):
        return store.load(table, tickers)


def members(store):
    return stored(store, POOL_MEMBERS)["ticker"].to_list()


def test_a_block_is_one_pass_through_the_stages(bring, store):
    done, told = bring([prices(ticker) for ticker in TICKERS])

    assert done == list(TICKERS)
    assert told.stages == ["data_ingest", "data_cleaning", "feature_engineering", "validation"]
    assert members(store) == list(TICKERS)


def test_one_that_is_too_short_fails_its_checks_and_keeps_no_other_back(bring, store):
    short = prices("B.NS", DAYS[:5])

    done, told = bring([prices("A.NS"), short, prices("C.NS")])

    assert done == ["A.NS", "C.NS"]
    ((stage, sentence),) = told.errors.values()
    assert (stage, sentence.split(":")[0]) == ("validation", "B.NS")
    # Features that do not pass their checks are not stored, clean prices are.
    assert members(store) == ["A.NS", "C.NS"]
    assert "B.NS" not in stored(store, FEATURES_DAILY)["ticker"].to_list()


def test_all_but_those_that_fail_their_checks_are_stored_in_one_go(bring, store, database_url):
    short = [prices("B.NS", DAYS[:5]), prices("D.NS", DAYS[:7])]
    tickers = (*TICKERS, "D.NS", "E.NS")

    done, told = bring([prices(t) for t in ("A.NS", "C.NS", "E.NS")] + short, tickers=tickers)

    assert done == ["A.NS", "C.NS", "E.NS"]
    # The whole block, and once again the rest of it.
    assert told.stages[2:] == ["feature_engineering", "validation"] * 2
    assert {t: sentence.split(" rows")[0] for t, (_, sentence) in told.errors.items()} == {
        "B.NS": "B.NS: 0",
        "D.NS": "D.NS: 0",
    }
    kept = rows(database_url, "SELECT DISTINCT xmin::text FROM features_daily")
    assert len(kept) == 1
    failed = rows(
        database_url, "SELECT ticker FROM prepared_tickers WHERE fingerprint LIKE 'failed%%'"
    )
    assert sorted(failed) == [("B.NS",), ("D.NS",)]


def test_tickers_that_failed_before_hold_up_no_block_again(bring):
    good, short = [prices("A.NS"), prices("C.NS")], prices("B.NS", DAYS[:5])
    bring([*good, short])

    done, told = bring([*good, prices("B.NS", DAYS[:6])], skip=False)

    assert (done, list(told.errors)) == (["A.NS", "C.NS"], ["B.NS"])
    # One pass for the good ones, one for the other.
    assert told.stages[2:] == ["feature_engineering", "validation"] * 2
    done, told = bring([*good, prices("B.NS")], skip=False)
    assert (done, told.errors) == (list(TICKERS), {})


def test_a_ticker_of_which_no_prices_come_is_left_out(bring, store):
    done, told = bring([prices("A.NS"), prices("C.NS")])

    assert done == ["A.NS", "C.NS"]
    assert list(told.left_out) == ["B.NS"]
    assert told.errors == {}


def test_an_error_of_the_whole_block_is_told_for_the_ticker_that_causes_it(bring):
    class OneBroken(StubSource):
        def fetch(self, kind, ticker, since, until):
            if ticker == "B.NS":
                raise ZeroDivisionError("of B")
            return super().fetch(kind, ticker, since, until)

    done, told = bring([prices(ticker) for ticker in TICKERS], of=OneBroken)

    assert done == ["A.NS", "C.NS"]
    assert told.errors == {"B.NS": ("data_ingest", "of B")}


def test_what_is_unchanged_is_not_worked_through_again(bring, store, database_url):
    deliveries = [prices(ticker) for ticker in TICKERS]
    bring(deliveries)
    kept = rows(database_url, "SELECT xmin, ticker, fingerprint FROM prepared_tickers ORDER BY 2")

    done, told = bring(deliveries, now=NOW + dt.timedelta(days=2))

    assert (done, told.stages) == (list(TICKERS), ["data_ingest"])
    assert kept == rows(
        database_url, "SELECT xmin, ticker, fingerprint FROM prepared_tickers ORDER BY 2"
    )


def test_new_prices_settings_and_decisions_are_worked_through(bring, store):
    deliveries = [prices(ticker) for ticker in TICKERS]
    bring(deliveries)

    _, longer = bring([prices("B.NS", sessions(DAYS[0], 62)), *deliveries])
    _, changed = bring(deliveries, features={"sma_periods": [5]})
    bring(deliveries)
    with store.transaction():
        split = entered_row("C.NS", DAYS[9], "split", 1.0001, NOW)
        record_rows(store, split, NOW)
    _, decided = bring(deliveries)

    for told in (longer, changed, decided):
        assert told.stages[1:] == ["data_cleaning", "feature_engineering", "validation"]


def test_without_skipping_every_ticker_is_worked_through(bring):
    deliveries = [prices(ticker) for ticker in TICKERS]
    bring(deliveries)

    done, told = bring(deliveries, skip=False)

    assert done == list(TICKERS)
    assert told.stages[-1] == "validation"


def test_a_ticker_that_fails_later_stays_pooled_with_its_last_good_rows(bring, store):
    bring([prices(ticker) for ticker in TICKERS])
    before = stored(store, FEATURES_DAILY)

    done, told = bring(data={"min_rows_required": 10_000})

    assert (done, list(told.errors)) == ([], list(TICKERS))
    assert members(store) == list(TICKERS)
    assert stored(store, FEATURES_DAILY).equals(before)
    # It has failed, and is no less due for that.
    assert bring(data={"min_rows_required": 10_000})[1].errors == told.errors


def test_a_wrong_instrument_leaves_the_pool(bring, store):
    bring([prices(ticker) for ticker in TICKERS])

    # Three files, each with too few days on which NSE was closed to be refused.
    parts = [prices("B.NS", [*DAYS, *CLOSED[n : n + 4]]) for n in (0, 4, 8)]
    done, told = bring(parts, tickers=("B.NS",))

    assert done == []
    assert told.errors["B.NS"][0] == "validation"
    assert members(store) == ["A.NS", "C.NS"]


def test_tickers_with_features_of_another_version_are_found_until_they_have_failed(
    bring, store, home, database_url
):
    bring([prices(ticker) for ticker in TICKERS])
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE pool_members SET features_version = 'earlier'")
        connection.execute("DELETE FROM pool_members WHERE ticker = 'C.NS'")
        fingerprints = Fingerprints(PreparedTickers(connection), context(store, home, **SETTINGS))

        assert fingerprints.outdated(["NSE"]) == list(TICKERS)
        assert fingerprints.outdated(["BSE"]) == []
        with store.transaction():
            fingerprints.write(["A.NS"], failed=True)
        assert fingerprints.outdated(["NSE"]) == ["B.NS", "C.NS"]
        bring(tickers=("B.NS", "C.NS"), skip=False)
        assert fingerprints.outdated(["NSE"]) == []


def test_blocks_are_of_whole_tickers_and_none_is_left_out():
    tickers = [f"T{n}" for n in range(60)]

    assert [len(block) for block in blocks(tickers)] == [25, 25, 10]
    assert [ticker for block in blocks(tickers) for ticker in block] == tickers


def test_labels_of_another_horizon_are_found_in_the_next_run(bring, store, home, database_url):
    bring([prices(ticker) for ticker in TICKERS])
    bring(tickers=("B.NS",), skip=False, training={"horizons": {"short": 1, "long": 21}})
    with psycopg.connect(database_url, autocommit=True) as connection:
        prepared = PreparedTickers(connection)
        assert Fingerprints(prepared, context(store, home, **SETTINGS)).outdated(["NSE"]) == [
            "B.NS"
        ]
        bring(tickers=("B.NS",), skip=False)
        assert Fingerprints(prepared, context(store, home, **SETTINGS)).outdated(["NSE"]) == []


def test_a_changed_formula_reaches_rows_that_are_stored_already(bring, store, monkeypatch):
    bring([prices(ticker) for ticker in TICKERS])
    before = stored(store, FEATURES_DAILY)["mom_7"]
    momentum = indicators.momentum
    monkeypatch.setattr(indicators, "momentum", lambda *args, **more: 2 * momentum(*args, **more))
    monkeypatch.setattr("src.features.members.source_hash", lambda *_: "of the changed code")

    bring(skip=False)

    after = stored(store, FEATURES_DAILY)["mom_7"]
    assert after.drop_nulls().to_list() == (2 * before).drop_nulls().to_list()
    assert before.drop_nulls().abs().max() > 0
