"""Each layout as people have it, and the same with one change: values compared by hand."""

import datetime as dt

import pytest

from src.core.errors import BadInput, UsageError
from tests.support.price_files import all_deliveries, file_source

FIRST, SECOND = dt.date(2024, 12, 30), dt.date(2024, 12, 31)
BARS = [
    (FIRST, 310.0, 325.5, 301.0, 320.25, 12000.0),
    (SECOND, 320.5, 330.0, 315.0, 318.75, 9000.0),
]

UDIFF = (
    "TradDt,BizDt,Sgmt,Src,FinInstrmTp,FinInstrmId,ISIN,TckrSymb,SctySrs,XpryDt,FininstrmActlXpryDt,"
    "StrkPric,OptnTp,FinInstrmNm,OpnPric,HghPric,LwPric,ClsPric,LastPric,PrvsClsgPric,UndrlygPric,"
    "SttlmPric,OpnIntrst,ChngInOpnIntrst,TtlTradgVol,TtlTrfVal,TtlNbOfTxsExctd,SsnId\n"
)


def udiff(symbol="ABC", sgmt="CM", src="NSE", kind="STK", series="EQ", expiry="", close="320.25"):
    return (
        f"2024-12-30,2024-12-30,{sgmt},{src},{kind},11,INE000A01010,{symbol},{series},{expiry},,,,A,"
        f"310,325.5,301,{close},321,309,,,,,12000,1,1,F1\n"
    )


def read(tmp_path, text, name="prices.csv", **options):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return all_deliveries(file_source(path, **options))


def bars(delivery):
    return sorted(row[1:7] for row in delivery.frame.rows())


def refusal(tmp_path, text, name="prices.csv", **options):
    with pytest.raises(BadInput) as caught:
        read(tmp_path, text, name, **options)
    return str(caught.value).removeprefix(f"{tmp_path / name}: ")


