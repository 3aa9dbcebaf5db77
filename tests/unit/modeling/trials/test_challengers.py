"""What the challengers of trials are fitted with."""

import pytest

from src.config.load import load_settings
from src.modeling.trials.challengers import cached_files, with_overrides
from tests.support.trials import registered_trial


@pytest.fixture
def settings():
    return load_settings(None, {"training": {"embargo": 7}}, env_file=None)


def test_a_trials_own_settings_come_before_those_of_the_installation(settings):
    changed = with_overrides(settings, registered_trial(settings={"refit_every": 21}))

    assert (changed.training.refit_every, changed.training.embargo) == (21, 7)
    assert (settings.training.refit_every, settings.training.embargo) == (252, 7)


@pytest.mark.parametrize(
    ("trials", "files"),
    [
        ([], 0),
        # Neither is cached: a ridge costs less than looking it up.
        ([{"challenger": "ridge", "settings": {"refit_every": 1}}, {"challenger": "drift"}], 0),
        # Twenty years of 252 sessions and the refit that begins the next one.
        ([{"challenger": "rank_tilt", "settings": {"embargo": 9}}], 42),
        ([{"challenger": "rank_tilt", "settings": {"refit_every": 21}}], 482),
    ],
)
def test_the_cache_holds_the_fits_of_twenty_years(settings, trials, files):
    assert cached_files(settings, [registered_trial(**fields) for fields in trials]) == files
