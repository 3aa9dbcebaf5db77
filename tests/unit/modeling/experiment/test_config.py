import pytest

from src.config.load import load_settings
from src.modeling.experiment.config import experiment_config


def config_of(training, horizon="short", names=("zero", "ridge"), tickers=1):
    settings = load_settings(None, {"training": training}, env_file=None)
    return experiment_config(settings, horizon, names, tickers)


@pytest.mark.parametrize("sessions", [1, 63, 252, 500])
def test_models_are_refitted_as_often_as_the_settings_say(sessions):
    assert config_of({"refit_every": sessions}).schedule.refit_every == sessions


def test_without_a_setting_models_are_refitted_once_a_year():
    assert config_of({}).schedule.refit_every == 252


def test_the_first_refit_of_one_ticker_has_as_many_realised_labels_as_it_needs():
    schedule = config_of({"min_train_rows": 100, "embargo": 7}, "long").schedule

    assert (schedule.warm_up, schedule.min_train) == (100 + 63 + 7 + 1, 100)


def test_zero_is_judged_where_the_challenger_takes_no_part():
    assert config_of({}, names=("zero", "mean")).challenger == "zero"
    assert config_of({}).challenger != "zero"


@pytest.mark.parametrize(
    ("horizon", "tickers", "standardised"),
    [("short", 19, False), ("short", 20, True), ("long", 141, False)],
)
def test_only_pools_of_twenty_are_judged_in_units_of_volatility_and_only_at_one_session(
    horizon, tickers, standardised
):
    rules = config_of({}, horizon, tickers=tickers).rules

    assert rules.standardised is standardised
    assert (rules.configurations, rules.level) == (66, 0.001)
