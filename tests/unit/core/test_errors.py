import errno
import os
from pathlib import Path

import pytest

from src.core.errors import UnwritableFolder


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "free some, then try again."),
        (errno.EDQUOT, "free some, then try again."),
        (errno.EACCES, "or set FORECAST_HOME to a folder of your own."),
        (errno.EROFS, "or set FORECAST_HOME to a folder of your own."),
    ],
)
def test_a_folder_that_cannot_be_written_says_why_and_what_helps(number, advice):
    said = str(UnwritableFolder(Path("models"), OSError(number, os.strerror(number))))

    assert said.startswith(f"The folder models cannot be written ({os.strerror(number)}): ")
    assert said.endswith(advice)
