"""Scores of data quality that runs leave, from files of 5,000 sessions to the tables."""

import csv
import datetime as dt
import math

import psycopg
import pytest

from mlops.pipeline import MLOpsPipeline
from src.config.settings import Settings
from src.core.calendars.nse import nse
from src.core.tables import CLEAN_DAILY, QUARANTINE
from src.data.report import metrics
from src.data.sources.select import SourceRequest
from src.db.pages.attention import refused_rows
from src.db.watched.quality import QualityScores
from src.monitoring.metrics.history import read_points
from src.monitoring.quality.observe import quality_observations
from tests.support.logged_forecasts import log_forecasts, logged_forecast

CALENDAR = nse()
EVENING = dt.datetime(2026, 4, 16, 13, 0, tzinfo=dt.UTC)
SESSIONS = CALENDAR.sessions(dt.date(2005, 1, 3), EVENING.date())[-5000:]
LINE = 80.0


def price(number, seed):
    return 500 + 100 * math.sin(number / 40 + seed) + 9 * math.sin(number * 1.7 + seed)


def bars(days, seed):
    for number, day in enumerate(days):
        close = round(price(number, seed), 2)
        low, high = round(close * 0.985, 2), round(close * 1.01, 2)
        yield [day, round(close * 0.995, 2), high, low, close, 100_000 + number % 977]


@pytest.fixture
def connection(database_url):
    with psycopg.connect(database_url, autocommit=True) as opened:
        yield opened


@pytest.fixture
def run(database_url, home, tmp_path):
    """Bring in files by ticker, each a list of bars, and run the data stages at a time."""

    def run_at(now, files):
        folder = tmp_path / f"{now:%Y%m%d%H%M}"
        folder.mkdir()
        for ticker, rows in files.items():
            with (folder / f"{ticker}.csv").open("w", newline="") as file:
                names = ["date", "open", "high", "low", "close", "volume"]
                csv.writer(file).writerows([names, *rows])
        settings = Settings(home=home, database_url=database_url, now=now)
        source = SourceRequest(name="csv", paths=(folder,), fetched_at=now)
        pipeline = MLOpsPipeline(all_tickers=True, source=source, settings=settings)
        return pipeline.run_full_pipeline(skip_training=True)[1]

    return run_at


def test_one_bad_newest_bar_among_five_thousand(run, connection, store, home):
    infy = list(bars(SESSIONS, 2.0))
    infy[-1][1:] = [0, 0, 0, 0, 0]
    later = [list(row) for row in bars(SESSIONS, 1.0) if row[0] != SESSIONS[-400]]

    results = run(EVENING, {"TCS.NS": later, "INFY.NS": infy})

    latest = QualityScores(connection).latest()
    tcs, infosys, every = latest["TCS.NS"], latest["INFY.NS"], latest[""]
    assert (tcs["session"], tcs["measured_at"], tcs["pool"]) == (EVENING.date(), EVENING, "NSE")
    # One of 5,000 sessions is missing, a year and a half ago.
    assert tcs["dimensions"]["completeness"]["score"] == pytest.approx(99.98)
    assert tcs["score"] == pytest.approx(99.98, abs=0.01)
    assert infosys["score"] < LINE
    scores = {name: each["score"] for name, each in infosys["dimensions"].items()}
    # Refused, so that the session is missing, and the features are of the one before.
    assert [scores[name] for name in ("validity", "completeness", "timeliness")] == [
        pytest.approx(69.99, abs=0.01),
        pytest.approx(69.99, abs=0.01),
        70.0,
    ]
    assert infosys["dimensions"]["validity"]["found"].startswith(
        "Refused rows: 1; the newest: 2026-04-16, refused by non_positive_price"
    )
    bad = {row.subject: row.bad for row in quality_observations(latest, LINE)}
    assert bad == {"TCS.NS": False, "INFY.NS": True}
    assert every["dimensions"]["validity"]["score"] == pytest.approx(85.0, abs=0.02)
    assert results["data_quality"]["score"] == every["score"]
    points = read_points(home / "mlops" / "metrics", EVENING, EVENING, "data_quality").points
    recorded = {tuple(point.tags.values()): point.value for point in points}
    assert recorded[("features",)] == every["score"]
    assert recorded[("validity",)] == every["dimensions"]["validity"]["score"]

    # What the report on a ticker counts is what the score was made of.
    for ticker, row in (("TCS.NS", tcs), ("INFY.NS", infosys)):
        clean, quarantine = store.load(CLEAN_DAILY, [ticker]), store.load(QUARANTINE, [ticker])
        years = metrics.coverage(clean, quarantine, CALENDAR)
        words = row["dimensions"]["completeness"].get("found", "")
        newest_is_refused = int(ticker == "INFY.NS")
        sessions = int(years["sessions"].sum()) + newest_is_refused
        missing = int(years["missing"].sum()) + newest_is_refused
        assert words.startswith(f"Of {sessions:,} sessions {missing} have no bar")
        assert int(metrics.rule_counts(quarantine)["rows"].sum()) == newest_is_refused


