"""The results of a run: merged over blocks of tickers, and told from those of one ticker."""

import datetime as dt
import json

import pytest

from mlops.pipeline_run.output.folder import new_run_folder
from mlops.pipeline_run.output.record import RunRecord, StageClock
from src.core.errors import BadInput, SourceNotAsked
from src.stages.stage import StageReport

NOW = dt.datetime(2026, 4, 13, 12, 30, tzinfo=dt.UTC)


@pytest.fixture
def record(tmp_path):
    """Make the record of a run, of many by default."""
    return lambda ticker=None: RunRecord(new_run_folder(tmp_path, NOW), ticker=ticker)


def written(record):
    record.finish()
    record.write(1.5)
    folder = record.folder.path
    return [json.loads((folder / name).read_text()) for name in ("results.json", "metrics.json")]


def clock(stage="data_ingest", seconds=0.5, memory=100.0):
    ended = StageClock(stage)
    ended.seconds, ended.peak_memory = seconds, memory
    return ended


def add(record, *tickers, **report):
    for ticker in tickers:
        record.set_ticker(ticker, "success")
    record.add_report(clock(), StageReport(len(tickers), **report))


def test_blocks_of_a_stage_become_one_row_with_rows_and_seconds_added(record):
    many = record()
    add(many, "A.NS", "B.NS", details={"delivered": 2, "source": "csv"})
    add(many, "C.NS", details={"delivered": 1, "source": "csv"})

    results, (metric,) = written(many)

    assert results["stages"] == {
        "data_ingest": {
            **{"status": "success", "rows": 3, "duration_seconds": 1.0},
            **{"peak_memory_mib": 100.0, "delivered": 3, "source": "csv"},
        }
    }
    assert (metric["rows_processed"], metric["duration_seconds"]) == (3, 1.0)
    assert (results["status"], results["total_duration_seconds"]) == ("success", 1.5)
    assert results["ticker"] is None


def test_the_memory_of_a_stage_is_that_of_its_largest_process(record):
    many = record()
    rows = [
        many.add_report(clock(memory=memory), StageReport(1)) for memory in (210.04, 305.26, 250.0)
    ]

    assert [row["peak_memory_mib"] for row in rows] == [210.0, 305.3, 305.3]


def test_a_ticker_that_a_stage_left_out_makes_the_run_partial(record):
    many = record()
    add(many, "A.NS", failed={"B.NS": "refused"}, failures=("refused",))

    results, (metric,) = written(many)

    assert (results["status"], metric["status"]) == ("partial", "partial")
    assert results["tickers"] == {
        "A.NS": {"status": "success", "stage": None, "error": None, "feature_date": None},
        "B.NS": {
            **{"status": "failed", "stage": "data_ingest", "error": "refused"},
            "feature_date": None,
        },
    }
    assert results["warnings"] == []
    assert "error" not in results


def test_a_file_that_cannot_be_read_makes_a_run_of_many_partial_and_no_single_one(record):
    error = "Files that were left out: 1. x.csv is empty"
    for ticker, status, sentence in ((None, "partial", error), ("A.NS", "success", None)):
        run = record(ticker)
        add(run, "A.NS", failures=("x.csv is empty",))

        results, _ = written(run)

        assert (results["status"], results["warnings"]) == (status, ["x.csv is empty"])
        assert results.get("error") == sentence


def test_a_run_in_which_no_ticker_is_left_has_failed(record):
    many = record()
    many.set_ticker("A.NS", "locked", error="A run for A.NS is already in progress")
    many.add_error(clock(), ["B.NS"], BadInput("B.NS is another instrument"))

    results, (metric,) = written(many)

    assert (results["status"], metric["status"]) == ("failed", "failed")
    assert results["error"] == (
        "None of 2 tickers could be brought up to date; the first: A run for A.NS is already in "
        "progress"
    )


def test_forecasts_of_pools_are_those_of_the_run(record):
    many = record()
    for pool in ("NSE", "BSE"):
        facts = {"forecasts": [{"ticker": pool}], "pools": {pool: {}}, "data_hash": pool}
        many.add_report(clock("training"), StageReport(1, {**facts, "models": [pool]}))

    results, _ = written(many)

    assert [forecast["ticker"] for forecast in results["forecasts"]] == ["NSE", "BSE"]
    assert list(results["pools"]) == ["NSE", "BSE"]
    assert results["stages"]["training"]["models"] == ["NSE", "BSE"]
    assert "forecasts" not in results["stages"]["training"]
    assert len(results["data_hash"]) == 64


def test_of_many_tickers_the_failed_checks_are_kept(record):
    checks = {
        "A.NS": [{"check": "rows", "passed": True}],
        "B.NS": [{"check": "x", "passed": False}],
    }
    many = record()
    add(many, "A.NS", "B.NS", details={"checks": checks})

    results, _ = written(many)

    assert results["stages"]["data_ingest"]["checks"] == {"B.NS": checks["B.NS"]}


def test_an_error_that_ends_a_run_is_its_own(record):
    single = record("A.NS")
    single.fail(BadInput("no prices"))
    single.fail(BadInput("a later one"))

    single.write(1.0)

    assert (single.results["status"], single.results["error"]) == ("failed", "no prices")


@pytest.mark.parametrize(
    ("ticker", "names"),
    [("A.NS", ["report.html"]), (None, ["report_BSE.html", "report_NSE.html"])],
)
def test_the_page_of_a_single_ticker_has_the_name_of_its_pool_in_a_run_of_many(
    record, ticker, names
):
    run = record(ticker)
    for pool in ("NSE", "BSE"):
        add(run, "A.NS", details={"pools": {pool: {}}}, files={"report.html": "page"})

    assert sorted(path.name for path in run.folder.path.glob("*.html")) == names


def test_other_files_keep_their_names(record):
    run = record()
    page = {"report_NSE_short.html": "page"}
    add(run, "A.NS", "B.NS", details={"pools": {"NSE": {}}}, files=page)

    assert (run.folder.path / "report_NSE_short.html").read_text() == "page"


def test_tickers_that_wait_for_their_source_are_told_in_one_sentence_over_all_blocks(record):
    many = record()
    error = SourceNotAsked("Yahoo refuses requests (HTTP 429)", NOW)
    tickers = [f"S{number:02}.NS" for number in range(30)]
    for block in (tickers[:25], tickers[25:]):
        add(many, *block, not_fetched=dict.fromkeys(block, error))

    results, _ = written(many)

    assert results["warnings"] == [
        "Yahoo refuses requests (HTTP 429) and may be asked again at 2026-04-13 12:30 UTC. Until "
        "then 30 tickers were not fetched, and what is stored is used: S00.NS, S01.NS, S02.NS, "
        "S03.NS, S04.NS, S05.NS, S06.NS, S07.NS, S08.NS, S09.NS and 20 more."
    ]
    assert results["not_fetched"] == dict.fromkeys(tickers, "2026-04-13T12:30:00+00:00")
    assert results["status"] == "success"


def test_a_symbol_without_a_share_is_no_ticker_of_the_run(record):
    many = record()
    many.set_ticker("1018GS2026.NS", "interrupted")
    add(many, "A.NS", no_shares=("1018GS2026.NS",))

    results, _ = written(many)

    assert "1018GS2026.NS" not in results["tickers"]
