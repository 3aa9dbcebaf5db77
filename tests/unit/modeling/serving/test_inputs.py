"""The inputs of a stored model at the last bar."""

import numpy as np

from src.modeling.points.walk_forward import FeatureRows
from src.modeling.serving.inputs import input_values
from src.registry.formats.models import LinearModel


def inputs_of(values):
    names = ("mom_5_s", "rsi_14")
    features = FeatureRows(np.array([3]), np.array([0]), np.array([values]), names)
    model = LinearModel((*names, "volatility_1"), np.ones(3), 0.0)
    return input_values(model, features, 3, 0, 0.012, 1)


def test_the_inputs_are_the_models_features_and_the_volatility():
    assert inputs_of([0.5, -0.25]) == {"mom_5_s": 0.5, "rsi_14": -0.25, "volatility_1": 0.012}


def test_an_unknown_feature_is_missing():
    assert inputs_of([np.nan, -0.25]) == {"rsi_14": -0.25, "volatility_1": 0.012}


def test_zero_has_no_sign_so_that_it_can_be_stored():
    assert str(inputs_of([-0.0, -0.25])["mom_5_s"]) == "0.0"
