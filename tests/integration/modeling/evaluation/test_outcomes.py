"""Outcomes on real tables, when prices are restated, missing, or wait for a decision."""

import datetime as dt

import numpy as np
import polars as pl
import psycopg
import pytest

from src.core.calendars.nse import nse
from src.core.tables import FEATURES_DAILY
from src.registry.formats.models import LinearModel
from src.registry.lifecycle.events import Author
from tests.support.daily_runs import after_close, daily_runs
from tests.support.models import both_horizons
from tests.support.prices import TCS, clean_walk

DAYS = nse().sessions(dt.date(2025, 9, 1), dt.date(2026, 4, 16))
FIRST = len(DAYS) - 4
CLEAN = clean_walk(TCS, DAYS)


@pytest.fixture
def before(database_url, home):
    """One ticker that zero is served for; its prices end four sessions ago."""
    with daily_runs(database_url, home) as opened:
        opened.register([TCS], DAYS[0])
        opened.store_prices(CLEAN.head(FIRST + 1))
        version = opened.store.load(FEATURES_DAILY, [TCS])["features_version"][-1]
        zero = LinearModel((), np.zeros(0), 0.0)
        made = both_horizons(features_version=version, candidate="zero", model=zero)
        opened.models.publish(made, Author("a test", after_close(DAYS[FIRST])))
        yield opened


@pytest.fixture
def at(before):
    """The same, with the forecast that was made after the close of that session."""
    before.run_after_close([TCS], DAYS[FIRST])
    return before


def evening(at, row, clean=CLEAN):
    at.store_prices(clean.head(row + 1))
    return at.run_after_close([TCS], DAYS[row])[1]


def outcomes(at, row=FIRST):
    return at.connection.execute(
        "SELECT realised_return, note, matured_at FROM prediction_outcomes "
        "WHERE horizon = 'short' AND feature_date = %s ORDER BY matured_at",
        (DAYS[row],),
    ).fetchall()


def close(row):
    return CLEAN["close"][row]


def test_a_restated_close_adds_an_outcome_and_the_first_one_stays(at):
    evening(at, FIRST + 1)
    is_next = pl.int_range(pl.len()) == FIRST + 1
    restated = CLEAN.with_columns(
        adj_close=pl.when(is_next).then(pl.col("adj_close") * 1.01).otherwise("adj_close")
    )

    counts = evening(at, FIRST + 2, restated)

    # The next session's own forecast matured as well, from the restated close.
    assert (counts["recorded"], counts["restated"]) == (2, 1)
    first, second = outcomes(at)
    was = close(FIRST + 1) / close(FIRST) - 1
    assert first[:2] == (pytest.approx(was), "")
    assert second[0] == pytest.approx(1.01 * close(FIRST + 1) / close(FIRST) - 1)
    assert second[1] == f"restated from {was:+.6f} to {DAYS[FIRST + 1]}"
    assert (first[2], second[2]) == (after_close(DAYS[FIRST + 1]), after_close(DAYS[FIRST + 2]))
    assert evening(at, FIRST + 3, restated)["restated"] == 0


def test_a_series_rescaled_by_a_later_dividend_is_no_restatement(at):
    evening(at, FIRST + 1)
    before = pl.int_range(pl.len()) < FIRST + 2
    scaled = CLEAN.with_columns(
        adj_close=pl.when(before).then(pl.col("adj_close") * (1 - 1 / 3)).otherwise("adj_close")
    )

    assert evening(at, FIRST + 2, scaled)["restated"] == 0
    assert len(outcomes(at)) == 1


def test_a_pending_action_holds_the_outcome_back_until_it_is_decided(at):
    jumped = pl.int_range(pl.len()) == FIRST + 1
    waiting = evening(at, FIRST + 1, CLEAN.with_columns(action_pending=jumped))
    assert (waiting["recorded"], waiting["pending_action"], outcomes(at)) == (0, 1, [])

    decided = evening(at, FIRST + 2)

    assert (decided["recorded"], decided["pending_action"]) == (2, 0)
    assert len(outcomes(at)) == 1


def test_a_missing_bar_holds_the_outcome_back_until_it_is_filled(at):
    lost = CLEAN.filter(pl.col("date") != DAYS[FIRST + 1])
    waiting = evening(at, FIRST + 2, lost.head(FIRST + 2))
    assert (waiting["no_bar"], outcomes(at)) == (1, [])

    filled = evening(at, FIRST + 3)

    assert filled["no_bar"] == 0
    assert [one[0] for one in outcomes(at)] == [pytest.approx(close(FIRST + 1) / close(FIRST) - 1)]


def test_prices_that_stopped_coming_are_told(at):
    _, counts = at.run_after_close([TCS], DAYS[FIRST + 3])

    assert (counts["recorded"], counts["no_bar"]) == (0, 1)
    assert counts["notes"][0].startswith("TCS.NS: 1 forecast came due without an outcome")


def test_a_first_run_on_old_prices_tells_of_no_forecast_that_came_due(before):
    _, counts = before.run_after_close([TCS], DAYS[FIRST + 3])

    logged = before.connection.execute("SELECT count(*) FROM predictions").fetchone()
    assert (logged, counts["no_bar"], counts["notes"]) == ((2,), 0, [])
    # Once its session's price is there, it has an outcome as every other.
    assert evening(before, FIRST + 3)["recorded"] >= 1


def test_a_forecast_for_a_symbol_that_was_changed_gets_its_outcome_from_the_new_ticker(at):
    renamed = CLEAN.with_columns(ticker=pl.lit("NEWTCS.NS"))
    at.register(["NEWTCS.NS"], DAYS[FIRST])
    at.connection.execute(
        "INSERT INTO symbol_changes VALUES (%s, %s, 'NEWTCS.NS', false, 'a test', %s)",
        (TCS, DAYS[FIRST + 1], after_close(DAYS[FIRST])),
    )
    at.store_prices(renamed.head(FIRST + 2))

    _, counts = at.run_after_close(["NEWTCS.NS"], DAYS[FIRST + 1])

    assert counts["recorded"] == 1
    logged = at.connection.execute(
        "SELECT ticker, feature_date, note FROM prediction_outcomes WHERE horizon = 'short'"
    ).fetchall()
    assert logged == [
        (TCS, DAYS[FIRST], "prices of NEWTCS.NS, which the company is now"),
    ]
    assert outcomes(at)[0][0] == pytest.approx(close(FIRST + 1) / close(FIRST) - 1)


def test_a_forecast_beyond_a_delisting_has_no_outcome_for_ever(at):
    at.connection.execute(
        "INSERT INTO instrument_states VALUES (%s, 'delisted', %s, 'a circular', 'A. Rao', now())",
        (TCS, DAYS[FIRST + 1]),
    )

    _, counts = at.run_after_close([TCS], DAYS[FIRST + 3])

    assert (counts["recorded"], counts["no_bar"], counts["delisted"]) == (0, 0, 1)
    assert counts["notes"] == [
        "TCS.NS: 1 forecast came due without an outcome, because of the delisting of the share, "
        "and will have none."
    ]


def test_an_outcome_cannot_be_changed_afterwards(at):
    evening(at, FIRST + 1)

    with pytest.raises(psycopg.Error):
        at.connection.execute("UPDATE prediction_outcomes SET realised_return = 0")
