"""Pages and the API never contradict each other: what they say of a stock is of one measure."""

import numpy as np
import psycopg
import pytest

from src.dashboard import evidence as home_evidence
from src.dashboard import forecasts, readers
from src.dashboard.judged import judged
from src.dashboard.parts.analytics.evidence import REALISED, WALK_FORWARD, scores, stamp
from src.dashboard.parts.analytics.features.pool_history import pool_history
from src.db.database import DATA_DIR
from src.db.embedded.lease import acquire
from src.db.tables.scores import ScoreLog
from src.modeling.evaluation.scoreboard import POOLED, scoreboard
from tests.support.dashboard_apps import installation

SESSIONS = {"short": 1, "long": 63}


@pytest.fixture(scope="module")
def url(dashboard_home):
    with acquire(dashboard_home / DATA_DIR) as lease, installation(dashboard_home, lease.url):
        yield lease.url


@pytest.mark.parametrize("horizon", SESSIONS)
def test_analytics_agrees_with_home_and_with_answers(url, horizon):
    verdict = judged("NSE", horizon)
    board = {row.ticker: row.gain for row in scores(verdict, WALK_FORWARD, None, "").tickers}

    skills = home_evidence.skills("NSE", horizon, verdict.digest, verdict.candidate)
    assert len(board) == 21
    assert {ticker: skills[ticker] for ticker in board} == board
    answer = forecasts.forecasts(["ACE.NS"]).answers["ACE.NS", horizon]
    assert answer["verdict"] == verdict.verdict
    assert answer["candidate"]["pool"] == {
        "tickers": 21,
        "mae_vs_zero": pytest.approx(verdict.skill),
        "n": verdict.n,
        "n_eff": verdict.n_eff,
    }
    assert verdict.low < verdict.skill < verdict.high


@pytest.mark.parametrize("horizon", SESSIONS)
def test_realised_scores_are_those_of_the_scoreboard(url, horizon):
    with psycopg.connect(url, autocommit=True) as connection:
        lines = {
            line["ticker"]: line
            for line in scoreboard(ScoreLog(connection))
            if line["horizon"] == horizon and line["kind"] == "served"
        }
    found = scores(judged("NSE", horizon), REALISED, None, stamp(REALISED))

    everyone = lines.pop(POOLED)
    answered = next(model for model in found.models if model.name == "answered")
    assert answered.mae == pytest.approx(everyone["mae"])
    for level, measure in found.coverage.items():
        assert measure.value == pytest.approx(everyone["coverage"][f"{level:g}"])
    assert {row.ticker for row in found.tickers} == set(lines)
    for row in found.tickers:
        line = lines[row.ticker]
        assert row.gain.n == line["n"]
        assert row.gain.value == pytest.approx(line["skill"])
        assert max(1, row.gain.n_eff) == pytest.approx(line["n_eff"])
        assert row.held.value == pytest.approx(line["coverage"]["0.8"])


@pytest.mark.parametrize(
    "name", ["rank_skew_63", "market_vol_252", "beta_126", "rank_residual_5_s"]
)
def test_the_history_of_a_comparison_ends_with_what_the_model_saw(url, name):
    with psycopg.connect(url) as connection:
        day, seen = connection.execute(
            "SELECT feature_date, (inputs ->> %s)::float8 FROM serving_inputs "
            "WHERE ticker = 'ACE.NS' AND horizon = 'short'",
            (name,),
        ).fetchone()

    days, values = pool_history("ACE.NS", "NSE", name, day, readers.version())

    assert days[-1] == day
    assert values[-1] == np.float32(seen)
    assert len(values) == len(days) == 252
    assert np.isfinite(values).mean() > 0.9
