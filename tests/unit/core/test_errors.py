import datetime as dt
import errno
import os
import pickle
from pathlib import Path

import pytest

from src.core import errors
from src.core.errors import UnwritableFolder


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "free some space, then try again."),
        (errno.EDQUOT, "free some space, then try again."),
        (errno.EACCES, "or set FORECAST_HOME to another folder."),
        (errno.EROFS, "or set FORECAST_HOME to another folder."),
        (errno.EEXIST, "move away the file in its place, or set FORECAST_HOME to another folder."),
    ],
)
def test_a_folder_that_cannot_be_written_says_why_and_what_helps(number, advice):
    message = str(UnwritableFolder(Path("models"), OSError(number, os.strerror(number))))

    assert message.startswith(f"The folder models cannot be written ({os.strerror(number)}): ")
    assert message.endswith(advice)


@pytest.mark.parametrize(
    "error",
    [
        errors.BadInput("No such file."),
        errors.SourceNotAsked("Yahoo refuses", dt.datetime(2026, 4, 1, tzinfo=dt.UTC)),
        errors.UnwritableFolder("/srv", OSError(28, "No space left on device")),
        errors.UnreadableFolder("/srv", OSError(13, "Permission denied")),
        errors.ValidationFailed("two failed", {"A.NS": errors.WrongInstrument("another")}),
        errors.WorkerLost(3),
    ],
)
def test_an_error_is_the_same_in_another_process(error):
    sent = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert type(sent) is type(error)
    assert str(sent) == str(error)
    assert str(sent.__dict__) == str(error.__dict__)
