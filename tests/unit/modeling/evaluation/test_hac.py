import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from src.modeling.evaluation import hac


def overlapping(n, horizon, seed):
    steps = np.random.default_rng(seed).standard_t(4, n + horizon - 1) + 0.05
    return np.convolve(steps, np.ones(horizon), mode="valid")


def test_hand_worked_pair():
    # Mean 2, deviations -1 and 1: variance 1, first autocovariance -1/2 with a weight of 1/2 twice,
    # so the long-run variance is 1/2 and t = 2 / sqrt(1/2 / 2) = 4. The window of 2 is all of it.
    test = hac.mean_test(np.array([1.0, 3.0]), horizon=1)

    assert (test.mean, test.noise, test.t) == pytest.approx((2, math.sqrt(0.5), 4))
    assert (test.n, test.b) == (2, 1)


@pytest.mark.parametrize(("n", "horizon", "lags"), [(300, 1, 22), (300, 63, 62), (4000, 63, 82)])
def test_t_is_that_of_statsmodels(n, horizon, lags):
    values = overlapping(n, horizon, seed=n)

    theirs = sm.OLS(values, np.ones(n)).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False}
    )

    assert hac.mean_test(values, horizon).t == pytest.approx(theirs.tvalues[0], rel=1e-9)


@given(n=st.integers(3, 60), horizon=st.integers(1, 70), seed=st.integers(0, 99))
def test_window_sums_are_the_weighted_autocovariances(n, horizon, seed):
    values = np.random.default_rng(seed).normal(size=n)
    lags = hac.bandwidth(n, horizon)
    u = values - values.mean()
    weighted = [2 * (1 - j / (lags + 1)) * (u[j:] * u[: n - j]).sum() for j in range(1, lags + 1)]

    test = hac.mean_test(values, horizon)

    # The last lags of a short series may leave next to nothing, which is called no noise.
    expected = math.sqrt(max((u @ u + sum(weighted)) / n, 0))
    assert test.noise == pytest.approx(expected, rel=1e-6)


def test_each_column_is_tested_alone():
    columns = np.stack([overlapping(200, 5, seed) for seed in (1, 2, 3)], axis=1)

    together = hac.mean_test(columns, horizon=5)

    assert together.t == pytest.approx([hac.mean_test(one, 5).t for one in columns.T])


def test_a_ticker_listed_later_is_tested_on_its_own_rows():
    values = overlapping(400, 63, seed=4)
    late = np.concatenate([np.full(5, np.nan), values])

    test = hac.mean_test(late, horizon=63)

    assert test.n == 400
    assert test.t == pytest.approx(hac.mean_test(values, horizon=63).t)


def test_a_gap_keeps_its_place_in_time():
    values = overlapping(300, 20, seed=5)
    values[100:140] = np.nan
    u = np.nan_to_num(values - np.nanmean(values))
    lags = hac.bandwidth(300, 20)
    weighted = [2 * (1 - j / (lags + 1)) * (u[j:] * u[:-j]).sum() for j in range(1, lags + 1)]

    assert hac.mean_test(values, 20).noise == pytest.approx(
        math.sqrt((u @ u + sum(weighted)) / 260)
    )


@pytest.mark.parametrize("cut", [1, 2, 64, 250, 399])
def test_nothing_after_a_row_changes_its_test(cut):
    values = np.stack([overlapping(400, 63, seed) for seed in (6, 7)], axis=1)
    changed = values.copy()
    changed[cut:] *= -7

    seen = [hac.mean_test_at(hac.cumulate(one), 0, cut, 63) for one in (values, changed)]

    for before, after in zip(*seen, strict=True):
        np.testing.assert_array_equal(before, after)


def test_a_stretch_of_rows_is_tested_as_if_it_were_all():
    values = overlapping(500, 10, seed=8)

    within = hac.mean_test_at(hac.cumulate(values), 120, 480, 10)

    assert within.t == pytest.approx(hac.mean_test(values[120:480], 10).t)


@pytest.mark.parametrize("values", [[], [0.3], [0.3] * 50, [0.0] * 50, [np.nan] * 5])
def test_what_does_not_vary_has_no_t(values):
    assert np.isnan(hac.mean_test(np.array(values, dtype=float), horizon=5).t)


def test_critical_values_start_at_the_normal_and_grow_with_the_window():
    b = np.array([0.0, 0.25, 1.0])

    # 1.645 + 2.1859/4 + .3142/16 - .3427/64 = 2.2057, and at 1 the coefficients' sum.
    assert hac.critical(b, 0.05) == pytest.approx([1.6449, 2.2056, 3.8023], abs=1e-4)
    # 1.9600 + 2.9694/4 + .4160/16 - .5324/64 = 2.7200.
    assert hac.critical(b, 0.025) == pytest.approx([1.9600, 2.7200, 4.8130], abs=1e-4)
    # 2.3263 + 4.1299/4 + .4165/16 - .8336/64 = 3.3718.
    assert hac.critical(b, 0.01) == pytest.approx([2.3263, 3.3718, 6.0391], abs=1e-4)
    # 3.0902 + 7.9671/4 - .2978/16 - 1.3852/64 = 5.0418.
    assert hac.critical(b, 0.001) == pytest.approx([3.0902, 5.0418, 9.3743], abs=1e-4)
    with pytest.raises(KeyError):
        hac.critical(b, 0.1)


@pytest.mark.parametrize(("horizon", "n"), [(1, 400), (100, 400), (400, 400)])
def test_critical_values_are_exceeded_as_often_as_they_say(horizon, n):
    values = np.random.default_rng(10).normal(size=(n, 20_000))

    test = hac.mean_test(values, horizon)

    # Two-sided shares, halved: sure to about .0011, .0008, .0005 and .00016.
    levels = (0.05, 0.025, 0.01, 0.001)
    beyond = {p: (np.abs(test.t) > hac.critical(test.b, p)).mean() / 2 for p in levels}
    assert beyond[0.05] == pytest.approx(0.05, abs=0.006)
    assert beyond[0.025] == pytest.approx(0.025, abs=0.004)
    assert beyond[0.01] == pytest.approx(0.01, abs=0.002)
    assert beyond[0.001] == pytest.approx(0.001, abs=0.0005)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 99),
    horizon=st.sampled_from([1, 5, 63]),
    level=st.sampled_from([0.0, 1e4]),
)
def test_all_ends_together_are_tested_as_one_by_one(seed, horizon, level):
    random = np.random.default_rng(seed)
    columns = level + random.normal(size=(160, 3))
    columns[random.random(columns.shape) < 0.1] = np.nan
    sums, ends = hac.cumulate(columns), np.arange(65, 161)
    windows = np.array([hac.bandwidth(end, horizon) + 1 for end in ends.tolist()])

    together = hac.mean_tests_at(sums, ends, windows)

    alone = [hac.mean_test_at(sums, 0, end, horizon) for end in ends.tolist()]
    for name in hac.MeanTest._fields:
        expected = np.stack([getattr(test, name) for test in alone])
        np.testing.assert_allclose(getattr(together, name), expected, rtol=1e-6)


def test_differences_that_do_not_vary_have_no_noise_at_any_end():
    sums = hac.cumulate(np.full((100, 1), 0.3))

    tests = hac.mean_tests_at(sums, np.array([50, 100]), np.array([10, 20]))

    assert tests.mean == pytest.approx(0.3)
    assert np.isnan(tests.t).all()