def test_a_score_recovers_with_a_whole_bar_and_its_history_stays(run, connection):
    good = list(bars(SESSIONS[-300:], 1.0))
    broken = [*good[:-1], [SESSIONS[-1], 0, 0, 0, 0, 0]]
    scores = QualityScores(connection)

    run(EVENING - dt.timedelta(days=1), {"TCS.NS": good[:-1]})
    run(EVENING, {"TCS.NS": broken})
    low = scores.latest()["TCS.NS"]["score"]
    run(EVENING + dt.timedelta(hours=1), {"TCS.NS": good})

    assert low < LINE
    history = scores.history("TCS.NS", 10)
    assert [(row["session"], row["score"]) for row in history] == [
        (SESSIONS[-2], 100.0),
        (SESSIONS[-1], 100.0),
    ]
    assert [row["session"] for row in scores.history("", 1)] == [SESSIONS[-1]]


def test_a_bar_later_than_a_wrong_clock_is_no_defect_once_it_is_stored(run, connection):
    good = list(bars(SESSIONS[-300:], 1.0))
    scores = QualityScores(connection)

    run(EVENING - dt.timedelta(days=1), {"TCS.NS": good})
    low = scores.latest()["TCS.NS"]
    held_back = refused_rows(connection, SESSIONS[-1], [])
    run(EVENING, {"TCS.NS": good})

    assert low["dimensions"]["validity"]["score"] == pytest.approx(100 * 299 / 300, abs=0.01)
    assert [row[:3] for row in held_back] == [("TCS.NS", 1, str(SESSIONS[-1]))]
    right = scores.latest()["TCS.NS"]
    assert (right["score"], right["session"]) == (100.0, SESSIONS[-1])
    assert refused_rows(connection, SESSIONS[-1], []) == []


def test_yesterdays_file_again_is_told_by_the_timeliness_alone(run, connection):
    good = list(bars(SESSIONS[-301:-1], 1.0))
    run(EVENING - dt.timedelta(days=1), {"TCS.NS": good})
    run(EVENING, {"TCS.NS": good})
    row = QualityScores(connection).latest()["TCS.NS"]
    scores = {name: each["score"] for name, each in row["dimensions"].items()}
    assert scores.pop("timeliness") == 70.0
    assert set(scores.values()) == {100.0, None}
    (observed,) = quality_observations({"TCS.NS": row}, LINE)
    assert not observed.bad


def test_the_same_bar_again_under_the_next_date_is_a_contradiction(run, connection):
    good = list(bars(SESSIONS[-300:-1], 1.0))
    run(EVENING, {"TCS.NS": [*good, [SESSIONS[-1], *good[-1][1:]]]})
    row = QualityScores(connection).latest()["TCS.NS"]
    assert row["dimensions"]["consistency"]["score"] == pytest.approx(70.0)
    assert row["score"] < LINE


def test_a_damaged_row_of_features_is_seen(run, connection):
    run(EVENING, {"TCS.NS": list(bars(SESSIONS[-600:], 1.0))})
    scores = QualityScores(connection)
    assert scores.latest()["TCS.NS"]["score"] == 100.0
    connection.execute(
        "UPDATE features_daily SET inputs[3] = 'NaN', sma_7 = NULL, close = close * 2 "
        "WHERE date = %s",
        (SESSIONS[-1],),
    )
    run(EVENING + dt.timedelta(hours=1), {"TCS.NS": list(bars(SESSIONS[-600:], 1.0))})
    row = scores.latest()["TCS.NS"]
    assert row["dimensions"]["completeness"]["score"] == pytest.approx(70.0)
    assert row["dimensions"]["consistency"]["score"] == pytest.approx(70.0)


def test_a_score_that_cannot_be_made_costs_no_forecast(run, connection):
    connection.execute("ALTER TABLE quality_scores RENAME TO gone")
    results = run(EVENING, {"TCS.NS": list(bars(SESSIONS[-300:], 1.0))})
    (warning,) = [each for each in results["warnings"] if "quality" in each]
    assert warning.startswith("The data quality was not measured: ")
    assert results["tickers"]["TCS.NS"]["stage"] == "forecast"


def test_drift_that_cannot_be_measured_costs_no_outcome(run, connection):
    days = SESSIONS[-300:]
    log_forecasts(connection, logged_forecast(days[-2], days[-1], 0.0))
    connection.execute("ALTER TABLE drift_measures RENAME TO gone")
    results = run(EVENING, {"TCS.NS": list(bars(days, 1.0))})
    (warning,) = [each for each in results["warnings"] if "drift" in each]
    assert warning.startswith("The drift of forecasts was not measured: ")
    assert results["outcomes"]["recorded"] == 1
