"""What a stored model is asked with at the last bar."""

import numpy as np

from src.modeling.points.walk_forward import FeatureRows
from src.modeling.serving.newest import inputs
from src.registry.formats.models import LinearModel


def asked(values):
    names = ("mom_5_s", "rsi_14")
    features = FeatureRows(np.array([3]), np.array([0]), np.array([values]), names)
    model = LinearModel((*names, "volatility_1"), np.ones(3), 0.0)
    return inputs(model, features, 3, 0, 0.012, 1)


def test_a_model_is_asked_with_its_features_and_the_volatility():
    assert asked([0.5, -0.25]) == {"mom_5_s": 0.5, "rsi_14": -0.25, "volatility_1": 0.012}


def test_what_is_not_known_is_not_asked():
    assert asked([np.nan, -0.25]) == {"rsi_14": -0.25, "volatility_1": 0.012}


def test_zero_has_no_sign_so_that_it_can_be_stored():
    assert str(asked([-0.0, -0.25])["mom_5_s"]) == "0.0"
