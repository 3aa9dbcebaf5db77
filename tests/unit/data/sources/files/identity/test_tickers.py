import pytest

from src.core.errors import UsageError
from src.core.tickers import check_suffix, normalise_ticker
from src.data.sources.files.identity.tickers import (
    is_bare,
    names_country,
    suffix_of_exchange,
    ticker_of_cell,
)


@pytest.mark.parametrize(
    ("written", "ticker"),
    [
        ("TCS", "TCS.NS"),
        ("tcs.ns", "TCS.NS"),
        (" TCS.NS ", "TCS.NS"),
        ("NSE:TCS", "TCS.NS"),
        ("nse:tcs-eq", "TCS.NS"),
        ("TCS-EQ.NS", "TCS.NS"),
        ("M&M", "M&M.NS"),
        ("BAJAJ-AUTO.NS", "BAJAJ-AUTO.NS"),
        ("500325.BO", "500325.BO"),
        ("^NSEI", "^NSEI"),
        ("20MICRONS", "20MICRONS.NS"),
        ("EURUSD=X", "EURUSD=X"),
    ],
)
def test_a_written_symbol_becomes_the_ticker_of_yahoo(written, ticker):
    assert normalise_ticker(written, ".NS") == ticker


def test_a_bare_symbol_stays_bare_with_an_empty_suffix():
    assert normalise_ticker("AAPL", "") == "AAPL"


@pytest.mark.parametrize(
    "written",
    [
        *("", "  ", "'; DROP TABLE x;--", "../etc/passwd", "a/b", "TCS.", ".NS", "A" * 33),
        *("TCS\n.NS", "NSE:", "BSE:TCS", "TCS NS", "TCS.NS.NS", "टीसीएस", "-TCS"),
    ],
)
def test_what_is_no_ticker_is_a_wrong_use(written):
    with pytest.raises(UsageError, match="is not a ticker"):
        normalise_ticker(written, ".NS")


def test_the_suffix_counts_towards_the_longest_ticker():
    with pytest.raises(UsageError, match="longer than 32"):
        normalise_ticker("A" * 30, ".NS")


@pytest.mark.parametrize("suffix", ["NS", ".", ".TOOLONG", ".N S", "/"])
def test_a_suffix_that_is_none_is_a_wrong_use(suffix):
    with pytest.raises(UsageError, match="suffix"):
        check_suffix(suffix)


def test_a_suffix_is_upper_cased():
    assert [check_suffix(".bo"), check_suffix("")] == [".BO", ""]


@pytest.mark.parametrize(
    ("written", "ticker"),
    [
        *[("TCS", "TCS.NS"), ("NSE:TCS", "TCS.NS"), ("BSE:TCS", "TCS.BO"), ("BOM: TCS", "TCS.BO")],
        *[("TCS.NSE", "TCS.NS"), ("TCS.BSE", "TCS.BO"), ("NSE_EQ|TCS", "TCS.NS")],
        *[("TCS.BO", "TCS.BO"), ("TCS.IN", "TCS.NS"), ("AAPL.US", "AAPL.US"), ("tcs-eq", "TCS.NS")],
        *[("532540", None), ("BSE:532540", "532540.BO"), ("20MICRONS", "20MICRONS.NS")],
        *[("T C S", None), ("", None), ("?", None)],
    ],
)
def test_a_cell_names_its_ticker_in_many_spellings(written, ticker):
    assert ticker_of_cell(written, ".NS") == ticker


@pytest.mark.parametrize(
    ("word", "suffix"),
    [("NSE", ".NS"), ("nse_eq", ".NS"), ("BSE", ".BO"), ("BOM", ".BO"), ("NASDAQ", None)],
)
def test_an_exchange_has_its_suffix(word, suffix):
    assert suffix_of_exchange(word) == suffix


def test_a_symbol_of_a_country_names_no_exchange():
    assert [names_country(text) for text in ("TCS.IN", "TCS.NS", "TCS")] == [True, False, False]
    assert [is_bare(text) for text in ("TCS.IN", "TCS", "NSE:TCS", "TCS.BO")] == [
        *[True, True],
        *[False, False],
    ]


@pytest.mark.parametrize(
    ("written", "ticker"),
    [
        ("BSE:TCS-A", "TCS.BO"),
        ("BSE:BAJAJ-AUTO-A", "BAJAJ-AUTO.BO"),
        ("BSE:BAJAJ-AUTO", "BAJAJ-AUTO.BO"),
        ("NSE:SUZLON-BE", "SUZLON.NS"),
        ("SUZLON-BE", "SUZLON.NS"),
        ("XYZ-SM.NS", "XYZ.NS"),
        ("MCDOWELL-N", "MCDOWELL-N.NS"),
        ("NAM-INDIA", "NAM-INDIA.NS"),
    ],
)
def test_a_series_or_group_behind_a_symbol_is_no_part_of_it(written, ticker):
    assert ticker_of_cell(written, ".NS") == ticker
