"""What trials are judged on, and which of them are looked at, over stored forecasts."""

import numpy as np
import pytest

from src.core.calendars.nse import nse
from src.db.tables.trial_pairs import TrialPairs
from src.modeling.serving.stored_models import live_forecasts
from src.modeling.trials.judging.evidence import trial_evidence
from src.modeling.trials.shadow import shadow_forecasts
from tests.support.trial_years import SIGMA, SKILL, trial_years

TICKERS, SESSIONS = 4, 30


@pytest.fixture
def years(database_url, home):
    with trial_years(database_url, home, TICKERS, SESSIONS) as opened:
        yield opened


def evidence_of(years, trial, row):
    pairs = TrialPairs(years.connection)
    return trial_evidence(pairs, trial, nse(), years.days[row])


def test_evidence_is_what_was_forecast_and_what_came_true(years):
    trial = years.register(years.oracle())
    years.live_through(range(10), every=10)

    found = evidence_of(years, trial, 9)

    assert found.tickers == list(years.tickers)
    assert found.sessions == years.days[:9]
    assert found.actual == pytest.approx(years.returns[:9])
    assert found.challenger == pytest.approx(SIGMA * SKILL * years.signal[:9])
    assert found.reference == pytest.approx(1e-4 * years.idle[:9])
    assert (found.sigma == SIGMA).all()


def test_a_reference_of_zero_needs_no_served_forecast(years):
    trial = years.register(years.oracle(), reference="zero")
    years.live_through(range(3), every=3)

    assert evidence_of(years, trial, 2).reference is None


def test_a_session_counts_only_with_enough_of_its_pool_and_a_gap_stays_a_row(years):
    """Four tickers: one outcome is enough. A ticker alone forecasts on the third evening."""
    trial = years.register(years.oracle())
    for row in range(6):
        if row != 1:
            years.evening(row, years.tickers[:1] if row == 2 else None)
    years.mature(7)

    found = evidence_of(years, trial, 7)

    assert found.sessions == years.days[:6]
    known = np.isfinite(found.actual)
    assert known.sum(axis=1).tolist() == [4, 0, 1, 4, 4, 4]


def test_what_is_made_after_the_next_close_does_not_count(years):
    """A run on the next evening that forecasts from the session before, as late prices would."""
    trial = years.register(years.oracle())
    years.evening(0)
    late = years._inputs(1)
    years.records.serving.write(late)
    context = years.context(2)
    live_forecasts(context, "NSE", years.tickers)
    assert shadow_forecasts(context, "NSE", years.tickers) == []
    years.mature(4)

    assert evidence_of(years, trial, 4).sessions == years.days[:1]


def test_a_pair_is_of_the_answer_that_stood_when_the_challenger_forecast(years):
    """A later answer of the same session, by another model, is no part of the pair."""
    trial = years.register(years.oracle())
    years.evening(0)
    years.connection.execute(
        "INSERT INTO predictions SELECT ticker, horizon, feature_date, %s, data_hash, kind, "
        "sessions, target_date, target_date_estimated, last_close, model, verdict, 0.5, baseline, "
        "baseline_point, candidate, candidate_point, levels, quantiles, prob_up, sigma, "
        "data_source, return_basis, made_at + interval '1 hour' FROM predictions "
        "WHERE kind = 'served'",
        ("f" * 64,),
    )
    years.mature(2)

    assert evidence_of(years, trial, 2).reference == pytest.approx(1e-4 * years.idle[:1])


@pytest.mark.parametrize(("later", "counts"), [("20 s", True), ("3 d", False)])
def test_an_answer_that_was_given_while_the_run_worked_is_part_of_its_pair(years, later, counts):
    """What is answered after the next close comes too late."""
    trial = years.register(years.oracle())
    years.evening(0)
    years.connection.execute("ALTER TABLE predictions DISABLE TRIGGER ALL")
    years.connection.execute(
        "UPDATE predictions SET made_at = made_at + %s::interval WHERE kind = 'served'", (later,)
    )
    years.mature(2)

    found = evidence_of(years, trial, 2)

    assert np.isfinite(found.actual).sum() == (TICKERS if counts else 0)
    if counts:
        assert found.reference == pytest.approx(1e-4 * years.idle[:1])


def test_a_trial_is_looked_at_every_so_many_sessions_with_outcomes(years):
    trial = years.register(years.oracle(), look_every=5)
    looked = []
    for row in range(13):
        years.evening(row)
        assert years.mature(row) == []
        looked.append(len(years.events(trial)))

    # On the evening of row n outcomes of n sessions are known.
    assert looked == [0] * 5 + [1] * 5 + [2] * 3
    first, second = years.events(trial)
    assert (first.kind, first.session) == ("looked", years.days[4])
    assert second.evidence["sessions"] == second.evidence["outcomes"] == 10
    assert second.evidence["verdict"] == "undecided"
    assert second.evidence["last_session"] == str(years.days[9])
    losses = np.abs(years.returns[:10] - 1e-4 * years.idle[:10]).mean(axis=1)
    own = np.abs(years.returns[:10] - SIGMA * SKILL * years.signal[:10]).mean(axis=1)
    assert second.evidence["mean"] == pytest.approx((losses - own).mean())
    assert second.evidence["scale"] == pytest.approx(losses.mean())
    assert second.evidence["gain"] == pytest.approx((losses - own).mean() / losses.mean())
    assert second.evidence["low"] is None
    assert second.evidence["sequence"]["session"] == [str(day) for day in years.days[:10]]


def test_a_trial_without_any_outcome_is_not_looked_at(years):
    trial = years.register(years.oracle(), look_every=1)
    years.evening(0)

    assert years.mature(0) == []
    assert years.events(trial) == []