NSE_PAGE = (
    '"Date ","series ","OPEN ","HIGH ","LOW ","PREV. CLOSE ","ltp ","close ","vwap ","52W H",'
    '"52W L ","VOLUME ","VALUE ","No of trades "\n'
    '"31-Dec-2024","EQ","320.50","330.00","315.00","320.25","318.00","318.75","320.1","400","200",'
    '"9,000","2,880,900.00","77"\n'
    '"30-Dec-2024","EQ","310.00","325.50","301.00","309.00","321.00","320.25","315.2","400","200",'
    '"12,000","3,782,400.00","99"\n'
)
NSE_SECURITY_WISE = (
    '"Symbol  ","Series  ","Date  ","Prev Close  ","Open Price  ","High Price  ","Low Price  ",'
    '"Last Price  ","Close Price ","Average Price ","Total Traded Quantity  ","Turnover ₹  ",'
    '"No. of Trades  ","Deliverable Qty  ","% Dly Qt to Traded Qty  "\n'
    '"ABC","EQ","30-Dec-2024","309.00","310.00","325.50","301.00","321.00","320.25","315.2",'
    '"12,000","3,782,400.00","99","6,000","50.00"\n'
    '"ABC","EQ","31-Dec-2024","320.25","320.50","330.00","315.00","318.00","318.75","320.1",'
    '"9,000","2,880,900.00","77","-","-"\n'
)
OLD_BHAV = (
    "SYMBOL,SERIES,OPEN,HIGH,LOW,CLOSE,LAST,PREVCLOSE,TOTTRDQTY,TOTTRDVAL,TIMESTAMP,TOTALTRADES,ISIN,\n"
    "ABC,EQ,310,325.5,301,320.25,321,309,12000,1,30-DEC-2024,99,INE000A01010,\n"
    "ABC,EQ,320.5,330,315,318.75,318,320.25,9000,1,31-DEC-2024,77,INE000A01010,\n"
)
FULL = (
    "SYMBOL, SERIES, DATE1, PREV_CLOSE, OPEN_PRICE, HIGH_PRICE, LOW_PRICE, LAST_PRICE, CLOSE_PRICE,"
    " AVG_PRICE, TTL_TRD_QNTY, TURNOVER_LACS, NO_OF_TRADES, DELIV_QTY, DELIV_PER\n"
    "ABC, EQ, 30-Dec-2024, 309, 310, 325.5, 301, 321, 320.25, 315.2, 12000, 3.7, 99, 6000, 50.00\n"
    "ABC, EQ, 31-Dec-2024, 320.25, 320.5, 330, 315, 318, 318.75, 320.1, 9000, 2.8, 77, -, -\n"
)
JSON_COLUMNS = (
    "_id,CH_SYMBOL,CH_SERIES,CH_MARKET_TYPE,CH_TRADE_HIGH_PRICE,CH_TRADE_LOW_PRICE,CH_OPENING_PRICE,"
    "CH_CLOSING_PRICE,CH_LAST_TRADED_PRICE,CH_PREVIOUS_CLS_PRICE,CH_TOT_TRADED_QTY,CH_TIMESTAMP,"
    "TIMESTAMP,VWAP,mTIMESTAMP\n"
    "a1,ABC,EQ,N,330,315,320.5,318.75,318,320.25,9000,2024-12-31,2024-12-30T18:30:00.000Z,320.1,"
    "31-Dec-2024\n"
    "a2,ABC,EQ,N,325.5,301,310,320.25,321,309,12000,2024-12-30,2024-12-29T18:30:00.000Z,315.2,"
    "30-Dec-2024\n"
)
BSE_PAGE = (
    "Date,Open Price,High Price,Low Price,Close Price,WAP,No.of Shares,No. of Trades,"
    "Total Turnover (Rs.),Deliverable Quantity,% Deli. Qty to Traded Qty,Spread High-Low,"
    "Spread Close-Open\n"
    "31-December-2024,320.50,330.00,315.00,318.75,320.1,9000,77,2880900,4000,44.4,15.00,-1.75,\n"
    "30-December-2024,310.00,325.50,301.00,320.25,315.2,12000,99,3782400,6000,50.0,24.50,10.25,\n"
)
PLAIN = (
    "{},Open,High,Low,Close,Volume\n2024-12-30,310,325.5,301,320.25,12000\n"
    "2024-12-31,320.5,330,315,318.75,9000\n"
)
YAHOO_PAGE = PLAIN.format("Date").replace(
    "Close,",
    "Close Close price adjusted for splits.,Adj Close Adjusted close price adjusted for splits and "
    "dividend and/or capital gain distributions.,",
)
YAHOO_PAGE = YAHOO_PAGE.replace(",320.25,", ",320.25,300,").replace(",318.75,", ",318.75,299,")
AMIBROKER = (
    "Ticker,Date/Time,Open,High,Low,Close,Volume\nABC,30-12-2024,310,325.5,301,320.25,12000\n"
    "ABC,31-12-2024,320.5,330,315,318.75,9000\n"
)
METASTOCK = (
    "<TICKER>,<DTYYYYMMDD>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>\n"
    "ABC,20241230,310,325.5,301,320.25,12000\nABC,20241231,320.5,330,315,318.75,9000\n"
)
STOOQ = (
    "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\n"
    "ABC.IN,D,20241230,000000,310,325.5,301,320.25,12000,0\n"
    "ABC.IN,D,20241231,000000,320.5,330,315,318.75,9000,0\n"
)
LETTERS = (
    ",c,h,l,o,oi,time,v\n0,320.25,325.5,301,310,0,2024-12-30,12000\n"
    "1,318.75,330,315,320.5,0,2024-12-31,9000\n"
)
TRADING_VIEW = (
    "time,open,high,low,close,Volume,Volume MA,RSI\n"
    "2024-12-30T09:15:00+05:30,310,325.5,301,320.25,12000,1,50\n"
    "2024-12-31T09:15:00+05:30,320.5,330,315,318.75,9000,1,50\n"
)
INVESTING = (
    '\ufeff"Date","Price","Open","High","Low","Vol.","Change %"\n'
    '"31-12-2024","318.75","320.50","330.00","315.00","9000","-0.47%"\n'
    '"30-12-2024","320.25","310.00","325.50","301.00","12000","0.24%"\n'
)
YF = (
    "Price,Close,High,Low,Open,Volume\nTicker,ABC.NS,ABC.NS,ABC.NS,ABC.NS,ABC.NS\nDate,,,,,\n"
    "2024-12-30,320.25,325.5,301,310,12000\n2024-12-31,318.75,330,315,320.5,9000\n"
)
YF_TWO_LINES = YF.replace("Price,", "Date,", 1).replace("Ticker,", ",").replace("Date,,,,,\n", "")
YF_SWAPPED = (
    "Ticker,ABC.NS,ABC.NS,ABC.NS,ABC.NS,ABC.NS\nPrice,Open,High,Low,Close,Volume\nDate,,,,,\n"
    "2024-12-30,310,325.5,301,320.25,12000\n2024-12-31,320.5,330,315,318.75,9000\n"
)
YF_SWAPPED_TWO_LINES = (
    "Date,ABC.NS,ABC.NS,ABC.NS,ABC.NS,ABC.NS\n,Open,High,Low,Close,Volume\n"
    "2024-12-30,310,325.5,301,320.25,12000\n2024-12-31,320.5,330,315,318.75,9000\n"
)
YF_ROW_NUMBERS = (
    "Price,Date,Close,High,Low,Open,Volume\nTicker,,ABC.NS,ABC.NS,ABC.NS,ABC.NS,ABC.NS\n"
    "0,2024-12-30,320.25,325.5,301,310,12000\n1,2024-12-31,318.75,330,315,320.5,9000\n"
)
YF_READ_AGAIN = "".join(
    f"{mark},{line}\n" for mark, line in zip(["", 0, 1, 2, 3], YF.splitlines(), strict=True)
)
YF_UNNAMED = YF.replace("Price,", ",", 1).replace("Ticker,", ",")
YF_DATAREADER = YF.replace("Price,", "Attributes,", 1).replace("Ticker,", "Symbols,")
YF_NO_TICKER_LINE = (
    "Price,Close,High,Low,Open,Volume\n2024-12-30,320.25,325.5,301,310,12000\n"
    "2024-12-31,318.75,330,315,320.5,9000\n"
)
YF_FLAT = (
    "Date,Close_ABC.NS,High_ABC.NS,Low_ABC.NS,Open_ABC.NS,Volume_ABC.NS\n"
    "2024-12-30,320.25,325.5,301,310,12000\n2024-12-31,318.75,330,315,320.5,9000\n"
)
YF_FLAT_TICKER_FIRST = (
    "Date,ABC.NS_Close,ABC.NS_High,ABC.NS_Low,ABC.NS_Open,ABC.NS_Volume\n"
    "2024-12-30,320.25,325.5,301,310,12000\n2024-12-31,318.75,330,315,320.5,9000\n"
)
YF_TUPLES = (
    ",\"('Date', '')\",\"('Close', 'ABC.NS')\",\"('High', 'ABC.NS')\",\"('Low', 'ABC.NS')\","
    "\"('Open', 'ABC.NS')\",\"('Volume', 'ABC.NS')\"\n"
    "0,2024-12-30,320.25,325.5,301,310,12000\n1,2024-12-31,318.75,330,315,320.5,9000\n"
)
YF_STACKED = (
    "Date,Ticker,Close,High,Low,Open,Volume\n2024-12-30,ABC.NS,320.25,325.5,301,310,12000\n"
    "2024-12-31,ABC.NS,318.75,330,315,320.5,9000\n"
)
NAMED = {"name": "ABC.NS.csv"}
ASKED = {"ticker": "ABC.NS"}
LAYOUTS = {
    "nse page": (NSE_PAGE, {"name": "ABC.csv"}, ("ABC.NS", "nse", "unadjusted")),
    "nse security-wise": (NSE_SECURITY_WISE, {}, ("ABC.NS", "nse", "unadjusted")),
    "old bhavcopy": (OLD_BHAV, {}, ("ABC.NS", "nse", "unadjusted")),
    "sec_bhavdata_full": (FULL, {}, ("ABC.NS", "nse", "unadjusted")),
    "nse json": (JSON_COLUMNS, {}, ("ABC.NS", "nse", "unadjusted")),
    "bse page": (BSE_PAGE, {"name": "ABC.csv"}, ("ABC.BO", "bse", "unadjusted")),
    "plain": (PLAIN.format("Date"), NAMED, ("ABC.NS", "unnamed", "split")),
    "yahoo page": (YAHOO_PAGE, NAMED, ("ABC.NS", "yahoo", "split")),
    "index": (PLAIN.format("index"), NAMED, ("ABC.NS", "unnamed", "split")),
    "unnamed index": (PLAIN.format(""), NAMED, ("ABC.NS", "unnamed", "split")),
    "amibroker": (AMIBROKER, {}, ("ABC.NS", "unnamed", "split")),
    "metastock": (METASTOCK, {}, ("ABC.NS", "unnamed", "split")),
    "stooq": (STOOQ, ASKED, ("ABC.NS", "unnamed", "split")),
    "letters": (LETTERS, NAMED, ("ABC.NS", "unnamed", "split")),
    "tradingview": (TRADING_VIEW, {"name": "NSE_DLY_ABC, 1D.csv"}, ("ABC.NS", "unnamed", "split")),
    "investing": (INVESTING, {"name": "ABC Historical Data.csv"}, ("ABC.NS", "investing", "split")),
    "yfinance": (YF, {}, ("ABC.NS", "yahoo", "total")),
    "yfinance, two lines": (YF_TWO_LINES, {}, ("ABC.NS", "yahoo", "total")),
    "yfinance by ticker": (YF_SWAPPED, {}, ("ABC.NS", "yahoo", "total")),
    "yfinance by ticker, two": (YF_SWAPPED_TWO_LINES, {}, ("ABC.NS", "yahoo", "total")),
    "yfinance, row numbers": (YF_ROW_NUMBERS, {}, ("ABC.NS", "yahoo", "total")),
    "yfinance read again": (YF_READ_AGAIN, {}, ("ABC.NS", "yahoo", "total")),
    "yfinance, no names": (YF_UNNAMED, {}, ("ABC.NS", "yahoo", "total")),
    "pandas-datareader": (YF_DATAREADER, {}, ("ABC.NS", "yahoo", "total")),
    "yfinance, one line": (YF_NO_TICKER_LINE, NAMED, ("ABC.NS", "yahoo", "total")),
    "yfinance flat": (YF_FLAT, {}, ("ABC.NS", "yahoo", "total")),
    "yfinance flat, ticker first": (YF_FLAT_TICKER_FIRST, {}, ("ABC.NS", "yahoo", "total")),
    "yfinance tuples": (YF_TUPLES, {}, ("ABC.NS", "yahoo", "total")),
    "yfinance stacked": (YF_STACKED, {}, ("ABC.NS", "yahoo", "total")),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_is_read_with_every_value(tmp_path, layout):
    text, options, origin = LAYOUTS[layout]

    (delivery,) = read(tmp_path, text, **options)

    assert (delivery.ticker, delivery.vendor, delivery.price_basis) == origin
    assert delivery.kind == "daily"
    assert bars(delivery) == BARS


@pytest.mark.parametrize(
    "change", ["upper", "lower", "crlf", "title", "titles", "total", "columns"]
)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_with_one_change_is_read_the_same(tmp_path, layout, change):
    text, options, origin = LAYOUTS[layout]
    header, rows = text.split("\n", 1)
    is_of_yfinance = "yfinance" in layout or layout == "pandas-datareader"
    if is_of_yfinance and change in ("upper", "lower", "columns", "total"):
        pytest.skip("the header is of several lines, or tickers are in it")
    changed = {
        "upper": f"{header.upper()}\n{rows}",
        "lower": f"{header.lower()}\n{rows}",
        "crlf": text.replace("\n", "\r\n"),
        "title": f"A Limited - historical prices\n\n{text.removeprefix(chr(0xFEFF))}",
        "titles": f"Prices\nfrom 2024-12-30 to 2024-12-31\n{text.removeprefix(chr(0xFEFF))}",
        "total": f"{text}Total\n",
        "columns": "\n".join(_moved(line) for line in text.splitlines()) + "\n",
    }[change]
    if change == "columns" and '"' in text:
        pytest.skip("cells with separators inside")

    (delivery,) = read(tmp_path, changed, **options)

    assert (delivery.ticker, delivery.vendor, delivery.price_basis) == origin
    assert bars(delivery) == BARS


def _moved(line):
    """The line with its last two columns in the other order."""
    cells = line.rstrip(",").split(",")
    return ",".join([*cells[:-2], *reversed(cells[-2:])])


def test_bses_page_is_known_without_some_of_its_columns(tmp_path):
    lines = [line.split(",") for line in BSE_PAGE.splitlines()]
    text = "\n".join(",".join([*cells[:5], *cells[6:]]) for cells in lines)

    (delivery,) = read(tmp_path, text, name="ABC.csv")

    assert (delivery.ticker, delivery.vendor, bars(delivery)) == ("ABC.BO", "bse", BARS)


@pytest.mark.parametrize("mark", [";", "\t", "|"])
@pytest.mark.parametrize("layout", ["plain", "metastock", "yfinance", "old bhavcopy", "letters"])
def test_another_separator_changes_nothing(tmp_path, layout, mark):
    text, options, _ = LAYOUTS[layout]

    (delivery,) = read(tmp_path, text.replace(",", mark), **options)

    assert bars(delivery) == BARS


# --- UDiFF


@pytest.mark.parametrize(
    ("src", "series", "ticker", "vendor"),
    [
        ("NSE", "EQ", "ABC.NS", "nse"),
        ("NSE", "BE", "ABC.NS", "nse"),
        ("NSE", "SM", "ABC.NS", "nse"),
        ("BSE", "A", "ABC.BO", "bse"),
        ("BSE", "XT", "ABC.BO", "bse"),
        ("BSE", "MT", "ABC.BO", "bse"),
    ],
)
def test_a_bhavcopy_of_either_exchange_says_whose_prices_it_has(
    tmp_path, src, series, ticker, vendor
):
    (delivery,) = read(tmp_path, UDIFF + udiff(src=src, series=series))

    assert (delivery.ticker, delivery.vendor, delivery.layout) == (ticker, vendor, vendor)
    assert (delivery.price_basis, bars(delivery)) == ("unadjusted", BARS[:1])


def test_the_bhavcopy_of_bse_is_not_nses(tmp_path):
    text = UDIFF + udiff(src="BSE", series="A")

    assert refusal(tmp_path, text, ticker="ABC.NS") == (
        "it has prices of ABC.BO, not of ABC.NS: give the file of ABC.NS, or use --ticker ABC.BO."
    )
    assert read(tmp_path, text, ticker="ABC.BO")[0].ticker == "ABC.BO"


def test_groups_of_bse_name_their_exchange(tmp_path):
    text = OLD_BHAV.replace(",EQ,", ",A,")

    (delivery,) = read(tmp_path, text)

    assert (delivery.ticker, delivery.vendor, delivery.layout) == ("ABC.BO", "bse", "bse")
    assert "it has prices of ABC.BO, not of ABC.NS" in refusal(tmp_path, text, **ASKED)
    both = text + OLD_BHAV.split("\n", 1)[1]
    assert "has series of NSE and groups of BSE (A)" in refusal(tmp_path, both)


def test_rows_of_both_exchanges_are_kept_apart(tmp_path):
    text = UDIFF + udiff() + udiff(src="BSE", series="A", close="320.5")

    deliveries = read(tmp_path, text)

    assert [(d.ticker, d.vendor, d.frame["close"][0]) for d in deliveries] == [
        ("ABC.BO", "bse", 320.5),
        ("ABC.NS", "nse", 320.25),
    ]


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"sgmt": "FO", "kind": "STF", "series": "", "expiry": "2025-01-30"}, "futures of shares"),
        ({"sgmt": "FO", "kind": "STO", "series": "", "expiry": "2025-01-30"}, "options of shares"),
        (
            {"sgmt": "FO", "kind": "IDF", "series": "", "expiry": "2025-01-30"},
            "futures of an index",
        ),
        ({"kind": "BND"}, "debt"),
        ({"sgmt": "CD"}, "segment CD (currencies)"),
        ({"expiry": "2025-01-30"}, "a contract that expires on 2025-01-30"),
    ],
)
def test_what_is_no_share_is_named_and_left_out(tmp_path, facts, words):
    (delivery,) = read(tmp_path, UDIFF + udiff() + udiff(**facts, close="999"))

    assert bars(delivery) == BARS[:1]
    assert delivery.rejected["rule"].to_list() == ["other_instrument"]
    assert words in delivery.rejected["reason"][0]
    alone = refusal(tmp_path, UDIFF + udiff(**facts))
    assert alone.startswith("it has no shares, only ")
    assert words in alone


