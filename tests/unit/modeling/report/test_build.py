import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from src.modeling.report.build import HorizonInputs, PoolReport, build_reports
from src.stages.engine.open_engine import open_engine
from tests.support.models import make_artifact
from tests.support.report_data import MADE, record

NOW = dt.datetime(2026, 3, 2, 10, 30, tzinfo=dt.UTC)
NAMES = ("A.NS", "B.NS")


def entry(ticker):
    return {
        "ticker": ticker,
        "feature_date": "2026-02-27",
        "target_date": "2026-03-02",
        "target_date_estimated": False,
        "last_close": 200.0,
        "pred_return": 0.0,
        "prob_up": 0.5,
        "intervals": [
            {"level": level, "low_return": -width, "high_return": width}
            for level, width in ((0.5, 0.01), (0.8, 0.02), (0.9, 0.03), (0.95, 0.04))
        ],
        "model": {"name": "zero", "pinned": None},
        "note": None,
    }


def pool_report(pool="NSE", tickers=NAMES):
    days = np.datetime64(MADE, "D") - np.arange(30)[::-1]
    horizons = [
        HorizonInputs(
            make_artifact(pool=pool, horizon=horizon, sessions=sessions),
            record(sessions, rows=80, tickers=NAMES),
            {ticker: entry(ticker) for ticker in tickers},
            {ticker: {"mom_5": 0.02, "vol_14": 0.03} for ticker in tickers},
        )
        for horizon, sessions in (("short", 1), ("long", 63))
    ]
    return PoolReport(pool, horizons, {ticker: (days, np.full(30, 200.0)) for ticker in tickers})


def reports(pool, *, single=False):
    return build_reports(pool, single=single, run_id="20260302_103000", now=NOW)


def test_a_run_of_one_ticker_has_one_page_with_both_horizons():
    (name, page), *others = reports(pool_report(tickers=["B.NS"]), single=True).items()

    assert (name, others) == ("report.html", [])
    assert "<h2>Next session</h2>" in page
    assert "<h2>63 sessions</h2>" in page
    assert "it and 140 other tickers of its pool" in page


def test_a_run_of_many_has_a_page_for_each_horizon_of_a_pool():
    pages = reports(pool_report(tickers=["B.NS"]))

    assert list(pages) == ["report_NSE_short.html", "report_NSE_long.html"]
    assert "<option>B.NS</option>" in pages["report_NSE_long.html"]
    assert "<option>A.NS</option>" not in pages["report_NSE_long.html"]


def test_pages_that_workers_draw_are_the_same():
    pool = pool_report()
    with open_engine(2) as engine:
        drawn = build_reports(pool, single=False, run_id="20260302_103000", now=NOW, engine=engine)

    assert drawn == reports(pool)


def test_the_stored_verdict_is_shown_with_what_it_rests_on():
    page = reports(pool_report(tickers=["B.NS"]), single=True)["report.html"]

    assert "The challenger ridge: t = .4 after 479 sessions." in page
    assert "about 900 more sessions (3.6 years)" in page
    assert "Configurations tried to find it: 3." in page
    assert "Does it still do better over the latest 250 dates?" in page


def test_contributions_are_those_of_the_judged_model():
    page = reports(pool_report(tickers=["B.NS"]), single=True)["report.html"]

    # .1 x .02 - 1/3 x .03 and the constant .0007.
    assert "Its forecast is -0.730 %, the sum of these parts" in page


def test_a_horizon_without_a_forecast_has_no_page():
    pool = pool_report()
    empty = replace(pool.horizons[1], entries={})

    assert list(reports(replace(pool, horizons=[pool.horizons[0], empty]))) == [
        "report_NSE_short.html"
    ]


@pytest.mark.parametrize("single", [True, False])
def test_a_run_without_a_forecast_has_no_report(single):
    pool = pool_report()
    empty = [replace(horizon, entries={}) for horizon in pool.horizons]

    assert reports(replace(pool, horizons=empty), single=single) == {}
