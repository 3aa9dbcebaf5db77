import pytest

from src.core.errors import BadInput
from src.data.sources.files.layouts.layout import check_volume
from src.data.sources.files.layouts.recognise import recognise_layout
from src.data.sources.files.layouts.words import canonical


def recognised(*lines, delimiter=",", columns=()):
    head = [[cell.strip() for cell in line.split(delimiter)] for line in lines]
    return recognise_layout(head, columns)


@pytest.mark.parametrize(
    ("header", "name", "vendor", "basis"),
    [
        ("Date,Adj Close,Close,High,Low,Open,Volume", "yahoo", "yahoo", "split"),
        ("Date,Open,High,Low,Close*,Adj Close**,Volume", "yahoo", "yahoo", "split"),
        (
            "Date,Open,High,Low,Close,Volume,Dividends,Stock Splits",
            "yahoo_adjusted",
            "yahoo",
            "total",
        ),
        ("timestamp,open,high,low,close,volume,oi", "upstox", "upstox", "split"),
        ("datetime,symbol,open,high,low,close,volume", "plain", None, None),
        ("TIME,OPEN,HIGH,LOW,CLOSE", "plain", None, None),
        (",Open,High,Low,Close", "plain", None, None),
        ("Date,Symbol,Series,Prev Close,Open,High,Low,Last,Close,VWAP,Volume", "nse", "nse", None),
        (
            "SYMBOL, SERIES, DATE1, PREV_CLOSE, OPEN_PRICE, HIGH_PRICE, LOW_PRICE, LAST_PRICE,"
            " CLOSE_PRICE, AVG_PRICE, TTL_TRD_QNTY, TURNOVER_LACS",
            "nse",
            "nse",
            None,
        ),
        (
            "SYMBOL,SERIES,OPEN,HIGH,LOW,CLOSE,LAST,PREVCLOSE,TOTTRDQTY,TOTTRDVAL,TIMESTAMP,ISIN,",
            "nse",
            "nse",
            None,
        ),
        (
            "TradDt,BizDt,Sgmt,TckrSymb,SctySrs,OpnPric,HghPric,LwPric,ClsPric,LastPric,"
            "PrvsClsgPric,TtlTradgVol",
            "nse",
            "nse",
            None,
        ),
        (
            "Date ,series ,OPEN ,HIGH ,LOW ,PREV. CLOSE ,ltp ,close ,vwap ,52W H,52W L ,VOLUME ,"
            "VALUE ,No of trades ",
            "nse",
            "nse",
            None,
        ),
    ],
)
def test_a_header_shows_layout_vendor_and_basis(header, name, vendor, basis):
    layout = recognised(header)

    expected = "unadjusted" if name == "nse" else basis
    assert (layout.name, layout.vendor, layout.basis) == (name, vendor, expected)


def test_the_newer_names_of_nse_are_mapped_to_their_columns():
    layout = recognised("TradDt,TckrSymb,SctySrs,OpnPric,HghPric,LwPric,ClsPric,TtlTradgVol")

    assert layout.values[None] == {"open": 3, "high": 4, "low": 5, "close": 6, "volume": 7}
    assert (layout.dates, layout.symbol, layout.series) == ((0,), 1, 2)


def test_date_and_time_in_two_columns_are_read_together():
    assert recognised("Date,Time,Open,High,Low,Close").dates == (0, 1)


def test_three_header_lines_are_those_of_yfinance():
    layout = recognised("Price,Close,High,Low,Open,Extra", "Ticker,T,T,T,T,X", "Date,,,,,")

    assert (layout.name, layout.basis, layout.header_lines) == ("yfinance", "total", 3)
    assert layout.values == {"T": {"close": 1, "high": 2, "low": 3, "open": 4}}


def test_an_adjusted_close_beside_the_close_makes_yfinance_split_adjusted():
    layout = recognised("Price,Adj Close,Close,High,Low,Open", "Ticker,T,T,T,T,T", "Date,,,,,")

    assert layout.basis == "split"