@pytest.mark.parametrize(
    ("columns", "cells", "words"),
    [
        ("Expiry", "2025-01-30", "a contract that expires on 2025-01-30"),
        ("Option Type,Strike Price", "CE,300", "a contract that is an option CE"),
        ("Strike Price", "300", "a contract that has a strike of 300"),
        ("Type", "Future", "instrument FUTURE (futures)"),
        ("Segment", "NSE_FO", "segment NSE_FO"),
    ],
)
def test_a_column_of_a_contract_makes_rows_no_shares(tmp_path, columns, cells, words):
    text = f"{HEADER},{columns}\n{ROW},{cells}\n"

    assert f"it has no shares, only {words}: give" in refusal(tmp_path, text)


@pytest.mark.parametrize(
    ("columns", "cells"),
    [("Expiry", "-"), ("Option Type,Strike Price", "XX,0"), ("Type", "EQ"), ("Type", "Large cap")],
)
def test_a_column_of_contracts_without_one_changes_nothing(tmp_path, columns, cells):
    (delivery,) = read(tmp_path, f"{HEADER},{columns}\n{ROW},{cells}\n")

    assert bars(delivery) == BARS[:1]


def test_the_old_file_of_derivatives_has_no_shares(tmp_path):
    text = (
        "INSTRUMENT,SYMBOL,EXPIRY_DT,STRIKE_PR,OPTION_TYP,OPEN,HIGH,LOW,CLOSE,SETTLE_PR,VOLUME,"
        "TIMESTAMP\nFUTSTK,ABC,30-Jan-2025,0,XX,310,325,301,320,320,100,30-DEC-2024\n"
    )

    assert "only instrument FUTSTK (futures of shares)" in refusal(tmp_path, text)


