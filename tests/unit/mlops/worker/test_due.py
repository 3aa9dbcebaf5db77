"""Which session is due, by NSE's calendar of June 2026: 26 June, a Friday, is a holiday.

A session closes at 15:30 in India, 10:00 UTC; runs are due half an hour later.
"""

import datetime as dt
from dataclasses import replace

import pytest

from mlops.worker.due import DueRun, Try, due_run, next_try, source_of
from src.core.calendars.nse import nse

SETTLE = dt.timedelta(minutes=30)
MONDAY, TUESDAY, WEDNESDAY, THURSDAY = (dt.date(2026, 6, day) for day in (22, 23, 24, 25))
NEXT_MONDAY = dt.date(2026, 6, 29)
TICKERS = ("INFY.NS", "RELIANCE.NS", "TCS.NS")


def at(day, clock="10:30"):
    """A time of a day, UTC."""
    return dt.datetime.combine(day, dt.time.fromisoformat(clock), dt.UTC)


def due(now, newest, tries=()):
    if not isinstance(newest, dict):
        newest = dict.fromkeys(TICKERS, newest)
    return due_run(nse(), now, SETTLE, newest, tries)


def tried(status="success", when=None, seconds=0.0, session=TUESDAY, tickers=TICKERS):
    return Try(session, frozenset(tickers), status, when or at(session), seconds)


def test_a_session_is_due_half_an_hour_after_its_close():
    assert due(at(TUESDAY, "10:29"), MONDAY) is None
    run = due(at(TUESDAY), MONDAY)
    assert (run.session, run.number, run.tickers, run.missed) == (TUESDAY, 1, TICKERS, ())
    assert run.key == "schedule:XNSE:2026-06-23:1"


def test_it_is_due_for_the_tickers_that_no_run_has_finished_it_for():
    newest = {"INFY.NS": TUESDAY, "NEW.NS": None, "TCS.NS": MONDAY}
    assert due(at(TUESDAY), newest).tickers == ("NEW.NS", "TCS.NS")


def test_nothing_is_due_on_holidays_and_weekends():
    times = [at(dt.date(2026, 6, day), "18:00") for day in (26, 27, 28)]
    assert [due(now, THURSDAY) for now in times] == [None, None, None]
    assert due(at(NEXT_MONDAY), THURSDAY).missed == ()


def test_after_days_away_the_newest_session_is_due_and_the_others_are_missed():
    run = due(at(dt.date(2026, 6, 28)), MONDAY)
    assert (run.session, run.missed) == (THURSDAY, (TUESDAY, WEDNESDAY))


def test_before_the_first_run_nothing_was_missed():
    assert due(at(TUESDAY), None).missed == ()


@pytest.mark.parametrize("status", ["waiting", "running"])
def test_nothing_is_due_while_a_try_waits_or_runs(status):
    assert due(at(TUESDAY, "12:00"), MONDAY, [tried(status, seconds=None)]) is None


def test_nothing_is_due_where_a_person_cancelled_the_session():
    tries = [tried("cancelled")]
    assert due(at(WEDNESDAY, "09:00"), MONDAY, tries) is None
    assert due(at(WEDNESDAY), MONDAY, tries).session == WEDNESDAY


def test_tries_without_success_are_1_5_15_60_and_60_minutes_apart():
    tries, begins = [], ["10:30", "10:33", "10:40", "10:57", "11:59", "13:01"]
    for number, clock in enumerate(begins, start=1):
        now = at(TUESDAY, clock)
        assert due(now - dt.timedelta(seconds=1), MONDAY, tries) is None or not tries
        run = due(now, MONDAY, tries)
        assert run.number == number
        # Each takes two minutes.
        tries.append(tried(["failed", "success"][number % 2], now, 120.0))
    assert due(at(WEDNESDAY), MONDAY, tries).number == 1


def test_when_a_session_is_tried_again_is_known_before():
    newest = {"INFY.NS": TUESDAY, "TCS.NS": MONDAY}
    again = next_try(TUESDAY, newest, [tried("success", at(TUESDAY), 120.0, tickers=newest)])
    assert (again.begins_at, again.tickers) == (at(TUESDAY, "10:33"), {"TCS.NS"})
    for without in ([], [tried("running", seconds=None)], [tried("cancelled")]):
        assert next_try(TUESDAY, newest, without) is None
    assert next_try(TUESDAY, {"INFY.NS": TUESDAY}, [tried(tickers=["INFY.NS"])]) is None


def test_a_process_that_died_is_followed_at_once_but_not_for_ever():
    tries = [tried("interrupted", at(TUESDAY, "10:30"))]
    assert due(at(TUESDAY, "10:30"), MONDAY, tries).number == 2
    tries.append(tried("interrupted", at(TUESDAY, "10:31")))
    assert due(at(TUESDAY, "10:31"), MONDAY, tries).number == 3
    tries.append(tried("interrupted", at(TUESDAY, "10:32")))
    assert due(at(TUESDAY, "10:32"), MONDAY, tries) is None
    assert due(at(TUESDAY, "10:33"), MONDAY, tries).number == 4
    tries.append(tried("interrupted", at(TUESDAY, "10:33")))
    assert due(at(TUESDAY, "10:37"), MONDAY, tries) is None
    assert due(at(TUESDAY, "10:38"), MONDAY, tries).number == 5


