"""Shadow forecasts of trials in runs that train and in runs that do not, on real tables."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from src.core.calendars.nse import nse
from src.db.migrate import ensure_schema
from src.db.tables.trials import TrialLog
from src.modeling.evaluation.logged_forecasts import to_settle
from src.modeling.evaluation.outcomes import record_outcomes
from src.modeling.trials.shadow import shadow_forecasts
from src.registry.formats.models import LinearModel
from tests.support.daily_runs import clean_rows, daily_runs
from tests.support.databases import new_database
from tests.support.pools import wandering
from tests.support.trials import registered_trial, trial_event

TICKERS = ("AAA.NS", "BBB.NS", "CCC.NS")
DAYS = [day for day in nse().array.tolist() if str(day) <= "2026-04-16"][-424:]
PRICES = wandering(len(DAYS), len(TICKERS))
FIRST = len(DAYS) - 4


class Evenings:
    """Evenings of a pool of three, each with its run and the shadow forecasts after it."""

    def __init__(self, runs):
        self.runs, self.row = runs, FIRST - 1
        self.log = TrialLog(runs.connection)
        runs.register(TICKERS, DAYS[0])

    @property
    def day(self):
        return DAYS[self.row]

    @property
    def context(self):
        return self.runs.context(TICKERS, self.day)

    def next(self, *, training, tickers=TICKERS):
        """The forecasts of the next evening, and the sentences about challengers."""
        self.row += 1
        self.runs.store_prices(
            clean_rows(DAYS[: self.row + 1], PRICES.until(self.row + 1), TICKERS)
        )
        forecasts, self.outcomes = self.runs.run_after_close(tickers, self.day, training=training)
        return forecasts, shadow_forecasts(self.context, "NSE", tickers)

    def again(self, tickers=TICKERS):
        return shadow_forecasts(self.context, "NSE", tickers)

    def register(self, **changes):
        at = dt.datetime.combine(self.day, dt.time(14), dt.UTC)
        trial = registered_trial(registered_at=at, **changes)
        self.log.register(trial)
        return trial

    def shadows(self, trial):
        """Its forecasts by ticker and session."""
        rows = self.runs.connection.execute(
            "SELECT ticker, feature_date, point FROM predictions "
            "WHERE kind = 'shadow' AND version = %s ORDER BY made_at, ticker",
            (trial.candidate_version,),
        ).fetchall()
        assert len(rows) == len({row[:2] for row in rows})
        return {row[:2]: row[2] for row in rows}

    def served(self):
        return self.runs.connection.execute(
            "SELECT * FROM predictions WHERE kind = 'served' ORDER BY ticker, horizon, feature_date"
        ).fetchall()

    def failures(self, trial):
        return [(e.session, e.reason) for e in self.log.events(trial.hash) if e.kind == "failed"]

    def sets(self, horizon="short"):
        return {d for (pool, h), d in self.runs.models.store.stored() if h == horizon}


@pytest.fixture
def evenings(database_url, home):
    with daily_runs(database_url, home) as runs:
        opened = Evenings(runs)
        opened.next(training=True)
        yield opened


def candidates(forecasts, horizon="1-day"):
    """What the pool's own challenger forecast, which is not served."""
    return {
        each["ticker"]: each["candidate"]["pred_return"]
        for each in forecasts
        if each["horizon"] == horizon
    }


def put_set(evenings, model, **changes):
    """A model file of a person's own, stored like the sets of trainings."""
    live = evenings.runs.models.load("NSE", "short")
    own = replace(live, model=model, candidate="ridge", forecasts=b"", **changes)
    return evenings.runs.models.store.write(own).digest


def test_a_candidate_is_fitted_by_training_and_forecasts_in_both_kinds_of_run(evenings):
    trial = evenings.register(challenger="ridge")

    (sentence,) = evenings.again()
    assert sentence == (
        f"The challenger ridge of trial {trial.hash[:12]} has no model yet: it is fitted by the "
        "next run that trains its pool."
    )
    trained, problems = evenings.next(training=True)
    # In a pool this small the ridge is what the gate judges, so its forecasts are known.
    assert problems == []
    first = {(t, evenings.day): point for t, point in candidates(trained).items()}
    assert evenings.shadows(trial) == first
    stored, problems = evenings.next(training=False)
    assert problems == []
    second = {(t, evenings.day): point for t, point in candidates(stored).items()}
    assert evenings.shadows(trial) == first | second
    assert evenings.again() == []
    assert evenings.shadows(trial) == first | second
    (kept,) = evenings.runs.connection.execute(
        "SELECT DISTINCT model, candidate, levels, quantiles, sigma > 0 FROM predictions "
        "WHERE kind = 'shadow'"
    ).fetchall()
    assert kept == ("ridge", None, [], [], True)


