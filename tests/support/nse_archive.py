"""A server on 127.0.0.1 with NSE's daily files and its list of actions, as the real ones are."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import json
import threading
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

UDIFF = (
    "TradDt,BizDt,Sgmt,Src,FinInstrmTp,FinInstrmId,ISIN,TckrSymb,SctySrs,XpryDt,"
    "FininstrmActlXpryDt,StrkPric,OptnTp,FinInstrmNm,OpnPric,HghPric,LwPric,ClsPric,LastPric,"
    "PrvsClsgPric,UndrlygPric,SttlmPric,OpnIntrst,ChngInOpnIntrst,TtlTradgVol,TtlTrfVal,"
    "TtlNbOfTxsExctd,SsnId,NewBrdLotQty,Rmks,Rsvd1,Rsvd2,Rsvd3,Rsvd4"
)
FULL = (
    "SYMBOL, SERIES, DATE1, PREV_CLOSE, OPEN_PRICE, HIGH_PRICE, LOW_PRICE, LAST_PRICE, "
    "CLOSE_PRICE, AVG_PRICE, TTL_TRD_QNTY, TURNOVER_LACS, NO_OF_TRADES, DELIV_QTY, DELIV_PER"
)
ACTIONS = "/api/corporates-corporateActions"
# Symbol, series, open, high, low, close, volume.
Row = tuple[str, str, float, float, float, float, int]


@dataclass
class Replay:
    """``files`` by path; with ``patience``, requests after so many are refused.

    ``actions`` are rows of the website's list, which refuses who has no cookie of its front page,
    and everybody with ``actions_status``. ``hangs`` accepts and never answers, ``drips`` sends a
    byte a tenth of a second, and ``cut`` sends half of what it announces.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    patience: int | None = None
    status: int | None = None
    hangs: bool = False
    drips: bool = False
    cut: bool = False
    requests: list[str] = field(default_factory=list)
    actions: list[dict[str, Any]] = field(default_factory=list)
    actions_status: int | None = None
    actions_body: bytes | None = None
    actions_requests: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def publish(self, day: dt.date, rows: Sequence[Row]) -> None:
        """The file of a session, in the layout of its time."""
        if day >= dt.date(2024, 7, 8):
            self.files[udiff_path(day)] = udiff(day, rows)
        else:
            self.files[full_path(day)] = full(day, rows)

    def answer(self, path: str) -> tuple[int, bytes]:
        self.requests.append(path)
        if self.patience is not None and len(self.requests) > self.patience:
            return 429, b"Too Many Requests"
        if self.status:
            return self.status, b"<html>Access denied</html>"
        body = self.files.get(path)
        return (404, b"<html>Resource not found</html>") if body is None else (200, body)

    def answer_actions(self, target: str, cookie: str) -> tuple[int, bytes]:
        self.actions_requests.append(target)
        if self.actions_status or "nsit=1" not in cookie:
            return self.actions_status or 401, b"<html>Access denied</html>"
        if self.actions_body is not None:
            return 200, self.actions_body
        query = parse_qs(urlsplit(target).query)
        first, last = (_ex_date(query[name][0], "%d-%m-%Y") for name in ("from_date", "to_date"))
        rows = [row for row in self.actions if first <= _ex_date(row["exDate"]) <= last]
        return 200, json.dumps(rows).encode()


def action(symbol: str, subject: str, ex_date: str, series: str = "EQ") -> dict[str, Any]:
    """A row of the website's list; the date as in 09-Apr-2026."""
    return {
        "symbol": symbol,
        "series": series,
        "ind": "-",
        "faceVal": "10",
        "subject": subject,
        "exDate": ex_date,
        "recDate": ex_date,
        "bcStartDate": "-",
        "bcEndDate": "-",
        "ndStartDate": "-",
        "comp": f"{symbol} Limited",
        "isin": "INE000000001",
        "ndEndDate": "-",
        "caBroadcastDate": None,
    }


def _ex_date(text: str, form: str = "%d-%b-%Y") -> dt.date:
    return dt.datetime.strptime(text, form).date()  # noqa: DTZ007


def udiff_path(day: dt.date) -> str:
    return f"/content/cm/BhavCopy_NSE_CM_0_0_0_{day:%Y%m%d}_F_0000.csv.zip"


def full_path(day: dt.date) -> str:
    return f"/products/content/sec_bhavdata_full_{day:%d%m%Y}.csv"


def udiff(
    day: dt.date, rows: Sequence[Row], *, exchange: str = "NSE", segment: str = "CM"
) -> bytes:
    lines = [UDIFF]
    for number, (symbol, series, opened, high, low, close, volume) in enumerate(rows, 1):
        prices = f"{opened:.2f},{high:.2f},{low:.2f},{close:.2f},{close:.2f},{opened:.2f}"
        lines.append(
            f"{day},{day},{segment},{exchange},STK,{number},INE{number:09},{symbol},{series},"
            f",,,,{symbol} LTD,"
            f"{prices},,{close:.2f},,,{volume},{volume * close:.2f},100,F1,1,,,,,"
        )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        name = f"BhavCopy_NSE_CM_0_0_0_{day:%Y%m%d}_F_0000.csv"
        archive.writestr(name, "\n".join(lines) + "\n")
    return packed.getvalue()


def full(day: dt.date, rows: Sequence[Row]) -> bytes:
    lines = [FULL]
    for symbol, series, opened, high, low, close, volume in rows:
        lines.append(
            f"{symbol}, {series}, {day:%d-%b-%Y}, {opened:.2f}, {opened:.2f}, {high:.2f}, "
            f"{low:.2f}, {close:.2f}, {close:.2f}, {close:.2f}, {volume}, 1.00, 50, 500, 50.00"
        )
    return ("\n".join(lines) + "\n").encode()


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        replay = self.server.replay
        if self.path == "/" or self.path.startswith(ACTIONS):
            self._answer_website(replay)
            return
        status, body = replay.answer(self.path)
        if replay.hangs:
            replay.ended.wait(60)
            return
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if replay.cut:
            body = body[: len(body) // 2]
        with contextlib.suppress(OSError):  # whoever asked has gone
            for part in [bytes([byte]) for byte in body] if replay.drips else [body]:
                self.wfile.write(part)
                self.wfile.flush()
                if replay.drips and replay.ended.wait(0.1):
                    return

    def _answer_website(self, replay: Replay) -> None:
        status, body = 200, b"<html>NSE</html>"
        if self.path != "/":
            status, body = replay.answer_actions(self.path, self.headers.get("Cookie", ""))
        self.send_response(status)
        if self.path == "/":
            self.send_header("Set-Cookie", "nsit=1; Path=/")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: the requests are kept for the test."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    replay: Replay


@contextmanager
def nse_archive() -> Iterator[Replay]:
    server = _Server(("127.0.0.1", 0), _Handler)
    replay = server.replay = Replay(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield replay
    finally:
        replay.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()