def test_a_source_that_is_late_is_asked_for_all_until_the_next_close():
    tries = [tried("success", at(TUESDAY, "10:30")) for _ in range(20)]
    assert due(at(WEDNESDAY, "10:29"), MONDAY, tries).tickers == TICKERS


def test_a_ticker_that_is_late_alone_is_tried_five_times():
    newest = dict.fromkeys([f"S{n}.NS" for n in range(9)], TUESDAY) | {"LATE.NS": MONDAY}
    tries = [tried(tickers=newest)]
    for clock in ("10:31", "10:36", "10:51"):
        assert due(at(TUESDAY, clock), newest, tries).tickers == ("LATE.NS",)
        tries.append(tried(when=at(TUESDAY, clock), tickers=["LATE.NS"]))
    assert due(at(TUESDAY, "11:50"), newest, tries) is None
    assert due(at(TUESDAY, "11:51"), newest, tries).number == 5
    tries.append(tried(when=at(TUESDAY, "11:51"), tickers=["LATE.NS"]))
    assert due(at(WEDNESDAY, "10:29"), newest, tries) is None
    assert due(at(WEDNESDAY), newest, tries).number == 1


def test_a_source_that_brings_a_few_tickers_at_a_time_is_asked_for_the_rest():
    names = [f"S{n:02}.NS" for n in range(30)]
    tries, now = [], at(TUESDAY)
    for brought in range(0, 27, 3):
        newest = {name: TUESDAY if n < brought else MONDAY for n, name in enumerate(names)}
        run = due(now, newest, tries)
        assert run.tickers == tuple(names[brought:])
        tries.append(tried(when=now, tickers=run.tickers))
        # It brought some: there is no reason to wait longer than a minute.
        now += dt.timedelta(minutes=1)
    assert due(now, newest | dict.fromkeys(names[24:27], TUESDAY), tries).tickers == (*names[27:],)


def test_a_ticker_without_prices_for_five_sessions_is_tried_once_a_session():
    old = dt.date(2026, 6, 12)
    newest = {"GONE.NS": old, "LATE.NS": MONDAY, "TCS.NS": MONDAY}
    # Sessions 15, 16, 17, 18 and 19 June.
    before = [
        tried(session=dt.date(2026, 6, day), tickers=["GONE.NS"]) for day in (15, 16, 17, 18, 19)
    ]
    assert due(at(TUESDAY), newest, before).tickers == ("GONE.NS", "LATE.NS", "TCS.NS")
    now = [tried(tickers=newest)]
    assert due(at(TUESDAY, "10:31"), newest, before + now).tickers == ("LATE.NS", "TCS.NS")
    assert due(at(TUESDAY, "10:31"), newest, before[1:] + now).tickers == tuple(newest)
    died = [replace(now[0], status="interrupted")]
    assert due(at(TUESDAY, "10:31"), newest, before + died).tickers == tuple(newest)


def test_a_source_that_has_died_is_asked_once_a_session():
    before = [tried(session=dt.date(2026, 6, day)) for day in (15, 16, 17, 18, 19)]
    newest = dt.date(2026, 6, 12)
    assert due(at(TUESDAY), newest, before).number == 1
    assert due(at(WEDNESDAY, "10:29"), newest, [*before, tried()]) is None


def chosen(session=TUESDAY, count=101, paused=(), exchange="XNSE", has_actions=True):
    tickers = tuple(f"S{number:03}.NS" for number in range(count))
    due = DueRun(exchange, session, 1, tickers, ())
    return source_of(due, nse(), paused, has_actions=has_actions)


def test_many_tickers_come_from_nses_files_and_few_from_yahoo():
    assert (chosen(), chosen(count=100), chosen(exchange="XNYS")) == ("nse", "yahoo", "yahoo")
    assert chosen(MONDAY) == "nse"


def test_without_nses_actions_the_first_session_of_a_week_brings_dividends_from_yahoo():
    days = [dt.date(2026, 6, day) for day in (22, 23, 24, 25, 29, 30)]
    sources = [chosen(day, has_actions=False) for day in days]
    assert sources == ["yahoo", "nse", "nse", "nse", "yahoo", "nse"]
    # Monday 26 January is a holiday.
    assert chosen(dt.date(2026, 1, 27), has_actions=False) == "yahoo"


def test_a_source_that_may_not_be_asked_is_passed_over():
    assert chosen(MONDAY, paused={"yahoo"}, has_actions=False) == "nse"
    assert chosen(paused={"nse"}) == "yahoo"
