"""Requests with malformed bodies, made from a seed; and a client that sends them.

A maker returns the lines of a header and the bytes after it. Its request is *whole* where the
header gives the true length of the body; after any other the connection cannot be used again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any

Parts = tuple[list[bytes], bytes]
ROUTES = ("/predict/batch", "/predict/batch", "/predict/short", "/predict/long")
TICKERS = ("TCS.NS", "wipro", "INFY.NS", "SBIN", "M&M", "^NSEI", "BTC-USD", "A.ZZ", "NSE:TCS-EQ")
KINDS_OF_BODY = (
    *("application/json", "application/json; charset=utf-16", "application/problem+json"),
    *("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "json", ";", ""),
)
LONG, SHOWN = 1_100_000, 500


def whole(body: bytes, kind: str = "application/json") -> Parts:
    """A body of the length that the header gives."""
    return [b"content-type: " + kind.encode(), b"content-length: %d" % len(body)], body


def text(random: Random) -> str:
    """Up to 50 characters of all planes."""
    top = random.choice((0x7F, 0xFF, 0xD7FF, 0x10FFFF))
    return "".join(chr(random.randint(0, top)) for _ in range(random.randint(0, 50)))


def number(random: Random) -> Any:
    """A number that is small, huge, or none."""
    small, huge = random.randint(-9, 9), random.choice((-1, 1)) * 10 ** random.randint(9, 4000)
    return random.choice((small, huge, random.gauss(0, 1e300), float("nan"), float("-inf"), 1e-320))


def value(random: Random, depth: int = 3) -> Any:
    """Any JSON value."""
    leaves = (lambda: None, lambda: True, lambda: number(random), lambda: text(random))
    if depth == 0 or random.random() < 0.4:
        return random.choice(leaves)()
    inner = [value(random, depth - 1) for _ in range(random.randint(0, 4))]
    return inner if random.random() < 0.5 else {text(random): item for item in inner}


def request(random: Random) -> dict[str, Any]:
    """A valid batch request."""
    tickers = random.choices(TICKERS, k=random.randint(1, 6))
    return {"tickers": tickers, "horizons": random.choice((["short"], ["long"], ["long", "short"]))}


def near(random: Random) -> dict[str, Any]:
    """The same with one field changed."""
    body = request(random)
    field = random.choice(("tickers", "horizons", text(random)))
    if random.random() < 0.5:
        body[field] = value(random)
    else:
        body.setdefault(field, []).insert(0, value(random, 1))
    return body


def broken(random: Random) -> bytes:
    """JSON that was cut, or of which one byte was changed."""
    data = bytearray(json.dumps(near(random)).encode())
    place = random.randrange(len(data))
    if random.random() < 0.5:
        return bytes(data[:place])
    data[place] = random.randrange(256)
    return bytes(data)


def nested(random: Random) -> bytes:
    """Nested lists or objects, closed or not."""
    opens, closes = random.choice(((b"[", b"]"), (b'{"tickers":', b"}"), (b'{"a":[', b"]}")))
    depth = random.choice((3, 60, 900, 1100, 30_000))
    return opens * depth + b"1" * random.randint(0, 1) + closes * random.choice((0, depth))


def digits(random: Random) -> bytes:
    """A number of more digits than any type can hold, in the place of another value."""
    figure = "-" * random.randint(0, 1) + "9" * random.choice((20, 400, 4300, 4301, 60_000))
    figure += random.choice(("", ".5", "e999999999", "E-7", "e", ".", "_0"))
    return f'{{"tickers":[{figure}],"horizons":{random.choice((figure, "[]"))}}}'.encode()


def doubled(random: Random) -> bytes:
    """An object with the same keys again."""
    parts = [json.dumps(maker(random))[1:-1] for maker in random.choices((request, near), k=3)]
    return ("{" + ",".join(filter(None, parts)) + "}").encode()


def not_text(random: Random) -> bytes:
    """JSON in bytes that are not UTF-8, or text that is not Unicode."""
    valid = json.dumps({"tickers": ["TCS.NS", "?"]})
    odd = random.choice((b"\xff", b"\xc0\x80", b"\xed\xa0\x80", rb"\ud800", rb"\u0000", rb"\u12"))
    encoding = random.choice(("utf-8-sig", "utf-16", "utf-32", "utf-16-le"))
    return random.choice((valid.encode().replace(b"?", odd), valid.encode(encoding)))


def too_long(random: Random) -> bytes:
    """A body longer than the limit."""
    return random.choice((b"x", b"[", b" ", b'"')) * LONG


def chunked(random: Random) -> Parts:
    """A chunked body, one chunk perhaps of another length than its header gives."""
    body = random.choice((broken(random), json.dumps(request(random)).encode()))
    cut = random.randint(0, len(body))
    size = random.choice((b"%x" % cut, b"-1", b"zz", b"f" * 17, b"7fffffff"))
    pieces = b"%b\r\n%b\r\n%x\r\n%b\r\n" % (size, body[:cut], len(body) - cut, body[cut:])
    return [b"transfer-encoding: chunked"], pieces + random.choice((b"0\r\n\r\n", b""))


def wrong_length(random: Random) -> Parts:
    """A body of another length than the header gives, or with an invalid header."""
    body = json.dumps(near(random)).encode()
    length = random.choice(
        (b"0", b"1", b"%d" % (len(body) + 9), b"-5", b"", b"x", b"1e3", b"9" * 30, b"3, 4")
    )
    more = random.choice(([], [], [b"content-length: 4"], [b"transfer-encoding: gzip, chunked"]))
    return random.choice(([], [b"content-length: " + length, *more])), body


WHOLE: dict[str, Callable[[Random], Parts]] = {
    "any JSON": lambda random: whole(json.dumps(value(random)).encode()),
    "near a request": lambda random: whole(json.dumps(near(random)).encode()),
    "broken JSON": lambda random: whole(broken(random)),
    "bytes": lambda random: whole(random.randbytes(random.randint(0, 300))),
    "nested": lambda random: whole(nested(random)),
    "digits": lambda random: whole(digits(random)),
    "doubled keys": lambda random: whole(doubled(random)),
    "not text": lambda random: whole(not_text(random)),
    "another type": lambda random: whole(
        json.dumps(request(random)).encode(), random.choice(KINDS_OF_BODY)
    ),
}
TORN: dict[str, Callable[[Random], Parts]] = {
    "too long": lambda random: whole(too_long(random)),
    "chunked": chunked,
    "wrong length": wrong_length,
}


@dataclass(frozen=True)
class Sent:
    """A request as its bytes; after one that is not whole the connection cannot be used again."""

    kind: str
    raw: bytes
    whole: bool


@dataclass(frozen=True)
class Answer:
    """What came back; the status is 0 where the connection was closed without an answer."""

    status: int
    headers: dict[str, str]
    body: bytes


def requests(seed: int, count: int) -> Iterator[Sent]:
    """``count`` of them, one in ten torn, the same for the same seed."""
    random = Random(seed)  # noqa: S311 not for secrets
    for place in range(count):
        makers = WHOLE if place % 10 else TORN
        kind = random.choice(list(makers))
        lines, body = makers[kind](random)
        first = f"POST {random.choice(ROUTES)} HTTP/1.1\r\nhost: localhost".encode()
        yield Sent(kind, b"\r\n".join((first, *lines, b"", body)), makers is WHOLE)


async def _answer(reader: asyncio.StreamReader) -> Answer:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")[:-2]
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    except (asyncio.IncompleteReadError, ConnectionError):
        return Answer(0, {}, b"")
    return Answer(int(first.split()[1]), headers, body)


async def _send(port: int, sent: Iterator[Sent]) -> list[tuple[Sent, Answer]]:
    answers, line = [], None
    for request in sent:
        reader, writer = line = line or await asyncio.open_connection("127.0.0.1", port)
        writer.write(request.raw)
        if not request.whole:
            writer.write_eof()
        answer = await asyncio.wait_for(_answer(reader), 20)
        answers.append((replace(request, raw=request.raw[:SHOWN]), answer))
        if not request.whole or answer.status == 0:
            line = await _close(writer)
    if line is not None:
        await _close(line[1])
    return answers


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


def send_all(port: int, sent: Iterator[Sent], clients: int = 4) -> list[tuple[Sent, Answer]]:
    """Each request, shortened, with its answer; ``clients`` send at once, each one at a time."""

    async def run_clients() -> list[list[tuple[Sent, Answer]]]:
        return await asyncio.gather(*(_send(port, sent) for _ in range(clients)))

    return [pair for share in asyncio.run(run_clients()) for pair in share]
