import pytest

from src.core.errors import BadInput
from src.data.sources.files.identity.file_names import name_of


def named(file_name):
    name = name_of(file_name, "its name")
    return None if name is None else name.ticker


@pytest.mark.parametrize(
    ("file_name", "ticker"),
    [
        ("TCS.NS.csv", "TCS.NS"),
        ("TCS.NS (1).csv", "TCS.NS"),
        ("TCS.NS_2020-01-01_to_2021-01-01.csv", "TCS.NS"),
        ("ITCHOTELS.NS.csv.gz", "ITCHOTELS.NS"),
        ("tcs.ns.csv", "TCS.NS"),
        ("TCS.BO.csv", "TCS.BO"),
        ("AAPL.US.txt", "AAPL.US"),
        ("TCS_BO.csv", "TCS.BO"),
        ("TCS_NS.csv", "TCS.NS"),
        ("TCS_BSE_2024.csv", "TCS.BO"),
        ("TCS_NSE_daily.csv", "TCS.NS"),
        ("TCS.NS_anything.csv", "TCS.NS"),
        ("NSE_TCS.csv", "TCS.NS"),
        ("NSE_TCS_2020.csv", "TCS.NS"),
        ("NSE-TCS-1D.csv", "TCS.NS"),
        ("NSE_DLY_TCS, 1D.csv", "TCS.NS"),
        ("NSE_TCS, 1D_4f0a1.csv", "TCS.NS"),
        ("BSE_DLY_TCS, 1D.csv", "TCS.BO"),
        ("Quote-Equity-TCS-EQ-01-01-2024-to-31-12-2024.csv", "TCS.NS"),
        ("Quote-Equity-BAJAJ-AUTO-EQ-01-01-2024-to-31-12-2024.csv", "BAJAJ-AUTO.NS"),
        ("01-01-2020-TO-31-12-2020TCSEQN.csv", "TCS.NS"),
        ("01-01-2020-TO-31-12-2020M&MALLN.csv", "M&M.NS"),
    ],
)
def test_a_pattern_states_symbol_and_exchange(file_name, ticker):
    assert named(file_name) == ticker


@pytest.mark.parametrize(
    ("file_name", "symbol"),
    [
        ("TCS.csv", "TCS"),
        ("TCS.csv.zip", "TCS"),
        ("TCS-EQ.csv", "TCS"),
        ("360ONE.xlsx", "360ONE"),
        ("M&M_2020.csv", "M&M"),
        ("BAJAJ-AUTO_2020.csv", "BAJAJ-AUTO"),
        ("TCS_2020-10-01_to_2025-09-30.csv", "TCS"),
        ("TCS Historical Data.csv", "TCS"),
        ("tcs.csv", "TCS"),
        ("^NSEI.csv", "^NSEI"),
    ],
)
def test_one_word_states_a_symbol_alone(file_name, symbol):
    assert named(file_name) == symbol


@pytest.mark.parametrize(
    "file_name",
    [
        *("HDFC_BANK.csv", "HDFC Bank.csv", "TCS_INFY.csv", "TCS.NS_vs_INFY.NS.csv"),
        *("HDFC_NSE_BANK.csv", "NSE_HDFC_BANK.csv", "1398-hk-1d-bad-div.csv"),
        *("data_2020.csv", "yahoo_2026-04-13.csv", "prices.csv", "nse_raw.csv", "2026-04-13.csv"),
        *("2020_TCS.csv", "DATA.csv", "-TCS.csv", f"{'A' * 21}.csv", "500325.csv"),
        *("BhavCopy_NSE_CM_0_0_0_20241231_F_0000.csv", "sec_bhavdata_full_31122024.csv"),
        *("cm31DEC2024bhav.csv.zip", "EQ311224.CSV", "2024-12-31-NSE-EQ.csv", "NSE_DAILY.csv"),
    ],
)
def test_words_that_are_no_pattern_state_nothing(file_name):
    assert named(file_name) is None


