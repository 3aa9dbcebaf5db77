"""Send a chart request to Yahoo with the cookie, crumb and browser impersonation of yfinance.

Imported only when a request is made: yfinance and what it imports take most of a second.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from curl_cffi import CurlOpt
from curl_cffi.requests import Response, Session
from curl_cffi.requests.exceptions import Timeout
from peewee import PeeweeException

with warnings.catch_warnings():  # importing yfinance installs a warning filter for the process
    import yfinance
    from yfinance import cache
    from yfinance.data import YfData
    from yfinance.exceptions import YFException, YFRateLimitError

from src.data.sources.causes import short_cause
from src.data.sources.pace import REFUSALS

log = logging.getLogger(__name__)
CHART = "/v8/finance/chart/"
API_HOSTS = ".finance.yahoo.com/"
# Cannot be created, so yfinance works without a cache.
NO_CACHE = f"{os.devnull}/yfinance"


class NoAnswer(Exception):
    """Yahoo did not answer; another attempt may succeed."""


class Refused(Exception):
    """Yahoo refused a chart: yfinance would ask for it again, with another cookie."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"HTTP {response.status_code}")
        self.response = response


@dataclass(frozen=True)
class Answer:
    """An answer of Yahoo.

    Attributes:
        status: Of HTTP.
        retry_after: Seconds that it asks to wait; None where it does not.
        sent: Requests that it took, with one for a crumb.
    """

    status: int
    text: str
    retry_after: float | None
    sent: int


class Client:
    """A session with Yahoo, for one thread; ``timeout`` (seconds) bounds a whole attempt."""

    def __init__(self, base_url: str | None, timeout: float, cache_dir: Path | None) -> None:
        _redirect_logs()
        _set_cache_dir(cache_dir)
        self._timeout = timeout
        self._session = _RedirectedSession(base_url)
        # YfData() is a singleton; a separate one never has a crumb that outlives its cookies.
        self._data: Any = type.__call__(YfData, session=self._session)

    def get(self, url: str, params: dict[str, str]) -> Answer:
        """The answer; raises NoAnswer when there is none."""
        self._session.deadline = time.monotonic() + self._timeout
        self._session.sent = 0
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # its HTML parser warns about a consent page
                response = self._data.get(url, params=params, timeout=self._timeout)
        except YFRateLimitError:
            return Answer(429, "", None, self._session.sent)
        except Refused as refused:
            response = refused.response
        except Timeout as error:
            raise NoAnswer(f"no answer within {self._timeout:g} seconds") from error
        except (OSError, YFException, PeeweeException) as error:
            raise NoAnswer(short_cause(error)) from error
        return Answer(
            int(response.status_code),
            str(response.text),
            _seconds(response.headers.get("Retry-After")),
            self._session.sent,
        )


class _RedirectedSession(Session[Response]):
    """Sends every request of yfinance to one server, if ``base_url`` is given, within a deadline.

    The chart can do without cookie and crumb: each may take a quarter of the time left, so that a
    blocked cookie host does not cost the prices.
    """

    def __init__(self, base_url: str | None) -> None:
        self._base = base_url.rstrip("/") if base_url else None
        self.deadline, self.sent = 0.0, 0
        direct = {CurlOpt.NOPROXY: "*"} if base_url else None
        super().__init__(impersonate="chrome", curl_options=direct)

    def request(self, method: Any, url: str, **options: Any) -> Response:  # type: ignore[override]
        left = self.deadline - time.monotonic()
        if left < 0.001:  # to curl, 0 ms means no limit
            raise Timeout("the time for this attempt is used up")
        self.sent += API_HOSTS in url  # cookies come from another host
        options["timeout"] = left if CHART in url else left / 4
        if self._base:
            parts = urlsplit(url)
            url = self._base + (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            options["allow_redirects"] = False  # curl would follow them past this method
        response = super().request(method, url, **options)
        if CHART in url and response.status_code in REFUSALS:
            raise Refused(response)
        return response


class _ForwardToDebug(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        log.debug("yfinance: %s", record.getMessage())


def _redirect_logs() -> None:
    """Keep yfinance off the terminal: its error may be only the first of three attempts."""
    logger = logging.getLogger("yfinance")
    if not any(isinstance(handler, _ForwardToDebug) for handler in logger.handlers):
        logger.addHandler(_ForwardToDebug())
    logger.propagate = False


def _set_cache_dir(cache_dir: Path | None) -> None:
    location = NO_CACHE
    with contextlib.suppress(OSError):
        if cache_dir is not None:
            cache_dir.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=cache_dir).close()
            location = str(cache_dir)
    if location != cache._CookieDBManager.get_location():
        yfinance.set_tz_cache_location(location)
        cache._CookieCacheManager._Cookie_cache = None  # it still has the earlier location


def _seconds(text: str | None) -> float | None:
    """The seconds of Retry-After; a date is left out."""
    return float(text) if text is not None and re.fullmatch(r"\d{1,9}", text.strip()) else None