def test_several_tickers_stand_side_by_side():
    layout = recognised(
        "Price,Close,Close,High,High,Low,Low,Open,Open",
        "Ticker,A.NS,B.NS,A.NS,B.NS,A.NS,B.NS,A.NS,B.NS",
        "Date,,,,,,,,",
    )

    assert layout.values["B.NS"] == {"close": 2, "high": 4, "low": 6, "open": 8}


def test_the_ticker_line_may_come_first():
    layout = recognised("Ticker,T,T,T,T", "Price,Open,High,Low,Close", "Date,,,,")

    assert layout.values == {"T": {"open": 1, "high": 2, "low": 3, "close": 4}}


@pytest.mark.parametrize("mark", ["{} TCS.NS", "{}_TCS.NS", "('{}'; 'TCS.NS')"])
def test_a_ticker_inside_the_column_names_is_found(mark):
    header = ",".join(["Datetime", *(mark.format(n) for n in ("Close", "High", "Low", "Open"))])

    layout = recognised(header)

    assert layout.name == "yfinance_flat"
    assert layout.values == {"TCS.NS": {"close": 1, "high": 2, "low": 3, "open": 4}}


def test_an_unknown_layout_is_refused_with_the_columns_it_has_and_lacks():
    with pytest.raises(BadInput, match="no column for low, close among Date, Open, High, Foo"):
        recognised("Date,Open,High,Foo")


def test_a_file_without_a_date_column_is_refused():
    with pytest.raises(BadInput, match="no column for date among"):
        recognised("Day,Open,High,Low,Close")


def test_a_missing_volume_is_named_as_other_columns_are():
    with pytest.raises(
        BadInput,
        match="no column for volume among Date, Open, High, Low, Close, and daily bars need one",
    ):
        check_volume(recognised("Date,Open,High,Low,Close"))


def test_a_missing_volume_of_one_ticker_names_it():
    layout = recognised("Price,Close,High,Low,Open", "Ticker,T,T,T,T", "Date,,,,")

    with pytest.raises(BadInput, match="no column for volume for T among Date, Close T"):
        check_volume(layout)


def test_two_columns_for_one_price_are_refused():
    with pytest.raises(BadInput, match="two columns for close"):
        recognised("Date,Open,High,Low,Close,Close Price")


def test_names_are_compared_without_case_and_marks():
    assert canonical(" PREV. CLOSE ") == canonical("Prev_Close") == "prev close"


@pytest.mark.parametrize(
    ("column", "vendor"), [("split_coefficient", "alphavantage"), ("splitFactor", "tiingo")]
)
def test_closes_as_traded_beside_adjusted_ones_are_not_yahoos(column, vendor):
    layout = recognised(f"timestamp,open,high,low,close,adjusted_close,volume,{column}")
    assert (layout.vendor, layout.basis) == (vendor, "unadjusted")


def test_columns_of_nselib_are_known():
    layout = recognised(
        "Symbol,Series,Date,PrevClose,OpenPrice,HighPrice,LowPrice,LastPrice,ClosePrice,"
        "AveragePrice,TotalTradedQuantity,TurnoverInRs"
    )
    assert layout.values == {None: {"open": 4, "high": 5, "low": 6, "close": 8, "volume": 10}}


@pytest.mark.parametrize(
    ("rows", "column"),
    [
        (("2024-05-05 10:10,2024-01-01", "2024-05-05 10:10,2024-01-02"), 1),
        (("2024-01-01 09:15,2024-01-01", "2024-01-01 10:15,2024-01-01"), 0),
        (("2024-01-01 00:00,2024-01-01", "2024-01-01 00:00,2024-01-01"), 0),
    ],
)
def test_a_time_that_all_rows_share_is_not_their_date(rows, column):
    lines = (f"{row},10,12,9,11,500" for row in rows)
    layout = recognised("Timestamp,Date,Open,High,Low,Close,Volume", *lines)
    assert layout.dates == (column,)