@pytest.mark.parametrize(
    ("interval", "kind"), [("1D", "daily"), ("60", "hourly"), ("1h", "hourly")]
)
def test_the_interval_of_tradingview_is_the_kind_of_bars(interval, kind):
    assert name_of(f"NSE_TCS, {interval}.csv", "its name").kind == kind


@pytest.mark.parametrize("interval", ["1W", "15", "240", "1M"])
def test_another_interval_is_refused(interval):
    with pytest.raises(BadInput, match=f"its name says bars of {interval}: give daily"):
        name_of(f"NSE_TCS, {interval}.csv", "its name")


def test_a_future_of_tradingview_is_no_share():
    with pytest.raises(BadInput, match="its name says TCS1!, a future: give the file of the share"):
        name_of("NSE_TCS1!, 1D.csv", "its name")


def test_a_bare_name_is_of_a_ticker_of_any_exchange():
    name = name_of("TCS.csv", "its name")

    assert [name.is_of(ticker) for ticker in ("TCS.NS", "TCS.BO", "INFY.NS")] == [True, True, False]


def test_tradingview_writes_other_marks_as_underscores():
    name = name_of("NSE_M_M, 1D.csv", "its name")

    assert [name.is_of(ticker) for ticker in ("M&M.NS", "M-M.NS", "MM.NS")] == [True, True, False]


@pytest.mark.parametrize(
    ("file_name", "word"),
    [
        ("TCS24JANFUT.csv", "TCS24JANFUT"),
        ("tcs24janfut.csv", "tcs24janfut"),
        ("TCS30JAN25FUT.csv", "TCS30JAN25FUT"),
        ("TCS24JAN3500CE.csv", "TCS24JAN3500CE"),
        ("NIFTY2411821500PE.csv", "NIFTY2411821500PE"),
        ("TCS-I.csv", "TCS-I"),
        ("TCS.NFO.csv", "TCS.NFO"),
        ("TCS_FUT_2024.csv", "FUT"),
        ("tcs futures.csv", "futures"),
    ],
)
def test_a_future_an_option_or_an_index_is_no_share(file_name, word):
    with pytest.raises(BadInput, match=f"its name says {word}.*: give the file of the share"):
        name_of(file_name, "its name")


@pytest.mark.parametrize(
    "file_name", ["PART-I.csv", "data-II.csv", "FRETAIL.csv", "NAM-INDIA.csv", "360ONE.csv"]
)
def test_no_future_is_seen_in_other_words(file_name):
    name_of(file_name, "its name")


@pytest.mark.parametrize(
    ("file_name", "index"),
    [
        ("NIFTY 50.csv", "NIFTY 50"),
        ("nifty_bank.csv", "nifty_bank"),
        ("NIFTY50.csv", "NIFTY50"),
        ("NSE_DLY_NIFTY, 1D.csv", "NIFTY"),
        ("NSE_CNXIT, 1D.csv", "CNXIT"),
        ("SENSEX_2024.csv", "SENSEX"),
        ("NIFTY 50-01-01-2024-to-31-12-2024.csv", "NIFTY"),
    ],
)
def test_an_index_is_known_by_its_name(file_name, index):
    name = name_of(file_name, "its name")
    assert (name.symbol, name.is_index) == (index, True)


@pytest.mark.parametrize("file_name", ["NIFTYBEES.csv", "NIFTY1.csv", "BANKNIFTY1.csv"])
def test_a_fund_of_an_index_is_a_share(file_name):
    assert not name_of(file_name, "its name").is_index


def test_a_name_from_an_address_is_decoded():
    assert named("M%26M.NS.csv") == "M&M.NS"
    assert named("%5ENSEI.csv") == "^NSEI"


def test_a_series_behind_a_symbol_is_no_part_of_it():
    assert named("SUZLON-BE.csv") == "SUZLON"
