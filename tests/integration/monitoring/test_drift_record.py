"""When drift is measured, over stored forecasts and outcomes of a few evenings."""

import datetime as dt
from dataclasses import replace

import pytest

from src.monitoring.drift.record import keep_means, record_drift
from tests.support.trial_years import trial_years


@pytest.fixture
def years(database_url, home):
    with trial_years(database_url, home, 4, 5) as opened:
        yield opened


def measured(years):
    """The sessions that measures are of, and when they were taken."""
    query = "SELECT DISTINCT session, measured_at FROM drift_measures ORDER BY session"
    return years.connection.execute(query).fetchall()


def test_outcomes_of_a_run_that_ended_before_it_measured_them_are_measured_by_the_next(years):
    pools = {"NSE": years.tickers}
    years.evening(0)
    keep_means(years.context(0), pools)
    assert measured(years) == []

    years.mature(1)  # and the run is killed
    keep_means(years.context(1), pools)
    assert measured(years) == [(years.days[1], years.now(1))]

    later = replace(years.context(1), now=years.now(1) + dt.timedelta(hours=1))
    keep_means(later, pools)
    assert measured(years) == [(years.days[1], years.now(1))]

    record_drift(later, pools)
    assert measured(years) == [(years.days[1], later.now)]
