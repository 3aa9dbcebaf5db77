"""The report on a training run: one file, all escaped, nothing claimed that is not known."""

import datetime as dt
import re
from dataclasses import replace

import numpy as np
import plotly.offline
import pytest
from scipy import stats

from src.modeling.gate import verdict as gate
from src.modeling.intervals.quantiles import LEVELS
from src.modeling.training.report.data import (
    CurrentForecast,
    HorizonRecord,
    ReportData,
    ServingStatus,
    scored_rows,
)
from src.modeling.training.report.page import render_page

TIME = dt.datetime(2026, 3, 2, 10, 30, tzinfo=dt.UTC)
MADE = dt.date(2026, 2, 27)
NORMAL = stats.norm.ppf(LEVELS)


def forecast(days, point=0.0, sigma=0.02):
    target = MADE + dt.timedelta(days=days)
    return CurrentForecast(MADE, target, days > 10, 2500.0, point, sigma * NORMAL)


def record(horizon, rows, tickers, current, seed=1):
    """Normal outcomes, forecast with the right spread; the drift guesses a little upwards."""
    random = np.random.default_rng(seed + horizon)
    sigma = np.full((rows, tickers), 0.02 * np.sqrt(horizon))
    actual = random.normal(0, sigma)
    actual[max(rows - horizon, 0) :] = np.nan
    zero = np.zeros_like(actual)
    points = {"zero": zero, "mean": zero - 0.004, "drift": zero + 0.001, "served": zero}
    scored = scored_rows(actual, 0)
    return HorizonRecord(
        horizon, actual, points, sigma, scored, sigma[scored, :, None] * NORMAL, "drift", current
    )


def evidence(rows=900, tickers=6):
    verdict = gate.judge(np.full((9, 1), 0.01), np.zeros((9, 1)), rules=gate.rules_for(1, 0.0))
    now = ServingStatus("zero", forecast(3), verdict, [("momentum", 0.002), ("volatility", -0.001)])
    far = ServingStatus("drift", forecast(91, 0.0134, 0.15), verdict)
    names = tuple(f"{letter}.NS" for letter in "ABCDEFGH"[:tickers])
    return ReportData(
        ticker="A.NS",
        tickers=names,
        sessions=np.datetime64(MADE, "D") - np.arange(rows)[::-1],
        closes=np.linspace(2000, 2500, rows),
        horizons=(record(1, rows, tickers, now), record(63, rows, tickers, far)),
        data_hash="9f3c2a",
        run_id="20260302_103000",
        time=TIME,
    )


def bent(made, **changed):
    """The same with every horizon changed alike."""
    return replace(made, horizons=tuple(replace(one, **changed) for one in made.horizons))


def text_of(html):
    """What a person reads, without scripts and tags."""
    plain = re.sub(r"<(script|style).*?</\1>", "", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", plain))


@pytest.fixture(scope="module")
def whole():
    return render_page(evidence())


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
    assert len(whole.encode()) - len(library.encode()) < 1_500_000


def test_names_of_others_are_shown_and_not_run():
    evil = '<img src=x onerror="alert(1)"></script><script>alert(2)</script>'
    made = replace(evidence(), ticker=evil, tickers=(evil, *"BCDEF"), run_id=evil, data_hash=evil)
    now = made.horizons[0].status
    named = replace(now, served=evil, contributions=[(evil, 0.01)])
    points = {**made.horizons[0].points, evil: made.horizons[0].points["mean"]}
    html = render_page(bent(made, status=named, challenger=evil, points=points))

    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert "&lt;script&gt;alert(2)" in html


def test_a_ticker_alone_has_no_pool_beside_it():
    text = text_of(render_page(evidence(tickers=1)))

    assert "alone, without a pool" in text
    assert "the same for A.NS alone" not in text
    assert "50%, A.NS" in text


def test_a_series_too_short_says_what_is_not_known():
    text = text_of(render_page(evidence(rows=3, tickers=1)))

    assert "coverage over time is unknown" in text
    # At 63 sessions nothing is realised in three.
    assert "No forecast has an outcome yet." in text
    assert "No interval has an outcome yet." in text
    assert "No distribution has an outcome yet." in text


@pytest.mark.parametrize("tickers", [1, 6])
def test_a_record_in_which_nothing_is_known_is_a_page_that_says_so(tickers):
    made = evidence(rows=300, tickers=tickers)
    unknown = np.full((300, tickers), np.nan)
    forecast_now = CurrentForecast(MADE, MADE, True, 2500.0, 0.0, np.full(len(LEVELS), np.nan))
    empty = bent(
        replace(made, closes=np.full(300, np.nan)),
        actual=unknown,
        points={"zero": unknown, "served": unknown},
        sigma=unknown,
        rows=np.empty(0, dtype=np.int64),
        quantiles=np.empty((0, tickers, len(LEVELS))),
        status=replace(made.horizons[0].status, forecast=forecast_now),
    )

    text = text_of(render_page(empty))

    assert text.count("Its range is not known") == 2
    assert text.count("There is no forecast to draw.") == 2
    assert text.count("No interval has an outcome yet.") == 4
    assert "nothing to compare" in text
    assert "nan" not in text.lower()


def test_outcomes_without_a_distribution_are_scored_as_points_alone():
    made = evidence(rows=300)
    first = made.horizons[0]
    lost = replace(first, quantiles=np.full_like(first.quantiles, np.nan))

    text = text_of(render_page(replace(made, horizons=(lost,))))

    assert "No distribution has an outcome yet." in text
    assert "mean no change" in text
    assert "nan" not in text.lower()


def test_few_periods_have_no_interval():
    text = text_of(render_page(evidence(rows=63 + 200)))

    assert "too few periods" in text


def test_a_record_without_a_session_is_a_page_too():
    made = evidence(rows=2, tickers=1)
    none = np.empty((0, 1))
    empty = bent(
        replace(made, sessions=made.sessions[:0], closes=made.closes[:0]),
        actual=none,
        points={"zero": none},
        sigma=none,
        rows=np.empty(0, dtype=np.int64),
        quantiles=np.empty((0, 1, len(LEVELS))),
    )

    assert "0 sessions; alone" in text_of(render_page(empty))


def test_the_same_record_is_the_same_page(whole):
    assert render_page(evidence()) == whole
