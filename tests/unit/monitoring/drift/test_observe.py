import datetime as dt

import pytest

from src.monitoring.drift.observe import drift_observations, performance_score


def row(measure, bad, *, t=None, limit_t=None, horizon="short", value=0.9, pool="NSE"):
    return {
        "pool": pool,
        "horizon": "" if measure == "feature_shift" else horizon,
        "measure": measure,
        "session": dt.date(2026, 4, 16),
        "value": None if bad is None else value,
        "expected": 0.9,
        "t": t,
        "limit_t": limit_t,
        "bad": bad,
        "sentence": f"{measure} {bad}.",
    }


def observed(*rows):
    return {(o.rule, o.subject): o for o in drift_observations(rows)}


def test_the_worst_measure_speaks_for_a_rule():
    found = observed(row("coverage", None), row("coverage_year", True), row("skill", False))
    assert found["coverage_off", "NSE/short"].bad is True
    assert found["coverage_off", "NSE/short"].sentence == "coverage_year True."
    assert found["skill_negative", "NSE/short"].bad is False
    assert (
        observed(row("coverage", None), row("coverage_year", False))[
            "coverage_off", "NSE/short"
        ].bad
        is False
    )
    assert observed(row("coverage", None))["coverage_off", "NSE/short"].bad is None


@pytest.mark.parametrize(
    ("shift", "coverage", "confirmed"),
    [(True, True, True), (True, False, False), (False, True, False), (None, True, None)],
)
def test_a_shift_is_confirmed_by_another_measure_of_its_pool(shift, coverage, confirmed):
    found = observed(row("feature_shift", shift), row("coverage", coverage))
    assert found["feature_shift_confirmed", "NSE"].bad is confirmed
    assert found["feature_shift", "NSE"].bad is shift


def test_another_pool_confirms_nothing():
    found = observed(row("feature_shift", True), row("coverage", True, pool="BSE"))
    assert found["feature_shift_confirmed", "NSE"].bad is False


def test_the_score_is_that_of_the_worst_measure():
    half_way = row("coverage", False, t=-1.5, limit_t=3.0)
    winning = row("skill", False, t=4.0, limit_t=-1.9)
    shift = row("feature_shift", True, t=9.0, limit_t=3.0)
    score, details = performance_score([half_way, winning, shift])
    assert score == pytest.approx(75.0)
    assert set(details) == {"NSE/short/coverage", "NSE/short/skill", "NSE/feature_shift"}
    bad = row("coverage_year", True, t=4.5, limit_t=3.0)
    assert performance_score([half_way, bad])[0] == pytest.approx(25.0)
    sure_but_small = row("coverage", False, t=9.0, limit_t=3.0)
    assert performance_score([sure_but_small])[0] == pytest.approx(50.0)
    assert performance_score([row("coverage", True)])[0] == 0.0


def test_nothing_measured_is_no_score():
    assert performance_score([]) == (None, {})
    assert performance_score([row("coverage", None)])[0] is None
