"""How fast `/predict/*` answers, against endpoints that answer a constant.

    .venv/bin/python benchmarks/serving.py [seconds]

One uvicorn worker, 32 connections over loopback, from another process: `wrk` if it is installed,
else asyncio. The database is a PostgreSQL of its own in a temporary folder.
"""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support"), str(ROOT / "benchmarks")]

CONNECTIONS = 32
NOW = "2026-04-13T12:30:00Z"
TICKERS = [f"BENCH{number}.NS" for number in range(CONNECTIONS)]


def create():
    """The application with two more routes: a constant, and a forecast that is always read."""
    from fastapi import Request

    from src.api import predict_simple, predictions

    app = predict_simple.create()

    @app.get("/constant")
    async def constant():
        return {"status": "alive"}

    @app.get("/read")
    async def read(request: Request, ticker: str):
        request.app.state.desk.cache.outdate(ticker)
        return await predictions.short(request)

    return app


def bare():
    """A FastAPI application with nothing but the constant."""
    from fastapi import FastAPI

    app = FastAPI()

    @app.get("/constant")
    async def constant():
        return {"status": "alive"}

    return app


class Client(asyncio.Protocol):
    """Asks again as soon as it has been answered."""

    def __init__(self, request, until, times):
        self.request, self.until, self.times, self.buffer = request, until, times, b""

    def connection_made(self, transport):
        self.transport = transport
        self.ask()

    def ask(self):
        self.began = time.perf_counter()
        self.transport.write(self.request)

    def data_received(self, data):
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self.buffer[:end].lower()
        at = head.index(b"content-length: ") + 16
        length = int(head[at:].split(b"\r\n", 1)[0])
        if len(self.buffer) < end + 4 + length:
            return
        if b" 200 " not in self.buffer[:15]:
            raise SystemExit(self.buffer.decode())
        self.buffer = b""
        now = time.perf_counter()
        self.times.append(now - self.began)
        if now < self.until:
            self.ask()
        else:
            self.transport.close()


async def load(port, paths, seconds):
    """Requests a second, and the times of all of them in order of size."""
    loop, times = asyncio.get_running_loop(), []
    until = time.perf_counter() + seconds
    for number in range(CONNECTIONS):
        path = paths[number % len(paths)]
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
        await loop.create_connection(
            lambda request=request: Client(request, until, times), "127.0.0.1", port
        )
    await asyncio.sleep(seconds + 0.3)
    times.sort()
    return {
        "rate": len(times) / seconds,
        "p50": times[len(times) // 2] * 1e3,
        "p99": times[int(len(times) * 0.99)] * 1e3,
        "n": len(times),
    }


def ask_in_another_process(port, paths, seconds):
    """What `load` finds, or `wrk` where it is installed and there is one path."""
    if len(paths) == 1 and shutil.which("wrk"):
        return _wrk(f"http://127.0.0.1:{port}{paths[0]}", seconds)
    found = subprocess.run(
        [sys.executable, __file__, "load", str(port), str(seconds), *paths],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(found.stdout)


def _wrk(url, seconds):
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", url]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")
    said = {line.split()[0]: line.split()[1] for line in lines if len(line.split()) == 2}
    scale = {"us": 1e-3, "ms": 1.0, "s": 1e3}

    def milliseconds(text):
        unit = next(one for one in scale if text.endswith(one))
        return float(text.removesuffix(unit)) * scale[unit]

    rate = float(said["Requests/sec:"])
    p50, p99 = milliseconds(said["50%"]), milliseconds(said["99%"])
    return {"rate": rate, "p50": p50, "p99": p99, "n": rate * seconds}


def fill(home):
    """A database with live models; returns its lease."""
    import psycopg
    from answers import put_live
    from models import made

    from src.db.database import DATA_DIR
    from src.db.embedded import acquire
    from src.db.migrate import ensure_schema

    lease = acquire(home / DATA_DIR)
    ensure_schema(lease.url)
    with psycopg.connect(lease.url, autocommit=True) as connection:
        put_live(connection, home / "models", [made(ticker=ticker) for ticker in TICKERS])
    return lease


class Server:
    """One uvicorn worker in a process of its own."""

    def __init__(self, factory, home):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        environment = {**os.environ, "FORECAST_HOME": str(home), "FORECAST_NOW": NOW}
        environment.update(PYTHONPATH=f"{ROOT}:{ROOT / 'benchmarks'}", LOG_LEVEL="ERROR")
        command = f"-m uvicorn --factory serving:{factory} --port {self.port} --no-access-log"
        self.process = subprocess.Popen(
            [sys.executable, *command.split(), "--log-level", "error"], env=environment
        )
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                time.sleep(0.05)

    def cpu(self):
        """Seconds of processor time so far."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")

    def measured(self, paths, seconds):
        """What a load finds, and the server's processor time a request in microseconds."""
        ask_in_another_process(self.port, paths, 1)
        before = self.cpu()
        found = ask_in_another_process(self.port, paths, seconds)
        return found | {"cpu": (self.cpu() - before) / found["n"] * 1e6}

    def stop(self):
        self.process.terminate()
        self.process.wait()


def main(seconds):
    home = Path(tempfile.mkdtemp(prefix="serving-"))
    lease = fill(home)
    rows = {}
    started = time.perf_counter()
    server = Server("create", home)
    print(f"ready after {time.perf_counter() - started:.2f} s, {server.cpu():.2f} s of processor")
    forecast = [f"/predict/short?ticker={TICKERS[0]}"]
    rows["constant, same app"] = server.measured(["/constant"], seconds)
    rows["/predict/short, cached"] = server.measured(forecast, seconds)
    rows["/predict/short, 32 tickers"] = server.measured(
        [f"/predict/short?ticker={one}" for one in TICKERS], seconds
    )
    rows["read anew each time"] = server.measured([f"/read?ticker={t}" for t in TICKERS], seconds)
    server.stop()
    server = Server("bare", home)
    rows["constant, bare FastAPI"] = server.measured(["/constant"], seconds)
    server.stop()
    lease.release()
    shutil.rmtree(home)
    same, alone = rows["constant, same app"], rows["constant, bare FastAPI"]
    print(f"{'':28}{'rps':>8}{'p50 ms':>8}{'p99 ms':>8}{'cpu µs':>8}  rate / same app, bare; cpu")
    for name, row in rows.items():
        print(
            f"{name:28}{row['rate']:8.0f}{row['p50']:8.2f}{row['p99']:8.2f}{row['cpu']:8.0f}"
            f"  {row['rate'] / same['rate']:.2f} {row['rate'] / alone['rate']:.2f};"
            f" {same['cpu'] / row['cpu']:.2f} {alone['cpu'] / row['cpu']:.2f}"
        )
    known = "installed, but" if shutil.which("mlflow") else "not installed:"
    print(f"mlflow is {known} `mlflow models serve` was not measured.")


if __name__ == "__main__":
    if sys.argv[1:2] == ["load"]:
        port, span, *asked = sys.argv[2:]
        print(json.dumps(asyncio.run(load(int(port), asked, float(span)))))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
