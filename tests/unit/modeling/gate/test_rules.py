from src.modeling.gate.rules import rules_for
from tests.support.gate_outcomes import LONG, SHORT, WIDE


def test_four_periods_and_250_dates_are_the_least():
    assert (SHORT.dates_needed, LONG.dates_needed) == (250, 252)


def test_many_configurations_need_one_percent_at_any_horizon():
    for horizon in (1, 63):
        levels = [rules_for(horizon, 0, tried).level for tried in (1, 10, 11)]
        assert levels == [0.05, 0.05, 0.01]
    assert (LONG.worst_ticker, LONG.max_variance_ratio) == (-0.1, 0.1)
    assert (SHORT.worst_ticker, SHORT.max_variance_ratio) == (-0.01, 0.01)


def test_a_pool_of_twenty_is_judged_in_units_of_volatility():
    assert [rules_for(1, 0.0, tickers=n).standardised for n in (19, 20)] == [False, True]
    assert not rules_for(63, 0.0, tickers=141).standardised
    # Losses at 5 % whatever was tried, encompassing at .1 % beyond fifty configurations.
    assert WIDE.levels == (0.05, 0.05, 0.001, 0.001)
    assert (WIDE.level_of_worse, rules_for(1, 0.0, 54).level_of_worse) == (0.05, 0.001)
