import datetime as dt

import pytest

from src.core.calendars.nse import nse
from src.core.errors import BadInput
from src.data.corporate_actions.intake.exchange_lists.rows import action_rows, source_of

LATEST = dt.date(2027, 1, 1)
NSE_COLUMNS = [
    "SYMBOL",
    "COMPANY NAME",
    "SERIES",
    "PURPOSE",
    "FACE VALUE",
    "EX-DATE",
    "RECORD DATE",
]
BSE_COLUMNS = ["Security Code", "Security Name", "Company Name", "Ex Date", "Purpose"]
LIST_OF_A_DAY = ["SERIES", "SYMBOL", "SECURITY", "RECORD_DT", "EX_DT", "PURPOSE"]


def read(*records, suffix=".NS"):
    return action_rows(records, nse(), LATEST, suffix)


def record(symbol="ACME", ex_date="07-Jan-2016", subject="Bonus 1:1", **cells):
    return {"SYMBOL": symbol, "SERIES": "EQ", "PURPOSE": subject, "EX-DATE": ex_date} | cells


@pytest.mark.parametrize(
    ("columns", "source"),
    [
        (NSE_COLUMNS, "nse"),
        (["SYMBOL ", "SERIES ", "PURPOSE ", "EX-DATE "], "nse"),
        (LIST_OF_A_DAY, "nse"),
        (["symbol", "series", "faceVal", "subject", "exDate", "recDate"], "nse"),
        (BSE_COLUMNS, "bse"),
        (["scrip_code", "short_name", "Ex_date", "Purpose"], "bse"),
        (["Date", "Dividends", "Stock Splits"], None),
        (["SYMBOL", "SERIES", "OPEN", "CLOSE"], None),
    ],
)
def test_the_columns_tell_whose_list_it_is(columns, source):
    assert source_of(columns) == source


def test_a_row_is_read_with_its_face_value_and_its_ex_date():
    (row,), errors = read(record(**{"FACE VALUE": "10"}))

    assert errors == []
    assert (row.ticker, row.series, row.subject) == ("ACME.NS", "EQ", "Bonus 1:1")
    assert (row.face_value, row.ex_date) == (10.0, dt.date(2016, 1, 7))


@pytest.mark.parametrize("written", ["07-Jan-2016", "07-JAN-2016", "07 Jan 2016", "2016-01-07"])
def test_dates_are_read_as_they_are_written(written):
    (row,), _ = read(record(ex_date=written))
    assert row.ex_date == dt.date(2016, 1, 7)


def test_blanks_are_no_values():
    (row, _), errors = read(record(ex_date="-", **{"FACE VALUE": "-"}), record())

    assert errors == []
    assert (row.face_value, row.ex_date) == (None, None)


def test_a_row_that_cannot_be_is_told_and_the_others_are_read():
    fine = [record() for _ in range(200)]
    rows, errors = read(*fine, record("?!"), record(ex_date="07-Jan-2077"))

    assert len(rows) == 200
    assert errors == [
        "line 201: '?!' is not a symbol",
        "line 202: '07-Jan-2077' of ACME is no possible ex-date",
    ]


def test_dates_of_which_day_and_month_are_not_clear_are_refused():
    with pytest.raises(BadInput, match="ex-date"):
        read(record(ex_date="05/01/2016"), record(ex_date="06/02/2016"))


def test_a_list_without_ex_dates_is_refused():
    with pytest.raises(BadInput, match="no column for the ex-date"):
        read({"SYMBOL": "ACME", "PURPOSE": "Bonus 1:1"})


def test_names_of_bse_are_tickers_of_bse():
    row = {"Security Code": "500001", "Security Name": "ACME", "Ex Date": "07 Jan 2016"}
    (read_row,), _ = read(row | {"Purpose": "Bonus issue 1:1"}, suffix=".BO")
    assert (read_row.ticker, read_row.series) == ("ACME.BO", "")
