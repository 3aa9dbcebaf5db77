"""What came true of logged forecasts, on prices that can be checked in the head."""

import datetime as dt

import pytest

from src.core.calendars.nse import nse
from src.data.corporate_actions.action import Action
from src.modeling.evaluation.outcomes import TickerPrices, mature_forecasts, waiting_notes

# Sessions: the 14th is Ambedkar Jayanti, the 18th and 19th a weekend.
MONDAY, WEDNESDAY, THURSDAY = (dt.date(2026, 4, day) for day in (13, 15, 16))
NOW = dt.datetime(2026, 4, 16, 12, 30, tzinfo=dt.UTC)


def bar(day, price, **bent):
    usual = {
        "date": day,
        "adj_close": price,
        "return_basis": "total",
        "action_pending": False,
        "repaired_by": None,
    }
    return usual | bent


def forecast(**bent):
    usual = {
        "ticker": "TCS.NS",
        "horizon": "short",
        "feature_date": MONDAY,
        "version": "a" * 64,
        "data_hash": "d" * 64,
        "sessions": 1,
        "label_end": None,
        "realised_return": None,
    }
    return usual | bent


def matured(one, *bars, actions=(), until=THURSDAY):
    series = TickerPrices({each["date"]: each for each in bars}, actions)
    return mature_forecasts([one], series, calendar=nse(), until=until, at=NOW)


@pytest.fixture
def bars():
    return [bar(MONDAY, 100.0), bar(WEDNESDAY, 102.0), bar(THURSDAY, 99.0)]


def test_the_return_runs_to_the_next_session_by_the_calendar(bars):
    (outcome,) = matured(forecast(), *bars).outcomes

    assert outcome["label_end"] == WEDNESDAY
    assert outcome["realised_return"] == pytest.approx(0.02)
    assert (outcome["return_basis"], outcome["note"]) == ("total", "")
    assert outcome["matured_at"] == NOW
    assert (outcome["version"], outcome["data_hash"]) == ("a" * 64, "d" * 64)


def test_a_longer_horizon_counts_sessions(bars):
    (outcome,) = matured(forecast(horizon="long", sessions=2), *bars).outcomes

    assert outcome["label_end"] == THURSDAY
    assert outcome["realised_return"] == pytest.approx(-0.01)


def test_a_session_that_has_not_closed_is_waited_for(bars):
    found = matured(forecast(), *bars, until=MONDAY)

    assert (found.outcomes, found.waiting) == ([], {"no_bar": 0, "pending_action": 0})


@pytest.mark.parametrize("lost", [0, 1])
def test_a_session_without_a_bar_gives_no_outcome_and_no_later_one_stands_in(bars, lost):
    del bars[lost]

    found = matured(forecast(), *bars)

    assert found.outcomes == []
    assert found.waiting == {"no_bar": 1, "pending_action": 0}
    assert waiting_notes("TCS.NS", found) == [
        "TCS.NS: 1 forecast came due without an outcome, because of a session without a price."
    ]


@pytest.mark.parametrize("price", [None, 0.0, float("nan")])
def test_a_bar_without_an_adjusted_close_is_no_bar(bars, price):
    bars[1] |= {"adj_close": price}

    assert matured(forecast(), *bars).waiting["no_bar"] == 1


def test_no_return_is_taken_across_a_move_that_waits_for_a_decision(bars):
    bars[1] |= {"action_pending": True}

    across = matured(forecast(sessions=2), *bars)
    after = matured(forecast(feature_date=WEDNESDAY), *bars)

    assert (across.outcomes, across.waiting["pending_action"]) == ([], 1)
    assert len(after.outcomes) == 1
    assert waiting_notes("TCS.NS", across) == [
        "TCS.NS: 1 forecast came due without an outcome, because of a corporate action that "
        "waits for a decision."
    ]


def test_the_note_tells_of_actions_between_the_two_closes_and_of_repairs(bars):
    actions = [
        Action(MONDAY, "dividend", amount=9.0),
        Action(WEDNESDAY, "split", ratio=2.0),
        Action(WEDNESDAY, "demerger"),
        Action(THURSDAY, "dividend", amount=4.5),
    ]
    bars[1] |= {"repaired_by": "hourly"}

    (outcome,) = matured(forecast(), *bars, actions=actions).outcomes

    assert outcome["note"] == (
        "split of 2 on 2026-04-15; demerger on 2026-04-15; close of 2026-04-15 repaired (hourly)"
    )


def test_an_outcome_that_stands_is_not_told_again(bars):
    before = forecast(label_end=WEDNESDAY, realised_return=0.02 * (1 + 1e-12))

    assert matured(before, *bars).outcomes == []


@pytest.mark.parametrize(("was", "again"), [(0.02 + 0.9e-5, 0), (0.02 + 1.1e-5, 1)])
def test_the_noise_of_other_digits_is_no_restatement(bars, was, again):
    found = matured(forecast(label_end=WEDNESDAY, realised_return=was), *bars)

    assert (len(found.outcomes), found.restated) == (again, again)


def test_a_restated_price_adds_an_outcome_that_says_so(bars):
    (outcome,) = matured(forecast(label_end=WEDNESDAY, realised_return=0.05), *bars).outcomes

    assert outcome["realised_return"] == pytest.approx(0.02)
    assert outcome["note"] == "restated from +0.050000 to 2026-04-15"


def test_a_calendar_that_was_only_estimated_may_move_the_end(bars):
    found = matured(forecast(label_end=dt.date(2026, 4, 14), realised_return=0.02), *bars)

    assert [one["label_end"] for one in found.outcomes] == [WEDNESDAY]


def test_what_was_settled_does_not_wait_again_when_its_bar_is_lost(bars):
    found = matured(forecast(label_end=WEDNESDAY, realised_return=0.02), bars[0])

    assert (found.outcomes, found.waiting["no_bar"]) == ([], 0)
