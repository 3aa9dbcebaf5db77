"""A server on 127.0.0.1 that answers like Yahoo's v8 chart, with the charts that a test gives it.

As a fixture: ``with yahoo_replay() as server: server.charts["TCS.NS"] = chart(...)``, then hand
``server.url`` to the code under test. Every request is in ``server.requests``.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

CHART = "/v8/finance/chart/"
UNKNOWN = {
    "chart": {
        "result": None,
        "error": {
            "code": "Not Found",
            "description": "No data found, symbol may be delisted",
        },
    }
}
EMPTY = {"chart": {"result": [], "error": None}}


@dataclass(frozen=True)
class Reply:
    """The reply to a request. ``act``: ``answer``, ``hang`` or ``disconnect``."""

    status: int = 200
    body: Any = ""
    act: str = "answer"
    location: str = ""
    headers: tuple[tuple[str, str], ...] = ()


HANG, DISCONNECT = Reply(act="hang"), Reply(act="disconnect")


@dataclass
class Replay:
    """``charts`` by (ticker, interval) or ticker; ``chart_replies`` are given first, in order.

    With ``patience``, every chart after so many is refused until there is more of it.
    """

    url: str = ""
    charts: dict[Any, Any] = field(default_factory=dict)
    chart_replies: list[Reply] = field(default_factory=list)
    every_reply: Reply | None = None
    patience: int | None = None
    requests: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def chart_requests(self) -> list[str]:
        return [request for request in self.requests if request.startswith(CHART)]

    def reply_to(self, target: str) -> Reply:
        self.requests.append(target)
        charts = target.startswith(CHART)
        if charts and self.patience is not None and len(self.chart_requests()) > self.patience:
            self.refused.append(target)
            return Reply(429, "Too Many Requests")
        if self.every_reply:
            return self.every_reply
        if not target.startswith(CHART):
            return Reply(body="a-crumb" if "getcrumb" in target else "<html></html>")
        if self.chart_replies:
            return self.chart_replies.pop(0)
        parts = urlsplit(target)
        ticker = unquote(parts.path.removeprefix(CHART))
        interval = parse_qs(parts.query).get("interval", ["1d"])[0]
        chart = self.charts.get((ticker, interval), self.charts.get(ticker))
        return Reply(404, UNKNOWN) if chart is None else Reply(body=chart)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        reply = self.server.replay.reply_to(self.path)
        if reply.act == "hang":
            self.server.replay.released.wait(60)
        if reply.act != "answer":
            self.close_connection = True
            return
        body = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
        self.send_response(reply.status)
        self.send_header("Content-Type", "application/json" if body[:1] == "{" else "text/html")
        self.send_header("Content-Length", str(len(body.encode())))
        if reply.location:
            self.send_header("Location", reply.location)
        for name, value in reply.headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode())

    do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: the requests are kept for the test."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    replay: Replay

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Some tests are about a client that gives up waiting."""


@contextmanager
def yahoo_replay(charts: Mapping[Any, Any] | None = None) -> Iterator[Replay]:
    server = _Server(("127.0.0.1", 0), _Handler)
    replay = server.replay = Replay(f"http://127.0.0.1:{server.server_port}", dict(charts or {}))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield replay
    finally:
        replay.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


def chart(
    ticker: str,
    rows: Sequence[tuple[Any, ...]],
    *,
    interval: str = "1d",
    zone: str = "Asia/Kolkata",
    splits: Mapping[dt.datetime, tuple[int, int]] | None = None,
    dividends: Mapping[dt.datetime, float] | None = None,
) -> dict[str, Any]:
    """An answer in Yahoo's form; a row is (time, open, high, low, close, volume[, adj close])."""
    stamps = [int(row[0].timestamp()) for row in rows]
    names = ("open", "high", "low", "close", "volume")
    indicators: dict[str, Any] = {
        "quote": [{name: [row[k] for row in rows] for k, name in enumerate(names, 1)}]
    }
    if interval == "1d":
        indicators["adjclose"] = [
            {"adjclose": [row[6] if len(row) > 6 else row[4] for row in rows]}
        ]
    events: dict[str, Any] = {
        "dividends": {
            str(int(at.timestamp())): {"amount": amount, "date": int(at.timestamp())}
            for at, amount in (dividends or {}).items()
        },
        "splits": {
            str(int(at.timestamp())): {
                "date": int(at.timestamp()),
                "numerator": after,
                "denominator": before,
                "splitRatio": f"{after}:{before}",
            }
            for at, (after, before) in (splits or {}).items()
        },
    }
    meta = {
        "currency": "INR",
        "symbol": ticker,
        "exchangeName": "NSI",
        "instrumentType": "EQUITY",
        "firstTradeDate": 1029123900,
        "gmtoffset": 19800,
        "timezone": "IST",
        "exchangeTimezoneName": zone,
        "priceHint": 2,
        "dataGranularity": interval,
        "validRanges": ["1d", "5d", "1mo", "max"],
    }
    result = {"meta": meta, "timestamp": stamps, "events": events, "indicators": indicators}
    return {"chart": {"result": [result], "error": None}}


def recorded_answers() -> dict[str, dict[str, Any]]:
    """The recorded answers by file name; none where the folder of test data is missing."""
    repository = Path(__file__).resolve().parents[2]
    root = Path(os.environ.get("FORECAST_TEST_DATA") or repository.parent / "shared" / "data")
    files = sorted((root / "yahoo_chart_json").glob("*.json"))
    return {path.name: json.loads(path.read_text(encoding="utf-8")) for path in files}
