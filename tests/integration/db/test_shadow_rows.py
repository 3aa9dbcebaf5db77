"""Whoever reads what was served reads nothing of the challengers of trials."""

import pytest

from src.core.calendars.nse import nse
from src.core.tables import PREDICTION_OUTCOMES, PREDICTIONS
from src.db.pages import home as home_page
from src.db.pages import predictions as predictions_page
from src.db.tables.scores import ScoreLog
from src.db.watched.drift import DriftTables
from src.db.watched.session_summary import session_summary
from src.modeling.evaluation.scoreboard import scoreboard, scored_forecasts
from tests.support.trial_years import FIRST, trial_years

EVENINGS = 12


@pytest.fixture
def years(database_url, home):
    with trial_years(database_url, home, 3, EVENINGS + 5) as opened:
        opened.live_through(range(EVENINGS), every=EVENINGS)
        yield opened


def all_that_is_read(years):
    connection, ticker = years.connection, years.tickers[0]
    log, drift, last = ScoreLog(connection), DriftTables(connection), years.days[EVENINGS - 1]
    closes = {day: nse().hours(day).closes for day in years.days}
    later = {day: nse().ahead(day, 1) for day in years.days[:-2]}
    return {
        "scoreboard": scoreboard(log),
        "scoreboard of a ticker": scoreboard(log, ticker),
        "scored forecasts": scored_forecasts(log, ("short", 1), FIRST, years.tickers),
        "outcomes of drift": drift.outcomes("NSE", "short", FIRST, closes),
        "paths of drift": drift.paths("NSE", "short", 1, later),
        "summary of the session": session_summary(connection, "NSE", last),
        "states of the home page": home_page.ticker_states(connection),
        "outcomes of the home page": home_page.scored(connection),
        "earlier forecasts": predictions_page.earlier_forecasts(connection, ticker, "short", 50),
    }


def add_shadows(connection):
    """Each served forecast again as a challenger would have missed it, and made a minute before."""
    changed = {
        "kind": "'shadow'",
        "version": "repeat('e', 64)",
        "point": "0.5",
        "candidate": "'drift'",
        "candidate_point": "-0.5",
        "quantiles": "array(SELECT q - 1 FROM unnest(quantiles) q)",
        "made_at": "made_at - interval '1 minute'",
        "verdict": "'worse'",
    }
    for table in (PREDICTIONS, PREDICTION_OUTCOMES):
        values = ", ".join(changed.get(name, name) for name in table.columns)
        connection.execute(
            f"INSERT INTO {table.name} ({', '.join(table.columns)}) "
            f"SELECT {values} FROM {table.name}"
        )


def test_no_reader_of_served_forecasts_sees_those_of_challengers(years):
    before = all_that_is_read(years)
    assert all(before.values())

    add_shadows(years.connection)

    shadows = years.connection.execute(
        "SELECT count(*) FROM predictions WHERE kind = 'shadow'"
    ).fetchone()
    assert shadows == (3 * EVENINGS,)
    after = all_that_is_read(years)
    for name, value in before.items():
        assert after[name] == value, name
