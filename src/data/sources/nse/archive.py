"""Fetch the file of one session from NSE's archive, and unpack it."""

from __future__ import annotations

import datetime as dt
import io
import time
import tomllib
import zipfile
from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from http.client import responses
from importlib import resources
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from src.core.errors import BadInput, SourceUnavailable
from src.data.sources.files.containers.archives import LARGEST
from src.data.sources.files.reader import Content, unpack
from src.data.sources.pace import REFUSALS

if TYPE_CHECKING:
    from src.data.sources.pace import Pace

NSE = "https://nsearchives.nseindia.com"
TIMEOUT = 30  # seconds for one attempt
ATTEMPTS, PAUSE = 3, 1.0
_ZIP = b"PK\x03\x04"


class NotDelivered(Exception):
    """The archive has no file of the session, or not yet."""


class Archive:
    """NSE's archive, or another server at ``base_url`` with the same paths. For one thread."""

    def __init__(
        self, base_url: str | None, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._base = (base_url or NSE).rstrip("/")
        self._is_other, self._sleep = base_url is not None, sleep
        self._session: Any = None

    def url(self, day: dt.date) -> str:
        """Where the file of a session is.

        Raises:
            SourceUnavailable: The archive has no files of that time.
        """
        for since, path in _files():
            if day >= since:
                return self._base + path.format(day=day)
        raise SourceUnavailable(
            f"NSE's archive is read from {_files()[-1][0]} on: bring in {day} from a file"
        )

    def fetch(self, url: str, pace: Pace | None) -> Content:
        """The file at an address, unpacked.

        Raises:
            NotDelivered: It is not there.
            SourceNotAsked: The archive may not be asked now.
            SourceUnavailable: There was no answer, or an error.
            BadInput: The file is damaged, or no text.
        """
        cause = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                self._sleep(PAUSE * 2 ** (attempt - 1))
            if pace:
                pace.take_turn()
            status, packed, cause = self._get(url, pace)
            if status == HTTPStatus.NOT_FOUND:
                raise NotDelivered
            if status == HTTPStatus.OK:
                return unpack(_unzipped(packed))
            if status in REFUSALS:
                break
        raise SourceUnavailable(f"NSE did not deliver {urlsplit(url).path} ({cause})")

    def _get(self, url: str, pace: Pace | None) -> tuple[int, bytes, str]:
        """Status, body and, where it is no 200, what is wrong; status 0 without an answer."""
        from curl_cffi import CurlOpt
        from curl_cffi.requests import Session
        from curl_cffi.requests.exceptions import RequestException

        if self._session is None:
            direct = {CurlOpt.NOPROXY: "*"} if self._is_other else None
            self._session = Session(impersonate="chrome", curl_options=direct)
        try:
            answer = self._session.get(url, timeout=TIMEOUT)
        except RequestException as error:
            if pace:
                pace.note_silence()
            return 0, b"", " ".join(str(error).split()).partition(" See https://")[0]
        status = int(answer.status_code)
        if pace:
            pace.note(status)
        return status, answer.content, f"HTTP {status} {responses.get(status, '')}".strip()


@cache
def _files() -> list[tuple[dt.date, str]]:
    """Since when there is which file, the newest first."""
    text = resources.files("src.data.sources.nse").joinpath("files.toml").read_text("utf-8")
    return [(entry["since"], entry["path"]) for entry in tomllib.loads(text)["files"]]


def _unzipped(packed: bytes) -> bytes:
    """The one file of a zip archive; anything else as it is."""
    if not packed.startswith(_ZIP):
        return packed
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            members = [each for each in archive.infolist() if not each.is_dir()]
            if len(members) != 1 or members[0].file_size > LARGEST:
                raise BadInput("its zip archive does not have one file of prices.")
            return archive.read(members[0])
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise BadInput(f"its zip archive is damaged ({error}).") from error
