"""Means over the tickers of a date, and long columns as matrices."""

import numpy as np
import pytest

from src.modeling.panel.panel import mean_by_date

nan = np.nan


def test_a_mean_is_over_the_tickers_that_have_a_value():
    values = np.array([[0.1, nan, 0.3], [nan, nan, nan], [nan, -0.5, nan]])

    assert mean_by_date(values).tolist() == pytest.approx([0.2, nan, -0.5], nan_ok=True)


def test_a_date_with_too_few_values_has_no_mean():
    values = np.array([[0.1, nan, 0.3], [nan, -0.5, nan]])

    found = mean_by_date(values, at_least=2)

    assert found.tolist() == pytest.approx([0.2, nan], nan_ok=True)


def test_no_dates_have_no_means():
    assert mean_by_date(np.empty((0, 3))).shape == (0,)
