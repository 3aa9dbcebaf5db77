"""How a file is read, is told before it is stored."""

from src.data.sources.preview import FileReading, describe, summary
from tests.support.price_files import all_deliveries, file_source

HEADER = "Date,Symbol,Open,High,Low,Close,Volume\n"


def reading(path, **options):
    source = file_source(path, **options)
    deliveries = all_deliveries(source)
    return FileReading(str(path), deliveries, list(map(str, source.take_failures())))


def lines(path, **options):
    return {
        line[2:12].strip(): line[13:]
        for line in describe(reading(path, **options))
        if line[0] == " "
    }


def test_a_daily_file_is_told_with_its_rejected_rows(tmp_path):
    path = tmp_path / "TCS.NS.csv"
    path.write_text(
        HEADER.replace("Symbol,", "")
        + "2024-12-31,10,12.25,9,11,100\n2024-12-30,9,10,8,9.5,90\n2024-12-31x,1,1,1,1,1\n"
    )

    assert describe(reading(path, vendor="mine", basis="split")) == [
        str(path),
        "  layout     plain",
        "  vendor     mine",
        "  tickers    TCS.NS",
        "  kind       daily",
        "  basis      split",
        "  dates      2024-12-30 to 2024-12-31",
        "  rows       2, and 1 rejected",
        "  rejected   1 unreadable_date, such as data row 3: the date '2024-12-31x' cannot be read",
        "  note       rows are newest first",
        "  first row  TCS.NS  2024-12-30  open 9  high 10  low 8  close 9.5  volume 90",
        "  last row   TCS.NS  2024-12-31  open 10  high 12.25  low 9  close 11  volume 100",
    ]


def test_hourly_bars_are_told_with_their_zone_and_the_time_that_is_stored(tmp_path):
    path = tmp_path / "TCS.NS.csv"
    rows = "".join(f"2024-12-31 {hour:02}:15:00,10,12,9,11,100\n" for hour in range(9, 16))
    path.write_text("datetime,open,high,low,close,volume\n" + rows)

    told = lines(path)

    assert (told["kind"], told["zone"]) == ("hourly", "Asia/Kolkata (stored in UTC)")
    assert told["dates"] == "2024-12-31 to 2024-12-31"
    assert told["first row"].startswith("TCS.NS  2024-12-31 03:45 UTC  open 10")


def test_many_tickers_are_counted(tmp_path):
    path = tmp_path / "day.csv"
    path.write_text(HEADER + "".join(f"2024-12-31,AB{i}C,10,12,9,11,100\n" for i in range(9)))

    told = lines(path)

    assert told["tickers"] == "AB0C.NS, AB1C.NS, AB2C.NS, AB3C.NS, AB4C.NS and 4 more"
    assert told["rows"] == "9"


def test_a_refusal_is_told_without_the_path_again(tmp_path):
    path = str(tmp_path / "TCS.csv")
    refused = FileReading(path, [], [f"{path}: it is empty."], [f"{path}: not read: a (hidden)."])

    assert describe(refused) == [
        path,
        "  refused    it is empty.",
        "  passed by  a (hidden).",
    ]
    assert describe(FileReading(path, [])) == [path, "  read       nothing"]


def test_the_end_counts_what_is_refused():
    assert summary(["read", "refused", "read"]) == (
        "3 files: 2 can be read, 1 refused. Nothing was stored."
    )
    assert summary(["read"]) == "1 file: 1 can be read, 0 refused. Nothing was stored."


def test_the_end_counts_what_has_nothing_to_take():
    assert summary(["passed by", "read", "passed by"]) == (
        "3 files: 1 can be read, 0 refused, 2 passed by. Nothing was stored."
    )


def test_a_file_that_was_refused_in_parts_is_refused(tmp_path):
    path = tmp_path / "TCS.NS.csv"
    path.write_text(HEADER.replace("Symbol,", "") + "2024-12-31,10,12.25,9,11,100\n")
    deliveries = reading(path).deliveries

    assert FileReading(str(path), deliveries).outcome == "read"
    assert FileReading(str(path), deliveries, ["no"]).outcome == "refused"
    assert FileReading(str(path), [], [], ["no prices of WIPRO.NS"]).outcome == "passed by"
