"""Detectors over recorded errors of Yahoo, their repaired twins, and real series of NSE.

The expected counts were measured with the first detectors and recounted from the files by hand.
"""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from benchmarks.studies.bad_data import (
    DIVIDEND_KINDS,
    FOLDER,
    INJECTED,
    check_bars,
    dividends,
    files,
    implausible_of_tcs,
    inject,
    measure_dividends,
    measure_returns,
    measure_rows,
    read,
    series,
    twin_of,
)
from src.data.cleaning.rules.unit_errors import unit_errors
from src.data.corporate_actions.ledger import LEDGER_SCHEMA
from src.data.corporate_actions.price_checks.dividends import implausible_dividends
from src.data.corporate_actions.price_checks.partings import find_partings

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason=f"the recorded errors are not at {FOLDER} (set FORECAST_TEST_DATA)"
)


@pytest.fixture(scope="module")
def real_series():
    return series()


def bad(name, kind):
    return FOLDER / f"{name}-1d-{kind}.csv"


@pytest.mark.parametrize(
    ("name", "kind", "false_returns"),
    [
        ("SSW-JO", "100x-error", 1),
        ("ALPHA-PA", "bad-stock-split", 2),
        ("CNE-L", "bad-stock-split", 2),
        ("LA-V", "bad-stock-split", 2),
        ("MOB-ST", "bad-stock-split", 2),
        ("SPM-MI", "bad-stock-split", 1),
    ],
)
def test_no_label_would_cross_a_false_return(name, kind, false_returns):
    measured = measure_returns(kind, bad(name, kind))

    assert (measured.errors, measured.found) == (false_returns, false_returns)


def test_a_row_at_a_ten_thousandth_is_refused():
    refused = check_bars(read(bad("ALPHA-PA", "bad-stock-split"))).refused

    assert refused.select("date", "rule").rows() == [(dt.date(2023, 5, 8), "unit_error")]


def test_most_of_a_series_in_another_unit_is_not_refused_for_it():
    measured = measure_rows("100x-error", bad("SSW-JO", "100x-error"))

    # Four of the 22 rows are refused because their open stands above their high.
    assert (measured.errors, measured.found, measured.false_alarms) == (22, 4, 0)


@pytest.mark.parametrize(
    ("name", "kind", "wrong", "found"),
    [
        ("1398-HK", "bad-div", 1, 1),
        ("4063-T", "bad-div", 1, 1),
        ("8TRA-DE", "missing-div-adjust", 1, 1),
        ("ADIG-L", "bad-div", 11, 11),
        ("DODFX", "cg-double-count", 1, 1),
        ("JENYX", "cg-double-count", 5, 5),
        ("KEN-TA", "bad-div", 2, 2),
        ("PSH-L", "bad-div", 11, 11),
        ("RGL-L", "bad-div", 10, 10),
        ("SCR-TO", "bad-div", 3, 3),
        ("TENT-L", "bad-div", 11, 0),
        ("VWILX", "cg-double-count", 2, 2),
    ],
)
def test_wrong_dividends_are_flagged_and_no_others(name, kind, wrong, found):
    measured = measure_dividends(kind, bad(name, kind))

    assert (measured.errors, measured.found) == (wrong, found)
    assert (measured.false_alarms, measured.false_in_twin) == (0, 0)


def test_the_price_alone_finds_sixteen_of_59_wrong_dividends_without_a_false_alarm():
    measured = [
        measure_dividends(kind, path, with_adj_close=False) for kind, path in files(DIVIDEND_KINDS)
    ]

    assert sum(file.errors for file in measured) == 59
    assert sum(file.found for file in measured) == 16
    assert sum(file.false_alarms + file.false_in_twin for file in measured) == 0


@pytest.mark.parametrize(
    ("name", "paid"), [("CALM", 10), ("EWG", 5), ("IBE-MC", 8), ("TISG-MI", 2)]
)
def test_dividends_without_an_error_are_accepted_and_their_bars_kept(name, paid):
    bars = read(bad(name, "no-bad-divs"))
    checked = check_bars(bars)

    assert dividends(bars).height == paid
    assert implausible_dividends(bars, dividends(bars)).is_empty()
    assert (checked.refused.height, len(checked.pending)) == (0, 0)


@pytest.mark.parametrize("kind", DIVIDEND_KINDS)
def test_no_bar_of_a_file_with_wrong_dividends_is_taken_for_a_unit_error(kind):
    for _, path in files((kind,)):
        for file in (path, twin_of(path)):
            assert not unit_errors(read(file).drop_nulls("close")).any(), file.name


def test_the_list_of_tcs_differs_from_its_adjusted_close_in_five_of_70_dividends():
    implausible = implausible_of_tcs()

    assert dict(implausible.select("date", "amount").iter_rows()) == {
        dt.date(2010, 6, 15): 5.0,
        dt.date(2012, 6, 7): 4.0,
        dt.date(2014, 7, 28): 20.0,
        dt.date(2015, 10, 21): 5.5,
        dt.date(2019, 10, 17): 40.0,
    }
    assert implausible_of_tcs(with_adj_close=False).is_empty()


def test_no_bar_of_149_real_series_is_taken_for_a_unit_error(real_series):
    assert len(real_series) == 149
    assert [unit_errors(bars).sum() for bars in real_series] == [0] * 149


@pytest.mark.parametrize("error", [name for name in INJECTED if name != "run of 25 bars"])
def test_a_unit_error_put_into_any_real_series_is_found_and_nothing_else(real_series, error):
    rng = np.random.default_rng(7)
    for bars in real_series:
        spoiled, rows = inject(bars, error, rng)
        assert set(unit_errors(spoiled).arg_true().to_list()) == rows


def test_a_run_of_unit_errors_is_found_in_every_series_of_which_it_is_no_majority(real_series):
    rng = np.random.default_rng(7)
    for bars in real_series:
        spoiled, rows = inject(bars, "run of 25 bars", rng)
        if bars.height >= 60:
            assert set(unit_errors(spoiled).arg_true().to_list()) == rows


def partings(path):
    """Sessions held back because adj_close takes off more than the file's own dividends."""
    bars = read(path).drop_nulls(["open", "close", "adj_close"])
    listed = dividends(bars).with_columns(
        ticker=pl.lit("X"),
        kind=pl.lit("dividend"),
        source=pl.lit("yahoo"),
        origin=pl.lit("stated"),
        status=pl.lit("applied"),
        decided_by=pl.lit("rule"),
        evidence=pl.lit("{}"),
    )
    applied = pl.concat([pl.DataFrame(schema=LEDGER_SCHEMA), listed], how="diagonal_relaxed")
    return find_partings(bars, applied).sum()


@pytest.mark.parametrize(("name", "doubled"), [("DODFX", 1), ("JENYX", 5), ("VWILX", 2)])
def test_no_label_would_cross_a_gain_that_adj_close_takes_off_twice(name, doubled):
    path = bad(name, "cg-double-count")

    assert (partings(path), partings(twin_of(path))) == (doubled, 0)


def test_no_session_of_a_file_without_an_error_is_held_back():
    good = [path for _, path in files(("no-bad-divs",))]
    twins = [twin_of(path) for _, path in files(DIVIDEND_KINDS)]

    assert [partings(path) for path in good + twins] == [0] * 16
