import pytest

from src.modeling.gate.criteria import Criterion
from src.modeling.gate.verdict import Verdict
from src.modeling.report import wording
from src.modeling.report.statistics.measures import Measure
from tests.support.report_data import forecast, report_data


def measure(value=0.0123, low=None, high=None, n_eff=40.0):
    return Measure(value, low, high, 12_345, 2_520, n_eff)


def verdict(*evidence, word="undecided", left=0):
    return Verdict(word, "Undecided: a reason.", evidence, 5_000, 500, 500 / 63, 14, left)


@pytest.mark.parametrize(
    ("measured", "expected", "conclusion"),
    [
        (measure(low=0.001, high=0.0236), "+0.10 to +2.36 %", "better"),
        (measure(-0.01, low=-0.02, high=-0.001), "-2.00 to -0.10 %", "worse"),
        (measure(low=-0.001, high=0.02), "-0.10 to +2.00 %", "could be chance"),
        (measure(n_eff=3.9), "too few periods", "cannot be told"),
        (measure(0.0), "no variation", "the same forecasts"),
        (measure(None), "-", "nothing to compare"),
    ],
)
def test_an_interval_and_what_it_says(measured, expected, conclusion):
    assert wording.interval(measured) == expected
    assert wording.conclusion(measured) == conclusion


def test_numbers_read_as_percent_and_what_is_not_known_is_said():
    assert wording.signed(0.0123) == "+1.23 %"
    assert wording.signed(0.0) == "0.00 %"
    assert wording.signed(None) == "not known"
    assert wording.percent(0.9) == "90.0 %"
    assert wording.resting_on(measure()) == ("n = 12,345 outcomes on 2,520 dates, n_eff = 40.0")


def test_a_piece_of_evidence_is_a_question_with_its_answer():
    low = Criterion("t_absolute_vs_zero", 1.2, 2.49, passed=False)
    gain = Criterion("mae_improvement_vs_champion", 0.016, 0.01, passed=True)
    recent = Criterion("recent_skill", None, 0.0, passed=False)

    first, second, third = wording.evidence_rows(verdict(low, gain, recent))

    assert first[0] == "Are its errors smaller than with forecasting zero, beyond chance?"
    assert first[1:4] == ("1.20", "> 2.49", "no")
    assert "could be chance" in first[4]
    assert first[5:] == ("5,000", "7.9")
    assert second[0] == "By how much are its errors smaller than with the champion?"
    assert second[1:5] == ("1.60 %", "≥ 1.00 %", "yes", "speaks for it")
    # The latest 250 of 500 dates.
    assert third[1] == "not known"
    assert third[5:] == ("≈ 2,500", "4.0")


def test_evidence_gathered_elsewhere_is_shown_by_its_name():
    (row,) = wording.evidence_rows(verdict(Criterion("coverage_90", 0.8, 0.85, passed=False)))

    assert row[:4] == ("Coverage 90", "0.80", "limit 0.85", "no")


@pytest.mark.parametrize(
    ("left", "word", "expected"),
    [
        (500, "undecided", "about 500 more sessions (2.0 years)"),
        (None, "undecided", "no number of sessions"),
        (0, "undecided", "what is missing is in the table"),
        (0, "better", "have decided"),
    ],
)
def test_how_long_until_it_can_be_decided(left, word, expected):
    assert expected in wording.wait(verdict(word=word, left=left))


def test_what_is_served_is_said_with_what_it_means():
    assert "no change" in wording.served(forecast(1))
    assert "Served is drift" in wording.served(forecast(1, 0.01))
    assert wording.verdict(verdict(), "ridge") == "The challenger ridge: undecided: a reason."


def test_a_ticker_that_zero_answers_though_a_model_is_served_is_pointed_to_the_reason():
    assert wording.served(forecast(1, note="30 of 141 tickers have prices")) == (
        "Served is zero (no change), for the reason below."
    )


def test_what_a_rollback_restored_is_said_to_be_pinned():
    word = wording.served(forecast(1, 0.01, pinned="v1.0"))

    assert word.startswith("Served is drift")
    assert "pinned version v1.0" in word
    assert "rollback" not in wording.served(forecast(1, 0.01))


def test_what_a_trial_made_live_is_said_to_be_pinned():
    assert wording.served(forecast(1, 0.01, pinned="trial:0123456789ab")) == (
        "Served is drift. A person pinned the challenger of trial 0123456789ab: it answers instead "
        "of what was trained here, until another trial is promoted, a rollback or `unpin`."
    )


def test_horizons_have_names():
    assert [wording.horizon_name(measured) for measured in (1, 63)] == [
        "next session",
        "63 sessions",
    ]


def test_what_the_figures_rest_on_is_said():
    assert wording.basis(report_data(rows=50, tickers=3).horizons[0]) == (
        "Figures are of the pool's 3 tickers, forecast at the latest 50 sessions, 2026-01-09 to "
        "2026-02-27. The gate weighed the whole record."
    )


def test_what_limits_a_forecast_is_a_sentence():
    assert wording.forecast_note(forecast(1)) == ""
    assert wording.forecast_note(forecast(1, note="pinned", intervals={})) == (
        "Note: pinned; its range is not known, as too few outcomes are stored."
    )