@pytest.mark.parametrize("group", ["F", "G"])
def test_debt_of_bse_is_not_the_share(tmp_path, group):
    text = UDIFF + udiff(src="BSE", series="A") + udiff(src="BSE", series=group, close="999")

    (delivery,) = read(tmp_path, text)

    assert (bars(delivery), delivery.rejected["rule"].to_list()) == (BARS[:1], ["other_series"])


def test_debt_may_be_named_by_what_is_no_ticker(tmp_path):
    debt = [udiff(symbol=f"{n}.25KFL 28", src="BSE", series="F") for n in range(9)]
    dotted = udiff(symbol="8.75AB", src="BSE", series="F")

    deliveries = read(tmp_path, UDIFF + udiff(src="BSE", series="A") + "".join(debt) + dotted)

    assert [d.ticker for d in deliveries] == ["ABC.BO"]
    assert deliveries[0].rejected["rule"].to_list() == ["unreadable_symbol"] * 10


def test_bses_old_files_name_shares_by_codes(tmp_path):
    text = "SC_CODE,SC_NAME,SC_GROUP,SC_TYPE,OPEN,HIGH,LOW,CLOSE,LAST,PREVCLOSE,NO_OF_SHRS\n"

    assert refusal(tmp_path, text + "500001,ABC,A ,Q,310,325,301,320,320,309,100\n") == (
        "it names its shares by BSE's codes, which are not symbols: give BSE's newer file "
        "(BhavCopy_BSE_CM_…), which has symbols."
    )


