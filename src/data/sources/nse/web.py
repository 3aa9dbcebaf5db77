"""Ask one of NSE's servers for a file, as a browser would, within a time."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from http import HTTPStatus
from http.client import responses
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from src.config import logs
from src.core.errors import SourceUnavailable
from src.data.sources.causes import short_cause
from src.data.sources.pace import REFUSALS

if TYPE_CHECKING:
    from src.data.sources.pace import Pace

log = logs.get(__name__)

TIMEOUT = 30.0  # seconds for the whole of one attempt
ATTEMPTS, PAUSE = 3, 1.0
# Bytes; the largest file of a session has a hundredth of it.
LARGEST_ANSWER = 64 * 1024 * 1024


class NotDelivered(Exception):
    """The server has no such file, or not yet."""


class Web:
    """One of NSE's servers, or another at ``base_url`` with the same paths. For one thread.

    Attributes:
        host: Of the server, with its port.

    Args:
        default: The address of NSE's own server.
        front: A path whose cookies the server wants to see; it is asked for first.
        is_paced: Whether its refusals pause what the pace is of; else only turns are taken.
        timeout: Seconds for the whole of one attempt.
    """

    def __init__(
        self,
        base_url: str | None,
        default: str,
        *,
        front: str | None = None,
        is_paced: bool = True,
        timeout: float = TIMEOUT,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._base = (base_url or default).rstrip("/")
        self.host = urlsplit(self._base).netloc
        self._is_other, self._front = base_url is not None, front
        self._is_paced = is_paced
        self._timeout, self._sleep = timeout, sleep
        self._session: Any = None

    def url(self, path: str) -> str:
        """The address of a path."""
        return self._base + path

    def fetch(self, path: str, pace: Pace | None, *, attempts: int = ATTEMPTS) -> bytes:
        """The bytes at a path.

        Raises:
            NotDelivered: There are none.
            SourceNotAsked: The server may not be asked now.
            SourceUnavailable: There was no answer, or an error.
        """
        cause = ""
        for attempt in range(attempts):
            if attempt:
                self._sleep(PAUSE * 2 ** (attempt - 1))
                if self._front is not None:
                    self._session = None
            status, content, cause = self._ask(path, pace)
            if status == HTTPStatus.NOT_FOUND:
                raise NotDelivered(_sentence(path, cause))
            if status == HTTPStatus.OK:
                return content
            if status in REFUSALS:
                break
        raise SourceUnavailable(_sentence(path, cause))

    def _ask(self, path: str, pace: Pace | None) -> tuple[int, bytes, str]:
        """Status, body and, where it is no 200, what is wrong; status 0 without an answer."""
        from curl_cffi.requests.exceptions import RequestException

        if pace:
            pace.take_turn()
        try:
            answer = self._opened().get(self.url(path), timeout=self._timeout)
        except RequestException as error:
            if pace and self._is_paced:
                pace.note_silence()
            log.info(f"{self.url(path)}: {error}", file_only=True)
            return 0, b"", short_cause(error)
        status = int(answer.status_code)
        if pace and self._is_paced:
            pace.note(status, retry_after=_seconds(answer.headers.get("Retry-After")))
        return status, answer.content, f"HTTP {status} {responses.get(status, '')}".strip()

    def _opened(self) -> Any:
        """The session, with the cookies of the front page."""
        from curl_cffi import CurlOpt
        from curl_cffi.requests import Session

        if self._session is None:
            options: dict[Any, Any] = {CurlOpt.MAXFILESIZE_LARGE: LARGEST_ANSWER}
            if self._is_other:
                options[CurlOpt.NOPROXY] = "*"
            self._session = Session(impersonate="chrome", curl_options=options)
            if self._front is not None:
                # Its status says nothing: what counts is the answer to the request itself.
                self._session.get(self.url(self._front), timeout=self._timeout)
        return self._session


def _sentence(path: str, cause: str) -> str:
    return f"NSE did not deliver {urlsplit(path).path} ({cause})"


def _seconds(text: str | None) -> float | None:
    """The seconds of Retry-After; a date is left out."""
    return float(text) if text is not None and re.fullmatch(r"\d{1,9}", text.strip()) else None
