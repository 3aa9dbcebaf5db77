from __future__ import annotations

import csv
import os
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from importlib import resources
from pathlib import Path

import pytest

from src.core.calendars.nse import from_facts, nse, parse
from src.core.errors import BadConfig

REPO = Path(__file__).resolve().parents[4]
DATA = Path(os.environ.get("FORECAST_TEST_DATA") or REPO.parent / "shared" / "data")
TRADING_DAYS = DATA / "nse_trading_days.csv"
# Days on which our calendar and the check data differ, and why: docs/calendar.md lists them too.
DIFFERENCES: dict[date, str] = {}

NSE = nse()


def utc(day: str, clock: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=UTC)


FILE = """
covered_from = 2000-01-01
covered_through = 2000-12-31
[[regular_hours]]
since = 2000-01-01
opens = 09:55:00
closes = 15:30:00
[weekend_sessions]
{weekend}
[unusual_hours]
{unusual}
[closures]
{closures}
[holidays.2000]
{holidays}
"""


def test_holidays_of_a_fixed_date_count_only_beyond_the_published_years():
    calendar = from_facts(parse(f"{file()}[yearly_holidays]\n12-29 = 'feast'\n"))

    # Fridays both; 2001 is not published.
    assert calendar.is_session(date(2000, 12, 29))
    assert not calendar.is_session(date(2006, 12, 29))


def file(weekend: str = "", unusual: str = "", closures: str = "", holidays: str = "") -> str:
    return FILE.format(weekend=weekend, unusual=unusual, closures=closures, holidays=holidays)


def test_a_small_file_makes_a_small_calendar():
    calendar = from_facts(
        parse(
            file(
                weekend='2000-01-08 = { name = "drill", estimated = true }',
                closures='2000-01-05 = "flood"',
                holidays='2000-01-04 = "feast"',
            )
        )
    )

    assert [d.day for d in calendar.sessions(date(2000, 1, 1), date(2000, 1, 9))] == [3, 6, 7, 8]
    drill = calendar.hours(date(2000, 1, 8))
    assert (drill.closes, drill.estimated) == (utc("2000-01-08", "10:00"), True)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ({"holidays": '2000-01-08 = "a Saturday"'}, "2000-01-08 falls on a weekend"),
        ({"closures": '2000-01-09 = "a Sunday"'}, "2000-01-09 falls on a weekend"),
        ({"unusual": '2000-01-09 = { name = "x" }'}, "2000-01-09 falls on a weekend"),
        ({"weekend": '2000-01-07 = { name = "x" }'}, "2000-01-07 is no Saturday or Sunday"),
        ({"holidays": '2001-01-26 = "x"'}, "2001-01-26 stands under another year"),
        ({"closures": '2001-01-26 = "x"'}, "2001-01-26 is not between 2000-01-01 and 2000-12-31"),
        (
            {"closures": '2000-01-26 = "x"', "holidays": '2000-01-26 = "x"'},
            "2000-01-26 is both a holiday and a closure",
        ),
        (
            {"unusual": '2000-01-26 = { name = "x" }', "holidays": '2000-01-26 = "x"'},
            "2000-01-26 is both closed and a session",
        ),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(lines, message):
    with pytest.raises(BadConfig, match=f"{message}: correct that line"):
        parse(file(**lines))


def _packaged() -> str:
    file = resources.files("src.core.calendars").joinpath("nse_calendar.toml")
    return file.read_text(encoding="utf-8")


def test_the_file_has_holidays_for_every_year_it_covers():
    closed = parse(_packaged()).closed

    for year in range(2000, NSE.covered_through.year + 1):
        assert 8 <= sum(d.year == year for d in closed) <= 20, year


def test_the_calendar_is_built_once_and_quickly():
    text = _packaged()
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        from_facts(parse(text))
        seconds.append(time.perf_counter() - start)

    assert min(seconds) < 0.03
    assert nse() is nse()


def test_importing_the_calendar_imports_no_data_frames():
    code = "import sys, src.core.calendars.nse as s; s.nse(); print('pandas' in sys.modules, 'polars' in sys.modules)"  # noqa: E501
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["False", "False"]


@pytest.mark.skipif(not TRADING_DAYS.is_file(), reason=f"the check data is not at {TRADING_DAYS}")
def test_the_calendar_is_the_days_on_which_nse_really_traded():
    with TRADING_DAYS.open(newline="", encoding="utf-8") as lines:
        traded = {date.fromisoformat(row["date"]) for row in csv.DictReader(lines)}
    ours = set(NSE.sessions(date(2000, 1, 1), max(traded)))

    assert max(traded) >= date(2026, 6, 30)
    assert ours ^ traded == set(DIFFERENCES)
