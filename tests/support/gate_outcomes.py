"""Outcomes and forecasts for the gate, and the rules that it judges them by."""

import numpy as np

from src.modeling.gate.rules import rules_for

SHORT = rules_for(1, 0.0)
LONG = rules_for(63, 0.01)
WIDE = rules_for(1, 0.0, 54, tickers=20)
# Volatility of ``outcomes``.
UNIT = np.full((600, 20), 0.02)


def outcomes(dates=600, tickers=20, seed=1):
    return np.random.default_rng(seed).normal(0, 0.02, (dates, tickers))


def skilled(actual, share=0.05):
    """Knows a share of every outcome, so that errors are smaller by exactly that share."""
    return share * actual


def named(verdict, name):
    (criterion,) = (one for one in verdict.evidence if one.name == name)
    return criterion


def unequal(dates=1260, share=0.004, seed=2):
    """Outcomes of calm and wild tickers, forecasts that know their ranks a little, volatility."""
    random = np.random.default_rng(seed)
    sigma = np.broadcast_to(np.geomspace(0.005, 0.08, 20), (dates, 20))
    signal = random.normal(0, 1, (dates, 20))
    scores = random.standard_t(5, (dates, 20)) * np.sqrt(0.6) + np.sqrt(share) * signal
    return scores * sigma, np.sqrt(share) * signal * sigma, sigma
