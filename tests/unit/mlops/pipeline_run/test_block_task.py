"""What a worker reports of a block, on its way to the run."""

import pickle

from mlops.pipeline_run.block_task import RecordedStages
from mlops.pipeline_run.output.record import StageClock
from src.core.errors import TaskFailed
from tests.support.tasks import UnsendableError


class Heard:
    def __init__(self) -> None:
        self.failures: list[tuple[list[str], Exception]] = []

    def failed(self, clock: StageClock, tickers: list[str], error: Exception) -> None:
        self.failures.append((tickers, error))


def test_the_failure_of_a_ticker_reaches_the_run_whatever_error_it_was():
    recorded, heard = RecordedStages(), Heard()
    recorded.failed(StageClock("data_cleaning"), ["A.NS"], UnsendableError("this", "that"))
    recorded.failed(StageClock("data_cleaning"), ["B.NS"], ValueError("wrong"))
    pickle.loads(pickle.dumps(recorded)).replay(heard)  # noqa: S301 - our own bytes
    (first, unsendable), (second, plain) = heard.failures
    assert (first, second) == (["A.NS"], ["B.NS"])
    assert isinstance(unsendable, TaskFailed)
    assert str(unsendable) == "UnsendableError: this and that"
    assert "UnsendableError" in unsendable.__notes__[0]
    assert isinstance(plain, ValueError)
