"""What an artifact may say of itself, and the sentence where there is none."""

import pytest

from src.registry.storage.artifact import NoModel
from tests.support.models import make_artifact


def test_refuses_a_horizon_it_does_not_know():
    with pytest.raises(ValueError, match="horizon"):
        make_artifact(horizon="medium")
    with pytest.raises(ValueError, match="0 sessions"):
        make_artifact(sessions=0)


def test_a_candidate_is_served_only_once_promoted_and_not_when_it_is_worse():
    with pytest.raises(ValueError, match="never promoted"):
        make_artifact(served="ridge")
    with pytest.raises(ValueError, match="never promoted"):
        make_artifact(served="other", since="2025-11-14", verdict="better")
    with pytest.raises(ValueError, match="never promoted"):
        make_artifact(served="ridge", since="2025-11-14", verdict="worse")
    assert make_artifact(served="ridge", since="2025-11-14", verdict="better").served == "ridge"


def test_the_error_names_the_ticker_or_pool_and_the_horizon_that_have_no_model():
    assert str(NoModel("NSE", "long", "INFY.NS")) == (
        "There is no long model of INFY.NS yet: "
        "run `python -m mlops.pipeline --ticker INFY.NS` first."
    )
    assert str(NoModel("NSE", "long")).startswith("There is no long model of NSE yet: run")
    assert str(NoModel()) == "There is no model yet: run `python -m mlops.pipeline` first."
