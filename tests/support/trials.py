"""Trials as tests register them, and what happens to them."""

import datetime as dt

from src.core.trials import Trial, TrialEvent

AT = dt.datetime(2026, 4, 13, 12, 30, 15, 250_000, tzinfo=dt.UTC)


def registered_trial(**changes):
    fields = {
        "pool": "NSE",
        "horizon": "short",
        "sessions": 1,
        "challenger": "ridge",
        "reference": "zero",
        "loss": "absolute",
        "smallest_effect": 0.005,
        "look_every": 21,
        "max_sessions": 504,
        "author": "A. Rao",
        "reason": "the ridge looked good on paper",
        "registered_at": AT,
    }
    return Trial(**fields | changes)


def trial_event(trial, kind, **changes):
    fields = {"at": AT, "author": "A. Rao", "reason": "a reason"}
    return TrialEvent(trial.hash, kind=kind, **fields | changes)
