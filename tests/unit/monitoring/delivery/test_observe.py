"""Whether channels deliver, as observations."""

import pytest

from src.core.messages import ChannelRecord
from src.monitoring.delivery.observe import channel_observations
from tests.support.alerts import MONDAY


@pytest.mark.parametrize(
    ("failures", "configured", "bad"),
    [
        (0, True, False),
        (2, True, None),
        (3, True, True),
        (3, False, False),
    ],
)
def test_three_failures_since_it_last_took_a_message_are_bad(failures, configured, bad):
    record = ChannelRecord("slack-1", MONDAY, failures, 4, "error=500")

    (seen,) = channel_observations(["slack-1"] if configured else [], [record])

    assert (seen.rule, seen.subject, seen.bad) == ("channel_failing", "slack-1", bad)
    assert seen.value == failures
    if bad:
        assert seen.sentence == (
            "The last 3 tries to send through slack-1 failed (error=500); messages that wait: 4."
        )


def test_channels_that_were_not_tried_are_not_judged():
    assert channel_observations(["slack-1"], []) == []
