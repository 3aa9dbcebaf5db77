"""What a run of many prints: a line a ticker, both horizons beside each other."""

from mlops.pipeline_run.output.ticker_table import failed_tickers, ticker_table
from tests.support.printed_forecasts import forecast, promoted


def pooled(made, ticker, **changed):
    pool = {"ticker": ticker, "skill": {"pool": {"tickers": 2}}}
    return made | pool | changed


def both(ticker, short=forecast, **changed):
    return [pooled(short(), ticker, **changed), pooled(forecast("63-day"), ticker, **changed)]


def results(*forecasts, **changed):
    return {
        "pipeline_id": "20261128_181755",
        "live": True,
        "forecasts": list(forecasts),
        "ticker": None,
        "warnings": [],
        "reports": ["report_NSE_short.html", "report_NSE_long.html"],
        "tickers": {},
    } | changed


def test_one_line_a_ticker():
    shown = ticker_table(results(*both("TCS.NS"), *both("M&M.NS"))).splitlines()

    assert shown[:4] == [
        "From the close of 2026-11-27: 1 session ahead is 2026-11-30, 63 sessions ahead is "
        "2027-02-26 (estimated).",
        "ticker  last close  1 session           90 % range  rise  63 sessions           "
        "90 % range  rise",
        "TCS.NS    2,298.70  no change  2,229.56 - 2,358.30  51 %    no change  "
        "2,004.50 - 2,789.99  60 %",
        "M&M.NS    2,298.70  no change  2,229.56 - 2,358.30  51 %    no change  "
        "2,004.50 - 2,789.99  60 %",
    ]
    assert shown[4].startswith('NSE: No model is in use: none has beaten "no change" yet.')
    assert shown[5:] == [
        "Evidence: mlops/runs/20261128_181755/report_NSE_short.html, "
        "mlops/runs/20261128_181755/report_NSE_long.html.   A forecast, not advice."
    ]


def test_a_model_in_use_is_named_once_a_pool():
    shown = ticker_table(results(*both("TCS.NS", promoted), *both("M&M.NS", promoted)))

    assert shown.count("ridge is in use at 1 session since 2026-04-14") == 1
    assert shown.count("+0.50 %") == 2


def test_a_ticker_with_an_older_close_says_so():
    note = "30 of 141 tickers have prices of 2026-11-27: run --all"
    older = both("OLD.NS", feature_date="2026-11-20", note=note)
    shown = ticker_table(results(*both("TCS.NS"), *both("M&M.NS"), *older)).splitlines()

    assert shown[4].endswith("60 %  close of 2026-11-20")
    assert f"OLD.NS, 1 session: {note}." in shown


def test_without_a_forecast_the_warnings_are_printed_by_kind():
    warnings = [f"T{n}.NS has no model." for n in range(9)]

    assert ticker_table(results(warnings=warnings)).splitlines() == [
        "There is no forecast.",
        "T0.NS has no model. (8 more like this one are in results.json.)",
    ]


def test_each_ticker_that_failed_is_named():
    tickers = {
        "A.NS": {"error": None},
        "B.NS": {"error": "b.csv: it is empty"},
        "C.NS": {"error": "A run for C.NS is already in progress."},
    }

    assert failed_tickers({"tickers": tickers}) == [
        "B.NS: b.csv: it is empty",
        "A run for C.NS is already in progress.",
        "1 of 3 tickers are up to date.",
    ]


def test_very_many_that_failed_alike_are_counted():
    tickers = {f"T{n}.NS": {"error": "too few rows"} for n in range(30)}

    assert failed_tickers({"tickers": tickers}) == [
        "T0.NS: too few rows (29 more like this one are in results.json.)",
        "0 of 30 tickers are up to date.",
    ]
