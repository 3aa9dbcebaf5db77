"""What a run says of a model that is pinned."""

import datetime as dt

import pytest

from src.core.model_events import ModelEvent
from src.modeling.training.publish import PinnedModelUnreadable
from src.registry.storage.artifact import CorruptArtifact

AT = dt.datetime(2026, 4, 13, 12, 30, tzinfo=dt.UTC)
DAMAGED = CorruptArtifact("The model in models/NSE/short cannot be used (x): train again.")


@pytest.mark.parametrize(
    ("tag", "sentence"),
    [
        (
            "v1",
            "The model in models/NSE/short cannot be used (x), and it is pinned: restore it with "
            "`python -m mlops.monitoring rollback --version-tag v1`, or end the pin with `python "
            "-m mlops.monitoring unpin --ticker` and one of its tickers, and train again.",
        ),
        (
            "trial:0123456789ab",
            "The model in models/NSE/short cannot be used (x), and it is pinned: end the pin with "
            "`python -m mlops.monitoring unpin --ticker` and one of its tickers, and train again.",
        ),
    ],
)
def test_a_pinned_model_that_cannot_be_read_says_how_to_go_on(tag, sentence):
    pin = ModelEvent("pinned", "NSE", "short", "a" * 64, "A. Rao", AT, version_tag=tag)
    assert str(PinnedModelUnreadable(DAMAGED, pin)) == sentence
