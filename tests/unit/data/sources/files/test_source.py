import datetime as dt
import gzip
import hashlib
import json

import polars as pl
import pytest

from src.core.errors import BadInput, UsageError
from tests.support.price_files import NOW, all_deliveries, file_source
from tests.support.workbooks import workbook

HEADER = "Date,Open,High,Low,Close,Volume\n"
ROW = "2022-01-03,10,12,9,11,100\n"
SYMBOLS = "Date,Symbol,Open,High,Low,Close,Volume\n"


@pytest.fixture
def write(tmp_path):
    def make(text, name="TCS.NS.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return make


def only(path, **options):
    (delivery,) = all_deliveries(file_source(path, **options))
    return delivery


def rules(delivery):
    return delivery.rejected["rule"].to_list()


def test_daily_bars_come_with_all_columns(write):
    frame = only(write(HEADER + ROW)).frame

    assert dict(frame.schema) == {
        "line": pl.Int64,
        "date": pl.Date,
        **dict.fromkeys(["open", "high", "low", "close", "volume", "adj_close"], pl.Float64),
    }
    assert frame.row(0) == (1, dt.date(2022, 1, 3), 10.0, 12.0, 9.0, 11.0, 100.0, None)


def test_a_bar_of_a_day_to_come_is_in_quarantine(write):
    delivery = only(write(HEADER + ROW + "2027-04-16,10,12,9,11,100\n"))

    assert delivery.frame["date"].to_list() == [dt.date(2022, 1, 3)]
    assert delivery.rejected.select("line", "at", "rule", "reason").rows() == [
        (
            2,
            "2027-04-16",
            "future_bar",
            "its time 2027-04-16 is after 2026-04-20, when the file was read",
        )
    ]


def test_a_bar_after_the_stated_download_is_in_quarantine(write):
    text = HEADER + ROW + "2022-01-04,10,12,9,11,100\n"

    # In India it is the morning of the 4th: cleaning decides about that day.
    late = only(write(text), fetched_at=dt.datetime(2022, 1, 3, 20, tzinfo=dt.UTC))
    early = only(write(text), fetched_at=dt.datetime(2022, 1, 3, 12, tzinfo=dt.UTC))

    assert (rules(late), rules(early)) == ([], ["future_bar"])


def test_an_hour_to_come_is_in_quarantine(write):
    hours = [f"2026-04-20 {hour:02}:15:00+05:30,1,2,1,2,9\n" for hour in range(9, 15)]
    half_past_one_in_india = dt.datetime(2026, 4, 20, 8, tzinfo=dt.UTC)
    path = write("datetime,open,high,low,close,volume\n" + "".join(hours))

    delivery = only(path, now=half_past_one_in_india)

    assert rules(delivery) == ["future_bar"]
    assert "its time 2026-04-20 08:45 UTC is after" in delivery.rejected["reason"][0]


def test_a_file_of_days_to_come_is_refused(write):
    days = [f"2027-04-{day},10,12,9,11,100\n" for day in (12, 13, 14, 15, 16, 19)]

    with pytest.raises(BadInput, match=r"6 of 7 rows .* are of times after 2026-04-20, when"):
        only(write(HEADER + ROW + "".join(days)))


def test_hourly_bars_begin_at_utc_times(write):
    text = (
        "datetime,open,high,low,close\n2022-01-03 09:15:00,1,2,1,2\n2022-01-03 10:15:00,1,2,1,2\n"
    )

    delivery = only(write(text))

    assert (delivery.kind, delivery.frame.schema["ts"]) == ("hourly", pl.Datetime("us", "UTC"))
    assert delivery.frame["ts"][0] == dt.datetime(2022, 1, 3, 3, 45, tzinfo=dt.UTC)
    assert "adj_close" not in delivery.frame.columns


def test_a_plain_file_is_unnamed_and_says_what_was_assumed(write):
    delivery = only(write(HEADER + ROW))

    assert (delivery.vendor, delivery.layout, delivery.price_basis) == ("unnamed", "plain", "split")
    assert "--vendor" in delivery.notes[0]
    assert "--basis" in delivery.notes[1]


def test_a_folder_without_the_ticker_says_so_before_what_could_not_be_read(write, tmp_path):
    write(HEADER + ROW, "TCS.NS.csv")
    write(HEADER + ROW, "INFY.NS.csv")
    write("a,b\n1,2\n", "other.csv")

    with pytest.raises(BadInput) as refused:
        file_source(tmp_path, ticker="ACE.NS").tickers()

    assert str(refused.value).startswith(
        f"{tmp_path}: no file there has prices of ACE.NS: give its file by its own path. 1 of 3 "
        f"could not be read: the first is {tmp_path}/other.csv: "
    )


def test_what_the_person_says_beats_the_layout(write):
    text = "Date,Open,High,Low,Close,Adj Close,Volume\n2022-01-03,1,2,1,2,2,9\n"

    delivery = only(write(text), vendor="mine_2", basis="unadjusted")

    assert (delivery.vendor, delivery.price_basis, delivery.notes) == ("mine_2", "unadjusted", ())


@pytest.mark.parametrize("vendor", ["csv", "NSE", "a b", "", "x" * 33])
def test_a_vendor_that_is_no_name_is_a_wrong_use(vendor):
    with pytest.raises(UsageError, match="--vendor"):
        file_source(vendor=vendor)


def test_the_time_of_the_download_is_stated_or_now(write):
    path, earlier = write(HEADER + ROW), dt.datetime(2022, 1, 4, tzinfo=dt.UTC)

    stated, assumed = only(path, fetched_at=earlier), only(path)

    assert (stated.fetched_at, stated.fetched_at_stated) == (earlier, True)
    assert (assumed.fetched_at, assumed.fetched_at_stated) == (NOW, False)


def test_the_content_hash_is_of_bytes_ticker_and_kind(write):
    path = write(HEADER + ROW, "prices.csv")

    expected = hashlib.sha256((HEADER + ROW + "\nTCS.NS\ndaily").encode()).hexdigest()
    assert only(path, ticker="TCS").content_hash == expected
    assert only(path, ticker="INFY").content_hash != expected


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_delimiters_are_seen(write, delimiter):
    assert only(write((HEADER + ROW).replace(",", delimiter))).frame["close"][0] == 11.0


@pytest.mark.parametrize(
    "packed",
    [
        (HEADER + ROW).encode("utf-8-sig"),
        (HEADER + ROW).replace("\n", "\r\n").encode(),
        (HEADER + ROW).replace("\n", "\r").encode(),
        ("\n\n" + HEADER + "\n" + ROW + "\n\n,,,,,\n").encode(),
        (HEADER + ROW).rstrip().encode(),
        (HEADER.replace("Volume", "Volume,Turnover ₹") + ROW[:-1] + ",7\n").encode(),
        (HEADER.replace("Volume", "Volume,Größe") + ROW[:-1] + ",7\n").encode("cp1252"),
        gzip.compress((HEADER + ROW).encode(), mtime=0),
        ('"Date ","Open ","High","Low","Close","Volume"\n' + ROW).encode(),
        (HEADER + ROW.replace("\n", ",\n")).encode(),
    ],
    ids=[
        "bom",
        "crlf",
        "cr",
        "blanks",
        "no-end",
        "utf8",
        "cp1252",
        "gzip",
        "quoted",
        "comma-at-end",
    ],
)
def test_packing_and_encoding_change_nothing(write, packed):
    frame = only(write(packed)).frame

    assert frame.select(pl.exclude("line")).rows() == [
        (dt.date(2022, 1, 3), 10.0, 12.0, 9.0, 11.0, 100.0, None)
    ]


def test_thousands_separators_and_blanks_are_read(write):
    text = HEADER + '2022-01-03,"1,234.5","12,34,567",null,-,"1,000"\n'

    row = only(write(text + ROW.replace("03", "04"))).frame.row(0)

    assert row[2:7] == (1234.5, 1234567.0, None, None, 1000.0)


@pytest.mark.parametrize("cell", ["abc", "inf", "1e999", '"3748,35"', "1_000", "0x1"])
def test_a_cell_that_is_no_number_rejects_its_row_whole(write, cell):
    delivery = only(write(HEADER + ROW + f"2022-01-04,10,12,9,{cell},100\n"))

    assert rules(delivery) == ["unreadable_number"]
    assert delivery.frame.height == 1
    assert json.loads(delivery.rejected["row"][0])["Close"] == cell.strip('"')


def test_a_total_line_is_rejected_and_the_rest_kept(write):
    delivery = only(write(HEADER + ROW + ROW.replace("03", "04") + "Total,,,,,200\n"))

    assert rules(delivery) == ["unreadable_date"]
    assert delivery.rejected.row(0, named=True)["at"] == "Total"
    assert delivery.rejected.row(0, named=True)["line"] == 3


@pytest.mark.parametrize("day", ["1975-01-01", "2028-01-03"])
def test_one_date_outside_the_years_is_rejected_and_the_rest_kept(write, day):
    days = [dt.date(2020, 1, 1) + dt.timedelta(days=i) for i in range(900)]
    rows = [ROW.replace("2022-01-03", str(d)) for d in [*days[:300], day, *days[300:]]]

    delivery = only(write(HEADER + "".join(rows)))

    assert (delivery.frame.height, rules(delivery)) == (900, ["unreadable_date"])
    assert delivery.rejected["reason"][0] == f"the date '{day}' is outside the allowed years"
    assert delivery.rejected["line"][0] == 301


def test_one_bar_of_an_hourly_file_is_no_daily_bar(write):
    text = "datetime,symbol,open,high,low,close,volume\n2025-10-23 12:15:00,NSE:TCS,1,2,1,2,9\n"

    delivery = only(write(text))

    assert delivery.kind == "hourly"
    assert delivery.frame["ts"][0] == dt.datetime(2025, 10, 23, 6, 45, tzinfo=dt.UTC)


@pytest.mark.parametrize("line", ["2022-01-05,10,12", "2022-01-05,10,12,9,1,234.5,100"])
def test_a_line_of_another_length_is_rejected_as_written(write, line):
    delivery = only(write(HEADER + ROW + ROW.replace("03", "04") + line + "\n"))

    assert rules(delivery) == ["wrong_cell_count"]
    assert json.loads(delivery.rejected["row"][0]) == {"as written": line}


def test_an_identical_repeat_is_rejected(write):
    delivery = only(write(HEADER + ROW + ROW))

    assert rules(delivery) == ["duplicate_identical"]
    assert delivery.frame["line"].to_list() == [2]


def test_of_a_day_whose_bar_cannot_be_told_no_row_stays(write):
    repeat = ROW.replace(",11,", ",11.5,")
    delivery = only(write(HEADER + ROW + repeat + ROW.replace("03", "04")))

    assert delivery.frame["date"].to_list() == [dt.date(2022, 1, 4)]
    assert rules(delivery) == ["duplicate_undecided"] * 2
    assert delivery.rejected["reason"][0] == (
        "which is the bar of that day cannot be told: data row 1 (close 11.0, volume 100.0) and "
        "data row 2 (close 11.5, volume 100.0)"
    )


def test_other_series_of_a_day_with_eq_are_rejected(write):
    text = (
        "Symbol,Series,Date,Prev Close,Open,High,Low,Close,Volume\n"
        "TCS,BL,03-Jan-2022,1,1,2,1,2,9\n"
        "TCS,EQ,03-Jan-2022,1,1,2,1,3,9\n"
        "TCS,BE,04-Jan-2022,1,1,2,1,4,9\n"
    )

    delivery = only(write(text))

    assert delivery.frame["close"].to_list() == [3.0, 4.0]
    assert rules(delivery) == ["other_series"]
    assert delivery.rejected["reason"][0] == "series BL of a day that also has series EQ"


def series_rows(*rows):
    header = "Symbol,Series,Date,Prev Close,Open,High,Low,Close,Volume\n"
    return header + "".join(f"{who},{day}-Jan-2022,1,1,2,1,{close},9\n" for who, day, close in rows)


@pytest.mark.parametrize("series", ["BL", "N1", "RR"])
def test_a_day_with_another_series_alone_has_no_share(write, series):
    path = write(series_rows(("TCS,EQ", "03", 3), (f"TCS,{series}", "04", 2), ("TCS,EQ", "05", 3)))

    delivery = only(path)

    assert delivery.frame["date"].to_list() == [dt.date(2022, 1, 3), dt.date(2022, 1, 5)]
    assert rules(delivery) == ["other_series"]
    assert delivery.rejected["reason"][0] == (
        f"series {series} is not the share: the file has shares in an equity series"
    )


def test_rows_without_a_series_before_a_listing_are_not_the_share(write):
    """As NSE's history of IRFC begins: bonds at 1,300 without a series, then the share at 25."""
    rows = series_rows(("IRFC,", "03", 2), ("IRFC,", "04", 2), ("IRFC,EQ", "05", 3))
    path = write(rows, "IRFC.NS.csv")

    delivery = only(path)

    assert delivery.frame["date"].to_list() == [dt.date(2022, 1, 5)]
    assert rules(delivery) == ["other_series", "other_series"]
    assert set(delivery.rejected["reason"]) == {
        "series (blank) is not the share: the file has shares in an equity series"
    }


@pytest.mark.parametrize("ticker", [None, "IRFC"])
def test_a_row_without_a_series_is_no_share_where_other_tickers_have_one(write, ticker):
    path = write(series_rows(("TCS,EQ", "03", 3), ("IRFC,", "03", 2)), "all.csv")

    found = {d.ticker: d for d in all_deliveries(file_source(path, ticker=ticker))}

    assert found["IRFC.NS"].frame.is_empty()
    assert rules(found["IRFC.NS"]) == ["other_series"]


def test_rows_without_a_series_are_the_share_where_the_file_gives_none(write):
    blank = only(write(series_rows(("TCS,", "03", 3), ("TCS,", "04", 4))))
    beside_a_bond = only(write(series_rows(("TCS,", "03", 3), ("TCS,N1", "04", 2)), "bond.csv"))
    without_column = only(write(SYMBOLS + "2022-01-03,TCS,1,2,1,2,9\n", "plain.csv"))

    assert blank.frame["close"].to_list() == [3.0, 4.0]
    assert beside_a_bond.frame["close"].to_list() == [3.0]
    assert without_column.frame["close"].to_list() == [2.0]


def test_a_file_of_one_series_alone_is_of_that(write):
    delivery = only(write(series_rows(("TCS,RR", "03", 2), ("TCS,RR", "04", 2))))

    assert (delivery.frame.height, delivery.rejected.height) == (2, 0)


@pytest.mark.parametrize("series", ["N1", "BL", "E1", "GS", "F"])
def test_a_file_of_debt_blocks_or_partly_paid_shares_alone_has_no_share(write, series):
    path = write(series_rows((f"TCS,{series}", "03", 2), (f"TCS,{series}", "04", 2)))

    with pytest.raises(BadInput, match=f"it has no shares, only rows of series {series}"):
        only(path)


def test_among_other_shares_a_bond_is_set_aside_and_a_trust_is_not(write):
    path = write(
        series_rows(("TCS,EQ", "03", 3), ("INFY,N2", "03", 2), ("EMBASSY,RR", "03", 5)), "all.csv"
    )

    found = {d.ticker: d for d in all_deliveries(file_source(path))}

    assert found["INFY.NS"].frame.is_empty()
    assert rules(found["INFY.NS"]) == ["other_series"]
    assert found["EMBASSY.NS"].frame["close"].to_list() == [5.0]


def test_each_symbol_of_a_file_has_its_delivery(write):
    text = (
        "Date,Symbol,Open,High,Low,Close,Volume\n"
        "2022-01-03,TCS,1,2,1,2,9\n"
        "2022-01-03,NSE:M&M-EQ,3,4,3,4,9\n"
    )

    found = file_source(write(text, "prices.csv"))

    assert found.tickers() == ["M&M.NS", "TCS.NS"]
    assert [d.frame["close"].to_list() for d in all_deliveries(found)] == [[4.0], [2.0]]


def test_the_ticker_requested_selects_its_rows(write):
    text = SYMBOLS + "2022-01-03,TCS,1,2,1,2,9\n2022-01-03,INFY,3,4,3,4,9\n"

    delivery = only(write(text, "prices.csv"), ticker="infy")

    assert (delivery.ticker, delivery.frame["line"].to_list()) == ("INFY.NS", [2])
    assert "1 rows of other symbols left out" in delivery.notes


def test_a_bare_symbol_does_not_contradict_another_exchange(write):
    text = SYMBOLS + "2022-01-03,TCS,1,2,1,2,9\n"

    assert only(write(text, "TCS.csv"), ticker="TCS.BO").ticker == "TCS.BO"


def test_a_row_without_symbol_is_rejected(write):
    row = "2022-01-03,{},1,2,1,2,9\n"
    text = SYMBOLS + row.format("TCS") + row.format("")

    assert rules(only(write(text))) == ["unreadable_symbol"]


def test_tickers_side_by_side_have_their_own_rows(write):
    text = (
        "Price,Close,Close,High,High,Low,Low,Open,Open,Volume,Volume\n"
        "Ticker,A.NS,B.NS,A.NS,B.NS,A.NS,B.NS,A.NS,B.NS,A.NS,B.NS\n"
        "Date,,,,,,,,,,\n"
        "2022-01-03,1,,2,,1,,1,,9,\n"
        "2022-01-04,1,5,2,6,1,4,1,5,9,9\n"
    )

    first, second = all_deliveries(file_source(write(text, "port.csv")))

    assert (first.ticker, first.frame["line"].to_list()) == ("A.NS", [1, 2])
    assert (second.ticker, second.frame["line"].to_list()) == ("B.NS", [2])
    assert (first.vendor, first.price_basis) == ("yahoo", "total")


def test_a_range_leaves_out_what_lies_outside_it(write):
    rows = [ROW.replace("03", day) for day in ("03", "04", "05")]
    found = file_source(write(HEADER + "".join(rows) + rows[0] + "Total,,,,,\n"))

    (delivery,) = found.fetch("daily", "TCS.NS", dt.date(2022, 1, 4), dt.date(2022, 1, 4))

    assert delivery.frame["date"].to_list() == [dt.date(2022, 1, 4)]
    assert rules(delivery) == ["unreadable_date"]
    assert any("3 rows outside" in note for note in delivery.notes)


def test_the_days_of_hourly_bars_are_indian(write):
    bars = ["2022-01-03 09:15:00", "2022-01-03 10:15:00", "2022-01-04 09:15:00"]
    text = "datetime,open,high,low,close\n" + "".join(f"{bar},1,2,1,2\n" for bar in bars)
    found = file_source(write(text))

    (delivery,) = found.fetch("hourly", "TCS.NS", dt.date(2022, 1, 4), None)

    assert delivery.frame.height == 1
    assert found.fetch("daily", "TCS.NS", None, None) == []


def test_a_folder_gives_one_delivery_per_file_in_name_order(write, tmp_path):
    for name in ("TCS_2.csv", "INFY.NS.csv.gz", "TCS_1.csv", "notes.txt", ".hidden.csv"):
        write(HEADER + ROW, name)

    found = file_source(tmp_path)

    origins = [d.origin.rsplit("/", 1)[1] for d in all_deliveries(found)]
    assert origins == ["INFY.NS.csv.gz", "TCS_1.csv", "TCS_2.csv"]
    assert len(found.fetch("daily", "TCS.NS", None, None)) == 2


def test_a_file_given_twice_is_read_once(write, tmp_path):
    path = write(HEADER + ROW)

    assert len(all_deliveries(file_source(path, tmp_path, path))) == 1


def test_a_folder_gives_only_the_ticker_requested(write, tmp_path):
    for name in ("TCS.NS.csv", "INFY.NS.csv", "history.csv"):
        write(HEADER + ROW, name)

    found = file_source(tmp_path, ticker="TCS")

    assert [d.origin.rsplit("/", 1)[1] for d in all_deliveries(found)] == ["TCS.NS.csv"]
    (refused,) = found.take_failures()
    assert str(refused).endswith(
        "history.csv: nothing in it names TCS.NS: give it alone, by its own path."
    )


def test_a_folder_without_the_ticker_requested_is_refused(write, tmp_path):
    write(HEADER + ROW, "INFY.NS.csv")

    with pytest.raises(BadInput, match=r"no file there has prices of TCS\.NS"):
        file_source(tmp_path, ticker="TCS").tickers()


@pytest.mark.parametrize("day", ["2022-01-03", dt.date(2022, 1, 3)])
def test_a_workbook_is_read_with_every_digit(tmp_path, day):
    rows = [HEADER.strip().split(","), [day, 0.1 + 0.2, 1e-7, 1.0, 12345678.5, 3_000_000_000]]

    row = only(workbook(tmp_path / "TCS.NS.xlsx", {"S": rows})).frame.row(0)

    values = (0.1 + 0.2, 1e-7, 1.0, 12345678.5, 3e9)
    assert row == (1, dt.date(2022, 1, 3), *values, None)


def test_a_number_without_the_form_of_a_date_is_no_date_in_a_workbook(tmp_path):
    path = workbook(
        tmp_path / "TCS.NS.xlsx", {"S": [HEADER.strip().split(","), [44564, 1, 1, 1, 1, 1]]}
    )

    with pytest.raises(BadInput, match=r"day numbers .* such as 44564"):
        only(path)


def test_formulas_without_their_values_are_refused_in_silence(tmp_path, caplog):
    rows = [[dt.date(2022, 1, day), *["=1+1"] * 5] for day in (3, 4, 5)]
    path = workbook(tmp_path / "TCS.NS.xlsx", {"S": [HEADER.strip().split(","), *rows]})

    with pytest.raises(BadInput, match="no row has a price in its close column"):
        only(path)
    assert caplog.text == ""


def test_an_empty_workbook_is_refused(tmp_path):
    with pytest.raises(BadInput, match="all its sheets are empty"):
        only(workbook(tmp_path / "TCS.NS.xlsx", {"S": []}))


def test_a_blank_symbol_column_says_nothing(write):
    text = SYMBOLS + "2022-01-03,,1,2,1,2,9\n"

    assert only(write(text)).ticker == "TCS.NS"


def test_part_of_a_file_is_not_taken_for_the_file(tmp_path):
    path = tmp_path / "TCS.NS.csv"
    path.write_text(HEADER + "2024-01-02,1,2,1,2,3\n2024-01-03,1,2,1,2,3\n")

    (whole,) = file_source(path).fetch("daily", "TCS.NS", None, dt.date(2024, 1, 3))
    (part,) = file_source(path).fetch("daily", "TCS.NS", None, dt.date(2024, 1, 2))

    assert (
        whole.content_hash == file_source(path).fetch("daily", "TCS.NS", None, None)[0].content_hash
    )
    assert part.content_hash != whole.content_hash
