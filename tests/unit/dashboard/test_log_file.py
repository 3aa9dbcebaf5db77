"""Searching the log backwards: every line once, the newest first, whatever it consists of."""

import json
import random

import pytest

from src.dashboard.parts.monitoring.logs import log_file
from src.dashboard.parts.monitoring.logs.log_file import LogFilter, as_text, export, search


def entry(number, level="info", **facts):
    line = {
        "event": f"Line {number} of <b>Zürich</b>.",
        "level": level,
        "logger": "src.data.cleaning.stage",
        "timestamp": "2026-04-17T12:30:05.123456Z",
        **facts,
    }
    return json.dumps(line, sort_keys=True).encode()


@pytest.fixture
def write(tmp_path):
    def put(*files):
        folder = tmp_path / "logs"
        folder.mkdir(exist_ok=True)
        for number, content in enumerate(files):
            name = "tcs-stock.log" + (f".{number}" if number else "")
            (folder / name).write_bytes(content)
        return tmp_path

    return put


@pytest.mark.parametrize("block", [7, 64, 1000])
@pytest.mark.parametrize("last", [b"\n", b""])
def test_blocks_of_any_size_give_every_line_once(write, monkeypatch, block, last):
    monkeypatch.setattr(log_file, "BLOCK", block)
    choose = random.Random(1)  # noqa: S311 no secret
    lines = [b"x" * choose.randint(1, 200) + b"%d" % number for number in range(60)]
    home = write(b"\n".join(lines[30:]) + last, b"\n".join(lines[10:30]) + b"\n", b"", lines[0])
    everything = [*lines[30:][::-1], *lines[10:30][::-1], lines[0]]
    assert search(home, LogFilter(), 100) == everything
    assert search(home, LogFilter(), 7) == everything[:7]
    assert export(home, LogFilter(), 10**6) == b"".join(line + b"\n" for line in everything[::-1])
    assert export(home, LogFilter(), len(lines[-1]) + 1) == lines[-1] + b"\n"
    wanted = [line for line in everything if b"x3" in line]
    assert search(home, LogFilter(text="X3"), 100) == wanted


def test_a_file_without_an_end_of_line_is_cut(write, monkeypatch):
    monkeypatch.setattr(log_file, "BLOCK", 64)
    monkeypatch.setattr(log_file, "LONGEST_LINE", 100)
    pieces = search(write(b"a" * 1000 + b"\nlast"), LogFilter(), 100)
    assert pieces[0] == b"last"
    assert b"".join(pieces[1:]) == b"a" * 1000
    assert max(map(len, pieces)) <= 164


def test_levels_runs_and_texts_choose_lines(write):
    torn = b'{"event": "torn", "level": "err'
    spoof = entry(4, event='says "level": "error" and "run_id": "r1"')
    lines = [
        *(entry(0), entry(1, "warning", run_id="r1"), entry(2, "error", run_id="r2")),
        *(entry(3, "critical"), spoof, b"Traceback (most recent call last):", torn),
    ]
    home = write(b"\n".join(lines) + b"\n")

    def found(*wanted):
        return [lines.index(line) for line in search(home, LogFilter(*wanted), 100)]

    assert found() == [6, 5, 4, 3, 2, 1, 0]
    assert found("Warnings") == [3, 2, 1]
    assert found("Errors") == [3, 2]
    assert found("All", "", "r1") == [1]
    assert found("All", "zürich") == [3, 2, 1, 0]
    assert found("All", 'says "LEVEL"') == [4]
    assert found("All", "traceback") == [5]
    assert found("Errors", "line 2", "r2") == [2]
    assert search(home.parent, LogFilter(), 100) == []


def test_a_line_is_shown_with_its_time_in_india_and_its_facts():
    line = entry(7, "warning", run_id="r1", rows=3, exception="Traceback\nValueError: bad")
    assert as_text(line).split() == [
        *("17", "Apr", "18:00:05", "WARNING", "stage", "r1", "Line", "7", "of"),
        *("<b>Zürich</b>.", "rows=3", "(ValueError:", "bad)"),
    ]
    for odd in (b"not json \x1b[31m\xff", b"[1, 2]", b'{"event": "no time"}', b"123"):
        text = odd.decode("utf-8", "replace").replace("\x1b", "\N{REPLACEMENT CHARACTER}")
        assert as_text(odd) == text
    assert as_text(b"y" * 5000) == "y" * 1500 + "… (5,000 characters)"
