"""The report of one ticker drawn from what is stored."""

import datetime as dt
import re

import psycopg
import pytest

from mlops.report import draw_report
from src.config.settings import Settings
from src.core.errors import BadInput, ForecastError
from src.db.database import Database
from src.modeling.evaluation.forecast_record import to_parquet
from src.registry.lifecycle.events import Author, after_rollback
from tests.support.answers import DAY, put_live, put_member
from tests.support.models import both_horizons, make_artifact
from tests.support.report_data import record

NOW = dt.datetime(2026, 4, 14, 10, 30, tzinfo=dt.UTC)


def artifacts(**changes):
    """Both horizons, with a record of two tickers that differs by horizon."""
    return [
        make_artifact(
            horizon=horizon,
            sessions=sessions,
            forecasts=to_parquet(record(sessions, 60, ("INFY.NS", "TCS.NS"))),
            **changes,
        )
        for horizon, sessions in (("short", 1), ("long", 63))
    ]


@pytest.fixture
def connection(database_url):
    with psycopg.connect(database_url, autocommit=True) as opened:
        yield opened


@pytest.fixture
def drawn(connection, store, home):
    """Publishes models with inputs of TCS.NS, and draws the page of a ticker."""
    settings = Settings(home=home)

    def page(made=None, ticker="TCS.NS"):
        if made is not None:
            put_live(connection, home / "models", made)
        return draw_report(Database("", store, connection), settings, ticker, NOW)

    return page


def text_of(page):
    plain = re.sub(r"<(script|style).*?</\1>", "", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", plain))


def test_the_page_shows_the_live_models_and_the_forecasts_they_were_judged_by(drawn):
    text = text_of(drawn(artifacts()))

    assert "TCS.NS: how sure are the forecasts?" in text
    assert "forecast at the latest 60 sessions, 2025-12-30 to 2026-02-27" in text
    assert "made at the close of 2026-04-13, 3,000.00" in text
    # .1 x .02 - 1/3 x .015 and the constant .0007.
    assert text.count("Its forecast is -0.230 %, the sum of these parts") == 2
    assert "Run a test, 2026-04-14 10:30 UTC, of prices with the hash dddd" in text


def test_while_a_model_is_pinned_the_newest_verdict_is_shown(drawn, connection, models, home):
    old = put_live(connection, home / "models", artifacts(reason="the old reason"))
    drawn(artifacts(reason="the new reason"))
    for artifact in old:
        state, author = models.state(*artifact.pair), Author("a person", NOW)
        models.log.append(after_rollback(artifact, state, author, "v1"))

    text = text_of(drawn())

    assert text.count("A rollback pinned version v1") == 2
    assert "The challenger ridge: the new reason." in text
    assert "the old reason" not in text


@pytest.mark.parametrize(
    ("made", "ticker", "words"),
    [
        (None, "TCS.NS", "No forecast of TCS.NS is stored: run `python -m mlops.pipeline"),
        (both_horizons(forecasts=b""), "TCS.NS", "without the forecasts that it was judged by"),
        (both_horizons(), "TCS.NS", "without the forecasts that it was judged by"),
    ],
)
def test_what_is_missing_is_a_sentence(drawn, made, ticker, words):
    with pytest.raises(BadInput, match=words):
        drawn(made, ticker)


def test_a_ticker_whose_inputs_are_not_computed_yet_is_told_what_to_run(drawn, connection):
    drawn(artifacts())
    put_member(connection, "INFY.NS", "NSE")

    with pytest.raises(ForecastError, match=r"have not been computed for INFY\.NS yet"):
        drawn(ticker="INFY.NS")


def test_closes_are_the_adjusted_ones_of_the_features(drawn, connection):
    connection.execute(
        "INSERT INTO features_daily (ticker, date, close, adj_close, warm_up, source, "
        "features_version) VALUES ('TCS.NS', %s, 3000, 2901.5, false, 'yahoo', 'v1')",
        (DAY,),
    )

    assert '"y": [2901.5]' in drawn(artifacts())


def test_nothing_is_written(drawn, connection):
    drawn(artifacts())
    tables = ("predictions", "serving_inputs", "pool_inputs", "model_events")
    counts = [connection.execute(f"SELECT count(*) FROM {t}").fetchone() for t in tables]

    drawn()

    assert counts == [connection.execute(f"SELECT count(*) FROM {t}").fetchone() for t in tables]
    assert counts[0] == (0,)
