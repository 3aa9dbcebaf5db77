import datetime as dt
import math
from dataclasses import replace

import polars as pl
import pytest

from src.config.sections.results import FeatureSettings
from src.core.calendars.nse import nse
from src.core.completeness import count_lacking
from src.core.errors import ValidationFailed
from src.features import catalogue, validation
from src.features.checks import RECENT, CheckInputs, check
from src.features.ticker_features import compute
from tests.support.prices import clean_walk, sessions

WINDOWS = FeatureSettings()
# 300 sessions; the first 20 are warm-up.
DAYS = sessions(dt.date(2025, 1, 1), 300)
CLEAN = clean_walk("TCS.NS", DAYS)
FEATURES = compute(CLEAN, WINDOWS)
NAMES = tuple(feature.name for feature in catalogue.features(WINDOWS))
QUARANTINE = {"kind": pl.String, "rule": pl.String}
ORDER = [
    *("columns", "rows", "finite", "completeness", "instrument"),
    *("recent_sessions", "freshness", "model_inputs"),
]


def refused(count, rule="non_session", kind="daily"):
    return pl.DataFrame({"kind": [kind] * count, "rule": [rule] * count}, schema=QUARANTINE)


def evidence(features=FEATURES, quarantine=None, **bent):
    """All that is needed to pass, with whatever is bent."""
    stored = {name for name, kind in features.schema.items() if kind == pl.Float64}
    wrong = tuple(name for name in NAMES if name not in stored)
    counted = [] if wrong else count_lacking(features, NAMES, RECENT).drop("recent").to_dicts()
    quarantine = refused(0) if quarantine is None else quarantine
    good = CheckInputs(
        ticker="TCS.NS",
        wrong=wrong,
        **{
            **dict.fromkeys(("rows", "usable", "lacking", "not_finite"), 0),
            **{name: n for row in counted for name, n in row.items() if name != "ticker"},
        },
        days=tuple(features["date"].tail(RECENT)),
        missing_inputs=validation.missing_inputs(features["inputs"][-1]) if counted else (),
        model_inputs=33,
        refused=quarantine.filter(kind="daily").height,
        on_closed_days=quarantine.filter(kind="daily", rule="non_session").height,
        calendar=nse(),
        newest_expected=DAYS[-1],
        min_rows=100,
        max_missing_share=0.05,
        stale_after=1,
    )
    return replace(good, **bent)


def finding(name, **bent):
    return next(one for one in check(evidence(**bent)) if one.check == name)


def failed(**bent):
    return [one.check for one in check(evidence(**bent)) if not one.passed]


def with_values(name, value, *positions):
    """The features with one column's value at some rows exchanged."""
    here = pl.int_range(pl.len()).is_in(list(positions))
    changed = pl.when(here).then(pl.lit(value, dtype=pl.Float64)).otherwise(pl.col(name))
    return FEATURES.with_columns(changed.alias(name))


def test_good_features_pass_every_check_in_order():
    found = check(evidence())

    assert [one.check for one in found] == ORDER
    assert all(one.passed for one in found)


def test_what_is_critical_and_what_only_warns():
    severities = {one.check: one.severity for one in check(evidence())}

    assert [name for name in ORDER if severities[name] == "CRITICAL"] == ORDER[:5]
    assert [name for name in ORDER if severities[name] == "WARNING"] == ORDER[5:]


# --- columns


def test_a_missing_column_is_named_and_no_other_check_is_asked():
    (found,) = check(evidence(features=FEATURES.drop("sma_7", "mom_7")))

    assert (found.check, found.passed, found.severity) == ("columns", False, "CRITICAL")
    assert "missing or of a wrong type: sma_7, mom_7; run" in found.message


def test_a_column_of_the_wrong_type_is_named():
    (found,) = check(evidence(features=FEATURES.cast({"volume": pl.Int64})))

    assert not found.passed
    assert ": volume; run" in found.message


# --- rows


@pytest.mark.parametrize(("required", "passed"), [(280, True), (281, False)])
def test_rows_are_counted_beyond_the_warm_up(required, passed):
    found = finding("rows", min_rows=required)

    assert (found.passed, found.details) == (passed, {"rows": 280})


def test_too_few_rows_are_said_with_both_numbers_and_the_key():
    assert finding("rows", min_rows=281).message == (
        "TCS.NS: 280 rows of features beyond the warm-up, 281 are required "
        "(data.min_rows_required): ingest more history, or use the source that a warning of "
        "cleaning names."
    )


def test_without_any_daily_bar_that_is_what_is_said():
    assert finding("rows", features=FEATURES.clear()).message == (
        "TCS.NS: there are no daily bars, and hourly ones alone are not enough: ingest daily "
        "prices."
    )


# --- values


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_a_value_that_is_not_finite_is_critical(value):
    found = finding("finite", features=with_values("mom_7", value, 50, 60))

    assert not found.passed
    assert found.message == "TCS.NS: 2 feature values are not finite."


