"""Tell a service in the protocol of Healthchecks how each run goes, so that silence is noticed.

The address itself means success, ``/start`` that a run begins, ``/fail`` that it failed, with the
reason as body; see https://healthchecks.io/docs/http_api/. Success is only told if the newest
session advanced or there was none to come. A service that is slow or away delays nobody.
"""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit, urlunsplit

from src.config import logs
from src.core.errors import one_line

if TYPE_CHECKING:
    from src.config.settings import Settings

log = logs.get(__name__)

Signal = Literal["start", "success", "fail"]
# Seconds: that a run waits at its end for signals under way, that a signal waits for the one
# before, and that an answer may take.
PATIENCE, IN_ORDER, TIMEOUT = 0.8, 0.3, 10
# Bytes of a body that services keep.
LONGEST = 10_000


def verdict(
    results: Mapping[str, Any], before: dt.date | None, after: dt.date | None, due: dt.date
) -> tuple[Signal, str]:
    """What is told of a run that has ended, and the sentence.

    Args:
        results: Its ``results.json``.
        before: The newest session with features before the run; None where there were none.
        after: The same after it.
        due: The last session that had closed when it began.
    """
    if results["status"] == "failed":
        return "fail", str(results["error"])
    done = f"Run {results['pipeline_id']} ended with status {results['status']}"
    if after is None:
        return "fail", f"{done}, but there are no features."
    if after >= due:
        return "success", f"{done}; the newest session is {after}."
    if before is not None and after > before:
        return "success", f"{done}; the newest session advanced to {after}, {due} is still to come."
    return "fail", f"{done}, but the newest session is still {after}, though {due} has closed."


class Heartbeat:
    """Sends the signals of one run, each in a thread of its own.

    Args:
        url: Of the check, with its key; None sends nothing.
        run_id: Of the run: its signals are told apart from those of others by it.
    """

    def __init__(self, url: str | None, run_id: str) -> None:
        self._url = url
        self._run = uuid.uuid5(uuid.NAMESPACE_OID, run_id)
        self._thread: threading.Thread | None = None
        if url is not None:
            logs.hide({url, urlsplit(url).path.strip("/")})

    @classmethod
    def of(cls, settings: Settings, run_id: str) -> Heartbeat:
        """That of an installation."""
        url = settings.monitoring.heartbeat_url
        return cls(url.get_secret_value() if url else None, run_id)

    def send(self, signal: Signal, sentence: str = "") -> None:
        """Send a signal; returns at once, and never raises."""
        if self._url is None:
            return
        address = _address(self._url, signal, self._run)
        before = self._thread

        def work() -> None:
            if before is not None:
                before.join(IN_ORDER)
            _post(address, signal, sentence)

        self._thread = threading.Thread(target=work, name=f"heartbeat-{signal}", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait for the last signal, but not for long: it goes on by itself."""
        if self._thread is not None:
            self._thread.join(PATIENCE)
            if self._thread.is_alive():
                log.warning("The heartbeat has had no answer yet; it was left to arrive by itself.")


def _address(url: str, signal: Signal, run: uuid.UUID) -> str:
    """The URL of a signal; what stands behind a ``?`` stays there."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/") + ("" if signal == "success" else f"/{signal}")
    query = "&".join(filter(None, (parts.query, f"rid={run}")))
    return urlunsplit((parts.scheme, parts.netloc, path, query, ""))


def _post(address: str, signal: Signal, sentence: str) -> None:
    """Send, following no redirection: what arrives behind one is an empty GET."""
    import http.client

    parts = urlsplit(address)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    try:
        connection = kind(parts.netloc, timeout=TIMEOUT)
        body = sentence.encode()[:LONGEST]
        connection.request("POST", f"{parts.path}?{parts.query}", body)
        status = connection.getresponse().status
        connection.close()
    except Exception as error:  # of a name that does not resolve to a body that never ends
        log.warning(f"The heartbeat ({signal}) could not be sent: {one_line(error)}")
        return
    if status // 100 != 2:
        log.warning(f"The heartbeat ({signal}) was refused with status {status}.")