def test_what_is_served_is_the_same_with_trials_and_without(evenings, server, tmp_path):
    with new_database(server) as url:
        ensure_schema(url)
        with daily_runs(url, tmp_path / "other") as runs:
            without = Evenings(runs)
            without.next(training=True)
            evenings.register(challenger="drift", horizon="long", sessions=63)
            evenings.register(challenger="ridge", settings={"refit_every": 21})
            evenings.register(challenger=put_set(evenings, LinearModel((), np.zeros(0), 0.004)))
            for training in (True, False):
                forecasts, problems = evenings.next(training=training)
                assert problems == []
                assert without.next(training=training) == (forecasts, [])
                assert evenings.outcomes == without.outcomes

            assert len(evenings.served()) == 18
            assert evenings.served() == without.served()
            shadows = "SELECT count(*) FROM predictions WHERE kind = 'shadow'"
            assert evenings.runs.connection.execute(shadows).fetchone() == (18,)
            assert runs.connection.execute(shadows).fetchone() == (0,)


def test_a_model_set_forecasts_as_it_is_and_is_kept_while_its_trial_runs(evenings):
    digest = put_set(evenings, LinearModel((), np.zeros(0), 0.004))
    trial = evenings.register(challenger=digest)

    assert evenings.again() == []
    assert evenings.shadows(trial) == {(t, evenings.day): 0.004 for t in TICKERS}
    for _ in range(2):
        evenings.next(training=True)
    assert digest in evenings.sets()
    assert len(evenings.shadows(trial)) == 9
    evenings.log.add_event(trial_event(trial, "stopped"))
    evenings.next(training=True)
    assert len(evenings.shadows(trial)) == 9
    assert digest not in evenings.sets()


def test_its_own_schedule_fits_later_labels(evenings):
    usual = evenings.register(challenger="ridge")
    often = evenings.register(challenger="ridge", settings={"refit_every": 1})

    _, problems = evenings.next(training=True)

    assert problems == []
    models = dict(
        evenings.runs.connection.execute("SELECT hash, digest FROM shadow_models").fetchall()
    )
    load = evenings.runs.models.store.load
    through = {name: load("NSE", "short", d).fitted_through for name, d in models.items()}
    # A label ends before the refit, with the embargo of five sessions between: refitted at today's
    # session, the newest ended six sessions before it.
    assert through[often.hash] == str(DAYS[evenings.row - 6])
    assert through[usual.hash] < through[often.hash]
    assert evenings.shadows(usual) != evenings.shadows(often)


def test_a_trial_of_some_tickers_forecasts_those_alone(evenings):
    digest = put_set(evenings, LinearModel((), np.zeros(0), 0.004))
    trial = evenings.register(challenger=digest, tickers=("BBB.NS",))

    evenings.next(training=False)

    assert set(evenings.shadows(trial)) == {("BBB.NS", evenings.day)}


def test_a_damaged_set_costs_its_own_forecasts_and_is_told_once_a_session(evenings, home):
    digest = put_set(evenings, LinearModel((), np.zeros(0), 0.004))
    damaged = evenings.register(challenger=digest)
    other = evenings.register(challenger="ridge")
    evenings.next(training=True)
    path = home / "models" / "NSE" / "short" / digest / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])

    forecasts, problems = evenings.next(training=False)

    (sentence,) = problems
    assert sentence.startswith(
        f"The challenger {digest[:12]} of trial {damaged.hash[:12]} failed: The model in "
    )
    assert evenings.again() == [sentence]
    assert evenings.failures(damaged) == [(evenings.day, sentence)]
    assert len(forecasts) == 6
    assert len(evenings.shadows(other)) == 6


@pytest.mark.parametrize(
    ("model", "changes", "said"),
    [
        (LinearModel(("no_such_input",), np.ones(1), 0.0), {}, "needs what is unknown at this bar"),
        (LinearModel((), np.zeros(0), 0.0), {"features_version": "v0"}, "are version"),
        (LinearModel(("volatility_1",), np.array([1.7e308]), 1.797e308), {}, "failed: "),
    ],
)
def test_a_set_that_cannot_forecast_fails_and_nothing_else_does(evenings, model, changes, said):
    trial = evenings.register(challenger=put_set(evenings, model, **changes))

    forecasts, problems = evenings.next(training=False)

    assert len(forecasts) == 6
    assert said in problems[0]
    assert len(evenings.failures(trial)) == 1
    assert evenings.shadows(trial) == {}


