"""Target dates and data ages of the API against the days on which NSE really traded."""

import datetime as dt

import psycopg
import pytest

from tests.support.answers import put_live
from tests.support.models import both_horizons
from tests.support.real_prices import LAST_ANNOUNCED, trading_days
from tests.support.services import Service, eventually

WALKERS = [f"W{number:03d}.NS" for number in range(300)]


@pytest.fixture(scope="module")
def walkers(databases):
    """A place with three hundred tickers that are served at both horizons."""
    place = databases.empty()
    with psycopg.connect(place.url, autocommit=True) as connection:
        put_live(connection, place.home / "models", both_horizons(), tickers=WALKERS)
    return place


def move(place, days):
    """Let the newest session of each walker be another: as many as there are days."""
    tickers = WALKERS[: len(days)]
    with psycopg.connect(place.url, autocommit=True) as connection:
        connection.execute(
            "UPDATE serving_inputs SET feature_date = moved.day FROM "
            "unnest(%s::text[], %s::date[]) AS moved (ticker, day) "
            "WHERE serving_inputs.ticker = moved.ticker",
            (tickers, days),
        )
    return tickers


def forecasts_of(service, tickers, days):
    """The answers of one request, by ticker and horizon, once all are of their days."""
    wanted = {ticker: str(day) for ticker, day in zip(tickers, days, strict=True)}

    def answers():
        body = service.post("/predict/batch", json={"tickers": tickers}).json()
        assert body["errors"] == []
        forecasts = body["forecasts"]
        assert len(forecasts) == 2 * len(tickers)
        return (
            forecasts if all(wanted[a["ticker"]] == a["feature_date"] for a in forecasts) else None
        )

    return eventually(answers)


def test_target_dates_are_counted_over_every_session_since_2000(walkers, serve, data):
    days = trading_days(data)
    ahead = {"1-day": 1, "63-day": 63}
    checked = 0
    service, place = serve(walkers)
    with service:
        for start in range(0, len(days) - 63, len(WALKERS)):
            some = days[start : min(start + len(WALKERS), len(days) - 63)]
            tickers = move(place, some)
            for answer in forecasts_of(service, tickers, some):
                at_row = start + tickers.index(answer["ticker"])
                target = days[at_row + ahead[answer["horizon"]]]
                assert answer["predict_date"] == str(target), answer["feature_date"]
                assert answer["predict_date_estimated"] is (target > LAST_ANNOUNCED)
                checked += 1
    assert checked == 2 * (len(days) - 63) > 14_000


# By hand: Saturdays and Sundays that traded, Muhurats between holidays, and the calendar's end.
NEXT = {
    "2023-11-10": "2023-11-12",
    "2024-01-19": "2024-01-20",
    "2024-01-20": "2024-01-23",
    "2024-03-01": "2024-03-02",
    "2024-05-18": "2024-05-21",
    "2025-01-31": "2025-02-01",
    "2025-10-21": "2025-10-23",
    "2026-01-30": "2026-02-01",
    "2026-04-13": "2026-04-15",
    "2026-11-06": "2026-11-08",
    "2026-11-09": "2026-11-11",
    "2026-12-30": "2026-12-31",
    "2026-12-31": "2027-01-01",
    "2027-01-25": "2027-01-27",
}


def test_the_next_session_is_right_around_special_ones_and_estimated_beyond_the_calendar(
    walkers, serve
):
    service, place = serve(walkers)
    with service:
        answers = forecasts_of(service, move(place, list(NEXT)), list(NEXT))

    forecasts = {a["feature_date"]: a for a in answers if a["horizon"] == "1-day"}
    assert {day: forecasts[day]["predict_date"] for day in forecasts} == NEXT
    estimated = {day for day in forecasts if forecasts[day]["predict_date_estimated"]}
    assert estimated == {"2026-12-31", "2027-01-25"}


# A time in India, and by hand the last session that had closed by then.
CLOSED = {
    "2026-04-13T15:29:59": "2026-04-10",
    "2026-04-13T15:30:00": "2026-04-13",
    "2026-04-15T00:30:00": "2026-04-13",  # after a holiday, in UTC still on it
    "2026-04-19T11:00:00": "2026-04-17",  # a Sunday
    "2025-10-21T14:44:59": "2025-10-20",  # before the end of an afternoon Muhurat
    "2025-10-22T16:00:00": "2025-10-21",  # the holiday after it
    "2026-02-01T15:30:00": "2026-02-01",  # the close of a Sunday's budget session
    "2024-01-22T16:00:00": "2024-01-20",  # a Monday closed, made up on the Saturday before
    "2024-03-02T12:30:00": "2024-03-02",  # the end of a Saturday's drill
    "2027-01-26T16:00:00": "2027-01-25",  # Republic Day, not published yet
}


@pytest.fixture(scope="module")
def aged(databases, walkers):
    return databases.copy(walkers)


@pytest.mark.parametrize("now", CLOSED)
def test_age_is_counted_in_sessions_that_have_closed_and_one_is_warned_of(aged, data, now):
    days = trading_days(data)
    closed = days.index(dt.date.fromisoformat(CLOSED[now]))
    some = days[closed - 9 : closed + 2]
    tickers, at_time = move(aged, some), {"FORECAST_NOW": f"{now}+05:30", "TICKER": WALKERS[8]}

    with Service(aged.home, aged.url, **at_time) as service:
        answers, health = forecasts_of(service, tickers, some), service.get("/health")

    for answer in answers:
        ticker, behind = answer["ticker"], max(0, 9 - tickers.index(answer["ticker"]))
        assert answer["data_age_sessions"] == behind
        words = "1 session" if behind == 1 else f"{behind} sessions"
        sentence = (
            f"The newest price of {ticker} is of {answer['feature_date']}, {words} behind "
            f"{CLOSED[now]}: run `python -m mlops.pipeline --ticker {ticker}`."
        )
        assert [warning for warning in answer["warnings"] if warning == sentence] == (
            [sentence] if behind else []
        )
        passed = f"This forecast is about {answer['predict_date']}, a session that has closed"
        is_passed = answer["predict_date"] <= CLOSED[now]
        assert any(warning.startswith(passed) for warning in answer["warnings"]) == is_passed
        is_early = answer["feature_date"] > CLOSED[now]
        assert any("correct the clock" in warning for warning in answer["warnings"]) == is_early
    assert health.status_code == 503
    assert "1 session behind" in health.json()["detail"]
