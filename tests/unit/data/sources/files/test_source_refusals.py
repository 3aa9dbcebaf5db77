import datetime as dt
import gzip

import pytest

from src.core.errors import BadInput
from src.data.sources.files import reader
from src.data.sources.files.containers import archives
from tests.support.price_files import all_deliveries, file_source

HEADER = "Date,Open,High,Low,Close,Volume\n"
ROW = "2022-01-03,10,12,9,11,100\n"


def deliveries(path, **options):
    return all_deliveries(file_source(path, **options))


def refusal(path, **options):
    with pytest.raises(BadInput) as caught:
        deliveries(path, **options)
    return str(caught.value)


def rows(start, step, count):
    days = (dt.date.fromisoformat(start) + dt.timedelta(days=step * i) for i in range(count))
    return "".join(ROW.replace("2022-01-03", str(day)) for day in days)


def fourfold(text):
    return text.replace("10,12,9,11", "40,48,36,44")


TWO_INSTRUMENTS = "".join(
    line + fourfold(line) for line in rows("2022-01-03", 1, 20).splitlines(keepends=True)
)
HALF_TWICE = rows("2022-01-03", 1, 12) + fourfold(rows("2022-01-03", 1, 6))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b" \n\n", "it is empty"),
        (b'"",\n', "it is empty"),
        ("\u2003\n".encode(), "it is empty"),
        (HEADER.encode(), "a header and no rows"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "it is binary"),
        (b"Date,Open\n\x81\x8d\xff", "neither UTF-8 nor Windows-1252 text"),
        (b"<!DOCTYPE html><html></html>", "it is a web page"),
        (b"PK\x03\x04 not a zip", "its zip data is damaged"),
        (b"\x1f\x8b\x08 not gzip", "its gzip data is damaged"),
        (gzip.compress((HEADER + ROW).encode(), mtime=0)[:-9], "its gzip data is damaged"),
        (gzip.compress(b"", mtime=0), "it is empty"),
        (b"Date,Dividends\n2022-01-03,1\n", "no column for open, high, low, close among"),
        (b"2022-01-03,10,12,9,11,100\n", "no column for date, open"),
        ((HEADER + ROW.replace("2022-01-03", "44562")).encode(), "such as 44562 (line 2)"),
        ((HEADER + ROW + '2022-01-04,"10,1,1,1,1\n').encode(), "never closed"),
        ((HEADER + ROW.replace("10,12", "x,12") * 9).encode(), "9 of 9 rows have text"),
        ((HEADER + ROW.replace("10,12", "10,1,2") * 9).encode(), "9 of 9 rows (first: data row 1)"),
        ((HEADER + rows("2022-01-03", 7, 20)).encode(), "its rows are 7 days apart"),
        (
            (HEADER + "".join(ROW.replace("11", str(i)) for i in range(20))).encode(),
            "19 of 20 rows repeat a date",
        ),
        ((HEADER + TWO_INSTRUMENTS).encode(), "20 of 40 rows repeat a date"),
        ((HEADER + HALF_TWICE).encode(), "6 of 18 rows repeat a date"),
        (b"Date,Open,High,Low,Close\n2022-01-03,1,2,1,2\n", "no column for volume among"),
        ((HEADER + "2022-01-03,10,12,9,,100\n" * 3).encode(), "no row has a price"),
        (b"datetime,open,high,low,close\n1999-05-03 09:15:00,1,2,1,2\n", "1999-05-03 is outside"),
    ],
)
def test_a_file_without_usable_prices_is_refused_in_one_sentence(tmp_path, content, reason):
    path = tmp_path / "TCS.NS.csv"
    path.write_bytes(content)

    message = refusal(path)

    assert message.startswith(f"{path}: ")
    assert reason in message
    assert message.endswith(".")
    assert "\n" not in message


def test_a_missing_file_is_refused(tmp_path):
    assert "no such file" in refusal(tmp_path / "none.csv")


def test_a_folder_without_prices_is_refused(tmp_path):
    (tmp_path / "README.txt").write_text("nothing")

    assert "the folder has no price file" in refusal(tmp_path)


def test_a_name_that_is_no_symbol_needs_the_option(tmp_path):
    path = tmp_path / "data_2020.csv"
    path.write_text(HEADER + ROW)

    assert "add --ticker" in refusal(path)


def test_the_file_of_another_ticker_is_refused_naming_both(tmp_path):
    path = tmp_path / "TCS.NS.csv"
    path.write_text("Date,Symbol,Open,High,Low,Close\n2022-01-03,INFY,1,2,1,2\n")

    assert "it has prices of INFY.NS, not of TCS.NS" in refusal(path, ticker="TCS")


def test_another_ticker_in_the_header_is_refused_naming_both(tmp_path):
    path = tmp_path / "TCS.NS.csv"
    path.write_text(
        "Price,Close,High,Low,Open\nTicker,A.NS,A.NS,A.NS,A.NS\nDate,,,,\n2022-01-03,1,1,1,1\n"
    )

    assert "it has prices of A.NS, not of TCS.NS" in refusal(path, ticker="TCS")


def test_quarter_hours_are_no_hours(tmp_path):
    path = tmp_path / "TCS.NS.csv"
    times = ("09:15", "09:30", "09:45", "10:00")
    text = "".join(f"2022-01-03 {time}:00,1,2,1,2\n" for time in times)
    path.write_text("datetime,open,high,low,close\n" + text)

    assert "its rows are 15 minutes apart" in refusal(path)


def test_a_few_conflicting_days_are_set_aside_whole(tmp_path):
    path = tmp_path / "TCS.NS.csv"
    path.write_text(HEADER + rows("2022-01-03", 1, 13) + fourfold(rows("2022-01-03", 1, 6)))

    (delivery,) = deliveries(path)

    assert (delivery.frame.height, delivery.rejected.height) == (7, 12)


def test_a_file_of_conflicting_days_alone_is_refused(tmp_path):
    path = tmp_path / "TCS.NS.csv"
    path.write_text(HEADER + rows("2022-01-03", 1, 5) + fourfold(rows("2022-01-03", 1, 5)))

    assert "5 of 10 rows repeat a date with other values: keep one row of each" in refusal(path)


def test_a_file_that_unpacks_beyond_the_limit_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "LARGEST", 2**20)
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"0" * 5_000_000, mtime=0))

    with pytest.raises(BadInput, match="larger than 1 MiB unpacked"):
        reader.read_content(path)


def test_a_file_beyond_the_limit_is_not_even_read(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "LARGEST", 2**20)
    path = tmp_path / "large.csv"
    path.write_bytes(b"0" * 2_000_000)

    with pytest.raises(BadInput, match="larger than 1 MiB"):
        reader.read_content(path)