# --- what columns say


HEADER = "Date,Symbol,Open,High,Low,Close,Volume"
ROW = "2024-12-30,ABC,310,325.5,301,320.25,12000"


@pytest.mark.parametrize(
    ("exchange", "ticker"), [("NSE", "ABC.NS"), ("BSE", "ABC.BO"), ("NSE_EQ", "ABC.NS")]
)
def test_a_column_of_exchanges_is_obeyed(tmp_path, exchange, ticker):
    text = f"{HEADER},Exchange\n{ROW},{exchange}\n"

    assert [d.ticker for d in read(tmp_path, text)] == [ticker]
    assert "not of" in refusal(tmp_path, text, ticker=f"ABC.{'NS' if exchange == 'BSE' else 'BO'}")


def test_another_exchange_is_refused(tmp_path):
    assert refusal(tmp_path, f"{HEADER},Exch\n{ROW},NASDAQ\n") == (
        "its Exch column says NASDAQ, which is neither NSE nor BSE: keep the rows of one of these."
    )


def test_an_exchange_without_symbols_is_that_of_the_name(tmp_path):
    text = PLAIN.format("Date").replace("Volume", "Volume,Exchange").replace("000\n", "000,BSE\n")

    assert read(tmp_path, text, "ABC.csv")[0].ticker == "ABC.BO"
    assert "it has prices of BSE, not of ABC.NS" in refusal(tmp_path, text, ticker="ABC.NS")