@pytest.mark.parametrize(("gaps", "passed"), [(14, True), (15, False)])
def test_up_to_five_percent_of_the_rows_may_lack_a_feature(gaps, passed):
    # 5 % of 280 rows are 14.
    found = finding("completeness", features=with_values("mom_7", None, *range(100, 100 + gaps)))

    assert found.passed is passed
    assert found.details["rows"] == gaps


def test_a_row_that_lacks_two_features_lacks_once():
    both = with_values("mom_7", None, 100).with_columns(
        pl.when(pl.int_range(pl.len()) == 100)
        .then(None)
        .otherwise(pl.col("vol_14"))
        .alias("vol_14")
    )

    assert finding("completeness", features=both).details["rows"] == 1


def test_warm_up_rows_may_lack_features():
    assert finding("completeness", max_missing_share=0.0).passed


# --- the instrument


@pytest.mark.parametrize(
    ("rows", "clean_rows", "passed"),
    [
        (7, 300, False),  # 7 of 307 are 2.3 %
        (6, 300, True),  # 6 of 306 are 1.96 %
        (4, 50, True),  # 7 %, but fewer than five
        (5, 50, False),
    ],
)
def test_more_than_two_percent_on_closed_days_is_another_exchange(rows, clean_rows, passed):
    found = finding("instrument", quarantine=refused(rows), rows=clean_rows)

    assert found.passed is passed
    assert found.details["rows"] == rows


@pytest.mark.parametrize(("rule", "kind"), [("null_bar", "daily"), ("non_session", "hourly")])
def test_other_refused_rows_say_nothing_about_the_instrument(rule, kind):
    assert finding("instrument", quarantine=refused(200, rule, kind)).passed


# --- recency


def test_sessions_without_a_bar_in_the_last_year_are_listed():
    gone = [DAYS[200], DAYS[250]]
    found = finding("recent_sessions", features=FEATURES.filter(~pl.col("date").is_in(gone)))

    assert found.passed
    assert found.details["missing"] == [str(day) for day in gone]


def test_many_missing_sessions_are_a_warning():
    found = finding(
        "recent_sessions", features=FEATURES.filter(~pl.col("date").is_in(DAYS[200:240]))
    )

    assert (found.passed, found.severity) == (False, "WARNING")
    assert len(found.details["missing"]) == 40


def test_sessions_missing_long_ago_do_not_matter():
    found = finding("recent_sessions", features=FEATURES.filter(~pl.col("date").is_in(DAYS[5:40])))

    assert found.details["missing"] == []


@pytest.mark.parametrize(
    ("behind", "stale_after", "passed"),
    [(0, 1, True), (1, 1, False), (2, 3, True), (3, 3, False)],
)
def test_prices_are_stale_by_sessions_and_not_by_days(behind, stale_after, passed):
    # The last day is 300 sessions from January; the newest expected lies some sessions on.
    expected = nse().ahead(DAYS[-1], behind)
    found = finding("freshness", newest_expected=expected, stale_after=stale_after)

    assert (found.passed, found.details) == (passed, {"sessions": behind})


def test_a_weekend_makes_no_price_old():
    friday = dt.date(2026, 4, 10)
    upto = FEATURES.filter(pl.col("date") <= friday).tail(200)
    shifted = upto.with_columns(date=pl.Series(nse().sessions(dt.date(2025, 1, 1), friday)[-200:]))

    assert finding("freshness", features=shifted, newest_expected=friday).details == {"sessions": 0}


# --- model inputs


def test_a_missing_model_input_at_the_newest_bar_is_a_warning_with_its_name():
    young = FEATURES.head(200)

    found = finding("model_inputs", features=young)

    assert (found.passed, found.severity) == (False, "WARNING")
    assert found.message == (
        "TCS.NS: 6 of 33 model inputs are unknown at the newest bar (mom_252_s, mom_252_21_s, "
        "log_var_21_252, …): zero is forecast there."
    )
    assert finding("model_inputs", features=FEATURES.head(253)).passed


def test_model_inputs_missing_long_ago_do_not_matter():
    assert math.isnan(FEATURES["inputs"][100][-1]) or math.isnan(FEATURES["inputs"][10][-1])
    assert finding("model_inputs").passed


# --- the stage


def test_each_failure_is_reported_and_none_hides_another():
    found = failed(
        features=with_values("mom_7", float("inf"), 50),
        min_rows=1000,
        quarantine=refused(50),
        newest_expected=nse().ahead(DAYS[-1], 9),
    )

    assert found == ["rows", "finite", "instrument", "freshness"]


def test_validation_failed_is_a_plain_failure_of_the_run():
    assert ValidationFailed.exit_code == 1
    assert validation.STAGE.writes == ()


def test_without_any_row_only_the_missing_rows_are_said():
    assert failed(features=FEATURES.clear()) == ["rows"]


def test_a_check_that_passed_has_nothing_to_say():
    assert {one.message for one in check(evidence())} == {""}
