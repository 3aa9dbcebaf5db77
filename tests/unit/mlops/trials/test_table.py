import datetime as dt
from dataclasses import replace

from mlops.trials.table import trial_text, trials_text
from src.core.trial_status import status_of
from tests.support.trials import AT, registered_trial, trial_event

TRIAL = registered_trial()
LOOK = trial_event(
    TRIAL,
    "looked",
    session=dt.date(2026, 10, 30),
    at=AT + dt.timedelta(200),
    author="run 20261030_163000",
    reason="Undecided: it has been better so far.",
    evidence={"sessions": 126, "sessions_needed": 240},
)
STOPPED = trial_event(TRIAL, "stopped", at=AT + dt.timedelta(201), reason="enough")


def test_running_trials_have_their_last_sentence_and_how_long_it_may_take():
    set_on_trial = replace(TRIAL, challenger="ab" * 32, horizon="long", reference="live")
    text = trials_text([status_of(TRIAL, [LOOK]), status_of(set_on_trial, [])], everything=False)
    assert text == (
        "trial         pool       challenger    against  state    verdict    looks  sessions\n"
        f"{TRIAL.hash[:12]}  NSE short  ridge         zero     running  undecided  1      "
        "126 of 504\n"
        "    Undecided: it has been better so far.\n"
        "    Undecided: at this effect about 240 more sessions.\n"
        f"{set_on_trial.hash[:12]}  NSE long   abababababab  live     running  none       0      "
        "0 of 504\n"
        "    Not looked at yet: the first look is after 21 sessions."
    )


def test_ended_trials_are_counted_or_listed():
    ended = status_of(TRIAL, [LOOK, STOPPED])
    assert trials_text([ended], everything=False) == "1 trial has ended: --all lists them too."
    assert trials_text([ended], everything=True).splitlines()[1:] == [
        f"{TRIAL.hash[:12]}  NSE short  ridge       zero     stopped  undecided  1      126 of 504",
        "    Stopped by A. Rao: enough",
    ]
    assert "python -m mlops.trials register" in trials_text([], everything=True)


def test_a_trial_is_shown_with_what_happened():
    text = trial_text(status_of(TRIAL, [LOOK, STOPPED]), [LOOK, STOPPED])
    assert text == (
        f"trial       {TRIAL.hash}\n"
        "compares    ridge with zero\n"
        "at          NSE short, 1 session ahead\n"
        "of          the whole pool\n"
        "loss        absolute; a gain of 0.5 % matters\n"
        "looks       every 21 sessions, at most 504\n"
        "when better a person promotes it\n"
        "registered  2026-04-13 12:30 UTC by A. Rao: the ridge looked good on paper\n"
        "counts as   configuration 1 of the last three years\n"
        "state       stopped since 2026-10-31 12:30 UTC\n"
        "outcomes    of 126 sessions, 1 look\n"
        "            Stopped by A. Rao: enough\n"
        "\n"
        "at                    event              session     by                   sessions\n"
        "2026-10-30 12:30 UTC  looked, undecided  2026-10-30  run 20261030_163000  126\n"
        "2026-10-31 12:30 UTC  stopped            -           A. Rao               -"
    )