@pytest.mark.parametrize(
    ("header", "row", "words"),
    [
        (f"{HEADER},Currency", f"{ROW},USD", "its Currency column says USD"),
        (HEADER.replace("Close", "Close ($)"), ROW, "'Close ($)' says $"),
        (HEADER.replace("Open", "Open USD"), ROW, "no column for open"),
        (f"Prices in EUR\n{HEADER}", ROW, "'Prices in EUR' says EUR"),
    ],
)
def test_another_currency_is_refused(tmp_path, header, row, words):
    assert words in refusal(tmp_path, f"{header}\n{row}\n")


@pytest.mark.parametrize("word", ["INR", "Rs.", "₹"])
def test_rupees_are_read(tmp_path, word):
    assert bars(read(tmp_path, f"{HEADER},Currency\n{ROW},{word}\n")[0]) == BARS[:1]
    assert bars(read(tmp_path, f"{HEADER.replace('Close', f'Close ({word})')}\n{ROW}\n")[0])


@pytest.mark.parametrize("period", ["W", "M", "5", "15"])
def test_another_period_is_refused(tmp_path, period):
    text = STOOQ.replace(",D,", f",{period},")

    assert f"its <PER> column says {period}: give daily (D) or hourly" in refusal(
        tmp_path, text, **ASKED
    )


@pytest.mark.parametrize("time", ["0", "0000", "000000", "00:00"])
def test_a_time_of_digits_is_read(tmp_path, time):
    text = STOOQ.replace("<PER>,", "").replace(",D,", ",").replace("000000", time)

    assert bars(read(tmp_path, text, **ASKED)[0]) == BARS


def test_hours_of_stooq_are_hours(tmp_path):
    text = (
        "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\n"
        "ABC,60,20241230,091500,310,325.5,301,320.25,12000,0\n"
        "ABC,60,20241230,101500,320.5,330,315,318.75,9000,0\n"
    )

    (delivery,) = read(tmp_path, text)

    assert (delivery.kind, delivery.frame["ts"][0]) == (
        "hourly",
        dt.datetime(2024, 12, 30, 3, 45, tzinfo=dt.UTC),
    )


def test_india_is_no_exchange(tmp_path):
    assert refusal(tmp_path, STOOQ) == (
        "its ticker ABC.IN names India, but neither NSE nor BSE: add --ticker ABC.NS, or --ticker "
        "ABC.BO."
    )
    assert read(tmp_path, STOOQ, ticker="ABC.BO")[0].ticker == "ABC.BO"
    assert "it has prices of XYZ.NS" in refusal(tmp_path, STOOQ.replace("ABC.", "XYZ."), **ASKED)


# --- two readings


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("Date,Price,Open,High,Low,Close,Volume", "two columns for close, 'Price' and 'Close'"),
        ("Date,Open,High,Low,Close,Close Price,Volume", "two columns for close"),
        ("Date,Open,High,Low,ltp,Volume", "no column for close among Date, Open, High, Low, ltp"),
        ("Date,Open,High,Low,Last,Volume", "no column for close"),
        ("Date,Open,High,Low,Price,Volume", "no column for close"),
    ],
)
def test_a_close_that_may_be_another_price_is_refused(tmp_path, header, words):
    row = ",".join(["2024-12-30", *["310"] * (header.count(","))])

    assert words in refusal(tmp_path, f"{header}\n{row}\n", **NAMED)


def test_names_of_several_companies_are_no_symbols(tmp_path):
    text = HEADER.replace("Symbol", "Name") + f"\n{ROW}\n{ROW.replace('ABC', 'XYZ')}\n"

    assert refusal(tmp_path, text, **ASKED) == (
        "its Name column has ABC, XYZ: if these are symbols, name it Symbol, else keep the rows of "
        "one share."
    )


