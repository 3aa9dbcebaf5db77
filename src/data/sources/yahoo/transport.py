"""A chart request in, Yahoo's status and text out: yfinance brings cookies, crumb and disguise.

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

log = logging.getLogger(__name__)
CHART = "/v8/finance/chart/"
NOWHERE = f"{os.devnull}/yfinance"  # cannot be created, which yfinance takes as: no cache


class NoAnswer(Exception):
    """Yahoo gave no answer; asking again may help."""


class Client:
    """One conversation with Yahoo, for one thread; ``timeout`` bounds a whole try."""

    def __init__(self, base_url: str | None, timeout: float, cache_dir: Path | None) -> None:
        _send_logs_to_ours()
        _keep_cache_in(cache_dir)
        self._timeout = timeout
        self._session = _RedirectedSession(base_url)
        # YfData() is one per process; ours is our own, so that a crumb never outlives its cookies
        self._data: Any = type.__call__(YfData, session=self._session)

    def get(self, url: str, params: dict[str, str]) -> tuple[int, str]:
        """Status and text of the answer; raises NoAnswer."""
        self._session.deadline = time.monotonic() + self._timeout
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what its HTML parser thinks of a consent page
                response = self._data.get(url, params=params, timeout=self._timeout)
        except YFRateLimitError:
            return 429, ""
        except Timeout as error:
            raise NoAnswer(f"no answer within {self._timeout:g} seconds") from error
        except (OSError, YFException, PeeweeException) as error:
            raise NoAnswer(_in_short(error)) from error
        return int(response.status_code), str(response.text)


class _RedirectedSession(Session[Response]):
    """Sends whatever yfinance asks of any host to one server, within one deadline.

    Cookie and crumb are a courtesy that the chart does without: they may take a quarter of the
    time left, so that a blocked cookie host does not cost the prices.
    """

    def __init__(self, base_url: str | None) -> None:
        self._base = base_url.rstrip("/") if base_url else None
        self.deadline = 0.0
        direct = {CurlOpt.NOPROXY: "*"} if base_url else None
        super().__init__(impersonate="chrome", curl_options=direct)

    def request(self, method: Any, url: str, **options: Any) -> Response:  # type: ignore[override]
        left = self.deadline - time.monotonic()
        if left < 0.001:  # curl takes 0 ms as: wait for ever
            raise Timeout("the time for this try is used up")
        options["timeout"] = left if CHART in url else left / 4
        if self._base:
            parts = urlsplit(url)
            url = self._base + (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            options["allow_redirects"] = False  # curl would follow them past this method
        return super().request(method, url, **options)


class _Forward(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        log.debug("yfinance: %s", record.getMessage())


def _send_logs_to_ours() -> None:
    """Keep yfinance off the terminal: what it calls an error may be the first of three tries."""
    logger = logging.getLogger("yfinance")
    if not any(isinstance(handler, _Forward) for handler in logger.handlers):
        logger.addHandler(_Forward())
    logger.propagate = False


def _keep_cache_in(cache_dir: Path | None) -> None:
    place = NOWHERE
    with contextlib.suppress(OSError):
        if cache_dir is not None:
            cache_dir.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=cache_dir).close()
            place = str(cache_dir)
    if place != cache._CookieDBManager.get_location():
        yfinance.set_tz_cache_location(place)
        cache._CookieCacheManager._Cookie_cache = None  # it holds on to the earlier place


def _in_short(error: BaseException) -> str:
    """``Failed to perform, curl: (7) Why. See https://…`` becomes ``Why``."""
    text = " ".join(str(error).split()) or type(error).__name__
    found = re.search(r"curl: \(\d+\) (.*?)\.? See https://", text)
    return found[1] if found else text
