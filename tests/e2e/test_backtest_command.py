"""The commands that backtest and evaluate, run as a user runs them."""

import csv
import datetime as dt
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from src.core.calendars.nse import nse
from src.core.errors import BadInput, UsageError
from src.data.cleaning import stage as cleaning
from src.data.ingest import stage as ingest
from src.data.sources.sample.source import SampleSource
from src.db.connection import bulk_connection
from src.db.database import DATA_DIR
from src.db.embedded.lease import acquire
from src.db.migrate import ensure_schema
from src.db.store import PostgresStore
from src.features import features_daily
from src.modeling import evaluate
from src.modeling.backtest import __main__ as backtest_module
from src.modeling.backtest.__main__ import _write_csv
from tests.support.prices import StubSource, clean_walk, context, delivery, run, sessions

ROOT = Path(__file__).resolve().parents[2]
DAYS = sessions(dt.date(2022, 6, 1), 900)
TICKERS = ("AA.NS", "BB.NS", "CC.NS", "DD.NS", "EE.NS")
HEADER = "ticker,made,target,horizon,model,point,actual,lo50,hi50,lo80,hi80,lo90,hi90,lo95,hi95"
MODELS = {
    *("zero", "mean", "drift", "ridge", "rank_tilt"),
    *("elastic_net", "hist_gradient_boosting", "random_forest", "served"),
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A home whose server holds five tickers and DEMO.NS, and one that was never cleaned."""
    home = tmp_path_factory.mktemp("filled")
    with acquire(home / DATA_DIR) as lease:
        ensure_schema(lease.url)
        store = PostgresStore(bulk_connection(lease.url))
        for seed, ticker in enumerate((*TICKERS, "RAW.NS")):
            walk = clean_walk(ticker, DAYS, seed=seed).rename({"date": "at"})
            bars = walk.select(
                "at", "open", "high", "low", "close", "volume", "adj_close"
            ).to_dicts()
            source = StubSource([delivery(bars, ticker=ticker)])
            given = context(store, home, tickers=(ticker,))
            run(ingest.stage(source), given)
            if ticker != "RAW.NS":
                run(cleaning.STAGE, given)
                run(features_daily.STAGE, given)
        demo = context(store, home, tickers=("DEMO.NS",))
        made_up = SampleSource(calendar=nse(), until=dt.date(2026, 4, 13), now=demo.now)
        run(ingest.stage(made_up), demo)
        run(cleaning.STAGE, demo)
        run(features_daily.STAGE, demo)
        store.close()
        yield home


@pytest.fixture
def home(filled):
    return filled


def backtest(command, out, *arguments, **extra):
    return command("src.modeling.backtest", "--out", out, *arguments, **extra)


def read(path):
    return pl.read_csv(path, try_parse_dates=True)


def sentence(ran, code):
    assert ran.returncode == code, ran.stderr
    (one,) = ran.stderr.splitlines()
    assert ran.stdout == ""
    return one


@pytest.fixture(scope="module")
def whole(filled, tmp_path_factory):
    """A backtest of all tickers with every model."""
    out = tmp_path_factory.mktemp("out") / "whole.csv"
    ran = subprocess.run(
        [sys.executable, "-m", "src.modeling.backtest", "--all", "--out", str(out)],
        cwd=ROOT,
        env=os.environ | {"FORECAST_HOME": str(filled)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return out, ran


def test_all_writes_a_row_per_forecast_of_every_real_ticker(whole):
    out, ran = whole
    found = read(out)

    assert out.read_text().splitlines()[0] == HEADER
    assert set(found["ticker"]) == set(TICKERS)
    assert set(found["model"]) == MODELS
    assert found.height == 5 * 900 * 2 * len(MODELS)
    assert ran.stdout == f"{found.height:,} forecasts written to {out}\n"
    assert "DEMO.NS, RAW.NS: left out" in ran.stderr
    assert list(out.parent.iterdir()) == [out]
    assert found.filter(made=DAYS[850])["point"].null_count() == 0
    one = found.filter(ticker="AA.NS", model="ridge", made=DAYS[800]).sort("horizon")
    assert one["target"].to_list() == [DAYS[801], DAYS[863]]
    close = clean_walk("AA.NS", DAYS, seed=0)["close"]
    assert one["actual"].to_list() == pytest.approx(
        [close[801] / close[800] - 1, close[863] / close[800] - 1]
    )
    last = found.filter(ticker="AA.NS", model="zero", made=DAYS[899]).sort("horizon")
    assert last["actual"].to_list() == [None, None]
    assert last["target"].to_list() == [nse().ahead(DAYS[899], h) for h in (1, 63)]


def test_rows_up_to_a_session_are_the_same_whether_later_bars_are_stored_or_not(
    whole, command, tmp_path
):
    out = tmp_path / "cut.csv"
    assert backtest(command, out, "--all", "--to", DAYS[850]).returncode == 0

    def lines(path):
        with path.open() as file:
            rows = csv.DictReader(file)
            return [row for row in rows if row["made"] <= str(DAYS[850])]

    # Byte by byte, and the outcomes of what came later too, since they are stored.
    assert lines(out) == lines(whole[0])
    assert read(out)["made"].max() == DAYS[850]


def test_a_range_of_one_ticker_is_part_of_the_whole(whole, command, tmp_path):
    out = tmp_path / "part.csv"
    span = ("--from", DAYS[820], "--to", DAYS[840])
    ran = backtest(command, out, "--tickers", "bb", *span, "--models", "zero", "mean")

    assert ran.returncode == 0, ran.stderr
    found = read(out)
    expected = read(whole[0]).filter(
        pl.col("ticker") == "BB.NS", pl.col("made").is_between(DAYS[820], DAYS[840])
    )
    # Those that the gate judges take part, so that what is served does not hang on the choice.
    assert set(found.filter(horizon=1)["model"]) == {"zero", "mean", "ridge", "served"}
    assert set(found.filter(horizon=63)["model"]) == {"zero", "mean", "drift", "served"}
    key = ["horizon", "model", "made"]
    there = expected.join(found.select(key), on=key, how="semi")
    assert found.sort(key).equals(there.sort(key))
    assert found.height == 2 * 21 * 4


def test_two_processes_write_the_same_file(whole, command, tmp_path):
    out, _ = whole
    ran = backtest(command, tmp_path / "two.csv", "--all", "--workers", "2")

    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "two.csv").read_bytes() == out.read_bytes()


def test_the_synthetic_ticker_is_backtested_by_itself_alone(command, tmp_path):
    out = tmp_path / "demo.csv"
    alone = ("--models", "zero", "--from", DAYS[890])
    assert backtest(command, out, "--tickers", "DEMO.NS", *alone).returncode == 0
    assert set(read(out)["ticker"]) == {"DEMO.NS"}

    ran = backtest(command, tmp_path / "both.csv", "--tickers", "DEMO.NS", "AA.NS")

    assert "DEMO.NS belongs to the pool SAMPLE and AA.NS to NSE" in sentence(ran, 2)
    assert not (tmp_path / "both.csv").exists()


def test_evaluate_prints_both_tables(whole, command):
    ran = command("src.modeling.evaluate", whole[0])

    assert ran.returncode == 0, ran.stderr
    lines = [line.split() for line in ran.stdout.splitlines()]
    # Five tickers are too few to be ranked.
    for model in MODELS - {"rank_tilt"}:
        assert sum(row[1:2] == [model] for row in lines) == 2, model
    zero = next(row for row in lines if row[1:2] == ["zero"])
    # Five tickers with 899 realised days each; zero has no skill against itself, nor a t.
    assert zero[:5] == ["1", "zero", "5", "4,495", "899"]
    assert zero[6:8] == ["+0.00%", "-"]
    assert "in 95 %" in ran.stdout


REFUSED = {
    "unknown": (("--tickers", "NOPE"), 1, "No features of NOPE.NS are stored"),
    "not cleaned": (("--tickers", "AA.NS", "RAW.NS"), 1, "No features of RAW.NS are stored"),
    "from after to": (("--all", "--from", "2024-05-03", "--to", "2024-05-02"), 2, "lies after"),
    "from the future": (("--all", "--from", "2030-01-01"), 1, "the last is of"),
    "to the past": (("--all", "--to", "2001-01-01"), 1, "No price up to 2001-01-01"),
    # Christmas.
    "no session": (
        ("--tickers", "AA", "--models", "zero", "--from", "2024-12-25", "--to", "2024-12-25"),
        1,
        "",
    ),
    "no model": (("--all", "--models", "oracle"), 2, "oracle"),
    "no ticker": ((), 2, "--tickers"),
    "no date": (("--all", "--from", "soon"), 2, "soon"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_backtested_is_said_in_one_sentence(command, tmp_path, case):
    arguments, code, message = REFUSED[case]

    ran = backtest(command, tmp_path / "out.csv", *arguments)

    assert message in sentence(ran, code)
    assert list(tmp_path.glob("*.csv*")) == []


def test_a_place_that_cannot_hold_the_file_is_refused_at_once(command, tmp_path):
    for out, message in (
        (tmp_path / "none" / "out.csv", "does not exist"),
        (tmp_path, "not a regular file"),
        ("/dev/null", "not a regular file"),
    ):
        assert message in sentence(backtest(command, out, "--all"), 2)
    assert not Path("/dev/null").is_file()


def test_an_interrupted_backtest_leaves_the_file_of_before(environment, tmp_path):
    out = tmp_path / "out.csv"
    out.write_text("kept")
    with subprocess.Popen(
        [sys.executable, "-m", "src.modeling.backtest", "--all", "--out", str(out)],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        until = time.monotonic() + 30
        while not list(tmp_path.glob(".*.part")) and time.monotonic() < until:
            time.sleep(0.02)
        running.send_signal(signal.SIGINT)
        message = running.stderr.read()

    # Interrupted inside an exec of its own, as of a dataclass, Python ends by the signal itself.
    assert running.returncode in (130, -signal.SIGINT), message
    assert message.splitlines()[-1] == "Interrupted: unfinished changes were rolled back."
    assert out.read_text() == "kept"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["out.csv"]


def test_a_full_disk_leaves_no_half_file(tmp_path):
    out = tmp_path / "out.csv"
    frames = (pl.DataFrame({"number": range(20_000)}) for _ in range(3))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        with pytest.raises(BadInput, match="cannot be written"):
            _write_csv(frames, out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)

    assert list(tmp_path.iterdir()) == []


ROW = "AA.NS,2024-01-02,2024-01-03,1,zero,0.0,0.01,-1,1,-1,1,-1,1,-1,1\n"
FOREIGN = {
    "missing": (None, "it cannot be read (no such file or directory): give a file that"),
    "empty": (b"", "it cannot be read (it is empty): give a file that"),
    "binary": (bytes(range(256)) * 40, "give a file that src.modeling.backtest wrote"),
    "foreign": (b"Date,Open,Close\n2024-01-02,1,2\n", "no column"),
    "header only": (f"{HEADER}\n".encode(), "it has no forecasts"),
    "words": (f"{HEADER}\n{ROW.replace('0.01', 'much')}".encode(), "'much' in line 2 cannot"),
    "no date": (f"{HEADER}\n{ROW.replace('2024-01-02', 'soon')}".encode(), "column made"),
    "no ticker": (f"{HEADER}\n{ROW.replace('AA.NS', '')}".encode(), "an empty cell"),
    "infinite": (f"{HEADER}\n{ROW.replace('0.01', 'inf')}".encode(), "not a number in its column"),
    "no horizon": (f"{HEADER}\n{ROW.replace(',1,zero', ',0,zero')}".encode(), "horizon below 1"),
    "twice": (f"{HEADER}\n{ROW}{ROW}".encode(), "two forecasts"),
    "cut short": (f"{HEADER}\n{ROW}{ROW[:30]}".encode(), ""),
}


@pytest.mark.parametrize("case", FOREIGN)
def test_a_file_that_is_no_backtest_is_refused_in_one_sentence(tmp_path, case):
    content, message = FOREIGN[case]
    path = tmp_path / "F.csv"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(BadInput) as refused:
        evaluate.read(path)

    assert message in str(refused.value)
    assert str(path) in str(refused.value)
    assert not any(part in str(refused.value) for part in ("\n", "os error", "Schema", "dtype"))


def test_evaluate_refuses_a_foreign_file_as_a_command(command, tmp_path):
    path = tmp_path / "prices.csv"
    path.write_text("Date,Close\n2024-01-02,2\n")

    assert "give a file that src.modeling.backtest wrote" in sentence(
        command("src.modeling.evaluate", path), 1
    )


def test_without_any_prices_it_says_what_to_run(command, tmp_path):
    ran = backtest(command, tmp_path / "out.csv", "--all", FORECAST_HOME=tmp_path)

    assert "No features are stored yet: run" in sentence(ran, 1)


def test_a_model_whose_library_is_missing_is_refused_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr(backtest_module, "find_spec", lambda name: None)
    out = ("--all", "--out", str(tmp_path / "f.csv"))

    with pytest.raises(UsageError, match="rank_tilt_lightgbm: LightGBM is not installed"):
        backtest_module.main([*out, "--models", "zero", "rank_tilt_lightgbm"])
