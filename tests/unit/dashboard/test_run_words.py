"""How runs are put into sentences, and drawn."""

import datetime as dt

import pytest

from src.dashboard import wording
from src.dashboard.charts import runs as charts
from src.dashboard.parts.pipeline import history, words
from src.db.pages.runs import RecentRun, StageRun
from src.db.tables.run_requests import DIED, StoredRequest

AT = dt.datetime(2026, 4, 17, 12, 30, tzinfo=dt.UTC)


def run(**facts):
    """A run by a command, of 21 stocks, that succeeded in 32 seconds."""
    usual = {"run_id": "20260417_123000", "ticker": None, "live": True, "error": None}
    usual |= {"told_at": AT, "began": AT, "host": "here", "status": "success", "seconds": 32.0}
    usual |= {"succeeded": 21, "failed": 0, "failed_stage": None, "new_prices": 7}
    usual |= {"request_id": None}
    usual |= {"kind": None, "tickers": None, "person": None}
    return RecentRun(**usual | facts)


def request(**facts):
    """A request for TCS.NS that runs."""
    usual = {"request_id": 7, "kind": "full", "tickers": ["TCS.NS"], "source": "stored"}
    usual |= {"path": None, "person": "A. Rao", "requested_at": AT, "status": "running"}
    usual |= {"run_id": None, "stage": None, "tickers_done": 0, "tickers_total": 1}
    usual |= {"started_at": AT, "ended_at": None, "cancel_requested_at": None, "error": None}
    return StoredRequest(**usual | {"exchange": None, "session": None, "seconds": 5.0} | facts)


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({}, "The last run succeeded: run of 21 stocks by command, 32 s"),
        (
            {"succeeded": 1, "kind": "data", "tickers": ["TCS.NS"]},
            "The last run succeeded: data refresh of TCS.NS, 32 s",
        ),
        (
            {"kind": "data", "tickers": ["TCS.NS"], "new_prices": 0},
            "The last run succeeded: data refresh of TCS.NS, 32 s, no new prices",
        ),
        (
            {"status": "failed", "kind": "data", "new_prices": 0},
            "The last run failed before its first stage: data refresh of all stocks, 32 s",
        ),
        (
            {"status": "partial", "failed": 3, "kind": "full"},
            "The last run left out 3 stocks of 24: full run of all stocks, 32 s",
        ),
        (
            {"status": "failed", "failed_stage": "data_cleaning", "ticker": "TCS.NS"},
            "The last run failed at cleaning: run of TCS.NS by command, 32 s",
        ),
        (
            {"status": "failed", "succeeded": 0, "live": False},
            "The last run failed before its first stage: look back of many stocks by command, 32 s",
        ),
        (
            {"status": "interrupted", "seconds": None, "kind": "full", "tickers": ["A.NS", "B.NS"]},
            "The last run was interrupted: full run of A.NS, B.NS",
        ),
    ],
)
def test_the_answer_says_how_the_last_run_went(facts, sentence):
    (attempt,) = words.attempts([run(**facts)], [])
    assert words.answer(attempt).replace(wording.NO_BREAK, " ") == sentence


def test_a_failure_names_stage_and_cause_and_what_stays_published():
    failed = run(status="failed", failed_stage="data_ingest", error="Yahoo does not answer.")
    (attempt,) = words.attempts([failed], [])
    assert words.cause(attempt, "Thu 16 Apr 2026, 18:00 IST") == (
        "✕ **Ingest failed**: Yahoo does not answer. The forecasts of Thu 16 Apr 2026, 18:00 IST "
        "stay published."
    )
    assert words.cause(attempt, "never").endswith("Nothing is published yet.")
    said = "Cancelled: what its finished stages wrote stands."
    (cancelled,) = words.attempts([], [request(status="cancelled", error=said)])
    assert words.cause(cancelled, "never") == (
        "■ **Cancelled**: What its finished stages wrote stands. Nothing is published yet."
    )
    (fine,) = words.attempts([run()], [])
    assert words.cause(fine, "never") is None
    (late,) = words.attempts([run(error="Session 2026-04-17 did not come.", new_prices=0)], [])
    assert words.cause(late, "never") == "Session 2026-04-17 did not come."


def test_a_stock_whose_first_file_was_refused_counts_as_one_of_all():
    shown = history.counted(["INFY.NS", "A.NS"], ["A.NS", "B.NS"])
    assert shown.replace(wording.NO_BREAK, " ") == ("2 of 3 stocks, those in trouble first")


def test_runs_and_requests_without_a_run_are_one_list_with_the_newest_first():
    cancelled = run(run_id="2", status="cancelled", kind="full", tickers=["TCS.NS"])
    own = request(request_id=8, run_id="2", status="cancelled")
    refused = request(
        status="failed",
        kind="data",
        tickers=None,
        error="No prices are stored yet.",
        started_at=AT + dt.timedelta(minutes=1),
        ended_at=AT + dt.timedelta(minutes=1, seconds=2),
    )
    first, second = words.attempts([cancelled], [refused, own])
    assert (first.what, first.status, first.seconds) == ("Data refresh of all stocks", "failed", 2)
    assert (second.what, second.status) == ("Full run of TCS.NS", "cancelled")
    dead = request(status="interrupted")
    assert words.attempts([], [dead])[0].sentence == DIED


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "–"), (0.04, "0.0 s"), (59.4, "59 s"), (147, "2 min 27 s"), (3900, "1 h 5 min")],
)
def test_a_duration_has_no_more_digits_than_it_needs(seconds, text):
    assert wording.duration(seconds).replace(wording.NO_BREAK, " ") == text


def test_stages_stand_one_after_the_other_and_those_not_reached_say_so():
    stages = [
        StageRun("data_ingest", "success", AT, 100, 2.0, None),
        StageRun("data_cleaning", "failed", AT, 0, 1.0, "No."),
    ]
    figure = charts.timeline(words.STAGES, stages, "– not reached", "light")
    assert [bar.base[0] for bar in figure.data] == [0, 2, 3, 3, 3]
    assert [bar.x[0] for bar in figure.data] == [2, 1, 0, 0, 0]
    texts = [each.text.replace(wording.NO_BREAK, " ") for each in figure.layout.annotations]
    assert texts == ["✓ 2 s", "✕ 1 s", *["– not reached"] * 3]
    assert figure.data[1].marker.pattern.shape == "x"


def test_the_grid_has_a_symbol_for_each_stock_and_session():
    first, second = dt.date(2026, 4, 16), dt.date(2026, 4, 17)
    cells = {("B.NS", first): "done", ("B.NS", second): "failed", ("A.NS", second): "behind"}
    figure = charts.grid(cells, {("B.NS", second): "No file."}, ["B.NS", "A.NS"], "dark")
    done, behind, failed = figure.data
    assert (list(done.x), list(done.y)) == ([0], ["B.NS"])
    assert (list(behind.x), list(behind.y)) == ([1], ["A.NS"])
    assert list(failed.customdata) == ["Fri 17 Apr 2026: No file."]
    assert len({trace.marker.symbol for trace in figure.data}) == 3
    assert list(figure.layout.yaxis.categoryarray) == ["A.NS", "B.NS"]
