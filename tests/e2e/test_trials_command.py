"""`python -m mlops.trials` as a person types it."""

import datetime as dt
import json

import numpy as np
import psycopg
import pytest

from src.db.tables.trials import TrialLog
from src.registry.formats.models import LinearModel
from tests.support.answers import put_live
from tests.support.models import make_artifact, winner
from tests.support.registries import save
from tests.support.services import Service, eventually
from tests.support.trials import trial_event

TRIALS = "mlops.trials"
AT = {"FORECAST_NOW": "2026-04-20T18:00+05:30"}
WHO = ("--author", "A. Rao", "--reason", "is a simpler model as good?")
WHERE = ("--pool", "NSE", "--horizon", "short")


@pytest.fixture
def trials(command, database_url):
    variables = {"DATABASE_URL": database_url, **AT}
    return lambda *arguments, **extra: command(TRIALS, *arguments, **variables | extra)


@pytest.fixture
def place(database_url, home):
    """A pool with a promoted ridge at the next session, and zero at 63."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        sets = [winner(), make_artifact(horizon="long", sessions=63)]
        put_live(connection, home / "models", sets, tickers=["INFY.NS", "TCS.NS"])
        yield TrialLog(connection)


def output(ran, code=0):
    """What a command printed; what it complained of where it had to fail."""
    assert ran.returncode == code, ran.stderr
    if code == 0:
        return ran.stdout
    assert ran.stdout == ""
    (sentence,) = ran.stderr.splitlines()
    return sentence


def test_register_list_show_stop_and_register_again(trials, place):
    said = output(trials("register", *WHERE, "--challenger", "drift", *WHO))
    (trial,) = place.trials()
    assert said == (
        f"Trial {trial.hash[:12]} is registered: drift against live at NSE short, configuration "
        "number 1. It is fitted when its pool is trained next, and each run forecasts with it from "
        "then on; what is answered stays as it is.\n"
    )
    assert (trial.look_every, trial.max_sessions, trial.smallest_effect) == (5, 1260, 0.0005)
    assert (trial.loss, trial.promotes, trial.tickers) == ("absolute", False, ())

    assert output(trials("list")) == (
        "trial         pool       challenger  against  state    verdict  looks  sessions\n"
        f"{trial.hash[:12]}  NSE short  drift       live     running  none     0      0 of 1260\n"
        "    Not looked at yet: the first look is after 5 sessions.\n"
    )
    shown = output(trials("show", trial.hash[:8]))
    assert f"trial       {trial.hash}\n" in shown
    assert "registered  2026-04-20 12:30 UTC by A. Rao: is a simpler model as good?\n" in shown

    stopped = output(trials("stop", trial.hash[:12], *WHO))
    assert stopped == (
        f"Trial {trial.hash[:12]} is stopped. It stays in the count of configurations tried.\n"
    )
    assert output(trials("list")) == "1 trial has ended: --all lists them too.\n"
    assert "stopped" in output(trials("list", "--all", "--pool", "NSE"))
    again = output(
        trials("register", *WHERE, "--challenger", "drift", *WHO, FORECAST_NOW="2026-04-21T00:00Z")
    )
    assert "configuration number 2 of the last three years at NSE. It is fitted" in again


def test_everything_of_a_trial_can_be_stated(trials, place):
    output(
        trials(
            *("register", "--pool", "NSE", "--horizon", "long", "--challenger", "ridge", *WHO),
            *("--reference", "zero", "--tickers", "tcs,INFY", "--loss", "squared"),
            *("--effect", "0.01", "--every", "21", "--sessions", "504", "--promotes"),
            *("--set", "refit_every=21", "--set", "embargo=10"),
        )
    )
    (trial,) = place.trials()
    assert (trial.sessions, trial.challenger, trial.reference, trial.loss) == (
        *(63, "ridge"),
        *("zero", "squared"),
    )
    assert trial.tickers == ("INFY.NS", "TCS.NS")
    assert (trial.smallest_effect, trial.look_every, trial.max_sessions) == (0.01, 21, 504)
    assert (trial.promotes, dict(trial.settings)) == (True, {"refit_every": 21, "embargo": 10})


def test_as_json_a_trial_is_what_the_database_has(trials, place):
    output(trials("register", *WHERE, "--challenger", "drift", *WHO))
    (trial,) = place.trials()
    (listed,) = json.loads(output(trials("list", "--json")))
    shown = json.loads(output(trials("show", trial.hash, "--json")))
    assert shown == {**listed, "events": []}
    assert shown["hash"] == trial.hash
    assert {name: shown[name] for name in trial.as_json()} == trial.as_json()


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("register", *WHERE, "--challenger", "prophet", *WHO), 1, "no candidate 'prophet'"),
        (("register", *WHERE, "--challenger", "ridge", *WHO), 1, "is what is live at NSE short"),
        (
            ("register", "--pool", "BSE", *WHERE[2:], "--challenger", "ridge", *WHO),
            *(1, "The pool 'BSE' has no short model yet (those of NSE have one)"),
        ),
        (
            ("register", *WHERE, "--challenger", "drift", *WHO, "--tickers", "SBIN"),
            *(1, "SBIN.NS is not in the pool NSE"),
        ),
        (
            ("register", *WHERE, "--challenger", "drift", *WHO, "--effect", "0.9"),
            *(1, "The smallest effect 0.9 is out of range"),
        ),
        (
            ("register", *WHERE, "--challenger", "drift", *WHO, "--effect", "much"),
            *(2, "invalid float value: 'much': try --help"),
        ),
        (
            ("register", *WHERE, "--challenger", "drift", *WHO, "--every", "0"),
            *(1, "0 sessions from look to look are out of range"),
        ),
        (
            ("register", *WHERE, "--challenger", "drift", *WHO, "--sessions", "100"),
            *(1, "100 sessions at most are out of range"),
        ),
        (
            ("register", *WHERE, "--challenger", "drift", *WHO, "--set", "seed=1"),
            *(1, "no setting 'seed' of its own"),
        ),
        (
            ("register", *WHERE, "--challenger", "drift", *WHO, "--set", "refit_every"),
            *(2, "--set 'refit_every' sets nothing: write it as refit_every=21."),
        ),
        (
            ("register", *WHERE, "--challenger", "drift", *WHO, "--loss", "log"),
            *(1, "There is no loss 'log'"),
        ),
        (
            ("register", *WHERE, "--challenger", "drift", *WHO, "--reference", "mean"),
            *(1, "There is no reference 'mean'"),
        ),
        (
            ("register", "--pool", "NSE", "--horizon", "weekly", "--challenger", "drift", *WHO),
            *(2, "invalid choice: 'weekly'"),
        ),
        (
            ("register", *WHERE, "--challenger", "drift", "--author", "A. Rao"),
            *(2, "the following arguments are required: --reason"),
        ),
        (
            ("register", *WHERE, "--challenger", "drift", "--author", "", "--reason", "x"),
            *(1, "The author is missing"),
        ),
        (("show", "abc"), 1, "'abc' is too short for a trial's hash"),
        (("show", "abcdef"), 1, "There is no trial 'abcdef'"),
        (("stop", "abcdef", *WHO), 1, "There is no trial 'abcdef'"),
        (("stop", "abcdef"), 2, "--author, --reason"),
        (("split", "abcdef", "--share", "0.1", *WHO), 1, "There is no trial 'abcdef'"),
        (("split", "abcdef", *WHO), 2, "--share"),
        (("split", "abcdef", "--share", "some", *WHO), 2, "invalid float value: 'some'"),
        (("promote", "abcdef", *WHO), 1, "There is no trial 'abcdef'"),
        ((), 2, "--help"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, tuple) else None,
)
def test_what_cannot_be_done_is_one_sentence(trials, place, arguments, code, sentence):
    assert sentence in output(trials(*arguments), code)
    assert place.trials() == []


def test_a_trial_that_runs_or_was_stopped_is_not_promoted(trials, place):
    output(trials("register", *WHERE, "--challenger", "drift", *WHO))
    (trial,) = place.trials()
    assert "is still running: only one that ended better can be promoted" in output(
        trials("promote", trial.hash, *WHO), 1
    )
    output(trials("stop", trial.hash, *WHO))
    assert "has not ended better but stopped on 2026-04-20" in output(
        trials("promote", trial.hash, *WHO), 1
    )
    assert "has ended already (stopped on 2026-04-20)" in output(
        trials("stop", trial.hash, *WHO), 1
    )


def test_a_challenger_answers_a_share_of_the_clients_until_it_is_0(trials, place):
    output(trials("register", *WHERE, "--challenger", "drift", *WHO))
    (trial,) = place.trials()
    name = trial.hash[:12]
    assert output(trials("split", name, "--share", "0.125", *WHO)) == (
        f"The challenger of trial {name} answers 12.5 % of the clients at NSE short. Services that "
        "run follow within a second.\n"
    )
    (event,) = place.events(trial.hash)
    assert (event.kind, event.author, dict(event.evidence)) == ("split", "A. Rao", {"share": 0.125})
    shown = output(trials("show", name))
    assert "answers     12.5 % of the API's clients, since 2026-04-20 12:30 UTC\n" in shown
    assert "split 12.5 %" in shown

    assert "answers nobody at NSE short" in output(trials("split", name, "--share", "0", *WHO))
    assert "of the API's clients" not in output(trials("show", name))
    output(trials("stop", name, *WHO))
    assert "has ended: its challenger answers nobody any more" in output(
        trials("split", name, "--share", "0.5", *WHO), 1
    )


def test_one_challenger_answers_at_a_time(trials, place):
    for challenger in ("drift", "zero"):
        output(trials("register", *WHERE, "--challenger", challenger, *WHO))
    first, second = (trial.hash[:12] for trial in place.trials())
    output(trials("split", first, "--share", "0.1", *WHO))
    assert f"The trial {first} splits the short forecasts of NSE already (share 0.1)" in output(
        trials("split", second, "--share", "0.1", *WHO), 1
    )


def test_a_challenger_that_was_better_is_promoted_and_answers(
    trials, command, place, database_url, home
):
    model = LinearModel(("mom_5",), np.array([0.2]), 0.0)
    challenger = make_artifact(candidate="drift", model=model, reason="another")
    digest = save(home / "models", challenger).name
    said = output(trials("register", *WHERE, "--challenger", digest[:12], *WHO))
    assert f"is registered: model set {digest[:12]} against live at NSE short" in said
    assert "1. Each run forecasts with it from now on; what is answered stays" in said
    (trial,) = place.trials()
    assert trial.challenger == digest
    sentence = "Better: its errors were 1.2 % smaller."
    ended = trial_event(trial, "better", session=dt.date(2026, 4, 20), reason=sentence)
    place.add_event(ended)
    later = {"FORECAST_NOW": "2026-04-21T18:00+05:30"}

    with Service(home, database_url) as api:
        assert api.short().json()["model"]["name"] == "ridge"
        said = output(trials("promote", trial.hash[:12], *WHO, **later))
        body = eventually(lambda: answer_of(api, "drift"))

    assert said.startswith("drift is live at NSE short (set ")
    # A fifth of the .02 that the stock rose in five sessions.
    assert body["pred_return"] == pytest.approx(0.004, rel=1e-12)
    assert f"the challenger of trial {trial.hash[:12]} is pinned since 2026-04-21" in body["note"]
    state = output(trials("list", "--all"))
    assert "promoted  better" in state
    assert sentence in state
    history = output(
        command("mlops.monitoring", "history", DATABASE_URL=database_url, **later)
    ).splitlines()
    assert [line.split("  ")[2] for line in history][-3:] == ["promoted", "demoted", "pinned"]
    assert f"trial {trial.hash[:12]}: Better: its errors were 1.2 % smaller" in history[-1]
    again = output(trials("promote", trial.hash[:12], *WHO, **later), 1)
    assert again == f"The trial {trial.hash[:12]} was promoted already, on 2026-04-21 by A. Rao."
    assert "no longer pinned" in output(
        command("mlops.monitoring", "unpin", "--ticker", "TCS.NS", DATABASE_URL=database_url)
    )


def answer_of(api, name):
    """The answer, once the model of that name gives it."""
    body = api.short().json()
    return body if body["model"]["name"] == name else None


def test_without_a_trial_the_list_says_how_to_begin(trials, place):
    assert output(trials("list")) == (
        "No trial is registered: `python -m mlops.trials register` puts a challenger on trial.\n"
    )
