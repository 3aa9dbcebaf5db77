"""Lists of instruments as NSE and BSE publish them; the shares are invented."""

import datetime as dt

import pytest

from src.core.errors import BadInput
from src.data.instruments.lists.columns import RefusedRow, check_isin
from src.data.instruments.lists.stated import Facts, SymbolChange, read_list

TODAY = dt.date(2026, 4, 13)
# Invented ISINs whose last digits are right, worked out by hand.
ALPHA, BETA = "INE000A01012", "INE000B01010"
EQUITY_L = (
    "SYMBOL,NAME OF COMPANY, SERIES, DATE OF LISTING, PAID UP VALUE, MARKET LOT, ISIN NUMBER,"
    " FACE VALUE\n"
    f"ALPHA,Alpha Works Limited,EQ,06-OCT-2008,5,1,{ALPHA},5\n"
    f"B&B,Beta and Beta Limited,BE,03-MAY-1995,10,1,{BETA},10\n"
)
A = Facts("ALPHA.NS", "Alpha Works Limited", dt.date(2008, 10, 6), ALPHA, 5.0, "EQ")
B = Facts("B&B.NS", "Beta and Beta Limited", dt.date(1995, 5, 3), BETA, 10.0, "BE")


@pytest.fixture
def read(tmp_path):
    def reading(content, name="EQUITY_L.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_list(path, TODAY)

    return reading


def test_nses_list_is_read(read):
    stated = read(EQUITY_L)

    assert stated.facts == [A, B]
    assert stated.refused == []


@pytest.mark.parametrize(
    "content",
    [
        # A byte order mark, quotes, other line ends, further columns in another order.
        b"\xef\xbb\xbf"
        + (
            '"ISIN NUMBER","SYMBOL","NAME OF COMPANY","X"," DATE OF LISTING","FACE VALUE",'
            '"SERIES"\r\n'
            f'"{ALPHA}","ALPHA","Alpha Works Limited","1","06-Oct-2008","5","EQ"\r\n'
        ).encode(),
        # The list of SME shares.
        "SYMBOL,NAME_OF_COMPANY,SERIES,DATE_OF_LISTING,PAID_UP_VALUE,ISIN_NUMBER,FACE_VALUE\n"
        f"ALPHA,Alpha Works Limited,EQ,06-OCT-2008,5,{ALPHA},5\n",
        # Saved again from a spreadsheet in another country.
        "SYMBOL;NAME OF COMPANY;SERIES;DATE OF LISTING;ISIN NUMBER;FACE VALUE\n"
        f"ALPHA;Alpha Works Limited;EQ;2008-10-06;{ALPHA};5\n",
    ],
    ids=["quoted and reordered", "SME", "semicolons"],
)
def test_other_forms_of_the_list_say_the_same(read, content):
    assert read(content).facts == [A]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (f"ALPHA,A Ltd,EQ,31-FEB-2008,5,1,{ALPHA},5", "date of listing '31-FEB-2008' cannot be"),
        (f"ALPHA,A Ltd,EQ,06-OCT-2088,5,1,{ALPHA},5", "2088-10-06 lies far in the future"),
        ("ALPHA,A Ltd,EQ,06-OCT-2008,5,1,INE000A01013,5", "'INE000A01013' is not an ISIN"),
        (f"ALPHA,A Ltd,EQ,06-OCT-2008,5,1,{ALPHA},minus", "face value 'minus' is not a number"),
        (f"AL PHA!,A Ltd,EQ,06-OCT-2008,5,1,{ALPHA},5", "'AL PHA!' is not a symbol"),
        (f"B&B,Another,EQ,06-OCT-2008,5,1,{ALPHA},5", "B&B.NS stands in it twice"),
    ],
)
def test_a_row_that_cannot_be_taken_is_told_with_its_line(read, line, reason):
    stated = read(f"{EQUITY_L}{line}\n")

    (refusal,) = stated.refused
    assert refusal.line == 4
    assert reason in refusal.reason


def test_of_contradicting_rows_neither_is_taken(read):
    stated = read(f"{EQUITY_L}B&B,Another,EQ,06-OCT-2008,5,1,{ALPHA},5\n")

    assert stated.facts == [A]


