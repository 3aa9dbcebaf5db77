"""Every verdict that the gate gives, as the pages of forecasts and of evidence say it."""

import re
from dataclasses import replace

import numpy as np
import psycopg
import pytest

from src.dashboard import wording
from src.modeling.gate import verdict as gate
from src.modeling.gate.rules import rules_for
from tests.support.answers import put_live
from tests.support.dashboard_apps import installation, open_page, text
from tests.support.judged_models import judged_artifact
from tests.support.models import make_artifact

RULES = rules_for(1, 0.0)
ACTUAL = np.random.default_rng(3).normal(0, 0.02, (600, 3))
NOISE = np.random.default_rng(4).normal(0, 0.01, (600, 3))


def skill_of(actual, points):
    return 1 - np.abs(actual - points).sum() / np.abs(actual).sum()


def percent(share):
    return f"{abs(100 * share):.1f} %"


@pytest.fixture
def pages(home, database_url):
    """The texts of both pages where the short model was judged so."""

    def show(points, verdict, actual=ACTUAL, **changes):
        short = judged_artifact(actual, points, verdict, **changes)
        long = make_artifact(horizon="long", sessions=63)
        with psycopg.connect(database_url, autocommit=True) as connection:
            put_live(connection, home / "models", [short, long])
        with installation(home, database_url):
            apps = [open_page(name, stock="TCS.NS") for name in ("predictions", "analytics")]
            assert not any(app.exception for app in apps)
            return [text(app).replace(wording.NO_BREAK, " ") for app in apps]

    return show


def test_worse_says_that_doing_nothing_was_better_and_is_served(pages):
    points = NOISE
    verdict = gate.judge(ACTUAL, points, sigma=None, rules=RULES)
    assert verdict.verdict == "worse"

    forecast, evidence = pages(points, verdict)

    low, high = (f"{100 * end:.1f}".replace("-", "−") for end in verdict.skill_range)
    said = (
        "▼ **Worse than the baseline** at 1 session. Over 1,800 scored forecasts (worth 600 "
        f"independent ones), the model's error was {percent(skill_of(ACTUAL, points))} higher than "
        f"“no change”, and the 95 % range ({low} to {high} %) is all below zero. Prefer the "
        "baseline."
    )
    assert said in forecast
    assert said in evidence
    assert "so far the model has done worse than doing nothing" in forecast
    assert "the forecast here is “no change”" in forecast
    assert "best model" not in forecast.lower()
    assert "Worse than “no change” at 1 session: skill −" in evidence


def test_a_record_that_got_worse_lately_is_told_by_what_was_judged(pages):
    # It did well for long, so that over all it is ahead, and harms since.
    points = np.concatenate([0.1 * ACTUAL, 0.1 * ACTUAL, NOISE])
    actual = np.concatenate([ACTUAL] * 3)
    points[1200:] *= 0.7
    verdict = gate.judge_served(actual, points, sigma=None, rules=RULES, since=1200)
    assert verdict.verdict == "worse"
    assert skill_of(actual, points) > 0

    forecast, evidence = pages(points, verdict, actual)

    lately = percent(skill_of(ACTUAL, points[1200:]))
    for said in (forecast, evidence):
        assert "▼ **Worse than the baseline** at 1 session. Over 1,800 scored" in said
        assert f"the model's error was {lately} higher than" in said
    assert "lower than “no change”" not in forecast + evidence


def test_undecided_names_what_the_gate_still_asks(pages):
    # All errors are a little smaller, but they vary too much for so little.
    points = 0.3 * NOISE + 0.05 * ACTUAL
    verdict = gate.judge(ACTUAL, points, sigma=None, rules=RULES)
    assert verdict.verdict == "undecided"

    for said in pages(points, verdict):
        assert "○ **No demonstrated edge** at 1 session. Over 1,800 scored forecasts" in said
        assert "includes zero. Use the interval, not the point." in said or verdict.reason in said
        assert "Better than" not in said
        assert "Worse than" not in said


def test_too_few_outcomes_are_no_verdict(pages):
    few = ACTUAL[:100]
    verdict = gate.judge(few, 0.1 * few, sigma=None, rules=RULES)
    assert (verdict.verdict, verdict.skill_range) == ("undecided", None)

    for said in pages(0.1 * few, verdict, few):
        assert "a verdict needs 250 dates" in said
        assert "range (" not in said


def test_better_is_served_and_says_so(pages):
    points = 0.08 * ACTUAL + 0.02 * NOISE
    verdict = gate.judge(ACTUAL, points, sigma=None, rules=RULES)
    assert verdict.verdict == "better"

    forecast, evidence = pages(points, verdict, served="ridge", since="2026-04-14")

    for said in (forecast, evidence):
        assert "▲ **Better than the baseline** at 1 session. Over 1,800 scored" in said
        (size,) = re.findall(r"the model's error was (\S+) % lower than “no change”", said)
        assert float(size) == pytest.approx(100 * skill_of(ACTUAL, points), abs=0.05)
    assert "The model in use is ridge." in forecast


def test_nothing_was_trained_says_why(pages):
    # As where a leak was found: there is no candidate, so nothing was measured of it.
    verdict = replace(
        gate.judge(ACTUAL, 0.1 * ACTUAL, sigma=None, rules=RULES),
        verdict="undecided",
        reason="a leak is likely, so nothing was trained and zero is served (it knew too much)",
    )

    for said in pages(0.1 * ACTUAL, verdict, candidate="zero"):
        assert "○ **No demonstrated edge** at 1 session. a leak is likely" in said
        assert "10.0 %" not in said
