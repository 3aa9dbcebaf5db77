"""When a pool is judged: once per complete session, whichever tickers a run is for."""

import datetime as dt
from dataclasses import replace

import polars as pl
import pytest

from src.core.calendars.nse import nse
from src.modeling.training import stage as train
from tests.support.prices import checksums, clean_walk, context, register, run, with_features

DAYS = nse().sessions(dt.date(2023, 1, 1), dt.date(2026, 4, 16))[-500:]
LAST, NEXT = DAYS[-2], DAYS[-1]
POOL = tuple(f"T{number}.NS" for number in range(6))
SETTINGS = {"training": {"min_train_rows": 60}}


def evening(day):
    return dt.datetime.combine(day, dt.time(12, 30), tzinfo=dt.UTC)


@pytest.fixture
def at(store, home, models):
    """A context of some tickers on the evening of a day."""

    def build(day, *tickers, **settings):
        return context(
            store,
            home,
            tickers=tickers or POOL,
            now=evening(day),
            models=models,
            **{**SETTINGS, **settings},
        )

    return build


@pytest.fixture
def prices():
    return pl.concat([clean_walk(ticker, DAYS, seed=n) for n, ticker in enumerate(POOL)])


@pytest.fixture
def judged(store, at, prices):
    """The pool on the evening of the last session but one."""
    given = at(LAST)
    register(given.records.connection, POOL)
    with_features(store, given, prices.filter(pl.col("date") <= LAST))
    return run(train.STAGE, given)


def events(given):
    return [(event.kind, event.pool, event.horizon) for event in given.models.log.events()]


def count_logged(given):
    return given.records.connection.execute("SELECT count(*) FROM predictions").fetchone()[0]


def arrive(store, given, prices, *tickers):
    """The prices of the newest session, of some tickers."""
    arrived = prices.filter(pl.col("ticker").is_in(list(tickers)))
    with_features(store, replace(given, tickers=tickers), arrived)


def test_the_first_run_judges_the_pool_once_for_all_its_tickers(at, judged):
    assert judged.details["pools"]["NSE"]["judged"] is True
    kinds = events(at(LAST))
    assert [kind for kind, *_ in kinds].count("trained") == 2
    assert {pool for _, pool, _ in kinds} == {"NSE"}
    assert len(judged.details["forecasts"]) == 2 * len(POOL)
    assert list(judged.files) == ["report_NSE_short.html", "report_NSE_long.html"]


def test_a_second_run_judges_nothing_and_writes_nothing(at, judged, database_url):
    before = checksums(database_url)

    again = run(train.STAGE, at(LAST))

    assert again.details["pools"]["NSE"]["judged"] is False
    assert again.details["forecasts"] == judged.details["forecasts"]
    assert again.files == {}
    assert checksums(database_url) == before


@pytest.mark.parametrize("name", ["model.safetensors", "forecasts.parquet"])
def test_a_damaged_file_of_the_newest_training_is_made_again(at, judged, home, name):
    stored = {path: path.read_bytes() for path in (home / "models").rglob("*.*")}
    damaged = next(path for path in stored if path.name == name)
    damaged.unlink()
    before = events(at(LAST))

    run(train.STAGE, at(LAST))

    assert {path: path.read_bytes() for path in (home / "models").rglob("*.*")} == stored
    assert events(at(LAST)) == before


def test_one_ticker_with_a_newer_price_is_answered_by_zero_and_judges_nothing(
    store, at, judged, prices
):
    before = events(at(LAST))
    alone = at(NEXT, POOL[0])
    arrive(store, alone, prices, POOL[0])
    logged = count_logged(alone)

    report = run(train.STAGE, alone)

    assert events(alone) == before
    assert report.details["pools"]["NSE"]["judged"] is False
    for forecast in report.details["forecasts"]:
        assert forecast["feature_date"] == str(NEXT)
        assert (forecast["pred_return"], forecast["model"]["name"]) == (0.0, "zero")
        assert f"1 of 6 tickers of the pool have prices of {NEXT}: run" in forecast["note"]
        assert len(forecast["intervals"]) == 4
    assert count_logged(alone) == logged + 2
    assert f"1 of 6 tickers of the pool have prices of {NEXT}" in report.files["report.html"]


def test_with_all_tickers_up_to_date_the_pool_is_judged_once_more(store, at, judged, prices):
    evening_after = at(NEXT)
    arrive(store, evening_after, prices, *POOL)

    report = run(train.STAGE, evening_after)

    assert report.details["pools"]["NSE"] == {
        **report.details["pools"]["NSE"],
        "judged": True,
        "session": str(NEXT),
    }
    assert [kind for kind, *_ in events(evening_after)].count("trained") == 4
    assert all(forecast["note"] is None for forecast in report.details["forecasts"])


def test_a_changed_history_alone_waits_for_the_next_session(store, at, judged, prices):
    given = at(LAST, POOL[0])
    bent = prices.filter(pl.col("date") <= LAST, ticker=POOL[0]).with_columns(
        pl.when(pl.col("date") == DAYS[-40])
        .then(pl.col("high") * 1.01)
        .otherwise("high")
        .alias("high")
    )
    before = events(given)
    with_features(store, given, bent)

    report = run(train.STAGE, given)

    assert events(given) == before
    assert report.details["pools"]["NSE"]["judged"] is False


@pytest.mark.parametrize("change", ["settings", "member"])
def test_other_settings_and_another_member_are_judged_at_once(store, at, judged, change):
    given = at(LAST)
    if change == "settings":
        given = at(LAST, training={"min_train_rows": 80})
    else:
        given = at(LAST, "T9.NS")
        with_features(store, given, clean_walk("T9.NS", DAYS[:-1], seed=9))

    report = run(train.STAGE, given)

    assert report.details["pools"]["NSE"]["judged"] is True


def test_a_live_model_that_cannot_be_read_is_trained_again(at, judged):
    given = at(LAST)
    (manifest,) = (given.models.store.root / "NSE" / "short").glob("*/manifest.json")
    manifest.write_text(manifest.read_text() + " ")

    report = run(train.STAGE, given)

    assert report.details["pools"]["NSE"]["judged"] is True
    assert given.models.load("NSE", "short").pool == "NSE"
