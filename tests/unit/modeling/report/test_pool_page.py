"""The report on a pool: the evidence once, and of each ticker what can be chosen."""

import datetime as dt
import json
import re
from dataclasses import replace

import numpy as np
import plotly.offline
import pytest

from src.modeling.report.pool_page import render_pool_page
from tests.support.report_data import forecast, report_data

WIDTH = len(plotly.offline.get_plotlyjs())


@pytest.fixture(scope="module")
def data():
    return report_data(tickers=3)


@pytest.fixture(scope="module")
def page(data):
    return render_pool_page(data, 1)


def templates(page):
    return re.findall(r"<template.*?</template>", page, re.DOTALL)


def pictures(page):
    text = re.search(r'<script type="application/json" id="pictures">(.*?)</script>', page)[1]
    return json.loads(text)


def test_every_ticker_can_be_chosen(page):
    assert re.findall(r"<option>(.*?)</option>", page) == ["A.NS", "B.NS", "C.NS"]
    for ticker, template in zip("ABC", templates(page), strict=True):
        assert f"<h2>{ticker}.NS</h2>" in template
        assert "+1.34 %, 2,533.50" in template
        assert "such intervals of it held" in template
        assert f"the skill of forecasts of {ticker}.NS alone" in template


def test_the_evidence_of_the_pool_and_plotly_stand_in_it_once(page):
    assert page.count(plotly.offline.get_plotlyjs()[:2000]) == 1
    assert page.count("What the gate weighed") == 1
    assert page.count('class="plotly-graph-div"') == 5
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=", page)
    assert len(page) - WIDTH < 200_000


def test_all_forecasts_stand_in_one_table(page):
    row = re.search(r"<tr><td[^>]*>B.NS</td>.*?</tr>", page)[0]

    assert re.findall(r">([^<]+)</td>", row)[:5] == [
        *("B.NS", "2026-02-27", "2,500.00", "2026-05-29", "+1.34 %")
    ]


def test_a_fan_is_sent_in_numbers_and_passes_through_both_horizons(page):
    sent = pictures(page)

    fan = sent["tickers"][0]["fan"]
    assert fan["ahead"][0] == "2026-02-27"
    assert fan["ahead"][-1] == "2026-05-29"
    assert fan["closes"][-1] == fan["point"][0] == fan["low"][0][0] == 2500
    assert sent["days"][fan["from"] + len(fan["closes"]) - 1] == "2026-02-27"
    # 95 % of a normal distribution lie within 1.96 spreads: 2 % of 2,500 after one session.
    second = fan["ahead"].index("2026-03-02")
    assert fan["high"][0][second] == pytest.approx(2500 * (1 + 1.96 * 0.02), abs=0.01)
    assert fan["point"][-1] == pytest.approx(2533.5)
    assert all({"x", "y"}.isdisjoint(trace) for trace in sent["fan"]["data"])


def test_days_without_a_bar_are_gaps_and_a_ticker_of_long_ago_is_drawn_too(data):
    days, closes = data.closes["A.NS"]
    gaps = {**data.closes, "B.NS": (days[::2], closes[::2]), "C.NS": (days - 1000, closes)}
    old = forecast(91, feature_date=dt.date(2023, 6, 3))
    far = replace(data.horizons[1], forecasts={**data.horizons[1].forecasts, "C.NS": old})
    changed = replace(data, closes=gaps, horizons=(data.horizons[0], far))

    sent = pictures(render_pool_page(changed, 1))

    assert sent["tickers"][1]["fan"]["closes"][-3:-1] == [
        pytest.approx(closes[-4], abs=0.01),
        None,
    ]
    assert sent["tickers"][2]["fan"]["ahead"][0] == "2023-06-03"
    assert None not in sent["tickers"][2]["fan"]["closes"]


def test_parts_of_a_forecast_are_sent_by_ticker(data):
    sent = pictures(render_pool_page(data, 0))

    assert sent["tickers"][2]["parts"] == [["momentum", 0.2], ["volatility", -0.1]]
    assert pictures(render_pool_page(data, 1))["tickers"][2]["parts"] == []


def test_a_ticker_without_a_range_has_no_figure(data):
    unknown = forecast(3, prob_up=None, intervals={}, note="30 of 141 tickers have prices")
    near = replace(data.horizons[0], forecasts={**data.horizons[0].forecasts, "A.NS": unknown})

    page = render_pool_page(replace(data, horizons=(near,)), 0)

    assert "30 of 141 tickers have prices; its range is not known" in templates(page)[0]
    assert 'data-picture="fan"' not in templates(page)[0]
    assert pictures(page)["tickers"][0]["fan"] is None


def test_no_forecast_has_a_range(data):
    unknown = forecast(3, prob_up=None, intervals={})
    near = replace(data.horizons[0], forecasts={"A.NS": unknown}, contributions={})

    sent = pictures(render_pool_page(replace(data, horizons=(near,)), 0))

    assert (sent["fan"], sent["days"]) == (None, [])


def test_names_of_others_are_shown_and_not_run(data):
    evil = '<img src=x onerror="alert(1)"></script><script>alert(2)</script>'
    near = replace(
        data.horizons[0],
        challenger=evil,
        forecasts={evil: forecast(3, served=evil, note=evil)},
        contributions={evil: [(evil, 0.01)]},
    )

    page = render_pool_page(replace(data, pool=evil, horizons=(near,)), 0)

    assert "<script>alert" not in page
    assert "<img src=x" not in page
    # plotly reads tags in text: names reach it escaped.
    assert pictures(page)["tickers"][0]["parts"][0][0].startswith("&lt;img")


def test_many_tickers_take_a_few_kilobytes_each(data):
    near = data.horizons[0]
    names = [f"T{n:03}.NS" for n in range(100)]
    parts = [(f"a feature with a name {n}", np.sin(n) / 1000) for n in range(30)]
    many = replace(
        near,
        forecasts={name: forecast(3) for name in names},
        contributions=dict.fromkeys(names, parts),
    )

    page = render_pool_page(replace(data, horizons=(many, data.horizons[1])), 0)

    assert len(page.encode()) < WIDTH + 600_000


def test_the_same_record_is_the_same_page(data, page):
    assert render_pool_page(report_data(tickers=3), 1) == page
