"""The guide's pipeline commands, run as a user runs them."""

import csv
import datetime as dt
import itertools
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlops.pipeline import MLOpsPipeline
from src.core.calendars.nse import nse
from src.data.sources.select import SourceRequest
from tests.support.checksums import checksums, rows
from tests.support.data_runs import data_is_stored
from tests.support.homes import copy_home
from tests.support.yahoo_replay import chart, yahoo_replay

ROOT = Path(__file__).resolve().parents[2]


def results_of(home):
    folder = max((home / "mlops/runs").iterdir(), key=lambda run: run.stat().st_mtime_ns)
    return json.loads((folder / "results.json").read_text())


def bars_csv(path, days, symbol=None, period=7):
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        names = ["date", "open", "high", "low", "close", "volume"]
        out.writerow(["symbol", *names] if symbol else names)
        for number, day in enumerate(days):
            price = 100 + number % period + number / 50
            bar = [day, price, price + 1, price - 1, price + 0.5, 1000 + number]
            out.writerow([*([symbol] if symbol else []), *bar])
    return path


@pytest.fixture(scope="module")
def sessions():
    return nse().sessions(dt.date(2023, 1, 2), dt.date(2026, 6, 30))


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A home in which a run of DEMO.NS went through."""
    home = tmp_path_factory.mktemp("demo")
    ran = subprocess.run(
        [sys.executable, "-m", "mlops.pipeline", "--ticker", "DEMO.NS"],
        cwd=ROOT,
        env=os.environ | {"FORECAST_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return home


def test_the_demo_prints_both_forecasts_and_leaves_its_results(command, home):
    ran = command("mlops.pipeline", "--ticker", "DEMO.NS", FORECAST_NOW="2026-11-23T18:00+05:30")

    assert ran.returncode == 0, ran.stderr
    table = ran.stdout.splitlines()
    assert table[0].startswith("DEMO.NS   last close ")
    assert table[0].endswith(" on 2026-11-23   (synthetic sample prices)")
    assert [line.split("  ")[0] for line in table[2:4]] == ["1 session", "63 sessions"]
    assert all("no change (0.00 %)" in line for line in table[2:4])
    assert table[4].startswith('No model is in use: none has beaten "no change" yet. Closest: ')
    assert table[5].endswith("/report.html.   A forecast, not advice.")
    results = results_of(home)
    assert results["status"] == "success"
    assert list(results["stages"]) == [
        *("data_ingest", "data_cleaning", "feature_engineering", "validation", "training")
    ]
    short, long = results["forecasts"]
    assert (short["horizon"], long["horizon"]) == ("1-day", "63-day")
    # 2026-11-24 is Guru Nanak Jayanti; 63 sessions on lies 2027, whose holidays are not published.
    assert (short["feature_date"], short["target_date"]) == ("2026-11-23", "2026-11-25")
    assert (short["target_date_estimated"], long["target_date_estimated"]) == (False, True)
    assert short["pred_return"] == long["pred_return"] == 0.0
    assert short["model"]["name"] == "zero"
    assert short["candidate"]["promoted"] is False
    assert short["candidate"]["n"] > 500
    recorded = command("mlops.monitoring", "metrics", FORECAST_NOW="2026-11-23T19:00+05:30").stdout
    assert "\nrun_seconds {run=one}" in recorded
    assert "\nmodel_r2_score {horizon=short, pool=SAMPLE} " in recorded


@pytest.mark.usefixtures("prepared")
def test_metrics_have_one_row_a_stage(command, home):
    command("mlops.pipeline", "--ticker", "DEMO.NS", "--skip-training")

    (folder,) = (home / "mlops/runs").iterdir()
    metrics = json.loads((folder / "metrics.json").read_text())
    assert [row["stage"] for row in metrics] == [
        *("data_ingest", "data_cleaning", "feature_engineering", "validation")
    ]
    assert set(metrics[0]) == {
        *("timestamp", "stage", "status", "rows_processed", "duration_seconds", "error_message")
    }


def test_the_guides_own_lines_of_python_work(environment, monkeypatch):
    for name in ("FORECAST_HOME",):
        monkeypatch.setenv(name, environment[name])
    pipeline = MLOpsPipeline(ticker="DEMO.NS")
    success, results = pipeline.run_full_pipeline(skip_training=False)

    assert success
    assert f"{results['total_duration_seconds']:.2f}" != "0.00"


def test_a_failed_run_from_python_gives_the_error(environment, monkeypatch, tmp_path):
    monkeypatch.setenv("FORECAST_HOME", environment["FORECAST_HOME"])
    missing = SourceRequest("csv", (tmp_path / "none.csv",))
    success, results = MLOpsPipeline("TCS.NS", source=missing).run_full_pipeline()

    assert not success
    assert "none.csv" in results["error"]


@pytest.mark.usefixtures("prepared")
def test_a_second_run_of_the_same_input_changes_nothing(
    command, fresh, embedded, tmp_path, sessions
):
    path = bars_csv(tmp_path / "INFY.NS.csv", sessions)
    run = ("mlops.pipeline", "--ticker", "INFY.NS", "--source", "csv", "--path", path)
    with embedded() as url:
        assert command(*run).returncode == 0
        once = checksums(url)
        assert fresh("-m", *run).returncode == 0

        assert checksums(url) == once
    assert once["dataset_short"][0] > 800
    assert once["dataset_long"][0] > 700


@pytest.mark.usefixtures("prepared")
def test_other_windows_are_computed_and_stored(command, embedded, home, tmp_path):
    config = tmp_path / "config.json"
    config.write_text(
        json.dumps(
            {
                "data": {"ticker": "DEMO.NS", "min_rows_required": 100},
                "features": {"lag_periods": [1, 10], "sma_periods": [5, 50]},
                "validation": {"min_mae_improvement": 0.01},
            }
        )
    )
    with embedded() as url:
        ran = command("mlops.pipeline", "--config", config)

        assert ran.returncode == 0, ran.stderr
        (first,) = rows(
            url,
            "SELECT count(*) FILTER (WHERE warm_up), count(return_lag10), count(sma_50), count(*) "
            "FROM features_daily",
        )
        assert first == (49, first[3] - 10, first[3] - 49, first[3])
        # A label needs no feature: rows without a full window are there, and marked.
        incomplete = "SELECT DISTINCT warm_up FROM dataset_short WHERE sma_50 IS NULL"
        assert rows(url, incomplete) == [(True,)]


def test_a_run_up_to_a_past_session_reports_but_writes_nothing(command, embedded, home, demo):
    copy_home(demo, home)
    with embedded() as url:
        before = checksums(url)
        models = sorted(path.name for path in (home / "models").rglob("*"))

        ran = command("mlops.pipeline", "--ticker", "DEMO.NS", "--as-of", "2024-03-28")

        assert ran.returncode == 0, ran.stderr
        assert "on 2024-03-28" in ran.stdout
        assert "nothing was written" in ran.stdout
        assert checksums(url) == before
    assert sorted(path.name for path in (home / "models").rglob("*")) == models


REFUSALS = {
    "missing file": (lambda d: d / "none.csv", "none.csv"),
    "empty file": (lambda d: _write(d / "TCS.NS.csv", b""), "empty"),
    "header only": (lambda d: _write(d / "TCS.NS.csv", b"Date,Open,High,Low,Close,Volume\n"), ""),
    "binary file": (lambda d: _write(d / "TCS.NS.csv", bytes(range(256)) * 40), ""),
    "no prices in the folder": (lambda d: d, str),
    "another ticker": (
        lambda d: _write(
            d / "x.csv",
            b"symbol,date,open,high,low,close,volume\nINFY,2024-01-02,1,2,1,2,3\n",
        ),
        "INFY.NS",
    ),
    "serial dates": (
        lambda d: _write(
            d / "x.csv",
            b"Date,Open,High,Low,Close,Volume\n44564,1,2,1,2,3\n44565,1,2,1,2,3\n",
        ),
        "44564",
    ),
}


def _write(path, content):
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("case", REFUSALS)
@pytest.mark.usefixtures("prepared")
def test_what_cannot_be_read_is_refused_in_one_sentence(command, home, tmp_path, case):
    make, message = REFUSALS[case]
    folder = tmp_path / "files"
    folder.mkdir()
    path = make(folder)

    ran = command("mlops.pipeline", "--ticker", "TCS.NS", "--source", "csv", "--path", path)

    assert ran.returncode == 1
    (sentence,) = ran.stderr.splitlines()
    assert (message if isinstance(message, str) else str(path)) in sentence
    assert results_of(home)["status"] == "failed"
    assert results_of(home)["error"] == sentence


@pytest.mark.parametrize(
    "arguments",
    [
        ("--ticker", "'; DROP TABLE x;--"),
        ("--ticker", "../../etc/passwd"),
        ("--ticker", "TCS.NS", "--source", "csv"),
        ("--ticker", "TCS.NS", "--path", "x.csv"),
        ("--ticker", "TCS.NS", "--source", "csv", "--path", ""),
        ("--ticker", "TCS.NS", "--source", "nowhere"),
        ("--ticker", "TCS.NS", "--as-of", "yesterday"),
        ("--ticker", "TCS.NS", "--source", "stored", "--as-of", "2099-01-01"),
        ("--ticker", "TCS.NS", "--known-at", "2026-01-01T00:00Z", "--vendor", "nse"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_code_2(command, home, arguments):
    ran = command("mlops.pipeline", *arguments)

    assert ran.returncode == 2
    assert len(ran.stderr.splitlines()) == 1
    assert not (home / "mlops").exists()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"data": {"tikcer": "TCS.NS"}}, "'data.ticker'"),
        ({"features": {"sma_periods": [0]}}, "features.sma_periods"),
        ({"validation": {"min_mae_improvement": "much"}}, "validation.min_mae_improvement"),
    ],
)
def test_a_config_that_cannot_be_used_names_the_key(command, tmp_path, config, message):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))

    ran = command("mlops.pipeline", "--ticker", "TCS.NS", "--config", path)

    assert ran.returncode == 1
    (sentence,) = ran.stderr.splitlines()
    assert message in sentence


def test_a_dead_database_is_one_sentence_soon_and_no_other_is_started(command, home):
    began = time.monotonic()

    ran = command(
        "mlops.pipeline",
        *("--ticker", "DEMO.NS"),
        DATABASE_URL="postgresql://someone:hidden@127.0.0.1:1/forecast_db",
    )

    assert ran.returncode == 1
    assert time.monotonic() - began < 10
    (sentence,) = ran.stderr.splitlines()
    assert "127.0.0.1:1" in sentence
    assert "hidden" not in sentence
    assert not (home / "var").exists()
    assert results_of(home)["error"] == sentence
    log = (home / "logs/tcs-stock.log").read_text()
    assert "127.0.0.1:1" in log
    assert "hidden" not in log


@pytest.mark.usefixtures("prepared")
def test_a_stage_can_be_shown_run_and_written_alone(command, embedded):
    with embedded() as url:
        ingested = command("src.data.ingest", "write", "--ticker", "DEMO.NS")
        assert ingested.returncode == 0, ingested.stderr
        before = checksums(url)
        computed = command("src.data.cleaning", "run", "--ticker", "DEMO.NS")
        assert (computed.returncode, checksums(url)) == (0, before)
        assert "not written" in computed.stdout
        for module in ("src.data.cleaning", "src.features.features_daily"):
            assert command(module, "write", "--ticker", "DEMO.NS").returncode == 0
        after = checksums(url)
        assert after["features_daily"][0] == after["raw_daily_prices_clean"][0] > 3000
        shown = command("src.features.features_daily", "show", "--all")
        assert "features_daily:" in shown.stdout
        assert checksums(url) == after


@pytest.mark.usefixtures("prepared")
def test_a_folder_takes_its_tickers_from_the_file_names(command, embedded, tmp_path, sessions):
    names = ("TCS.NS.csv", "M&M_2020-10-01_to_2025-09-30.csv", "BAJAJ-AUTO_2024.csv")
    for period, name in enumerate(names, start=8):
        bars_csv(tmp_path / name, sessions[:200], period=period)
    bars_csv(tmp_path / "whatever.csv", sessions[:200], symbol="NSE:INFY-EQ")

    with embedded() as url:
        ran = command("src.data.ingest", "write", "--all", "--source", "csv", "--path", tmp_path)

        assert ran.returncode == 0, ran.stderr
        stored = rows(url, "SELECT ticker, count(*) FROM raw_daily_prices GROUP BY 1 ORDER BY 1")
    assert stored == [(f"{t}.NS", 200) for t in ("BAJAJ-AUTO", "INFY", "M&M", "TCS")]


def test_yahoo_is_asked_by_default(command, embedded, home):
    days = nse().sessions(dt.date(2024, 1, 1), dt.date(2026, 6, 30))
    bars = [
        (nse().hours(day).opens, price, price + 9, price - 9, price + 4, 1_000_000)
        for day, price in zip(days, itertools.cycle(range(3000, 3200, 5)), strict=False)
    ]
    with yahoo_replay({"TCS.NS": chart("TCS.NS", bars)}) as server:
        ran = command(
            "mlops.pipeline", "--ticker", "TCS.NS", "--skip-training", FORECAST_YAHOO_URL=server.url
        )

    assert data_is_stored(ran), ran.stderr
    with embedded() as url:
        stored = rows(url, "SELECT count(*), min(source) FROM raw_daily_prices")
    assert stored == [(len(days), "yahoo")]


def test_without_yahoo_the_run_goes_on_from_stored_prices(command, home, tmp_path, sessions):
    path = bars_csv(tmp_path / "TCS.NS.csv", sessions)
    nowhere = {"FORECAST_YAHOO_URL": "http://127.0.0.1:1"}
    assert command("mlops.pipeline", "--ticker", "TCS.NS", **nowhere).returncode == 1
    error = results_of(home)["error"]
    assert "--source csv" in error
    assert "--ticker DEMO.NS" in error
    command("src.data.ingest", "write", "--ticker", "TCS.NS", "--source", "csv", "--path", path)

    ran = command(
        *("mlops.pipeline", "--ticker", "TCS.NS", "--skip-training"),
        **nowhere,
        FORECAST_NOW="2026-07-03T18:00+05:30",
    )

    assert data_is_stored(ran), ran.stderr
    assert any("3 sessions old" in warning for warning in results_of(home)["warnings"])


def test_an_error_before_the_log_is_set_up_shows_no_secret(command):
    ran = command(
        *("src.data.cleaning", "show"),
        DATABASE_URL="postgresql://u:hunter2@h/db",
        FORECAST_NOTHING="1",
    )

    assert (ran.returncode, ran.stdout) == (1, "")
    (sentence,) = ran.stderr.splitlines()
    assert "FORECAST_NOTHING" in sentence


def test_a_home_that_cannot_be_written_is_said(command):
    ran = command("mlops.pipeline", "--ticker", "DEMO.NS", FORECAST_HOME="/proc/nowhere")

    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr
    assert "/proc/nowhere/mlops/runs cannot be written" in ran.stderr.splitlines()[-1]


def test_a_full_log_is_said_once_and_the_run_goes_on(command, home):
    (home / "logs").mkdir()
    (home / "logs/tcs-stock.log").symlink_to("/dev/full")

    ran = command("mlops.pipeline", "--ticker", "DEMO.NS", "--skip-training")

    assert data_is_stored(ran), ran.stderr
    assert ran.stderr.count("cannot be written") == 1
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_a_closed_stream_is_no_reason_to_fail(environment, closed):
    number = {"stdout": 1, "stderr": 2}[closed]
    code = f"import os, sys; os.close({number}); os.execv(sys.executable, sys.argv[1:])"
    run = [sys.executable, "-m", "src.data.ingest", "write", "--ticker", "DEMO.NS"]

    ran = subprocess.run(
        [sys.executable, "-c", code, *run], cwd=ROOT, env=environment, check=False, timeout=60
    )

    assert ran.returncode == 0


def test_another_source_than_the_one_named_is_said(command, home, tmp_path, sessions):
    # Prices that do not agree with the used ones do not continue them either.
    for vendor, days, period in (("yahoo", sessions[:-1], 7), ("mine", sessions, 6)):
        path = bars_csv(tmp_path / f"TCS_{vendor}.csv", days, period=period)
        source = ("--source", "csv", "--path", path, "--vendor", vendor)
        command("mlops.pipeline", "--ticker", "TCS.NS", *source, "--skip-training")

    assert any(
        "the clean prices are from yahoo (" in warning and "but mine has" in warning
        for warning in results_of(home)["warnings"]
    )


def test_a_stored_model_does_not_forecast_from_before_its_training(command, home, demo):
    copy_home(demo, home)

    command("mlops.pipeline", "--ticker", "DEMO.NS", "--skip-training", "--as-of", "2024-03-28")

    assert results_of(home)["forecasts"] == []
    assert any("trained on later prices" in warning for warning in results_of(home)["warnings"])


def test_a_stage_of_a_ticker_without_prices_says_so(command):
    ran = command("src.features.features_daily", "write", "--ticker", "NOPE")

    assert ran.returncode == 1
    assert ran.stderr.splitlines() == [
        "No prices of NOPE.NS are stored: run `python -m src.data.ingest write` first."
    ]


@pytest.mark.usefixtures("prepared")
def test_without_a_model_a_run_that_trains_nothing_says_what_to_run(command, embedded, home):
    ran = command("mlops.pipeline", "--ticker", "DEMO.NS", "--skip-training")

    assert (ran.returncode, ran.stdout) == (1, "")
    sentence = (
        "The prices of DEMO.NS are up to date, but no model of pool SAMPLE has been trained yet: "
        "run `python -m mlops.pipeline --ticker DEMO.NS` without --skip-training."
    )
    assert ran.stderr.splitlines()[-1] == sentence
    assert (results_of(home)["status"], results_of(home)["error"]) == ("failed", sentence)
    with embedded() as url:
        assert rows(url, "SELECT count(*) > 0 FROM features_daily") == [(True,)]


def test_a_clock_behind_the_newest_price_and_a_target_that_has_passed_are_said(
    command, home, tmp_path, sessions
):
    path = bars_csv(tmp_path / "TCS.NS.csv", sessions)
    run = ("mlops.pipeline", "--ticker", "TCS.NS", "--source", "csv", "--path", path)
    last, before, after = sessions[-1], sessions[-2], nse().next_session(sessions[-1])
    trained = command(*run, FORECAST_NOW=f"{last}T18:00+05:30")
    assert trained.returncode == 0, trained.stderr
    assert not any(each["warnings"] for each in results_of(home)["forecasts"])

    behind = command(*run, "--skip-training", FORECAST_NOW=f"{before}T18:00+05:30")
    passed = command(*run, "--skip-training", FORECAST_NOW=f"{after}T18:00+05:30")

    assert (
        behind.stdout.count(
            f"The newest price of TCS.NS is the close of {last}, but by the clock the last session "
            f"that closed is {before}: correct the clock, or unset FORECAST_NOW."
        )
        == 1
    )
    sentence = (
        f"This forecast is about {after}, a session that has closed already: bring in newer prices."
    )
    assert passed.stdout.count(sentence) == 1
    short, long = results_of(home)["forecasts"]
    assert (short["warnings"], long["warnings"]) == ([sentence], [])
    assert sentence in results_of(home)["warnings"]
