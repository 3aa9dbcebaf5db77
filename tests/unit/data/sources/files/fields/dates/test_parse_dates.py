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
        ("1641168000", "epoch"),
        ("1641168000000", "epoch"),
        ("99999999", "numbers"),
    ],
)
def test_numbers_are_not_read_as_dates(written, kind):
    with pytest.raises(BadInput, match=rf"has {kind}.*such as {written} \(line 2\)"):
        parsed(written, written)


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
