"""The report on one ticker: one file, all escaped, nothing claimed that is not known."""

import re
from dataclasses import replace

import numpy as np
import plotly.offline
import pytest

from src.modeling.report.page import render_page
from tests.support.report_data import forecast, report_data, with_horizons


def text_of(html):
    """What a person reads, without scripts and tags."""
    plain = re.sub(r"<(script|style).*?</\1>", "", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", plain))


@pytest.fixture(scope="module")
def whole():
    return render_page(report_data(), "A.NS")


def test_on_top_stand_the_forecasts_and_how_far_to_trust_them(whole):
    text = text_of(whole)

    assert "A.NS: how sure are the forecasts?" in text
    assert "This is not advice" in text
    assert "The challenger drift: undecided: outcomes over 9 dates" in text
    assert "Served is zero (no change)" in text
    assert "Served is drift" in text
    assert "2026-05-29 (estimated: the calendar is not certain that far)" in text
    # 2,500 and 1.34 % more.
    assert "+1.34 %, 2,533.50" in text
    # Half of a normal distribution lies within .6745 of its spread, 2 %.
    assert "-1.35 to +1.35 % 2,466.28 to 2,533.72" in text
    assert text.index("This is not advice") < text.index("What the gate weighed")


def test_it_says_that_its_figures_are_of_the_latest_sessions(whole):
    text = text_of(whole)

    assert "of it and 5 other tickers of its pool, forecast at the latest 900 sessions" in text
    assert "2023-09-12 to 2026-02-27. The gate weighed the whole record." in text


def test_every_part_is_there_for_both_horizons(whole):
    text = text_of(whole)

    for title in (
        "The range of what may happen",
        "What the gate weighed",
        "Skill: how much smaller",
        "Errors saved over no change",
        "Coverage: did the intervals hold",
        "Coverage when prices were calm",
        "Where outcomes fell",
        "What the challenger drift says now",
    ):
        assert text.count(title) == 2, title
    assert whole.count('class="plotly-graph-div"') == 13
    assert "Run 20260302_103000, 2026-03-02 10:30 UTC, of prices with the hash 9f3c2a" in text


def test_every_table_of_numbers_says_what_they_rest_on(whole):
    heads = re.findall(r"<thead><tr>(.*?)</tr></thead>", whole)

    assert len(heads) == 12
    for head in heads:
        assert head.endswith('<th class="number">n</th><th class="number">n_eff</th>')
    # 899 realised sessions of six tickers; 837 for the longer horizon, 13.3 times 63.
    text = text_of(whole)
    assert "n = 5,394 outcomes on 899 dates, n_eff = 899" in text
    assert "n = 5,022 outcomes on 837 dates, n_eff = 13.3" in text


def test_the_page_fetches_nothing_and_carries_plotly_once(whole):
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=", whole)
    assert "default-src 'none'" in whole
    library = plotly.offline.get_plotlyjs()
    assert whole.count(library[:2000]) == 1
    assert len(whole.encode()) - len(library.encode()) < 500_000


def test_names_of_others_are_shown_and_not_run():
    evil = '<img src=x onerror="alert(1)"></script><script>alert(2)</script>'
    data = replace(report_data(), run_id=evil, data_hash=evil)
    record = data.horizons[0].record
    points = {**record.points, evil: record.points["mean"]}
    changed = with_horizons(
        data,
        challenger=evil,
        record=replace(record, tickers=(evil, *"BCDEF"), points=points),
        forecasts={evil: forecast(3, served=evil, note=evil)},
        contributions={evil: [(evil, 0.01)]},
    )

    html = render_page(changed, evil)

    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert "&lt;script&gt;alert(2)" in html


def test_a_ticker_alone_has_no_pool_beside_it():
    text = text_of(render_page(report_data(tickers=1), "A.NS"))

    assert "alone, without a pool" in text
    assert "the same for A.NS alone" not in text
    assert "50%, A.NS" in text


def test_a_series_too_short_says_what_is_not_known():
    text = text_of(render_page(report_data(rows=3, tickers=1), "A.NS"))

    assert "coverage over time is unknown" in text
    # At 63 sessions nothing is realised in three.
    assert "No forecast has an outcome yet." in text
    assert "No interval has an outcome yet." in text
    assert "No distribution has an outcome yet." in text


@pytest.mark.parametrize("tickers", [1, 6])
def test_a_record_in_which_nothing_is_known_is_a_page_that_says_so(tickers):
    data = report_data(rows=300, tickers=tickers)
    record = data.horizons[0].record
    unknown = np.full_like(record.actual, np.nan)
    empty = with_horizons(
        replace(data, closes={}),
        record=replace(
            record,
            actual=unknown,
            points={"zero": unknown, "served": unknown},
            sigma=unknown,
            reference_crps=unknown,
            quantiles=np.full_like(record.quantiles, np.nan),
        ),
        forecasts={"A.NS": forecast(3, prob_up=None, intervals={})},
        contributions={},
    )

    text = text_of(render_page(empty, "A.NS"))

    assert text.count("Note: its range is not known") == 2
    assert text.count("There is no forecast to draw.") == 2
    assert text.count("No interval has an outcome yet.") == 4
    assert "nothing to compare" in text
    assert "nan" not in text.lower()


def test_outcomes_without_a_distribution_are_scored_as_points_alone():
    data = report_data(rows=300)
    record = data.horizons[0].record
    lost = replace(record, quantiles=np.full_like(record.quantiles, np.nan))

    text = text_of(render_page(with_horizons(data, record=lost), "A.NS"))

    assert "No distribution has an outcome yet." in text
    assert "mean no change" in text
    assert "nan" not in text.lower()


def test_few_periods_have_no_interval():
    assert "too few periods" in text_of(render_page(report_data(rows=63 + 200), "A.NS"))


def test_a_ticker_that_is_not_in_the_record_has_a_page_too():
    data = report_data()
    gone = with_horizons(data, forecasts={"Z.NS": forecast(3, note="its last price is of 2019")})

    text = text_of(render_page(gone, "Z.NS"))

    assert "Note: its last price is of 2019." in text
    assert "90%, Z.NS 90% not known - 0 0.0" in text


def test_a_record_without_a_session_is_a_page_too():
    data = report_data(rows=2, tickers=1)
    record = data.horizons[0].record
    none = np.empty((0, 1))
    empty = replace(
        record,
        sessions=record.sessions[:0],
        actual=none,
        points={"zero": none},
        sigma=none,
        reference_crps=none,
        quantiles=record.quantiles[:0],
    )

    text = text_of(render_page(with_horizons(data, record=empty), "A.NS"))

    assert "No session has been forecast yet." in text


def test_the_same_record_is_the_same_page(whole):
    assert render_page(report_data(), "A.NS") == whole
