import numpy as np
import pytest
import statsmodels.api as sm

from src.modeling.intervals.regression import NO_RIDGE, Ridge, predict, refits

NAN = np.nan
RIDGE = Ridge(centre=(0.3, -0.4), spread=(0.4, 0.25))


def drawn(seed, rows, tickers):
    """A column of the market, one of the tickers, and a label of both with gaps; (T, N)."""
    random = np.random.default_rng(seed)
    shared, each = random.normal(0, 1, (rows, 1)), random.normal(0, 1, (rows, tickers))
    label = 0.5 + 0.2 * shared - 0.7 * each + random.normal(0, 0.3, (rows, tickers))
    label[random.random(label.shape) < 0.05] = NAN
    each[random.random(each.shape) < 0.02] = NAN
    return [shared, each], label


def seen_by(row, horizon, columns, label, sessions):
    """Rows whose label is realised plus five, one after the other, from the text of the method."""
    x, y, dates = [], [], set()
    for t in range(row - 5 - horizon + 1):
        for n in range(label.shape[1]):
            values = [1.0, columns[0][t, 0], columns[1][t, n], label[t, n]]
            if np.isfinite(values).all() and sessions[t]:
                x.append(values[:3])
                y.append(label[t, n])
                dates.add(t)
    return np.array(x), np.array(y), len(dates)


@pytest.mark.parametrize(("horizon", "tickers"), [(1, 6), (63, 5), (5, 2)])
@pytest.mark.parametrize("ridge", [NO_RIDGE, RIDGE])
def test_a_fit_is_the_least_squares_of_statsmodels(horizon, tickers, ridge):
    columns, label = drawn(horizon, 500, tickers)
    sessions = np.arange(500) % 7 > 0

    fit = refits(columns, label, horizon, sessions=sessions, ridge=ridge)[-1]

    x, y, dates = seen_by(fit.row, horizon, columns, label, sessions)
    # A ridge is one more row for each coefficient: its column alone, as large as its strength.
    strength = np.sqrt(1000 * len(y) / dates) * np.array(ridge.spread)
    x = np.vstack([x, *(s * np.eye(3)[1 + j] for j, s in enumerate(strength))])
    y = np.append(y, strength * ridge.centre)
    assert fit.row == 378
    np.testing.assert_allclose(fit.beta, sm.OLS(y, x).fit().params, rtol=1e-6, atol=1e-8)


def test_a_ridge_keeps_what_two_years_cannot_identify_near_its_centre():
    columns, label = drawn(3, 400, 5)
    # The market's column hardly moves: least squares reads anything into it.
    columns[0] = 1e-4 * columns[0]

    free, drawn_in = (
        refits(columns, label, 1, ridge=ridge)[-1].beta
        for ridge in (NO_RIDGE, Ridge((0.1,), (0.4,)))
    )

    assert abs(free[1]) > 100
    assert drawn_in[1] == pytest.approx(0.1, abs=0.01)
    assert drawn_in[2] == pytest.approx(-0.7, abs=0.05)


@pytest.mark.parametrize(("horizon", "first"), [(1, 252), (63, 378)])
def test_the_first_fit_waits_for_250_sessions_and_the_horizon(horizon, first):
    columns, label = drawn(4, 500, 3)

    fits = refits(columns, label, horizon)

    # Fits stand every 126 rows; 252 >= 250 + 1, and 378 >= 250 + 63.
    assert [fit.row for fit in fits] == [0, 126, 252, 378]
    assert next(fit.row for fit in fits if fit.beta is not None) == first


def test_a_fit_waits_for_200_rows_and_as_many_dates_as_it_is_told():
    columns, label = drawn(4, 500, 5)
    label[:220] = NAN

    # Labels of rows 220 to 246 at session 252: 27 dates, some 125 rows; to 372 at session 378.
    by_rows = refits(columns, label, 1)
    by_dates = refits(columns, label, 1, min_dates=160)

    assert [fit.row for fit in by_rows if fit.beta is not None] == [378]
    assert all(fit.beta is None for fit in by_dates)


def test_a_prediction_is_the_root_of_the_fitted_variance_where_all_is_known():
    columns, label = drawn(5, 400, 3)
    fits = refits(columns, label, 1)
    out = np.full(label.shape, 7.0)

    predict(columns, fits, out)

    x = [1.0, columns[0][390, 0], columns[1][390, 2]]
    assert out[390, 2] == pytest.approx(np.exp(np.dot(x, fits[3].beta) / 2), rel=1e-12)
    unknown = ~np.isfinite(columns[1])
    assert unknown[252:].any()
    assert (out[unknown] == 7).all()
    assert (out[:252] == 7).all()


def test_columns_that_repeat_share_their_weight():
    columns, label = drawn(6, 300, 3)

    once, twice = (refits([*columns[:1], *[columns[1]] * k], label, 1)[-1].beta for k in (1, 2))

    np.testing.assert_allclose(twice, [once[0], once[1], once[2] / 2, once[2] / 2], rtol=1e-9)
