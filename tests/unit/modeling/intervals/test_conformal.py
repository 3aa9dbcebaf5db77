import numpy as np
import pytest

from src.modeling.intervals.conformal import LONG_MEMORY, SHORT_MEMORY, mix, score_quantiles
from src.modeling.intervals.quantiles import LEVELS

NAN = np.nan


def drawn(seed, rows, tickers):
    random = np.random.default_rng(seed)
    scores = random.standard_t(5, (rows, tickers)) * np.linspace(0.8, 1.3, tickers)
    scores[random.random(scores.shape) < 0.05] = NAN
    return scores


def weibull(values, n_eff):
    made = np.quantile(values, LEVELS, method="weibull")
    return made[10] + (made - made[10]) * np.sqrt(1 + 1 / n_eff)


def by_hand(scores, horizon, row, memory):
    """One row at a time, from the text of the method: no sorting state, no blocks."""
    row = row // 10 * 10
    out = np.full((scores.shape[1], 21), NAN)

    def known(at, outcomes):
        ended = at - horizon  # the last row whose label is realised
        return range(max(0, ended - outcomes * horizon + 1), ended + 1)

    errors = [scores[t][np.isfinite(scores[t])] for t in known(row // 20 * 20, memory.pool_window)]
    together = np.concatenate([*errors, []])
    counts = np.array([len(e) for e in errors], dtype=float)
    for n in range(scores.shape[1]):
        own = [scores[t, n] for t in known(row, 1000) if np.isfinite(scores[t, n])]
        n_eff = len(own) / horizon
        pool = None
        # Fewer than four periods that do not overlap say nothing.
        periods = counts.sum() ** 2 / max((counts**2).sum(), 1) / horizon
        if len(together) >= 250 and periods >= 4:
            pool = weibull(together, periods)
        if len(own) >= 100 and n_eff >= 4:
            weight = n_eff / (n_eff + memory.even_weight) if pool is not None else 1
            out[n] = weight * weibull(own, n_eff) + (1 - weight) * (0 if pool is None else pool)
        elif pool is not None:
            out[n] = pool
    return out


@pytest.mark.parametrize(
    ("horizon", "rows", "tickers"), [(1, 1300, 4), (5, 700, 3), (63, 500, 6), (1, 320, 1)]
)
@pytest.mark.parametrize("memory", [LONG_MEMORY, SHORT_MEMORY])
def test_quantiles_are_those_worked_out_row_by_row(horizon, rows, tickers, memory):
    scores = drawn(horizon, rows, tickers)
    scores[: rows // 2, 0] = NAN

    found = score_quantiles(scores, horizon, memory)

    for row in range(0, rows, 90):
        expected = by_hand(scores, horizon, row, memory)
        np.testing.assert_allclose(found[row // 10], expected, rtol=1e-10, err_msg=str(row))


@pytest.mark.parametrize("horizon", [1, 63])
@pytest.mark.parametrize("since", [255, 300, 647])
def test_starting_later_and_ending_earlier_changes_nothing(horizon, since):
    scores = drawn(7, 650, 4)

    later = score_quantiles(scores, horizon, since=since)

    whole = score_quantiles(scores, horizon)[since // 10 :]
    assert np.array_equal(later, whole, equal_nan=True)
    part = score_quantiles(scores, horizon, since=since, until=since + 1)
    assert np.array_equal(part, later[:1], equal_nan=True)
    assert np.isfinite(later[-1]).all()


@pytest.mark.parametrize("horizon", [1, 63])
@pytest.mark.parametrize("row", [340, 400, 480])
def test_a_refresh_knows_the_outcome_realised_on_its_row_and_no_later_one(horizon, row):
    scores = drawn(8, 500, 4)
    at = row // 10
    after, newest = scores.copy(), scores.copy()
    after[row - horizon + 1 :] = 99.0
    newest[row - horizon] = 99.0

    before = score_quantiles(scores, horizon)

    same = {"equal_nan": True}
    assert np.array_equal(score_quantiles(after, horizon)[: at + 1], before[: at + 1], **same)
    assert np.array_equal(score_quantiles(newest, horizon)[:at], before[:at], **same)
    assert not np.array_equal(score_quantiles(newest, horizon)[at], before[at])
    assert np.isfinite(before[at]).all()


def test_nothing_is_said_before_a_hundred_errors_of_its_own_or_250_of_the_pool():
    alone = np.random.default_rng(9).normal(0, 1, (200, 1))
    five = np.random.default_rng(9).normal(0, 1, (200, 5))

    # At row 90 there are 90 errors a ticker, at row 100 a hundred; five tickers have 250
    # at row 50, and the pool is asked every 20 rows.
    assert np.isfinite(score_quantiles(alone, 1)[:, 0, 0]).argmax() == 10
    assert np.isfinite(score_quantiles(five, 1)[:, 0, 0]).argmax() == 6


def test_own_and_pooled_errors_are_mixed_by_independent_outcomes():
    own = np.array([[-2.0, 0.0, 2.0], [NAN, NAN, NAN], [-4.0, 0.0, 4.0]])
    pool = np.array([[-1.0, 0.0, 1.0]])

    found = mix(own, pool, np.array([200.0, 50.0, 600.0]), 200)

    # Weights 1/2, 0, 3/4.
    np.testing.assert_allclose(found, [[-1.5, 0, 1.5], [-1, 0, 1], [-3.25, 0, 3.25]])


def test_own_errors_speak_alone_without_a_pool():
    found = mix(np.array([[-2.0, 0.0, 2.0], [NAN] * 3]), np.full((1, 3), NAN), np.ones(2), 200)

    assert np.array_equal(found, [[-2.0, 0.0, 2.0], [NAN] * 3], equal_nan=True)
