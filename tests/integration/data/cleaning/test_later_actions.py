"""An action applies once the session of its ex-date has closed, and not before."""

import datetime as dt

import polars as pl
import pytest

from src.core.tables import CLEAN_DAILY, CORPORATE_ACTIONS
from src.data.cleaning import stage as cleaning
from src.data.corporate_actions.decisions.manual import entered_row
from src.data.corporate_actions.recording.history import record_rows
from src.data.ingest import stage as ingest
from tests.support.prices import (
    NOW,
    TCS,
    StubSource,
    bar,
    clean_walk,
    context,
    delivery,
    rows,
    run,
    sessions,
    utc,
)

DAYS = [dt.date(2026, 4, day) for day in (8, 9, 10, 13)]
# The next session after that of 13 April, as the 14th is a holiday: it closes at 10:00 UTC.
EX_DATE = dt.date(2026, 4, 15)
SCHEMA = {"date": pl.Date, "kind": pl.String, "ratio": pl.Float64, "amount": pl.Float64}


@pytest.fixture
def cleaned(store, home):
    """The closes and the report of a cleaning at a time."""

    def clean(**facts):
        given = context(store, home, **facts)
        report = run(cleaning.STAGE, given)
        return given.store.load(CLEAN_DAILY, [TCS])["close"].to_list(), report

    return clean


@pytest.fixture
def split_to_come(store, home):
    bars = [bar(day, 100.0) for day in DAYS]
    source = StubSource([delivery(bars, price_basis="unadjusted")])
    run(ingest.stage(source), context(store, home))
    with store.transaction():
        record_rows(store, entered_row(TCS, EX_DATE, "split", 2.0, NOW), NOW)


@pytest.mark.usefixtures("split_to_come")
def test_a_split_to_come_is_stored_and_said_and_leaves_todays_prices(store, cleaned):
    closes, report = cleaned()

    assert closes == [100.0] * 4
    assert rows(store, CORPORATE_ACTIONS)["status"].to_list() == ["applied"]
    assert (
        "TCS.NS: the split of 2 is not applied before the session of 2026-04-15 has closed"
        in report.details["notes"]
    )


@pytest.mark.usefixtures("split_to_come")
@pytest.mark.parametrize(
    ("now", "close"), [(utc(2026, 4, 15, 9, 59), 100.0), (utc(2026, 4, 15, 10, 10), 50.0)]
)
def test_a_split_applies_from_the_close_of_its_session_on(cleaned, now, close):
    closes, report = cleaned(now=now)

    assert closes == [close] * 4
    assert any("is not applied" in note for note in report.details["notes"]) == (close == 100.0)


@pytest.mark.usefixtures("split_to_come")
def test_what_was_known_before_the_session_is_not_split_either(cleaned):
    evening = utc(2026, 4, 15, 12)

    assert cleaned(now=evening, known_at=NOW)[0] == [100.0] * 4
    assert cleaned(now=evening, as_of=DAYS[-1])[0] == [100.0] * 4
    assert cleaned(now=evening)[0] == [50.0] * 4


def test_a_run_up_to_a_day_before_a_split_raises_no_alarm_about_dividends(store, home, cleaned):
    walk = clean_walk(TCS, sessions(dt.date(2025, 1, 1), 60), seed=3)
    before = walk["close"][19]
    # 10 rupees off the restated close of the evening before; 20 were paid, as the split came later.
    factor = pl.when(pl.int_range(pl.len()) < 20).then(1 - 10 / before).otherwise(1.0)
    bars = walk.with_columns(adj_close=pl.col("close") * factor).rename({"date": "at"})
    stated = [
        (walk["date"][20], "dividend", None, 10.0),
        (walk["date"][40], "split", 2.0, None),
    ]
    actions = pl.DataFrame(stated, schema=SCHEMA, orient="row")
    source = StubSource([delivery(bars.rows(named=True), actions=actions)])
    run(ingest.stage(source), context(store, home))

    assert rows(store, CORPORATE_ACTIONS)["amount"].to_list() == [20.0, None]
    assert cleaned()[1].warnings == ()
    assert cleaned(as_of=walk["date"][30])[1].warnings == ()
