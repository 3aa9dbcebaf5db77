"""Trials through the whole system: years of evenings that end them, and runs that forecast."""

import psycopg
import pytest

from src.db.tables.trials import TrialLog
from tests.support.checksums import rows
from tests.support.many_tickers import results
from tests.support.trial_years import SIGMA, SKILL, trial_years

pytestmark = pytest.mark.slow

SESSIONS = 300


@pytest.fixture
def years(database_url, home):
    with trial_years(database_url, home, 40, SESSIONS + 2) as opened:
        yield opened


def test_an_oracle_is_better_its_inverse_worse_and_a_copy_of_the_live_model_equivalent(years):
    oracle = years.register(years.oracle())
    inverse = years.register(years.oracle(-1))
    copy = years.register(years.copy_of_live())
    unheard = years.register(years.oracle(-1), tickers=("NOBODY.NS",))

    years.live_through(range(SESSIONS + 2), every=6)

    assert years.ending(oracle) == "better"
    assert years.ending(inverse) == "worse"
    assert years.ending(copy) == "equivalent"
    # Without a single outcome nothing is decided, however long it takes.
    assert years.events(unheard) == []
    # The verdict was possible after 250 sessions, and not before.
    ended = years.events(copy)[-1]
    assert 250 <= ended.evidence["sessions"] < 256 + 21
    counts = dict(
        years.connection.execute(
            "SELECT version, count(DISTINCT feature_date) FROM predictions "
            "WHERE kind = 'shadow' GROUP BY version"
        ).fetchall()
    )
    # Nothing more is forecast for a trial that has ended.
    assert counts[copy.candidate_version] < SESSIONS


# What a run that is killed in the middle leaves is what the database undoes.
FAIL = """
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no space'; END $$;
CREATE TRIGGER fail BEFORE INSERT ON trial_events FOR EACH ROW WHEN (NEW.kind = 'promoted')
    EXECUTE FUNCTION fail()
"""


def until_a_problem(years):
    """Live through evenings until a look at the trials has problems; its row, and these."""
    for row in range(SESSIONS + 1):
        years.evening(row)
        if (row + 1) % 21 == 0 and (problems := years.mature(row)):
            return row, problems
    pytest.fail("there was no problem")


def test_a_challenger_that_was_registered_to_is_promoted_in_one_step_with_its_ending(years):
    trial = years.register(years.oracle(), promotes=True)
    years.connection.execute(FAIL)
    row, problems = until_a_problem(years)

    (problem,) = problems
    name = f"Trial {trial.hash[:12]}"
    assert problem.startswith(f"{name} of pool NSE could not be judged: no space")
    assert years.ending(trial) is None
    assert years.models.state("NSE", "short").live.digest == years.live

    years.connection.execute("DROP TRIGGER fail ON trial_events")
    assert years.mature(row) == []

    kinds = [event.kind for event in years.events(trial)]
    assert kinds[-2:] == ["better", "promoted"]
    live = years.models.load("NSE", "short")
    assert (live.served, live.verdict) == ("ridge", "better")
    assert live.model.coef.tolist() == [SIGMA * SKILL]
    assert years.models.pin("NSE", "short") is not None
    assert years.mature(row) == []


def test_a_challenger_that_may_not_be_promoted_ends_better_and_is_left_to_a_person(years):
    """Registered against zero, while another model is live."""
    trial = years.register(years.oracle(), promotes=True, reference="zero")
    _, problems = until_a_problem(years)

    assert years.ending(trial) == "better"
    (problem,) = problems
    assert problem.startswith(
        f"Trial {trial.hash[:12]} ended better and was not promoted: The trial {trial.hash[:12]} "
        "compared its challenger with zero, and ridge is live at NSE short"
    )


EVENINGS = ("2026-04-13", "2026-04-15", "2026-04-16", "2026-04-17")
REGISTER = (
    *("mlops.trials", "register", "--pool", "SAMPLE", "--horizon", "short"),
    *("--challenger", "ridge", "--set", "refit_every=126"),
    *("--author", "A. Rao", "--reason", "refits twice a year"),
)


def test_runs_forecast_with_a_registered_challenger_until_it_is_stopped(command, embedded, home):
    def at(day, *arguments):
        ran = command(*arguments, FORECAST_NOW=f"{day}T18:00+05:30")
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def pipeline(day, *more):
        at(day, "mlops.pipeline", "--ticker", "DEMO.NS", "--source", "sample", *more)
        return results(home)

    def shadows():
        """Session and trial of each shadow forecast, and whether its outcome is known."""
        found = rows(
            url,
            "SELECT feature_date::text, version, realised_return IS NOT NULL FROM predictions "
            "LEFT JOIN prediction_outcomes "
            "USING (ticker, horizon, feature_date, version, data_hash, kind) "
            "WHERE kind = 'shadow' ORDER BY feature_date",
        )
        names = {trial.candidate_version: trial.hash for trial in registered()}
        return [(session, names[version], is_known) for session, version, is_known in found]

    def registered():
        with psycopg.connect(url, autocommit=True) as connection:
            return TrialLog(connection).trials()

    with embedded() as url:
        pipeline(EVENINGS[0])
        at(EVENINGS[0], *REGISTER)
        first = registered()[0].hash

        trained = pipeline(EVENINGS[1])
        assert (trained["status"], trained["warnings"]) == ("success", [])
        assert shadows() == [(EVENINGS[1], first, False)]

        stored = pipeline(EVENINGS[2], "--skip-training")
        assert (stored["status"], stored["warnings"]) == ("success", [])
        assert shadows() == [(EVENINGS[1], first, True), (EVENINGS[2], first, False)]
        # Of the forecast that was served; the challenger's is not counted.
        assert stored["outcomes"]["recorded"] == 1

        at(EVENINGS[2], "mlops.trials", "stop", first[:12], "--author", "A. Rao", "--reason", "no")
        at(EVENINGS[2], *REGISTER)
        second = registered()[1]
        # What was stopped counts against what is registered after it.
        assert second.configurations == 2

        pipeline(EVENINGS[3])
        assert shadows()[2:] == [(EVENINGS[3], second.hash, False)]
