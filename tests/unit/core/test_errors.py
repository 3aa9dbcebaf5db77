import errno
import os
from pathlib import Path

import pytest

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
