"""What a run prints, in every state a run can end in."""

import pytest

from mlops.pipeline_run.output.forecast_table import forecast_table
from tests.support.printed_forecasts import forecast, promoted


def results(*forecasts, source="sample", **changed):
    return {
        "pipeline_id": "20261128_181755",
        "ticker": "DEMO.NS",
        "live": True,
        "forecasts": list(forecasts),
        "warnings": [],
        "reports": ["report.html"],
        "stages": {"data_cleaning": {"sources": [source]}, "training": {}},
    } | changed


def lines(*forecasts, **changed):
    return forecast_table(results(*forecasts, **changed)).splitlines()


def test_a_run_without_a_model_in_use():
    shown = lines(forecast(), forecast("63-day", "drift", -0.0002, 2793))

    assert shown == [
        "DEMO.NS   last close 2,298.70 on 2026-11-27   (synthetic sample prices)",
        "horizon       target date              forecast             90 % range            "
        "chance of a rise",
        "1 session     2026-11-30               no change (0.00 %)   2,229.56 - 2,358.30   51 %",
        "63 sessions   2027-02-26 (estimated)   no change (0.00 %)   2,004.50 - 2,789.99   60 %",
        'No model is in use: none has beaten "no change" yet. Closest: ridge at 1 session, errors '
        "0.28 % larger over 2,676 sessions; drift at 63 sessions, errors 0.02 % larger over 2,793 "
        "sessions.",
        "Evidence: mlops/runs/20261128_181755/report.html.   A forecast, not advice.",
    ]


def test_smaller_errors_that_are_not_enough_could_be_chance():
    shown = lines(forecast(skill=0.0002))

    assert shown[-2].endswith("errors 0.02 % smaller over 2,676 sessions, which could be chance.")


def test_a_model_in_use_beside_a_horizon_without_one():
    shown = lines(promoted(), forecast("63-day", "drift", -0.0002, 2793))

    assert "2,310.19 (+0.50 %)" in shown[2]
    assert shown[4] == (
        "ridge is in use at 1 session since 2026-04-14: errors 1.20 % smaller over 2,676 sessions."
    )
    assert shown[5].startswith(
        'No model is in use at 63 sessions: none has beaten "no change" yet.'
    )


def test_models_in_use_at_both_horizons():
    shown = lines(promoted(), promoted("63-day"))

    assert not any("No model is in use" in line for line in shown)


def test_a_pool_is_compared_over_all_its_tickers():
    pooled = forecast() | {"skill": {"pool": {"tickers": 141}}}
    pooled["candidate"]["pool"] = {"tickers": 138, "mae_vs_zero": -0.0012, "n": 330_112}

    assert "errors 0.12 % larger over 330,112 forecasts of 138 tickers" in lines(pooled)[-2]


@pytest.mark.parametrize(("candidate", "n"), [(None, 0), ("ridge", 0)])
def test_without_a_comparison_the_reason_is_printed(candidate, n):
    shown = lines(forecast(candidate=candidate, skill=None, n=n))

    assert (
        shown[-2]
        == "No model is in use at 1 session: undecided: outcomes over 9 dates, 250 are needed."
    )


def test_a_promoted_model_without_an_input_says_what_is_missing():
    note = "ridge needs mom_5, which is unknown at this bar: zero is served"

    shown = lines(forecast(candidate=None, note=note))

    assert shown[-2] == f"1 session: {note}."


def test_unknown_ranges_and_chances():
    assert lines(forecast(intervals=[], prob_up=None))[2].endswith("not known    not known")


def test_old_prices_are_printed_with_their_age():
    check = {"check": "freshness", "passed": False, "details": {"sessions": 3}}
    stages = {"validation": {"checks": {"DEMO.NS": [check]}}, "training": {}}

    assert lines(forecast(), stages=stages)[3] == (
        "The newest price is 3 sessions old: bring in newer prices."
    )


def test_a_run_that_looks_back_wrote_nothing():
    shown = lines(forecast(), live=False)

    assert shown[3].endswith("later prices were not used, and nothing was written.")


def test_without_a_new_report_the_command_that_draws_one_is_named():
    shown = lines(forecast(), stages={"data_cleaning": {"sources": ["yahoo"]}}, reports=[])

    assert "synthetic" not in shown[0]
    assert "Evidence: `python -m mlops.pipeline report --ticker DEMO.NS`." in shown[-1]


def test_without_a_forecast_the_warnings_are_printed():
    shown = forecast_table(results(warnings=["There is no short model for DEMO.NS yet."]))

    assert shown == "DEMO.NS: there is no forecast.\nThere is no short model for DEMO.NS yet."


def test_a_pinned_model_is_said_to_be_pinned_and_nothing_is_said_of_what_is_in_use():
    pinned = "version v1 is pinned since 2026-11-20 and answers until the gate promotes another"

    shown = lines(forecast(note=pinned))

    assert shown[-2] == f"1 session: {pinned}."
    assert not any("No model is in use" in line for line in shown)


def test_a_target_that_has_passed_and_a_clock_behind_are_each_said_once():
    clock = "The newest price of DEMO.NS is the close of 2026-11-27, but by the clock ..."
    passed = "This forecast is about 2026-11-30, a session that has closed already: ..."

    shown = lines(forecast(warnings=[clock, passed]), forecast("63-day", "drift", warnings=[clock]))

    assert shown[4:6] == [clock, passed]
    assert shown.count(clock) == 1


def test_a_share_that_is_not_traded_says_so_in_one_line():
    told = lines(forecast(), states={"DEMO.NS": "delisted since 2026-01-05"})
    without = lines(states={"DEMO.NS": "delisted since 2026-01-05"})

    sentence = (
        "DEMO.NS is stated to be delisted since 2026-01-05 (`python -m src.data.instruments list "
        "--ticker DEMO.NS`)."
    )
    assert told.count(sentence) == without.count(sentence) == 1