def test_bses_list_states_facts_and_states(read):
    stated = read(
        "Security Code,Issuer Name,Security Id,Security Name,Status,Group,Face Value,ISIN No,"
        "Industry,Instrument\n"
        f"500001,Alpha Works Limited,ALPHA,Alpha,Active,A,5.00,{ALPHA},Tools,Equity\n"
        f"500002,Beta Limited,BETA,Beta,Suspended,B,10.00,{BETA},Tools,Equity\n"
        "500003,Gone Limited,GONE,Gone,Delisted,Z,10.00,NA,Tools,Equity\n"
        f"900001,Beta Limited,BETA28,Beta 8%,Active,F,1000,{BETA},Tools,Debt\n"
    )

    assert stated.facts == [
        Facts("ALPHA.BO", "Alpha Works Limited", None, ALPHA, 5.0, "A"),
        Facts("BETA.BO", "Beta Limited", None, BETA, 10.0, "B"),
        Facts("GONE.BO", "Gone Limited", None, None, 10.0, "Z"),
    ]
    assert stated.states == {"ALPHA.BO": "active", "BETA.BO": "suspended", "GONE.BO": "delisted"}


@pytest.mark.parametrize(
    "content",
    [
        "Alpha Works Limited,OLDALPHA,ALPHA,16-JUN-2011\nBeta, Sons & Co,BETA,B&B,1-Jan-2004\n",
        "SYMB_COMPANY_NAME, SM_KEY_SYMBOL, SM_NEW_SYMBOL, SM_APPLICABLE_FROM\n"
        "Alpha Works Limited,OLDALPHA,ALPHA,16-JUN-2011\n"
        '"Beta, Sons & Co",BETA,B&B,01-JAN-2004\n',
        "Company,Old Symbol,New Symbol,Date\n"
        "Alpha Works Limited,OLDALPHA,ALPHA,2011-06-16\nBeta Sons,BETA,B&B,2004-01-01\n",
    ],
    ids=["no header", "NSE's header", "plain header"],
)
def test_changes_of_symbols_are_read(read, content):
    stated = read(content, "symbolchange.csv")

    assert [change for _, change in stated.changes] == [
        SymbolChange("OLDALPHA.NS", "ALPHA.NS", dt.date(2011, 6, 16)),
        SymbolChange("BETA.NS", "B&B.NS", dt.date(2004, 1, 1)),
    ]
    assert stated.refused == []


def test_changes_of_the_future_are_not_taken_yet(read):
    stated = read("A Ltd,OLDA,ALPHA,16-JUN-2011\nB Ltd,OLDB,BETA,01-JUN-2026\n")

    assert len(stated.changes) == 1
    assert stated.refused[0].reason == ("2026-06-01 lies in the future: import the file again then")


def test_dates_of_which_day_and_month_may_be_either_are_refused(read):
    with pytest.raises(BadInput, match=r"day and month cannot be told apart in its column 'date'"):
        read("A Ltd,OLDA,ALPHA,05/06/2011\nB Ltd,OLDB,BETA,01/02/2004\n")


def test_one_day_above_twelve_tells_them_apart(read):
    stated = read("A Ltd,OLDA,ALPHA,05/06/2011\nB Ltd,OLDB,BETA,31/01/2004\n")

    assert [change.date for _, change in stated.changes] == [
        dt.date(2011, 6, 5),
        dt.date(2004, 1, 31),
    ]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            "SYMBOL,SERIES,PURPOSE,FACE VALUE,EX-DATE,RECORD DATE\nA,EQ,Bonus 1:1,1,"
            "07-Jan-2016,08-Jan-2016\n",
            "a list of corporate actions, not of shares: bring it in with `python -m "
            "src.data.corporate_actions import",
        ),
        ("Date,Open,High,Low,Close\n2024-01-01,1,1,1,1\n", "it is none of the known lists"),
        (
            "SYMBOL,COMPANY NAME,SERIES,PURPOSE,EX-DATE\nA,A Ltd,EQ,Bonus,07-Jan-2016\n",
            "it is a list of corporate actions, not of shares",
        ),
        ("SYMBOL,DATE OF LISTING,ISIN NUMBER\n!,?,?\n", "no row of it can be taken"),
    ],
)
def test_another_file_is_refused(read, content, sentence):
    with pytest.raises(BadInput, match=sentence):
        read(content)


@pytest.mark.parametrize("isin", ["INE467B01029", "US0378331005", "INE009A01021"])
def test_the_check_digit_of_real_isins_is_right(isin):
    assert check_isin(isin) == isin


@pytest.mark.parametrize("text", ["INE467B01028", "INE467B0102", "", "TCS"])
def test_what_is_no_isin_is_refused(text):
    with pytest.raises(RefusedRow):
        check_isin(text)
