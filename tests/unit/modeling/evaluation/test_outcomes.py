"""What came true of logged forecasts, on prices that can be checked in the head."""

import datetime as dt

import polars as pl
import pytest

from src.core.calendars.nse import nse
from src.data.corporate_actions.action import Action
from src.modeling.evaluation.outcomes import (
    PriceNotes,
    matured,
    outcome_row,
    unsettled,
    waiting_notes,
)

# Sessions: the 14th is Ambedkar Jayanti, the 18th and 19th a weekend.
MONDAY, WEDNESDAY, THURSDAY = (dt.date(2026, 4, day) for day in (13, 15, 16))
NOW = dt.datetime(2026, 4, 16, 12, 30, tzinfo=dt.UTC)
NO_NOTES = PriceNotes({}, {})
SCHEMA = {"label_end": pl.Date, "realised_return": pl.Float64}


def bar(day, price, ticker="TCS.NS", pending=False):
    return {
        "ticker": ticker,
        "date": day,
        "adj_close": price,
        "action_pending": pending,
        "return_basis": "total",
        "warm_up": False,
        "source": "yahoo",
        "features_version": "v1",
    }


def forecast(**changes):
    usual = {
        "ticker": "TCS.NS",
        "horizon": "short",
        "feature_date": MONDAY,
        "version": "a" * 64,
        "data_hash": "d" * 64,
        "kind": "served",
        "sessions": 1,
        "label_end": None,
        "realised_return": None,
    }
    return usual | changes


def due(forecasts, bars, until=THURSDAY):
    logged = pl.DataFrame(forecasts, schema_overrides=SCHEMA)
    prices = pl.DataFrame(bars, schema_overrides={"adj_close": pl.Float64}).sort("ticker", "date")
    return matured(logged, prices, nse(), until)


def rows(forecasts, bars, notes=NO_NOTES):
    changed = unsettled(due(forecasts, bars))
    return [outcome_row(row, notes, NOW) for row in changed.iter_rows(named=True)]


def reasons(forecasts, bars):
    return due(forecasts, bars)["waits_for"].to_list()


@pytest.fixture
def bars():
    return [bar(MONDAY, 100.0), bar(WEDNESDAY, 102.0), bar(THURSDAY, 99.0)]


def test_the_return_runs_to_the_next_session_by_the_calendar(bars):
    (outcome,) = rows([forecast()], bars)

    assert outcome["label_end"] == WEDNESDAY
    assert outcome["realised_return"] == pytest.approx(0.02)
    assert (outcome["return_basis"], outcome["note"]) == ("total", "")
    assert outcome["matured_at"] == NOW
    key = ("version", "data_hash", "kind")
    assert tuple(outcome[name] for name in key) == ("a" * 64, "d" * 64, "served")


def test_each_horizon_counts_its_own_sessions_and_each_ticker_its_own_prices(bars):
    other = [bar(MONDAY, 10.0, "INFY.NS"), bar(WEDNESDAY, 11.0, "INFY.NS")]
    forecasts = [
        forecast(),
        forecast(horizon="long", sessions=2),
        forecast(ticker="INFY.NS"),
    ]

    found = {(row["ticker"], row["horizon"]): row for row in rows(forecasts, [*bars, *other])}

    assert found["TCS.NS", "long"]["label_end"] == THURSDAY
    assert {pair: row["realised_return"] for pair, row in found.items()} == {
        ("TCS.NS", "short"): pytest.approx(0.02),
        ("TCS.NS", "long"): pytest.approx(-0.01),
        ("INFY.NS", "short"): pytest.approx(0.1),
    }


def test_a_session_that_has_not_closed_is_waited_for(bars):
    assert due([forecast()], bars, until=MONDAY).is_empty()


@pytest.mark.parametrize("lost", [0, 1])
def test_a_session_without_a_bar_gives_no_outcome_and_no_later_one_stands_in(bars, lost):
    del bars[lost]

    assert rows([forecast()], bars) == []
    assert reasons([forecast()], bars) == ["no_bar"]
    assert list(waiting_notes(due([forecast()], bars))) == [
        "TCS.NS: 1 forecast came due without an outcome, because of a session without a price."
    ]


def test_a_sentence_names_some_of_many_tickers(bars):
    forecasts = [forecast(ticker=f"SHARE{number}.NS") for number in range(7)]

    assert list(waiting_notes(due(forecasts, bars))) == [
        "SHARE0.NS, SHARE1.NS, SHARE2.NS, SHARE3.NS, SHARE4.NS and 2 more: 7 forecasts came due "
        "without an outcome, because of a session without a price."
    ]


@pytest.mark.parametrize("price", [None, 0.0, float("nan")])
def test_a_bar_without_an_adjusted_close_is_no_bar(bars, price):
    bars[1] |= {"adj_close": price}

    assert reasons([forecast()], bars) == ["no_bar"]


def test_no_return_is_taken_across_a_move_that_waits_for_a_decision(bars):
    bars[1] |= {"action_pending": True}
    across, after = forecast(sessions=2), forecast(feature_date=WEDNESDAY)

    assert reasons([across, after], bars) == ["pending_action", None]
    assert len(rows([across, after], bars)) == 1
    two = due([across, across | {"data_hash": "e" * 64}], bars)
    assert list(waiting_notes(two)) == [
        "TCS.NS: 2 forecasts came due without an outcome, because of a corporate action that "
        "waits for a decision."
    ]


def test_the_note_tells_of_actions_between_the_two_closes_and_of_repairs(bars):
    actions = [
        Action(MONDAY, "dividend", amount=9.0),
        Action(WEDNESDAY, "split", ratio=2.0),
        Action(WEDNESDAY, "demerger"),
        Action(THURSDAY, "dividend", amount=4.5),
    ]
    repairs = {("TCS.NS", WEDNESDAY): "hourly", ("TCS.NS", THURSDAY): "hourly"}
    notes = PriceNotes({"TCS.NS": actions, "INFY.NS": actions}, repairs)

    (outcome,) = rows([forecast()], bars, notes)

    assert outcome["note"] == (
        "split of 2 on 2026-04-15; demerger on 2026-04-15; close of 2026-04-15 repaired (hourly)"
    )


def test_an_outcome_that_stands_is_not_told_again(bars):
    before = forecast(label_end=WEDNESDAY, realised_return=0.02 * (1 + 1e-12))

    assert rows([before], bars) == []


@pytest.mark.parametrize(("was", "again"), [(0.02 + 0.9e-5, 0), (0.02 + 1.1e-5, 1)])
def test_the_noise_of_other_digits_is_no_restatement(bars, was, again):
    assert len(rows([forecast(label_end=WEDNESDAY, realised_return=was)], bars)) == again


def test_a_restated_price_adds_an_outcome_that_says_so(bars):
    (outcome,) = rows([forecast(label_end=WEDNESDAY, realised_return=0.05)], bars)

    assert outcome["realised_return"] == pytest.approx(0.02)
    assert outcome["note"] == "restated from +0.050000 to 2026-04-15"


def test_a_calendar_that_was_only_estimated_may_move_the_end(bars):
    before = forecast(label_end=dt.date(2026, 4, 14), realised_return=0.02)

    assert [row["label_end"] for row in rows([before], bars)] == [WEDNESDAY]


def test_what_was_settled_has_no_other_outcome_when_its_bar_is_lost(bars):
    before = forecast(label_end=WEDNESDAY, realised_return=0.02)

    assert rows([before], bars[:1]) == []
