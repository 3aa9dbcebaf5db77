"""Ranks of some sessions are those of the whole pool's matrices."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.features.market import ranks
from src.modeling.panel.panel import StoredInputs
from src.modeling.points.session_ranks import SessionRanks

SESSIONS, TICKERS = 12, 9
NAMES = ("rank_a", "rank_b", "rank_other")


def pool(seed, *, missing=0.3, ties=3):
    """Inputs with gaps and equal values, and matrices of them."""
    random = np.random.default_rng(seed)
    matrices = np.round(random.normal(size=(3, SESSIONS, TICKERS)) * ties).astype(np.float32)
    matrices[random.random(matrices.shape) < missing] = np.nan
    rows, columns = np.nonzero(random.random((SESSIONS, TICKERS)) > missing / 2)
    there = np.zeros((SESSIONS, TICKERS), dtype=bool)
    there[rows, columns] = True
    matrices[:, ~there] = np.nan
    values = matrices[:, rows, columns]
    stored = StoredInputs(("a", "b"), rows, columns, values[:2].T.copy(), (SESSIONS, TICKERS))
    return SessionRanks(NAMES, stored, ("other",), values[2:]), matrices


@given(seed=st.integers(0, 10_000), chosen=st.sets(st.integers(0, 60), min_size=1))
def test_ranks_of_some_bars_are_those_of_the_whole_matrices(seed, chosen):
    ranked, matrices = pool(seed)
    bars = np.array(sorted(chosen))
    rows, columns = ranked.stored.rows[bars], ranked.stored.columns[bars]

    expected = [ranks(matrix)[rows, columns].astype(np.float32) for matrix in matrices]

    assert np.array_equal(ranked.take(bars), expected, equal_nan=True)
    for name, of_name in zip(NAMES, expected, strict=True):
        assert np.array_equal(ranked.column(name, bars), of_name, equal_nan=True)


@pytest.mark.parametrize("seed", range(5))
def test_ranks_are_known_where_each_input_has_enough_tickers(seed):
    ranked, matrices = pool(seed)

    expected = (np.isfinite(matrices).sum(axis=2) >= 5).all(axis=0)

    assert ranked.known().tolist() == expected.tolist()
    assert 0 < expected.sum() < SESSIONS


def test_the_contents_of_a_session_are_those_of_all_its_bars():
    ranked, _ = pool(1)

    columns, stored, others = ranked.contents(3)

    of_session = np.flatnonzero(ranked.stored.rows == 3)
    assert np.array_equal(columns, ranked.stored.columns[of_session])
    assert np.array_equal(stored, ranked.stored.per_bar[of_session], equal_nan=True)
    assert np.array_equal(others, ranked.others[:, of_session], equal_nan=True)