def test_several_numbers_of_instruments_are_several_shares(tmp_path):
    text = PLAIN.format("Date").replace("Volume", "Volume,instrument_token")
    text = text.replace("12000\n", "12000,11\n").replace("9000\n", "9000,{}\n")

    assert "its instrument_token column has 11, 22" in refusal(tmp_path, text.format(22), **NAMED)
    assert bars(read(tmp_path, text.format(11), **NAMED)[0]) == BARS


def test_a_word_that_may_be_another_symbol_is_told(tmp_path):
    text = PLAIN.format("Date").replace("Volume", "Volume,Stock").replace("000\n", "000,XYZ\n")

    for options in (NAMED, ASKED):
        (delivery,) = read(tmp_path, text, **options)
        assert "its Stock column says XYZ: taken as ABC.NS" in delivery.notes


def test_a_title_must_agree_with_the_ticker(tmp_path):
    text = PLAIN.format("Date")

    for title in ("XYZ.NS", "Symbol: XYZ.NS", "NSE: XYZ daily", "Symbol,XYZ.BO"):
        message = refusal(tmp_path, f"{title}\n{text}", **ASKED)
        assert message.startswith("its title says XYZ.")
        assert "not ABC.NS" in message
    for title in ("ABC.NS", "NSE: ABC", "XYZ Company Limited", "Adjusted prices"):
        assert bars(read(tmp_path, f"{title}\n{text}", **ASKED)[0]) == BARS


def test_a_title_states_the_ticker(tmp_path):
    text = PLAIN.format("Date")

    for title, ticker in (
        ("ABC.NS", "ABC.NS"),
        ("BSE: ABC", "ABC.BO"),
        ("Symbol,ABC.NS", "ABC.NS"),
    ):
        assert read(tmp_path, f"{title}\n\n{text}")[0].ticker == ticker


def test_rows_above_the_header_are_refused(tmp_path):
    text = f"2024-12-27,300,305,299,304,1000\n{PLAIN.format('Date')}"

    assert refusal(tmp_path, text, **NAMED).startswith("it has a row above its header (2024-12-27,")


# --- yfinance


def test_a_ticker_without_a_suffix_is_new_yorks(tmp_path):
    text = YF.replace("ABC.NS", "ABC")

    assert read(tmp_path, text)[0].ticker == "ABC"
    assert refusal(tmp_path, text, ticker="ABC.NS") == (
        "it has prices of ABC, not of ABC.NS: give the file of ABC.NS, or use --ticker ABC (in "
        "Yahoo's spelling a share of New York: else add --suffix)."
    )
    assert read(tmp_path, text, suffix=".NS")[0].ticker == "ABC.NS"
    assert read(tmp_path, text, ticker="ABC", suffix=".NS")[0].ticker == "ABC.NS"
    assert read(tmp_path, text, ticker="ABC", suffix="")[0].ticker == "ABC"


@pytest.mark.parametrize(
    "text", [YF, YF_TWO_LINES, YF_SWAPPED, YF_ROW_NUMBERS, YF_READ_AGAIN, YF_FLAT]
)
def test_another_ticker_in_the_header_is_refused_by_both_names(tmp_path, text):
    assert "it has prices of ABC.NS, not of XYZ.NS" in refusal(tmp_path, text, ticker="XYZ.NS")


def test_several_tickers_read_again_have_numbered_columns(tmp_path):
    text = (
        ",Price,Close,Close.1,High,High.1,Low,Low.1,Open,Open.1,Volume,Volume.1\n"
        "0,Ticker,ABC.NS,XYZ.NS,ABC.NS,XYZ.NS,ABC.NS,XYZ.NS,ABC.NS,XYZ.NS,ABC.NS,XYZ.NS\n"
        "1,Date,,,,,,,,,,\n2,2024-12-30,320.25,20,325.5,21,301,19,310,19.5,12000,7\n"
    )

    first, second = read(tmp_path, text)

    assert (first.ticker, bars(first)) == ("ABC.NS", BARS[:1])
    assert bars(second) == [(FIRST, 19.5, 21.0, 19.0, 20.0, 7.0)]


def test_a_stacked_ticker_without_a_suffix_is_new_yorks_too(tmp_path):
    text = YF_STACKED.replace("ABC.NS", "ABC")

    assert read(tmp_path, text)[0].ticker == "ABC"
    assert "it has prices of ABC, not of ABC.NS" in refusal(tmp_path, text, ticker="ABC.NS")


@pytest.mark.parametrize("text", [YF, YF_TWO_LINES, YF_ROW_NUMBERS])
def test_a_second_table_of_yfinance_is_refused(tmp_path, text):
    both = text + text.replace("ABC", "XYZ").replace("2024", "2023")

    assert "is a second header" in refusal(tmp_path, both)


def test_a_ticker_above_some_columns_alone_is_refused(tmp_path):
    text = YF_TWO_LINES.replace(",ABC.NS,ABC.NS,ABC.NS,ABC.NS,ABC.NS", ",XYZ.NS,,,,")

    assert refusal(tmp_path, text, **ASKED) == (
        "the line below its header names XYZ.NS for some of its columns: write it for each, or "
        "remove that line and add --ticker."
    )


