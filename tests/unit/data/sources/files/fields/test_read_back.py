"""A file written in any usual form of dates and numbers is read back as it was, or refused."""

import datetime as dt
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from src.core.calendars.nse import nse
from src.core.errors import BadInput
from tests.support.price_files import all_deliveries, file_source

INDIA = dt.timezone(dt.timedelta(hours=5, minutes=30))
SESSIONS = nse().sessions(dt.date(2015, 1, 1), dt.date(2025, 12, 31))
COMMAS = str.maketrans(",.", ".,")
# How programs write numbers: the price, and the volume.
POINT = (
    (lambda price: f"{price:.2f}", str),
    (lambda price: f"{price:,.2f}", lambda volume: f"{volume:,}"),
    (lambda price: f"₹{price:,.2f}", lambda volume: f"{volume / 1e6:.6f}M"),
    (lambda price: f"{price:.3f}", lambda volume: f"{volume}.0"),
)
COMMA = (
    (lambda price: f"{price:.2f}".replace(".", ","), str),
    (
        lambda price: f"{price:,.2f}".translate(COMMAS),
        lambda volume: f"{volume:,}".replace(",", "."),
    ),
    (lambda price: f"{price:.3f}".replace(".", ","), str),
    (lambda price: f"{price:,.2f}".replace(",", " ").replace(".", ","), str),
)
DATES = {
    "%Y-%m-%d": 0,
    "%d/%m/%Y": 0,
    "%m/%d/%Y": 0,
    "%d-%m-%y": 0,
    "%y-%m-%d": 0,
    "%d-%b-%y": 0,
    "%B %d, %Y": 0,
    "%Y%m%d": 0,
    "%d/%m/%Y 12:00:00 AM": 0,
    "%a %b %d %Y 00:00:00 GMT+0530 (India Standard Time)": 0,
    "%Y-%m-%d 09:15:00": 0,
    "%m/%d/%Y 15:30:00": 0,
    "%Y-%m-%dT18:30:00Z": -1,
    "%Y-%m-%d 18:30:00": -1,
}
REFUSALS = (
    "is ambiguous",
    "can be days or single hours",
    "can be of that day or midnights in UTC",
    "the time zone of its times cannot be decided",
    "such as",
)


def read(lines):
    """The deliveries of a file, or why it is refused."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "TCS.NS.csv"
        path.write_text("\n".join(lines), encoding="utf-8")
        try:
            return all_deliveries(file_source(path))
        except BadInput as error:
            return str(error)


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, len(SESSIONS) - 30),
    st.sampled_from([1, 2, 3, 5, 8, 30]),
    st.sampled_from(sorted(DATES)),
    st.sampled_from([*POINT, *COMMA]),
    st.sampled_from(";\t"),
    st.sampled_from([3500, 81025, 410000, 13000000]),
    st.integers(1000, 9_000_000),
)
def test_a_daily_file(first, count, form, numbers, delimiter, paise, volume):
    write_price, write_volume = numbers
    days = SESSIONS[first : first + count]
    bars = [(day, (paise + 5 * n) / 100, volume + n) for n, day in enumerate(days)]
    lines = [delimiter.join(("Date", "Open", "High", "Low", "Close", "Volume"))]
    for day, price, shares in bars:
        written = (day + dt.timedelta(days=DATES[form])).strftime(form)
        prices = [write_price(price)] * 4
        lines.append(delimiter.join((written, *prices, write_volume(shares))))

    result = read(lines)

    if isinstance(result, str):
        assert any(reason in result for reason in REFUSALS)
        return
    (delivery,) = result
    assert delivery.kind == "daily"
    assert delivery.frame.select("date", "close", "volume").rows() == bars


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, len(SESSIONS) - 30),
    st.sampled_from([1, 2, 5, 20]),
    st.sampled_from(["start", "end"]),
    st.sampled_from(["+05:30", "Z", ""]),
    st.sampled_from([slice(None), slice(1, None), slice(None, -1)]),
)
def test_an_hourly_file(first, count, labelled, offset, part):
    days = [day for day in SESSIONS[first : first + count] if nse().hours(day).opens.hour == 3]
    starts = [
        dt.datetime.combine(day, dt.time(9, 15), INDIA) + dt.timedelta(hours=hour)
        for day in days
        for hour in range(7)[part]
    ]
    lines = ["Date,Open,High,Low,Close,Volume"]
    for start in starts:
        minutes = 0 if labelled == "start" else 15 if start.hour == 15 else 60
        label = start + dt.timedelta(minutes=minutes)
        label = label.astimezone(dt.UTC) if offset == "Z" else label
        lines.append(f"{label:%Y-%m-%d %H:%M:%S}{offset},1,2,1,2,9")

    result = read(lines)

    if isinstance(result, str):
        assert "by their beginning or by their end" in result
        assert part != slice(None)
        return
    (delivery,) = result
    assert delivery.frame["ts"].to_list() == starts
