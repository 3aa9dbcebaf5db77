"""What a model needs of its whole pool, from rows that can be counted."""

import datetime as dt

import numpy as np
import pytest

from src.core.tables import POOL_INPUTS
from src.modeling.serving.pool_inputs import needs_pool, pool_inputs, pool_row_of
from src.registry.formats.models import LinearModel, RankTilt
from tests.support.models import make_artifact
from tests.support.trees import stump

MONDAY, WEDNESDAY = dt.date(2026, 4, 13), dt.date(2026, 4, 15)
NOW = dt.datetime(2026, 4, 15, 12, 30, tzinfo=dt.UTC)
LINEAR = LinearModel(("mom_5",), np.array([2.0]), 0.005)
# A rank is -.25, or .125 where the momentum is above 0.
TILT = RankTilt(("mom_5", "vol_14", "volatility_1", "rank_mean"), stump(0, -0.25, 0.125), 0.5)


def inputs(momentum):
    return {"mom_5": momentum, "vol_14": 0.1, "volatility_1": 0.01}


def row(momentum, day=MONDAY, horizon="short", note=None):
    return {"horizon": horizon, "feature_date": day, "note": note, "inputs": inputs(momentum)}


def test_a_rank_tilt_needs_the_mean_rank_of_the_tickers_that_have_one():
    without = {"mom_5": 0.5}

    found = pool_inputs(TILT, [inputs(0.02), inputs(-0.01), without, inputs(0.03)])

    # (.125 - .25 + .125) / 3
    assert found == {"rank_mean": pytest.approx(0.0)}
    assert pool_inputs(TILT, [inputs(0.02), inputs(-0.01)]) == {"rank_mean": -0.0625}
    assert pool_inputs(TILT, [without]) == {}


def test_other_models_need_nothing_of_the_pool():
    assert pool_inputs(LINEAR, [inputs(0.02)]) == {}
    assert (needs_pool(LINEAR), needs_pool(TILT)) == (False, True)


def test_the_row_is_of_the_newest_session_that_the_pool_is_judged_at():
    artifact = make_artifact(model=TILT, candidate="rank_tilt", digest="a" * 64)
    rows = [
        row(-0.01, MONDAY),
        row(0.02, MONDAY),
        row(0.02, dt.date(2026, 4, 10)),
        row(0.02, WEDNESDAY, note="1 of 30 tickers have prices of 2026-04-15"),
        row(0.02, WEDNESDAY, horizon="long"),
    ]

    found = pool_row_of(artifact, rows, NOW)

    assert found == {
        "pool": "NSE",
        "horizon": "short",
        "digest": "a" * 64,
        "session": MONDAY,
        "inputs": {"rank_mean": -0.0625},
        "written_at": NOW,
    }
    assert list(found) == list(POOL_INPUTS.columns)


def test_of_a_pool_whose_tickers_all_have_notes_it_is_of_the_newest_session():
    rows = [row(0.02, MONDAY, note="why"), row(0.02, WEDNESDAY, note="why")]

    found = pool_row_of(make_artifact(), rows, NOW)

    assert (found["session"], found["inputs"]) == (WEDNESDAY, {})