# --- headers in the middle


def test_the_same_header_again_is_set_aside(tmp_path):
    header, first, second, *_ = PLAIN.format("Date").split("\n")

    (delivery,) = read(tmp_path, f"{header}\n{first}\n{header}\n{second}\n", **NAMED)

    assert bars(delivery) == BARS
    assert delivery.rejected["rule"].to_list() == ["repeated_header"]


@pytest.mark.parametrize(
    "other",
    [
        "2024-12-31,990.5,1330,986,998.75,9000",  # another level
        "2023-01-31,320.5,330,315,318.75,9000",  # another year
    ],
)
def test_rows_below_the_header_again_must_continue_those_above(tmp_path, other):
    header, first, *_ = PLAIN.format("Date").split("\n")

    assert refusal(tmp_path, f"{header}\n{first}\n{header}\n{other}\n", **NAMED) == (
        "line 3 is the header again, and the rows below it may be of another share: save each "
        "table as a file of its own, or add a symbol column."
    )


def test_symbols_say_of_which_share_rows_below_the_header_again_are(tmp_path):
    text = AMIBROKER + AMIBROKER.replace("ABC", "XYZ").replace("2024", "2023")

    assert [d.ticker for d in read(tmp_path, text)] == ["ABC.NS", "XYZ.NS"]


@pytest.mark.parametrize("text", [YF_FLAT, YF_FLAT_TICKER_FIRST, INVESTING])
def test_a_second_table_in_other_layouts_is_refused(tmp_path, text):
    both = text + text.replace("ABC", "XYZ").replace("2024", "2023").lstrip("\ufeff")

    message = refusal(tmp_path, both, name="ABC.csv", ticker="ABC.NS")

    assert "second header" in message or "header again" in message


def test_a_line_of_units_is_no_line_of_tickers(tmp_path):
    header, first, second, *_ = PLAIN.format("Date").split("\n")

    (delivery,) = read(tmp_path, f"{header}\n,Rs,Rs,Rs,Rs,Nos\n{first}\n{second}\n", **NAMED)

    assert (delivery.vendor, bars(delivery)) == ("unnamed", BARS)


def test_a_header_with_other_columns_is_refused(tmp_path):
    text = PLAIN.format("Date") + "Date,Close,High,Low,Open,Volume\n2025-01-02,1,2,1,2,9\n"

    assert refusal(tmp_path, text, **NAMED) == (
        "line 4 is a second header, with other columns or of other tickers: save each table as a "
        "file of its own."
    )


def test_a_second_header_below_a_title_is_refused(tmp_path):
    text = PLAIN.format("Date")

    assert "line 5 is a second header below a title" in refusal(
        tmp_path, f"{text}XYZ Limited\n{text.replace('2024', '2023')}", **NAMED
    )


# --- without a header


def test_a_file_without_a_header_needs_the_columns(tmp_path):
    text = "ABC,20241230,310,325.5,301,320.25,12000\nABC,20241231,320.5,330,315,318.75,9000\n"

    assert refusal(tmp_path, text).endswith(
        "name them in their order with --columns, such as --columns "
        "date,open,high,low,close,volume."
    )


def test_the_columns_stated_are_obeyed(tmp_path):
    text = "ABC,20241230,x,310,325.5,301,320.25,12000\nABC,20241231,x,320.5,330,315,318.75,9000\n"
    columns = ("symbol", "date", "-", "open", "high", "low", "close", "volume")

    (delivery,) = read(tmp_path, text, columns=columns)

    assert (delivery.ticker, bars(delivery)) == ("ABC.NS", BARS)
    assert delivery.frame["line"].to_list() == [1, 2]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ("date,open,high,low,close,turnover", "--columns 'turnover' is no column"),
        ("date,open,high,low,close,close", "--columns has close twice"),
        ("symbol,ticker,date,open,high,low,close", "--columns has symbol twice"),
        ("open,high,low,close,volume", "--columns lacks date"),
    ],
)
def test_columns_of_the_wrong_form_are_a_wrong_use(columns, words):
    with pytest.raises(UsageError, match=words):
        file_source(columns=columns.split(","))


def test_columns_must_be_as_many_as_those_of_the_file(tmp_path):
    columns = ("date", "open", "high", "low", "close")

    assert refusal(tmp_path, "2024-12-30,1,2,1,2,9\n", columns=columns, **NAMED) == (
        "its first line has 6 columns and --columns names 5: name each, with - for one to pass "
        "over."
    )


def test_columns_are_not_for_a_file_with_a_header(tmp_path):
    columns = ("date", "open", "high", "low", "close", "volume")

    message = refusal(tmp_path, PLAIN.format("Date"), columns=columns, **NAMED)

    assert message.startswith("it has a header (Date, Open, High, Low, Close, Volume): leave out")
