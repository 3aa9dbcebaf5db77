"""Registering and stopping trials on a real PostgreSQL with model sets in a real folder."""

import datetime as dt
import threading
from dataclasses import replace

import numpy as np
import psycopg
import pytest

from src.core.trials import TrialConflict, TrialRefused
from src.db.tables.trials import TrialLog
from src.modeling.trials import challenger_checks
from src.modeling.trials.challenger_checks import OVERRIDES, as_settings
from src.modeling.trials.register import register, stop
from src.registry.formats.models import LinearModel
from src.registry.storage.artifact_store import ArtifactStore
from tests.support.answers import put_live, put_member
from tests.support.models import both_horizons, make_artifact, winner
from tests.support.registries import save
from tests.support.trials import AT, registered_trial, trial_event

LATER = AT + dt.timedelta(hours=1)


@pytest.fixture
def connection(database_url):
    with psycopg.connect(database_url, autocommit=True) as opened:
        yield opened


@pytest.fixture
def store(home):
    return ArtifactStore(home / "models")


@pytest.fixture
def place(connection, store):
    """NSE, where a ridge was promoted at the short horizon and zero is served at the long one."""
    long = make_artifact(horizon="long", sessions=63)
    put_live(connection, store.root, [winner(), long], tickers=["INFY.NS", "TCS.NS"])
    return connection


def drift(**changes):
    return registered_trial(**{"challenger": "drift", "reference": "live"} | changes)


def stored_set(store, **changes):
    """The digest of a set that is not live; its ridge is the live one unless a model is given."""
    return save(store.root, make_artifact(**{"reason": "another"} | changes)).name


OTHER = LinearModel(("mom_5",), np.array([0.2]), 0.0)


def refusal(connection, store, trial, kind=TrialRefused):
    """The sentence with which a trial is refused; nothing is stored then."""
    before = TrialLog(connection).trials()
    with pytest.raises(kind) as refused:
        register(connection, store, trial)
    assert TrialLog(connection).trials() == before
    sentence = str(refused.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


def test_what_was_stated_is_stored_with_its_tickers_in_order(place, store):
    stated = drift(tickers=("TCS.NS", "INFY.NS", "TCS.NS"), settings={"refit_every": 21})

    trial = register(place, store, stated)

    assert trial == replace(stated, tickers=("INFY.NS", "TCS.NS"), configurations=1)
    assert TrialLog(place).running("NSE") == [trial]


def test_a_pool_that_has_no_model_is_refused_and_others_are_named(place, store):
    put_live(place, store.root, both_horizons("BSE"), tickers=["TCS.BO"])
    assert refusal(place, store, drift(pool="XNYS")) == (
        "The pool 'XNYS' has no short model yet (those of BSE, NSE have one): run `python -m "
        "mlops.pipeline` first."
    )


def test_without_any_model_there_is_no_trial(connection, store):
    assert refusal(connection, store, drift()) == (
        "The pool 'NSE' has no short model yet: run `python -m mlops.pipeline` first."
    )


def test_a_candidate_whose_library_is_missing_is_refused(place, store, monkeypatch):
    monkeypatch.setattr(challenger_checks, "find_spec", lambda name: None)

    assert refusal(place, store, drift(challenger="rank_tilt_lightgbm")) == (
        "rank_tilt_lightgbm cannot be fitted here, because LightGBM is not installed: `pip "
        "install lightgbm` where the pipeline runs, or give another challenger."
    )


WHAT_CAN_BE = (
    "Give one of zero, drift, ridge, rank_tilt or rank_tilt_lightgbm, or the digest of a model set."
)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"horizon": "weekly"}, "There is no horizon 'weekly': give short or long."),
        ({"challenger": "prophet"}, f"There is no candidate 'prophet'. {WHAT_CAN_BE}"),
        ({"challenger": "abc"}, f"There is no candidate 'abc'. {WHAT_CAN_BE}"),
        (
            {"challenger": "mean"},
            "mean cannot be a challenger: no model of it can be stored, so runs that train nothing "
            f"could not forecast with it. {WHAT_CAN_BE}",
        ),
        (
            {"challenger": "rank_tilt"},
            "rank_tilt learns ranks among 20 tickers or more, and the pool NSE has 2: give another "
            "challenger.",
        ),
        (
            {"challenger": "ab" * 32},
            "No model set abababababab of NSE short is stored: `python -m mlops.monitoring "
            "history` names the sets, of which old ones are removed.",
        ),
        (
            {"challenger": "ridge"},
            "The challenger, ridge, is what is live at NSE short already: there is nothing to "
            "compare, so give another challenger.",
        ),
        (
            {"challenger": "zero", "reference": "zero"},
            "The challenger, zero, is no change at NSE short already: there is nothing to "
            "compare, so give another challenger.",
        ),
        (
            {"challenger": "zero", "horizon": "long", "sessions": 63},
            "The challenger, zero, is what is live at NSE long already: there is nothing to "
            "compare, so give another challenger.",
        ),
        (
            {"tickers": ("TCS.BO",)},
            "TCS.BO is not in the pool NSE: leave the tickers out for the whole pool, or name "
            "some of its own.",
        ),
        (
            {"tickers": ("E.NS", "D.NS", "C.NS", "A.NS", "TCS.NS")},
            "A.NS, C.NS, D.NS and 1 more are not in the pool NSE: leave the tickers out for the "
            "whole pool, or name some of its own.",
        ),
        (
            {"settings": {"seed": 1}},
            "A challenger has no setting 'seed' of its own: it can have refit_every, embargo, "
            "min_train_rows.",
        ),
        (
            {"settings": {"refit_every": 0}},
            "The setting refit_every = 0 is out of range: give a number between 1 and 2520.",
        ),
        (
            {"horizon": "long", "sessions": 63, "max_sessions": 251},
            "A trial of at most 251 sessions could only run out: 252 with outcomes are needed for "
            "a verdict at 63 sessions ahead, so let it run longer.",
        ),
        ({"author": ""}, "The author is missing: say who decides, and why."),
        ({"reason": ""}, "The reason is missing: say who decides, and why."),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(place, store, changes, sentence):
    assert refusal(place, store, drift(**changes)) == sentence


