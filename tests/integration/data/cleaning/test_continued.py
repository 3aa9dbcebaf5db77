"""A series that another source continues: where both agree up to its end, and nowhere else."""

import datetime as dt

import pytest

from src.core.tables import CLEAN_DAILY, INGEST_BATCHES, QUARANTINE
from src.data.cleaning import stage as cleaning
from src.data.corporate_actions.decisions.manual import entered_row
from src.data.corporate_actions.recording.history import record_rows
from src.data.ingest import stage as ingest
from tests.support.prices import NOW, TCS, StubSource, bar, context, delivery, rows, run, sessions

# The last of them is that of 13 April 2026, which has closed at ``NOW``.
DAYS = sessions(dt.date(2026, 3, 23), 13)
CLOSES = dict(zip(DAYS, range(100, 113), strict=True))
ENDS = DAYS[-3]


@pytest.fixture
def given(store, home):
    return context(store, home)


def yahoo(days=DAYS[:-2], **facts):
    fetched = {"fetched_at": NOW - dt.timedelta(days=4), **facts}
    return delivery([bar(day, CLOSES[day]) for day in days], **fetched)


def exchange(days=DAYS[-5:], level=1.0, **facts):
    bars = [bar(day, level * CLOSES[day], adj_close=None) for day in days]
    return delivery(bars, vendor="nse", price_basis="unadjusted", **facts)


def clean(given, *deliveries):
    run(ingest.stage(StubSource(list(deliveries))), given)
    report = run(cleaning.STAGE, given)
    return report, rows(given.store, CLEAN_DAILY).select("date", "close", "source", "repaired_by")


def test_newer_sessions_are_taken_from_the_source_that_has_them(given, store):
    assert DAYS[-1] == dt.date(2026, 4, 13)
    report, bars = clean(given, yahoo(), exchange())

    assert bars.tail(3).rows() == [
        (ENDS, 110.0, "yahoo", None),
        (DAYS[-2], 111.0, "nse", "continued"),
        (DAYS[-1], 112.0, "nse", "continued"),
    ]
    assert bars["date"].to_list() == DAYS
    assert report.warnings == ()
    assert f"{TCS}: 2 newer sessions taken from nse" in report.details["notes"]
    # Nothing stood in their place, and nothing was repaired.
    assert rows(store, QUARANTINE).is_empty()


def test_the_chosen_source_takes_its_place_again_once_it_has_the_sessions(given):
    clean(given, yahoo(), exchange())
    _, bars = clean(given, yahoo(DAYS, fetched_at=NOW))

    assert set(bars["source"]) == {"yahoo"}
    assert bars["repaired_by"].null_count() == len(DAYS)


@pytest.mark.parametrize(
    "other",
    [
        exchange(level=2.0),  # another price level: a split that nobody knows of, or another share
        exchange(DAYS[-2:]),  # no session in common
    ],
    ids=["another level", "nothing in common"],
)
def test_a_source_that_does_not_agree_continues_nothing_and_a_warning_says_so(given, other):
    report, bars = clean(given, yahoo(), other)

    assert bars["date"].max() == ENDS
    (warning,) = [each for each in report.warnings if "SOURCE_PRECEDENCE" in each]
    assert "but nse has" in warning


def test_a_few_rows_before_a_long_series_are_told_with_both_cures(given, store):
    week = [bar(day, CLOSES[day]) for day in DAYS[:2]]
    report, _ = clean(given, exchange(), delivery(week, vendor="yahoo"))

    (warning,) = [each for each in report.warnings if "SOURCE_PRECEDENCE" in each]
    numbers = rows(store, INGEST_BATCHES).filter(source="yahoo")["batch_id"].to_list()
    assert warning.endswith(
        """to use nse, set FORECAST_DATA__SOURCE_PRECEDENCE='["nse", "yahoo", "upstox", """
        """"sample"]', or take the rows of yahoo out: `python -m src.data.ingest withdraw """
        f"--batch {numbers[0]}`."
    )


def test_a_dividend_after_the_last_bar_is_taken_off_the_adjusted_closes_before_it(given, store):
    """Of 111 rupees the evening before 11.1 are paid: what is before keeps nine tenths."""
    with store.transaction():
        record_rows(store, entered_row(TCS, DAYS[-1], "dividend", 11.1, NOW), NOW)
    report, bars = clean(given, yahoo(), exchange())

    assert bars["date"].to_list() == DAYS
    assert bars["close"].to_list() == [float(CLOSES[day]) for day in DAYS]
    adjusted = rows(store, CLEAN_DAILY)["adj_close"].to_list()
    assert adjusted[:-1] == pytest.approx([0.9 * CLOSES[day] for day in DAYS[:-1]])
    assert adjusted[-1] == 112.0
    assert report.warnings == ()


def test_a_stated_split_after_the_last_bar_divides_what_is_before_it(given, store):
    with store.transaction():
        record_rows(store, entered_row(TCS, DAYS[-1], "split", 2.0, NOW), NOW)
        record_rows(store, entered_row(TCS, DAYS[-1], "dividend", 11.1, NOW), NOW)
    halved = bar(DAYS[-1], CLOSES[DAYS[-1]] / 2, adj_close=None)
    bars = [*(bar(day, CLOSES[day], adj_close=None) for day in DAYS[-5:-1]), halved]
    report, clean_bars = clean(
        given, yahoo(), delivery(bars, vendor="nse", price_basis="unadjusted")
    )

    assert clean_bars["date"].to_list() == DAYS
    assert clean_bars["close"].to_list() == [CLOSES[day] / 2 for day in DAYS]
    stored = rows(store, CLEAN_DAILY)
    assert stored["volume"].to_list() == [2000.0] * 12 + [1000.0]
    assert stored["adj_close"].to_list() == pytest.approx(
        [0.9 * CLOSES[day] / 2 for day in DAYS[:-1]] + [56.0]
    )
    assert report.warnings == ()


def test_a_split_that_only_the_other_source_shows_ends_it(given):
    halved = bar(DAYS[-1], CLOSES[DAYS[-1]] / 2, adj_close=None)
    bars = [*(bar(day, CLOSES[day], adj_close=None) for day in DAYS[-5:-1]), halved]
    other = delivery(bars, vendor="nse", price_basis="unadjusted")
    report, clean_bars = clean(given, yahoo(), other)

    assert clean_bars["date"].max() == DAYS[-2]
    assert any(f"but nse has 5 rows up to {DAYS[-1]}" in each for each in report.warnings)
