"""Files whose rows are no shares, or say in which units they count."""

import pytest

from src.core.errors import BadInput
from tests.support.price_files import all_deliveries, file_source

DATES = ("2024-01-01", "2024-01-02", "2024-01-03")


def bars(head, row):
    return "\n".join([head, *(row.format(day) for day in DATES)]) + "\n"


def refusal(folder, content, name="TCS.csv", ticker="TCS.NS"):
    path = folder / name
    path.write_text(content)
    with pytest.raises(BadInput) as caught:
        all_deliveries(file_source(path, ticker=ticker))
    return str(caught.value)


def closes(folder, content, name="TCS.csv", ticker=None):
    path = folder / name
    path.write_text(content)
    deliveries = all_deliveries(file_source(path, ticker=ticker))
    return {delivery.ticker: delivery.frame["close"].to_list() for delivery in deliveries}


@pytest.mark.parametrize("name", ["oi", "Open Interest", "OpenInt", "<OPENINT>"])
def test_bars_with_open_interest_are_no_shares(tmp_path, name):
    content = bars(f"Date,Open,High,Low,Close,Volume,{name}", "{},10,12,9,11,500,4000000")
    assert "open interest, which shares do not have" in refusal(tmp_path, content)


@pytest.mark.parametrize("interest", ["0", "0.0", "", "-"])
def test_shares_have_an_open_interest_of_zero_or_none(tmp_path, interest):
    content = bars("Date,Open,High,Low,Close,Volume,oi", "{},10,12,9,11,500," + interest)
    assert closes(tmp_path, content) == {"TCS.NS": [11.0, 11.0, 11.0]}


@pytest.mark.parametrize("symbol", ["NSE:TCS24JANFUT", "TCS-I.NFO", "NSE:NIFTY50-INDEX", "TCS-RE"])
def test_a_column_of_contracts_or_indices_is_refused(tmp_path, symbol):
    content = bars("Symbol,Date,Open,High,Low,Close,Volume", symbol + ",{},10,12,9,11,500")
    assert f"it has no shares, only {symbol} (futures, options, indices or rights)" in refusal(
        tmp_path, content, ticker=None
    )


def test_contracts_beside_shares_are_left_out_with_a_word(tmp_path):
    head = "Ticker,Date,Open,High,Low,Close,Volume"
    rows = [f"{t},{day},10,12,9,11,500" for day in DATES for t in ("TCS.NSE", "TCS-I.NFO")]
    path = tmp_path / "all.csv"
    path.write_text("\n".join([head, *rows]) + "\n")
    (delivery,) = all_deliveries(file_source(path))
    assert delivery.ticker == "TCS.NS"
    assert delivery.frame.height == 3
    assert "3 rows of other symbols left out" in delivery.notes


HEAD = "Date,Open,High,Low,Close,Volume"


@pytest.mark.parametrize(
    "title",
    ["TCS Ltd - NSE (Volume in lakhs)", "TCS, prices in Rs., quantity in '000s", "Prices in paise"],
)
def test_a_title_that_names_other_units_is_refused(tmp_path, title):
    content = f"{title}\n{bars(HEAD, '{},10,12,9,11,500')}"
    assert "give prices in rupees, and volumes in shares" in refusal(tmp_path, content)


@pytest.mark.parametrize("unit", ["(in 000s)", "in lakhs", "Lakhs", "(Rs. in paise)", "'000"])
def test_a_line_of_other_units_is_refused(tmp_path, unit):
    content = bars(f"{HEAD}\n,Rs.,Rs.,Rs.,Rs.,{unit}", "{},10,12,9,11,500")
    assert f"a line below its header says {unit!r}" in refusal(tmp_path, content)


def test_numbers_with_units_and_amounts_of_money_are_read(tmp_path):
    head = f"TCS, turnover in crores\n{HEAD},Turnover"
    content = bars(f"{head}\n,(Rs.),(Rs.),(Rs.),(Rs.),,(in Rs. Cr.)", "{},10,12,9,11,5 lakh,1")
    assert closes(tmp_path, content) == {"TCS.NS": [11.0, 11.0, 11.0]}


@pytest.mark.parametrize(
    ("column", "first", "second"),
    [
        ("instrument_token", "2953217", "408065"),
        ("ISIN", "INE467B01029", "INE009A01021"),
        ("stock_code", "INFTEC", "TCS"),
    ],
)
def test_rows_of_two_codes_are_not_of_one_share(tmp_path, column, first, second):
    rows = [
        f"{c},{day},10,12,9,11,500" for c, day in zip((first, first, second), DATES, strict=True)
    ]
    content = "\n".join([f"{column},{HEAD}", *rows]) + "\n"
    assert f"its {column} column has " in refusal(tmp_path, content)


def test_a_share_keeps_the_beginning_of_its_isin_through_a_split(tmp_path):
    rows = [
        f"INE467B010{n},{day},10,12,9,11,500" for n, day in zip((11, 11, 29), DATES, strict=True)
    ]
    content = "\n".join([f"ISIN,{HEAD}", *rows]) + "\n"
    assert closes(tmp_path, content) == {"TCS.NS": [11.0, 11.0, 11.0]}


def test_a_brokers_own_code_is_no_ticker(tmp_path):
    content = bars("stock_code,Date,Open,High,Low,Close,Volume", "RELIND,{},10,12,9,11,500")
    assert "no stored or listed symbol" in refusal(tmp_path, content, "1.csv", ticker=None)
    assert closes(tmp_path, content, "1.csv", "RELIANCE.NS") == {"RELIANCE.NS": [11.0, 11.0, 11.0]}


def test_a_column_of_an_index_contradicts_a_share(tmp_path):
    content = bars("Index Name,Date,Open,High,Low,Close,Volume", "NIFTY 50,{},10,12,9,11,500")
    assert "says NIFTY 50, an index, not TCS.NS" in refusal(tmp_path, content, "1.csv")


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("INFY_NYSE.csv", "NYSE"),
        ("NYSE_INFY, 1D.csv", "NYSE"),
        ("infy.us.txt", "us"),
        ("Infosys ADR Historical Data.csv", "ADR"),
        ("MCX_GOLD1!, 1D.csv", "MCX"),
    ],
)
def test_a_name_of_another_market_is_refused(tmp_path, name, word):
    sentence = refusal(tmp_path, bars(HEAD, "{},10,12,9,11,500"), name, "INFY.NS")
    assert f"its name says {word}, which is neither NSE nor BSE" in sentence


def test_a_title_of_another_market_is_refused(tmp_path):
    content = bars(f"Infosys Ltd NYSE:INFY\n{HEAD}", "{},10,12,9,11,500")
    assert "its title says NYSE" in refusal(tmp_path, content, "INFY.csv", ticker=None)


def test_a_share_named_as_a_market_and_a_title_with_all_markets_are_read(tmp_path):
    content = bars(HEAD, "{},10,12,9,11,500")
    assert closes(tmp_path, content, "MCX.csv") == {"MCX.NS": [11.0, 11.0, 11.0]}
    title = f"Infosys (NSE: INFY, NYSE: INFY)\n{content}"
    assert closes(tmp_path, title, "INFY.csv") == {"INFY.NS": [11.0, 11.0, 11.0]}


def test_columns_that_pandas_numbered_are_two_of_one_kind(tmp_path):
    content = bars(f"{HEAD},Open.1,High.1,Low.1,Close.1", "{},10,12,9,11,500,20,22,19,21")
    assert "it has two columns for open, 'Open' and 'Open.1'" in refusal(tmp_path, content)
