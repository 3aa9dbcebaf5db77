"""Errors that a person can act on: each is one sentence that says what is wrong and what to do."""

from __future__ import annotations

import datetime as dt
import errno
from collections.abc import Mapping
from typing import Any

# The disk is full, or the quota of this user.
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
_NO_FOLDER = (errno.EEXIST, errno.ENOTDIR)


class ForecastError(Exception):
    """The command failed: see the log for the details."""

    exit_code = 1

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip())

    def __reduce__(self) -> tuple[Any, ...]:
        # What its class is called with is not its message.
        return _restored, (type(self), str(self), self.__dict__)


class UsageError(ForecastError):
    """The command was called with wrong arguments: try --help."""

    exit_code = 2


class BadInput(ForecastError):
    """The input was refused as a whole: nothing of it was stored."""


class BadConfig(ForecastError):
    """The configuration has an unknown key or an unusable value."""


class SourceUnavailable(ForecastError):
    """The price source could not be reached, or did not return prices."""


class SourceNotAsked(SourceUnavailable):
    """The price source may not be asked now.

    Attributes:
        why: A clause, such as ``Yahoo refuses requests (HTTP 429)``.
        resumes_at: When it may be asked again; None where nobody knows.
    """

    def __init__(self, why: str, resumes_at: dt.datetime | None) -> None:
        at = f" and may be asked again at {resumes_at:%Y-%m-%d %H:%M} UTC" if resumes_at else ""
        super().__init__(f"{why}{at}")
        self.why, self.resumes_at = why, resumes_at


class DatabaseUnavailable(ForecastError):
    """The database does not answer."""


class DatabaseRefused(ForecastError):
    """The database answers, but reported an error."""


class ValueRefused(DatabaseRefused):
    """The database answers, but refuses a value: trying again does not help."""


class DatabaseFull(DatabaseRefused):
    """The database answers, but its disk is full: free some space."""


class RunLocked(ForecastError):
    """Another run for the same ticker is in progress: wait for it to end, then try again."""


class ValidationFailed(ForecastError):
    """A critical check failed, so no model was trained.

    Attributes:
        by_ticker: The error of each ticker that failed, where several were checked together.
    """

    def __init__(
        self, message: str | None = None, by_ticker: Mapping[str, ValidationFailed] | None = None
    ) -> None:
        super().__init__(message or "A critical check failed, so no model was trained.")
        self.by_ticker = by_ticker or {}


class WrongInstrument(ValidationFailed):
    """The stored prices of a ticker are those of another instrument: it is pooled no longer."""


class WorkerLost(ForecastError):
    """A worker was lost several times at the same task."""

    def __init__(self, times: int) -> None:
        super().__init__(
            f"A worker was lost {times} times at the same task, perhaps for lack of memory: give "
            "its machine more, or let fewer run at a time with --workers, then run this again."
        )


class ClusterLost(ForecastError):
    """The cluster that tasks run on does not answer."""


class WorkerRefused(ForecastError):
    """A worker cannot work for this run."""


class TaskFailed(ForecastError):
    """A task of a worker failed with an error that only its own log can show in full."""


class UnwritableFolder(ForecastError):
    """A folder that the system writes to cannot be written."""

    def __init__(self, folder: object, error: OSError, setting: str = "FORECAST_HOME") -> None:
        advice = f"make it writable for this user, or set {setting} to another folder"
        if error.errno in DISK_FULL:
            advice = "free some space, then try again"
        elif error.errno in _NO_FOLDER:
            advice = f"move away the file in its place, or set {setting} to another folder"
        super().__init__(f"The folder {folder} cannot be written ({error.strerror}): {advice}.")


class UnreadableFolder(ForecastError):
    """A folder that the system reads cannot be read."""

    def __init__(self, folder: object, error: OSError, setting: str = "FORECAST_HOME") -> None:
        advice = f"make it and its files readable for this user, or set {setting} to another folder"
        if error.errno in _NO_FOLDER:
            advice = f"move away the file in its place, or set {setting} to another folder"
        super().__init__(f"The folder {folder} cannot be read ({error.strerror}): {advice}.")


def _restored(kind: type[ForecastError], message: str, attributes: dict[str, Any]) -> ForecastError:
    """An error as it was pickled."""
    error = kind.__new__(kind, message)
    error.__dict__.update(attributes)
    return error


def one_line(error: BaseException) -> str:
    """The message of an error on one line, or its type where it has no message."""
    return " ".join(str(error).split()) or type(error).__name__
