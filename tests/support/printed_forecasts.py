"""Entries of ``forecasts`` in results.json, as far as they are printed."""

RANGES = {"1-day": (2229.563, 2358.298), "63-day": (2004.502, 2789.990)}
DATES = {"1-day": "2026-11-30", "63-day": "2027-02-26"}
CHANCES = {"1-day": 0.509, "63-day": 0.604}


def forecast(horizon="1-day", candidate="ridge", skill=-0.0028, n=2676, **changed):
    """An entry of ``forecasts`` in results.json."""
    low, high = RANGES[horizon]
    shown = {
        "name": candidate,
        "skill_vs_zero": skill,
        "n": n,
        "pool": {"tickers": 1, "mae_vs_zero": 0.5, "n": 9},
        "promoted": False,
    }
    return {
        "horizon": horizon,
        "feature_date": "2026-11-27",
        "target_date": DATES[horizon],
        "target_date_estimated": horizon == "63-day",
        "last_close": 2298.7,
        "pred_return": 0.0,
        "est_future_close": 2298.7,
        "prob_up": CHANCES[horizon],
        "intervals": [{"level": 0.9, "low_close": low, "high_close": high}],
        "model": {"name": "zero", "served_since": None},
        "reason": "Undecided: outcomes over 9 dates, 250 are needed",
        "note": None,
        "candidate": candidate and shown,
        "skill": {"pool": {"tickers": 1}},
    } | changed


def promoted(horizon="1-day"):
    """The entry of a promoted model."""
    won = forecast(horizon, skill=0.012, pred_return=0.005, est_future_close=2310.19)
    won["candidate"]["promoted"] = True
    return won | {"model": {"name": "ridge", "served_since": "2026-04-14"}}
