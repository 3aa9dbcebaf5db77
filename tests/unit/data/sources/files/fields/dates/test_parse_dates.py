import datetime as dt

import polars as pl
import pytest

from src.core.calendars.nse import nse
from src.core.errors import BadInput
from src.data.sources.files.fields.dates.parse import parse_dates


def parsed(*written):
    at = pl.Series("at", written, dtype=pl.String)
    lines = pl.Series(range(2, len(written) + 2))
    return parse_dates(at, lines, column="Date", latest_year=2027, calendar=nse())


def days(*written):
    return parsed(*written).wall.dt.date().to_list()


@pytest.mark.parametrize(
    "written",
    [
        *("2022-01-03", "2022/01/03", "2022-01-03 00:00:00", "2022-01-03T00:00:00.000"),
        *("20220103", "03-Jan-2022", "03-JAN-2022", "3 January 2022", "Jan 03, 2022", "2022-1-3"),
        *("03-Jan-22", "3-JAN-22", "03Jan2022", "03JAN22", "January 3, 2022", "Jan. 3, 2022"),
        *("3. Jan. 2022", "Mon, 03 Jan 2022", "Monday, January 3, 2022", "3rd January 2022"),
        *("2022-Jan-03", "Mon Jan 03 2022", "20220103 000000", "20220103 0", "2022-01-03 00:00"),
        *("2022-01-03 12:00:00 AM", "3 Jan 2022 12:00 am", "20220103000000", "20220103T000000"),
        *("2022-01-03 00:00:00 00:00:00", "Mon Jan  3 00:00:00 2022", "2022.01.03"),
    ],
)
def test_a_form_that_can_mean_one_day_only_is_read(written):
    assert days(written) == [dt.date(2022, 1, 3)]


@pytest.mark.parametrize("mark", ["-", "/", "."])
def test_the_day_comes_first_once_a_first_part_exceeds_twelve(mark):
    written = [text.replace("-", mark) for text in ("03-01-2022", "13-01-2022")]

    assert days(*written) == [dt.date(2022, 1, 3), dt.date(2022, 1, 13)]
    assert parsed(*written).notes == ()


def test_the_month_comes_first_once_a_second_part_exceeds_twelve_with_a_note():
    dates = parsed("01/03/2022", "01/13/2022")

    assert dates.wall.dt.date().to_list() == [dt.date(2022, 1, 3), dt.date(2022, 1, 13)]
    assert "month/day/year" in dates.notes[0]


@pytest.mark.parametrize("written", ["01/02/2022", "01-02-2022"])
def test_an_order_that_cannot_be_decided_is_refused(written):
    with pytest.raises(BadInput, match=rf"ambiguous, as '{written}' \(line 2\)"):
        parsed(written, "12/12/2022")


def test_both_orders_in_one_file_are_refused():
    with pytest.raises(BadInput, match="mixes"):
        parsed("13/01/2022", "01/13/2022")


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("1699", "day numbers"),
        ("44562", "day numbers"),
        ("44562.0", "day numbers"),
        ("31122024", "numbers"),
        ("241231", "day numbers"),
        ("16411680001", "numbers"),
        ("99999999", "numbers"),
    ],
)
def test_numbers_are_not_read_as_dates(written, kind):
    with pytest.raises(BadInput, match=rf"has {kind}.*such as {written} \(line 2\)"):
        parsed(written, written)


@pytest.mark.parametrize(
    "written",
    ["1641181500", "1641181500.0", "1641181500000", "1641181500000000", "1641181500000000000"],
)
def test_an_epoch_is_a_time_in_utc(written):
    dates = parsed(written)

    assert dates.wall[0] == dt.datetime(2022, 1, 3, 3, 45)  # noqa: DTZ001 - as written
    assert dates.offset[0] == 0


def test_an_epoch_of_nine_digits_is_of_the_last_century():
    assert days("915148800", "1041379200") == [dt.date(1999, 1, 1), dt.date(2003, 1, 1)]


@pytest.mark.parametrize(
    ("written", "time", "offset"),
    [
        ("31/12/2024 09:15:00 AM", "09:15:00", None),
        ("31-12-2024 3:30 PM", "15:30:00", None),
        ("31-12-2024 12:05 pm", "12:05:00", None),
        ("31-12-2024 12:05 a.m.", "00:05:00", None),
        ("20241231 093000", "09:30:00", None),
        ("20241231 91500", "09:15:00", None),
        ("20241231 915", "09:15:00", None),
        ("20241231 09:15", "09:15:00", None),
        ("202412310915", "09:15:00", None),
        ("2024-12-31 00:00:00 09:15:00", "09:15:00", None),
        ("31-Dec-2024 15:15:00:000", "15:15:00", None),
        ("2024-12-31T09:15:00+0530", "09:15:00", 330),
        ("2024-12-31T09:15:00.000+05:30", "09:15:00", 330),
        ("2024-12-31 09:15:00 IST", "09:15:00", 330),
        ("2024-12-31 03:45:00 UTC", "03:45:00", 0),
        ("2024-12-31 03:45:00+00", "03:45:00", 0),
        ("2024-12-31 09:15:00 GMT+5:30", "09:15:00", 330),
        ("2024-12-31 09:15:00+5:30", "09:15:00", 330),
        ("2024-12-30 22:45:00-05", "22:45:00", -300),
        ("31/12/2024, 9:15:00\u202fAM", "09:15:00", None),
        ("Tue Dec 31 2024 05:30:00 GMT+0530 (India Standard Time)", "05:30:00", 330),
        ("Tue, 31 Dec 2024 03:45:00 GMT", "03:45:00", 0),
        ("Tue Dec 31 09:15:00 IST 2024", "09:15:00", 330),
    ],
)
def test_times_and_offsets_are_read(written, time, offset):
    dates = parsed(written)

    assert str(dates.wall[0])[11:] == time
    assert dates.wall[0].month == 12
    assert dates.offset[0] == offset


