import pytest

from src.core.errors import BadInput, UsageError
from src.core.tickers import check_suffix, normalise_ticker
from src.data.sources.files.fields.tickers import select_tickers, ticker_in_name


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
    ("file_name", "ticker"),
    [
        ("TCS.NS.csv", "TCS.NS"),
        ("TCS_2020-10-01_to_2025-09-30.csv", "TCS.NS"),
        ("M&M_2020.csv", "M&M.NS"),
        ("BAJAJ-AUTO_2020.csv", "BAJAJ-AUTO.NS"),
        ("ITCHOTELS.NS.csv.gz", "ITCHOTELS.NS"),
        ("TCS.NS (1).csv", "TCS.NS"),
        ("TCS.BO.csv", "TCS.BO"),
        ("360ONE.xlsx", "360ONE.NS"),
    ],
)
def test_a_file_name_begins_with_its_ticker(file_name, ticker):
    assert ticker_in_name(file_name, ".NS") == ticker


@pytest.mark.parametrize(
    "file_name",
    [
        *("data_2020.csv", "yahoo_2026-04-13.csv", "prices.csv", "nse_raw.csv", "2026-04-13.csv"),
        *("2020_TCS.csv", "DATA.csv", "NSE_TCS, 1D.csv", "-TCS.csv", f"{'A' * 21}.csv"),
    ],
)
def test_a_name_without_a_plausible_symbol_names_no_ticker(file_name):
    assert ticker_in_name(file_name, ".NS") is None


def test_all_symbols_of_a_file_are_taken_when_none_is_requested():
    assert select_tickers(None, ["A.NS", "B.NS"], "C.NS", explicit=True) == ["A.NS", "B.NS"]


def test_the_ticker_requested_beats_the_name_of_an_explicit_file():
    assert select_tickers("TCS.NS", [], "INFY.NS", explicit=True) == ["TCS.NS"]


def test_a_file_named_for_another_ticker_is_passed_over_in_a_folder():
    assert select_tickers("TCS.NS", [], "INFY.NS", explicit=False) == []


def test_a_file_of_other_symbols_is_passed_over_in_a_folder():
    assert select_tickers("TCS.NS", ["INFY.NS"], "TCS.NS", explicit=False) == []


def test_a_symbol_that_contradicts_the_ticker_is_refused_with_both_named():
    with pytest.raises(BadInput, match=r"INFY\.NS, not of TCS\.NS"):
        select_tickers("TCS.NS", ["INFY.NS"], None, explicit=True)


def test_a_file_that_names_nothing_needs_the_option():
    with pytest.raises(BadInput, match="add --ticker"):
        select_tickers(None, [], None, explicit=True)
