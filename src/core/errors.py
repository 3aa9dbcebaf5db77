"""Errors that a person can act on: each is one sentence that says what is wrong and what to do."""

from __future__ import annotations

import errno

# A disk, or somebody's share of it, that is used up.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class ForecastError(Exception):
    """The job could not be done: see the log for the details."""

    exit_code = 1

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip())


class UsageError(ForecastError):
    """The command was called in a way it does not know: try --help."""

    exit_code = 2


class BadInput(ForecastError):
    """The input was refused, whole: nothing of it was stored."""


class BadConfig(ForecastError):
    """The configuration holds a key or a value that cannot be used."""


class SourceUnavailable(ForecastError):
    """The price source could not be reached, or did not answer with prices."""


class DatabaseUnavailable(ForecastError):
    """The database does not answer."""


class DatabaseRefused(ForecastError):
    """The database answers, but does not do what it is asked."""


class DatabaseFull(DatabaseRefused):
    """The database answers, but its disk has no room for what it is to store: free some."""


class RunLocked(ForecastError):
    """Another run for the same ticker is under way: wait for it, then try again."""


class ValidationFailed(ForecastError):
    """A critical check failed, so no model was trained."""


class UnwritableFolder(ForecastError):
    """A folder of ours cannot be written."""

    def __init__(self, folder: object, error: OSError) -> None:
        advice = (
            "free some, then try again"
            if error.errno in NO_ROOM
            else "give its rights to this user, or set FORECAST_HOME to a folder of your own"
        )
        super().__init__(f"The folder {folder} cannot be written ({error.strerror}): {advice}.")


def one_line(error: BaseException) -> str:
    """The message of an error on one line, or its type where it has no message."""
    return " ".join(str(error).split()) or type(error).__name__