def test_a_challenger_that_cannot_be_fitted_does_not_stop_training(evenings):
    """A tilt compares twenty tickers and more; here it has nobody to rank."""
    trial = evenings.register(challenger="rank_tilt")
    unready = evenings.register(challenger="ridge", sessions=5)

    forecasts, problems = evenings.next(training=True)

    assert len(forecasts) == 6
    assert len(problems) == 2
    assert [reason for _, reason in evenings.failures(trial)] == [
        f"The challenger rank_tilt of trial {trial.hash[:12]} failed: It could not be fitted at "
        "the last session."
    ]
    assert "5 sessions ahead and the configuration says 1" in evenings.failures(unready)[0][1]


def test_outcomes_of_shadow_forecasts_mature_and_are_not_counted_as_served(evenings):
    digest = put_set(evenings, LinearModel((), np.zeros(0), 0.004))
    trial = evenings.register(challenger=digest)
    evenings.again()

    evenings.next(training=False)

    assert evenings.outcomes["recorded"] == len(TICKERS)
    stored = evenings.runs.connection.execute(
        "SELECT ticker, realised_return FROM prediction_outcomes WHERE kind = 'shadow' "
        "AND version = %s ORDER BY ticker",
        (trial.candidate_version,),
    ).fetchall()
    came = PRICES.close[evenings.row] / PRICES.close[evenings.row - 1] - 1
    assert [ticker for ticker, _ in stored] == list(TICKERS)
    assert [value for _, value in stored] == pytest.approx(came.tolist())
    assert record_outcomes(evenings.context)["recorded"] == 0


def test_a_run_reads_of_trials_only_what_lacks_an_outcome(evenings):
    trial = evenings.register(challenger=put_set(evenings, LinearModel((), np.zeros(0), 0.004)))
    evenings.again()
    for _ in range(2):
        evenings.next(training=False)
    evenings.row += 1  # on the evening after, before its run

    logged = to_settle(evenings.context, evenings.day)

    shadow = logged.filter(kind="shadow")
    assert shadow["feature_date"].unique().to_list() == [DAYS[evenings.row - 1]]
    assert shadow["ticker"].to_list() == list(TICKERS)
    assert shadow["version"].unique().to_list() == [trial.candidate_version]
    assert logged.filter(kind="served", horizon="short").height == 3 * len(TICKERS)


def outcomes_of(evenings, kind):
    return evenings.runs.connection.execute(
        "SELECT ticker, realised_return, note FROM prediction_outcomes "
        "WHERE kind = %s AND horizon = 'short' ORDER BY matured_at, ticker",
        (kind,),
    ).fetchall()


def test_a_restated_outcome_is_restated_for_a_running_trial_too(evenings):
    evenings.register(challenger=put_set(evenings, LinearModel((), np.zeros(0), 0.004)))
    evenings.again()
    evenings.next(training=False)
    assert [note for *_, note in outcomes_of(evenings, "shadow")] == [""] * len(TICKERS)
    prices = PRICES.until(evenings.row + 1)
    prices.close[-1] *= 1.01
    evenings.runs.store_prices(clean_rows(DAYS[: evenings.row + 1], prices, TICKERS))
    context = evenings.context

    later = replace(context, now=context.now + dt.timedelta(hours=1))
    assert record_outcomes(later)["restated"] == len(TICKERS)

    shadow = outcomes_of(evenings, "shadow")
    assert [value for _, value, _ in shadow[len(TICKERS) :]] == pytest.approx(
        (prices.close[-1] / prices.close[-2] - 1).tolist()
    )
    assert all(note.startswith("restated from") for *_, note in shadow[len(TICKERS) :])
    assert shadow == outcomes_of(evenings, "served")


def test_what_an_ended_trial_forecast_last_gets_no_outcome(evenings):
    ended = evenings.register(challenger=put_set(evenings, LinearModel((), np.zeros(0), 0.004)))
    other = evenings.register(challenger=put_set(evenings, LinearModel((), np.zeros(0), 0.003)))
    evenings.again()
    evenings.log.add_event(trial_event(ended, "stopped"))

    evenings.next(training=False)

    versions = evenings.runs.connection.execute(
        "SELECT DISTINCT version FROM prediction_outcomes WHERE kind = 'shadow'"
    ).fetchall()
    assert versions == [(other.candidate_version,)]


def test_a_run_that_writes_nothing_forecasts_for_no_trial(evenings):
    digest = put_set(evenings, LinearModel((), np.zeros(0), 0.004))
    trial = evenings.register(challenger=digest)

    assert shadow_forecasts(replace(evenings.context, records=None), "NSE", TICKERS) == []
    assert evenings.shadows(trial) == {}
