"""Starting a run on this machine when the machine refuses."""

import pytest

from src.config.settings import Settings
from src.core.errors import ForecastError
from src.dashboard import local_runs


def test_a_process_that_cannot_be_started_is_one_sentence_with_the_cause(tmp_path, monkeypatch):
    # The system starts no process with so long a variable.
    monkeypatch.setenv("TOO_LONG", "x" * 200_000)
    with pytest.raises(ForecastError) as caught:
        local_runs.start(7, Settings(home=tmp_path))
    assert str(caught.value) == (
        "Request 7 is stored, but this machine cannot start a process for it (Argument list too "
        "long): end other programs, then press “Start it again”, or run `python -m "
        "mlops.run_request 7`."
    )