def test_the_live_model_can_be_on_trial_against_zero_and_with_settings_of_its_own(place, store):
    first = register(place, store, drift(challenger="ridge", reference="zero"))
    register(place, store, drift(challenger="zero", reference="live", registered_at=LATER))
    stop(place, first, "A. Rao", "enough", LATER)
    again = drift(challenger="ridge", settings={"refit_every": 21}, registered_at=LATER)
    register(place, store, again)
    assert sorted(trial.configurations for trial in TrialLog(place).trials()) == [1, 2, 3]


def test_a_model_set_is_named_by_the_beginning_of_its_digest(place, store):
    digest = stored_set(store, model=OTHER)
    trial = register(place, store, drift(challenger=digest[:12]))
    assert (trial.challenger, trial.is_model_set) == (digest, True)


def test_the_model_that_is_live_is_refused_against_live_whatever_its_set_is_called(place, store):
    sets = dict(store.stored())
    live, same = sets["NSE", "short"], stored_set(store)
    for digest in (live, same):
        assert refusal(place, store, drift(challenger=digest)).startswith(
            f"The challenger, the model set {digest[:12]}, is what is live at NSE short already"
        )
    register(place, store, drift(challenger=live, reference="zero"))
    # At the long horizon zero is served: the candidate of that set never was.
    register(place, store, drift(challenger=sets["NSE", "long"], horizon="long", sessions=63))


def test_a_set_that_forecasts_no_change_is_refused_against_zero(place, store):
    digest = stored_set(store, candidate="zero", model=LinearModel((), np.zeros(0), 0.0))
    assert refusal(place, store, drift(challenger=digest, reference="zero")).startswith(
        f"The challenger, the model set {digest[:12]}, is no change at NSE short already"
    )
    register(place, store, drift(challenger=digest))


def test_a_set_of_another_place_is_refused(place, store):
    digest = stored_set(store, pool="BSE")
    assert f"No model set {digest[:12]} of NSE short is stored; there is one of BSE short: " in (
        refusal(place, store, drift(challenger=digest))
    )