def test_hours_without_minutes_can_be_seconds_and_are_refused():
    with pytest.raises(BadInput, match=r"'20241231 9' .*which is not a date"):
        parsed("20241231 9", "20241231 10")


def test_years_of_two_digits_are_the_latest_that_can_be():
    assert days("30-Dec-24", "3-Jan-95", "3-Jan-27", "3-Jan-80") == [
        *(dt.date(2024, 12, 30), dt.date(1995, 1, 3), dt.date(2027, 1, 3), dt.date(1980, 1, 3))
    ]
    with pytest.raises(BadInput, match="'3-Jan-28'"):
        parsed("3-Jan-28")


def test_two_digits_of_day_month_and_year_are_read_where_one_order_fits():
    assert days("30/12/24", "31/12/24") == [dt.date(2024, 12, 30), dt.date(2024, 12, 31)]
    assert days("12/30/24", "12/31/24") == [dt.date(2024, 12, 30), dt.date(2024, 12, 31)]
    assert days("24-12-30", "24-12-31") == [dt.date(2024, 12, 30), dt.date(2024, 12, 31)]


@pytest.mark.parametrize("written", [("13/11/24", "14/11/24"), ("05/06/07", "06/06/07")])
def test_two_digits_that_fit_several_orders_are_refused(written):
    with pytest.raises(BadInput, match=r"is ambiguous.* or "):
        parsed(*written)


def test_the_calendar_decides_where_one_order_makes_sessions_in_a_row():
    dates = parsed("01/11/2024", "04/11/2024", "05/11/2024", "06/11/2024")

    assert dates.wall.dt.date().to_list()[:2] == [dt.date(2024, 11, 1), dt.date(2024, 11, 4)]
    assert "in which they are sessions in a row" in dates.notes[0]
    american = parsed("11/01/2024", "11/04/2024", "11/05/2024").wall.dt.date().to_list()
    assert american == [dt.date(2024, 11, 1), dt.date(2024, 11, 4), dt.date(2024, 11, 5)]


@pytest.mark.parametrize(
    "written",
    [
        ("04/11/2024", "05/11/2024"),  # two rows
        ("02/11/2024", "04/11/2024", "05/11/2024"),  # a Saturday
        ("01/11/2024", "02/12/2024", "03/01/2024"),  # a month apart
    ],
)
def test_the_calendar_decides_nothing_else(written):
    with pytest.raises(BadInput, match="is ambiguous"):
        parsed(*written)


def test_parts_that_are_no_date_show_no_order():
    assert days("00/00/2024", *["13/12/2024"] * 3)[1] == dt.date(2024, 12, 13)


@pytest.mark.parametrize("year", ["1899", "1979", "2028"])
def test_a_year_beyond_reason_is_refused(year):
    with pytest.raises(BadInput, match=rf"'{year}-01-03' \(line 3\), outside the years"):
        parsed("2022-01-03", f"{year}-01-03")


def test_one_year_beyond_reason_among_many_is_unreadable():
    dates = parsed(*["2022-01-03"] * 3, "1975-01-01")

    assert dates.wall[-1] is None
    assert dates.outside_years.to_list() == [False] * 3 + [True]


def test_years_beyond_reason_and_unreadable_dates_share_one_limit():
    with pytest.raises(BadInput, match=r"'1975-01-01' \(line 6\), outside the years"):
        parsed(*["2022-01-03"] * 3, "Total", "1975-01-01", *["2022-01-04"] * 90)


def test_offsets_are_kept_beside_the_time_as_written():
    dates = parsed("2022-01-03 09:15:00+05:30", "2022-01-03T03:45:00Z", "2022-01-03 00:00-0500")

    assert dates.offset.to_list() == [330, 0, -300]
    assert dates.wall[0] == dt.datetime(2022, 1, 3, 9, 15)  # noqa: DTZ001 - as written


def test_a_stray_line_is_unreadable_and_no_reason_to_refuse():
    assert days(*["2022-01-03"] * 3, "Total")[-1] is None


def test_a_day_that_does_not_exist_is_unreadable():
    assert days("2022-02-28", "2022-02-27", "2022-02-30")[-1] is None


def test_many_unreadable_dates_refuse_the_file_naming_the_first():
    with pytest.raises(BadInput, match=r"'soon' \(line 4\), which is not a date \(2 of 102 rows\)"):
        parsed("2022-01-03", "2022-01-03", "soon", "later", *["2022-01-04"] * 98)


def test_the_form_is_one_for_the_whole_file():
    assert days(*["2022-01-03"] * 3, "04-Jan-2022")[-1] is None


def test_a_row_without_offset_is_unreadable_where_the_others_have_one():
    dates = parsed(*["2022-01-03 09:15:00+05:30"] * 3, "2022-01-03 09:15:00")

    assert dates.has_offset
    assert dates.wall.null_count() == 1


def test_a_column_without_any_date_is_refused():
    with pytest.raises(BadInput, match="not a date"):
        parsed(None, None)
