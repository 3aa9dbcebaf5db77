"""One ticker of thirty brought up to date alone, and then all thirty."""

import pytest

from src.core.calendars.nse import nse
from tests.support.daily_runs import clean_rows, daily_runs
from tests.support.pools import wandering

TICKERS = [f"SHARE{number:02d}.NS" for number in range(30)]
ALONE = TICKERS[7]
DAYS = [day for day in nse().array.tolist() if str(day) <= "2026-04-13"][-301:]
PRICES = wandering(len(DAYS), len(TICKERS))
YESTERDAY, TODAY = DAYS[-2], DAYS[-1]
NOTE = f"1 of 30 tickers of the pool have prices of {TODAY}: run `python -m mlops.pipeline --all`"


def known_on(row, tickers=TICKERS):
    clean = clean_rows(DAYS[: row + 1], PRICES.until(row + 1), TICKERS)
    return clean.filter(clean["ticker"].is_in(tickers))


@pytest.fixture
def at(database_url, home):
    """The pool as it was trained yesterday."""
    with daily_runs(database_url, home) as opened:
        opened.register(TICKERS, DAYS[0])
        opened.store_prices(known_on(len(DAYS) - 2))
        opened.run_after_close(TICKERS, YESTERDAY, training=True)
        yield opened


def trained(at):
    return [event for event in at.models.log.events(["NSE"]) if event.kind == "trained"]


def logged(at):
    return at.connection.execute(
        "SELECT ticker, feature_date, count(*) FROM predictions GROUP BY 1, 2 ORDER BY 2, 1"
    ).fetchall()


def test_one_alone_is_answered_by_zero_with_a_note_and_all_thirty_are_judged_once(at):
    of_yesterday = [(ticker, YESTERDAY, 2) for ticker in TICKERS]
    assert (len(trained(at)), logged(at)) == (2, of_yesterday)
    before = at.records.serving.read([ticker for ticker in TICKERS if ticker != ALONE])
    at.store_prices(known_on(len(DAYS) - 1, [ALONE]))

    for _ in range(2):
        entries, outcomes = at.run_after_close([ALONE], TODAY, training=True)

        assert [entry["feature_date"] for entry in entries] == [str(TODAY)] * 2
        assert {entry["note"] for entry in entries} == {NOTE}
        assert {(entry["pred_return"], entry["model"]["name"]) for entry in entries} == {
            (0, "zero")
        }
        # Its own distribution; over a quarter too few outcomes are there yet.
        assert [len(entry["intervals"]) for entry in entries] == [4, 0]
        # Nothing is judged, nothing of the others is written or logged.
        assert len(trained(at)) == 2
        assert logged(at) == [*of_yesterday, (ALONE, TODAY, 2)]
        others = [ticker for ticker in TICKERS if ticker != ALONE]
        assert at.records.serving.read(others) == before
    assert (outcomes["recorded"], outcomes["notes"]) == (0, [])

    at.store_prices(known_on(len(DAYS) - 1))
    entries, outcomes = at.run_after_close(TICKERS, TODAY, training=True)

    assert len(trained(at)) == 4
    assert {entry["feature_date"] for entry in entries} == {str(TODAY)}
    assert {entry["note"] for entry in entries} == {None}
    assert outcomes["recorded"] == len(TICKERS) - 1
    of_today = [(ticker, TODAY, 4 if ticker == ALONE else 2) for ticker in TICKERS]
    assert logged(at) == [*of_yesterday, *of_today]