def test_a_set_of_another_number_of_sessions_is_refused(place, store):
    digest = stored_set(store, sessions=2)
    assert refusal(place, store, drift(challenger=digest)) == (
        f"The model set {digest[:12]} forecasts 2 sessions ahead, the configuration says 1: give "
        "a set of that horizon."
    )


def test_a_set_of_other_features_is_refused(place, store):
    digest = stored_set(store, features_version="v0")
    assert refusal(place, store, drift(challenger=digest)) == (
        f"The model set {digest[:12]} was trained on features v0, stored are v1: it cannot "
        "forecast from these, so give a newer set or a candidate."
    )


def test_a_damaged_set_is_refused(place, store):
    digest = stored_set(store)
    (store.root / "NSE" / "short" / digest / "model.safetensors").write_bytes(b"nothing")
    assert refusal(place, store, drift(challenger=digest)).startswith(
        f"The model set {digest[:12]} cannot be on trial: the model in "
    )


def test_a_set_has_no_settings(place, store):
    trial = drift(challenger=stored_set(store, model=OTHER), settings={"embargo": 5})
    assert refusal(place, store, trial) == (
        "A model set is fitted already: leave the settings out, or give a candidate's name."
    )


def test_the_same_challenger_is_not_on_trial_twice_at_a_place(place, store):
    first = register(place, store, drift())
    assert refusal(place, store, drift(reference="zero"), TrialConflict) == (
        f"drift is on trial at NSE short already, since 2026-04-13 ({first.hash[:12]}): wait for "
        "its end, or stop it first; both count."
    )
    put_member(place, "TCS.BO", "BSE")
    register(place, store, drift(horizon="long", sessions=63, reference="live"))


def test_stopping_and_registering_again_counts(place, store):
    for number in (1, 2, 3):
        at = AT + dt.timedelta(days=number)
        trial = register(place, store, drift(registered_at=at))
        assert trial.configurations == number
        stop(place, trial, "A. Rao", "a look was bad", at)
    years_later = AT.replace(year=AT.year + 3) + dt.timedelta(days=2)
    assert register(place, store, drift(registered_at=years_later)).configurations == 3


def test_of_two_who_register_at_once_one_is_refused(place, store, database_url):
    results = []

    def attempt():
        with psycopg.connect(database_url, autocommit=True) as own:
            try:
                results.append(register(own, store, drift()).configurations)
            except TrialConflict:
                results.append("refused")

    threads = [threading.Thread(target=attempt) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(results, key=str) == [1, "refused", "refused", "refused"]


def test_a_trial_is_stopped_once_and_by_somebody(place, store):
    trial = register(place, store, drift())
    for author, reason in (("", "enough"), ("A. Rao", " ")):
        with pytest.raises(TrialRefused, match="is missing: say who decides, and why"):
            stop(place, trial, author, reason, AT)

    stop(place, trial, "A. Rao", "enough", AT)

    (event,) = TrialLog(place).events(trial.hash)
    assert (event.kind, event.author, event.reason, event.at) == ("stopped", "A. Rao", "enough", AT)
    with pytest.raises(TrialConflict) as refused:
        stop(place, trial, "B. Iyer", "enough", AT)
    assert str(refused.value) == (
        f"The trial {trial.hash[:12]} has ended already (stopped on 2026-04-13): there is nothing "
        "to stop."
    )


def test_a_trial_that_ran_out_cannot_be_stopped(place, store):
    trial = register(place, store, drift())
    TrialLog(place).add_event(trial_event(trial, "ran_out", session=AT.date()))
    with pytest.raises(TrialConflict, match=r"ended already \(ran out on 2026-04-13\)"):
        stop(place, trial, "A. Rao", "enough", AT)


def test_settings_are_whole_numbers():
    assert as_settings({"refit_every": "21"}) == {"refit_every": 21}
    for text in ("", "2.5", "-1", "9" * 10):
        with pytest.raises(TrialRefused, match="is no whole number"):
            as_settings({"refit_every": text})
    assert set(OVERRIDES) == {"refit_every", "embargo", "min_train_rows"}
