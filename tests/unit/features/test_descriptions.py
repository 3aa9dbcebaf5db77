"""Every feature that is stored, and every input of models, is described."""

import pytest

from src.config.sections.results import FeatureSettings
from src.features import catalogue
from src.features.descriptions import describe_column, describe_input
from src.modeling.points.candidates import RANK_MEAN


def test_no_feature_is_without_a_description():
    columns = [describe_column(feature.name) for feature in catalogue.features(FeatureSettings())]
    names = [feature.name for feature in catalogue.model_features()]
    inputs = [describe_input(name) for name in [*names, "volatility_1", "volatility_63", RANK_MEAN]]

    for text in [*columns, *inputs]:
        assert text.endswith(".")
        assert "{" not in text
        assert len(text) < 180
    assert len(set(inputs)) == len(inputs)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("mom_252_21_s", "over 252 sessions without the last 21"),
        ("rank_rsi_14", "Rank in the pool (−0.5 to 0.5): relative strength index over 14 sessions"),
        ("market_vol", "Volatility of the market, as"),
    ],
)
def test_windows_are_those_of_the_name(name, part):
    assert part in describe_input(name)


def test_an_unknown_name_has_no_description():
    with pytest.raises(KeyError):
        describe_input("mood")
