"""One share's prices written in the layouts that people have them in, and changes to such files."""

import csv
import datetime as dt
import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

# NSE's sessions of December 2024 up to the 20th; invented prices of TCS.
DAYS = [dt.date(2024, 12, day) for day in (2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 16, 17, 18, 19, 20)]


@dataclass(frozen=True)
class Bar:
    day: dt.date
    open: float
    high: float
    low: float
    close: float
    volume: int

    @property
    def prices(self) -> tuple[float, float, float, float]:
        return self.open, self.high, self.low, self.close


def _columns(names: str) -> list[str]:
    return names.split(",")


def _bars(first: float, step: float) -> list[Bar]:
    bars = []
    for number, day in enumerate(DAYS):
        close = round(first + step * ((number * 7) % 11 - 5), 2)
        opened = round(close - step * ((number * 5) % 7 - 3), 2)
        high, low = round(max(opened, close) + 3.35, 2), round(min(opened, close) - 4.15, 2)
        bars.append(Bar(day, opened, high, low, close, 1_204_317 + 10_111 * number))
    return bars


TCS, INFY = _bars(4105.45, 6.15), _bars(1903.25, 2.35)
# Yesterday's close of each of them.
BEFORE = {"TCS": 4101.2, "INFY": 1899.4}


@dataclass(frozen=True)
class Layout:
    """``table``: the header and the rows, as text; ``name``: what such files are called."""

    name: str
    table: Callable[[str, Sequence[Bar]], list[list[str]]]
    vendor: str = "unnamed"
    date_form: str = "%Y-%m-%d"
    has_symbol: bool = False


def _previous(symbol: str, bars: Sequence[Bar]) -> Iterable[tuple[float, Bar]]:
    closes = [BEFORE[symbol], *(bar.close for bar in bars)]
    return zip(closes, bars, strict=False)


def _plain(_: str, bars: Sequence[Bar]) -> list[list[str]]:
    rows = [[str(bar.day), *map(str, bar.prices), str(bar.volume)] for bar in bars]
    return [["Date", "Open", "High", "Low", "Close", "Volume"], *rows]


def _yahoo(_: str, bars: Sequence[Bar]) -> list[list[str]]:
    header = ["Date", "Open", "High", "Low", "Close", "Adj Close", "Volume"]
    rows = [[str(bar.day), *map(str, bar.prices), str(bar.close), str(bar.volume)] for bar in bars]
    return [header, *rows]


def _yfinance(symbol: str, bars: Sequence[Bar]) -> list[list[str]]:
    rows = [
        [str(bar.day), *map(str, (bar.close, bar.high, bar.low, bar.open)), str(bar.volume)]
        for bar in bars
    ]
    return [
        ["Price", "Close", "High", "Low", "Open", "Volume"],
        ["Ticker", *[f"{symbol}.NS"] * 5],
        ["Date", "", "", "", "", ""],
        *rows,
    ]


def _yfinance_reset(symbol: str, bars: Sequence[Bar]) -> list[list[str]]:
    table = _yfinance(symbol, bars)
    return [["Date", *table[0][1:]], ["", *table[1][1:]], *table[3:]]


def _yfinance_reread(symbol: str, bars: Sequence[Bar]) -> list[list[str]]:
    table = _yfinance(symbol, bars)
    rows = [[str(number), *row] for number, row in enumerate(table[1:])]
    return [["", *table[0]], *rows]


def _yfinance_flat(symbol: str, bars: Sequence[Bar]) -> list[list[str]]:
    table = _yfinance(symbol, bars)
    return [["Date", *(f"{name} {symbol}.NS" for name in table[0][1:])], *table[3:]]


def _old_bhavcopy(symbol: str, bars: Sequence[Bar]) -> list[list[str]]:
    header = [
        "SYMBOL",
        "SERIES",
        "OPEN",
        "HIGH",
        "LOW",
        "CLOSE",
        "LAST",
        "PREVCLOSE",
        "TOTTRDQTY",
        "TOTTRDVAL",
        "TIMESTAMP",
        "TOTALTRADES",
        "ISIN",
        "",
    ]
    rows = [
        [
            *(symbol, "EQ", *map(str, bar.prices), str(bar.close - 0.5), str(previous)),
            *(str(bar.volume), "4940000000.5", f"{bar.day:%d-%b-%Y}".upper(), "60000"),
            *("INE000A01010", ""),
        ]
        for previous, bar in _previous(symbol, bars)
    ]
    return [header, *rows]


def _full_bhavcopy(symbol: str, bars: Sequence[Bar]) -> list[list[str]]:
    header = [
        "SYMBOL",
        " SERIES",
        " DATE1",
        " PREV_CLOSE",
        " OPEN_PRICE",
        " HIGH_PRICE",
        " LOW_PRICE",
        " LAST_PRICE",
        " CLOSE_PRICE",
        " AVG_PRICE",
        " TTL_TRD_QNTY",
        " TURNOVER_LACS",
        " NO_OF_TRADES",
        " DELIV_QTY",
        " DELIV_PER",
    ]
    rows = [
        [
            *(symbol, " EQ", f" {bar.day:%d-%b-%Y}", f" {previous}", f" {bar.open}"),
            *(f" {bar.high}", f" {bar.low}", f" {bar.close - 0.5}", f" {bar.close}"),
            *(f" {bar.close - 1}", f" {bar.volume}", " 1.02", " 50", " 500", " 50.00"),
        ]
        for previous, bar in _previous(symbol, bars)
    ]
    return [header, *rows]


UDIFF = [
    "TradDt",
    "BizDt",
    "Sgmt",
    "Src",
    "FinInstrmTp",
    "FinInstrmId",
    "ISIN",
    "TckrSymb",
    "SctySrs",
    "XpryDt",
    "FininstrmActlXpryDt",
    "StrkPric",
    "OptnTp",
    "FinInstrmNm",
    "OpnPric",
    "HghPric",
    "LwPric",
    "ClsPric",
    "LastPric",
    "PrvsClsgPric",
    "UndrlygPric",
    "SttlmPric",
    "OpnIntrst",
    "ChngInOpnIntrst",
    "TtlTradgVol",
    "TtlTrfVal",
    "TtlNbOfTxsExctd",
    "SsnId",
    "NewBrdLotQty",
    "Rmks",
    "Rsvd1",
    "Rsvd2",
    "Rsvd3",
    "Rsvd4",
]


def _udiff(symbol: str, bars: Sequence[Bar]) -> list[list[str]]:
    rows = [
        [
            *(str(bar.day), str(bar.day), "CM", "NSE", "STK", "11536", "INE000A01010", symbol),
            *("EQ", "", "", "", "", f"{symbol} LTD", *map(str, bar.prices), str(bar.close - 0.5)),
            *(str(previous), "", str(bar.close), "", "", str(bar.volume), "494000.00", "60000"),
            *("F1", "1", "", "", "", "", ""),
        ]
        for previous, bar in _previous(symbol, bars)
    ]
    return [UDIFF, *rows]


def _website(symbol: str, bars: Sequence[Bar]) -> list[list[str]]:
    header = [
        *("Date ", "series ", "OPEN ", "HIGH ", "LOW ", "PREV. CLOSE ", "ltp ", "close ", "vwap "),
        *("52W H ", "52W L ", "VOLUME ", "VALUE ", "No of trades "),
    ]
    rows = [
        [
            *(f"{bar.day:%d-%b-%Y}", "EQ", *(f"{price:,.2f}" for price in bar.prices[:3])),
            *(f"{previous:,.2f}", f"{bar.close - 0.5:,.2f}", f"{bar.close:,.2f}"),
            *(f"{bar.close - 1:,.2f}", "4,592.25", "3,311.00", f"{bar.volume:,}"),
            *("4,94,00,00,000.50", "60,000"),
        ]
        for previous, bar in _previous(symbol, bars)
    ]
    return [header, *reversed(rows)]


def _ch_columns(symbol: str, bars: Sequence[Bar]) -> list[list[str]]:
    header = [
        "CH_SYMBOL",
        "CH_SERIES",
        "CH_TIMESTAMP",
        "CH_OPENING_PRICE",
        "CH_TRADE_HIGH_PRICE",
        "CH_TRADE_LOW_PRICE",
        "CH_CLOSING_PRICE",
        "CH_LAST_TRADED_PRICE",
        "CH_PREVIOUS_CLS_PRICE",
        "CH_TOT_TRADED_QTY",
        "CH_TOT_TRADED_VAL",
        "CH_52WEEK_HIGH_PRICE",
        "CH_52WEEK_LOW_PRICE",
        "VWAP",
    ]
    rows = [
        [
            *(symbol, "EQ", str(bar.day), *map(str, bar.prices), str(bar.close - 0.5)),
            *(str(previous), str(bar.volume), "494000.5", "4592.25", "3311", str(bar.close - 1)),
        ]
        for previous, bar in _previous(symbol, bars)
    ]
    return [header, *rows]


def _investing(_: str, bars: Sequence[Bar]) -> list[list[str]]:
    rows = [
        [
            f"{bar.day:%d-%m-%Y}",
            *(f"{price:,.2f}" for price in (bar.close, bar.open, bar.high, bar.low)),
            *(f"{bar.volume / 1e6:.6f}M", "0.49%"),
        ]
        for bar in bars
    ]
    return [["Date", "Price", "Open", "High", "Low", "Vol.", "Change %"], *reversed(rows)]


def _amibroker(symbol: str, bars: Sequence[Bar]) -> list[list[str]]:
    rows = [[symbol, f"{bar.day:%d-%m-%Y}", *map(str, bar.prices), str(bar.volume)] for bar in bars]
    return [["Ticker", "Date/Time", "Open", "High", "Low", "Close", "Volume"], *rows]


def _metastock(symbol: str, bars: Sequence[Bar]) -> list[list[str]]:
    names = ["TICKER", "DTYYYYMMDD", "OPEN", "HIGH", "LOW", "CLOSE", "VOL"]
    rows = [[symbol, f"{bar.day:%Y%m%d}", *map(str, bar.prices), str(bar.volume)] for bar in bars]
    return [[f"<{name}>" for name in names], *rows]


def _stooq(symbol: str, bars: Sequence[Bar]) -> list[list[str]]:
    names = ["TICKER", "PER", "DATE", "TIME", "OPEN", "HIGH", "LOW", "CLOSE", "VOL", "OPENINT"]
    rows = [
        [f"{symbol}.IN", "D", f"{bar.day:%Y%m%d}", "000000", *map(str, bar.prices), str(bar.volume)]
        for bar in bars
    ]
    return [[f"<{name}>" for name in names], *([*row, "0"] for row in rows)]


def _tradingview(_: str, bars: Sequence[Bar]) -> list[list[str]]:
    rows = [[f"{bar.day}T09:15:00+05:30", *map(str, bar.prices), str(bar.volume)] for bar in bars]
    return [["time", "open", "high", "low", "close", "Volume"], *rows]


def _tradingview_epoch(_: str, bars: Sequence[Bar]) -> list[list[str]]:
    opening = dt.time(3, 45, tzinfo=dt.UTC)
    rows = [
        [
            str(int(dt.datetime.combine(bar.day, opening).timestamp())),
            *map(str, bar.prices),
            str(bar.volume),
        ]
        for bar in bars
    ]
    return [["time", "open", "high", "low", "close", "Volume"], *rows]


def _google(_: str, bars: Sequence[Bar]) -> list[list[str]]:
    rows = [
        [
            f"{bar.day.month}/{bar.day.day}/{bar.day.year} 15:30:00",
            *map(str, bar.prices),
            str(bar.volume),
        ]
        for bar in bars
    ]
    return [["Date", "Open", "High", "Low", "Close", "Volume"], *rows]


def _letters(_: str, bars: Sequence[Bar]) -> list[list[str]]:
    rows = [
        [
            *(str(number), str(bar.close), str(bar.high), str(bar.low), str(bar.open), "0"),
            *(str(bar.day), str(bar.volume)),
        ]
        for number, bar in enumerate(bars)
    ]
    return [["", "c", "h", "l", "o", "oi", "time", "v"], *rows]


LAYOUTS = {
    "plain": Layout("TCS.NS.csv", _plain),
    "yahoo": Layout("TCS.NS.csv", _yahoo, "yahoo"),
    "yfinance": Layout("prices.csv", _yfinance, "yahoo", has_symbol=True),
    "yfinance_reset": Layout("prices.csv", _yfinance_reset, "yahoo", has_symbol=True),
    "yfinance_reread": Layout("prices.csv", _yfinance_reread, "yahoo", has_symbol=True),
    "yfinance_flat": Layout("prices.csv", _yfinance_flat, "yahoo", has_symbol=True),
    "old_bhavcopy": Layout("cm.csv", _old_bhavcopy, "nse", "%d-%b-%Y", has_symbol=True),
    "full_bhavcopy": Layout("sec_bhavdata.csv", _full_bhavcopy, "nse", "%d-%b-%Y", has_symbol=True),
    "udiff": Layout("BhavCopy_NSE_CM_0_0_0.csv", _udiff, "nse", has_symbol=True),
    "website": Layout("Quote-Equity-TCS-EQ-02-12-2024-to-20-12-2024.csv", _website, "nse"),
    "ch_columns": Layout("TCS.csv", _ch_columns, "nse", has_symbol=True),
    "investing": Layout("TCS Historical Data.csv", _investing, date_form="%d-%m-%Y"),
    "amibroker": Layout("export.csv", _amibroker, date_form="%d-%m-%Y", has_symbol=True),
    "metastock": Layout("export.txt", _metastock, date_form="%Y%m%d", has_symbol=True),
    "stooq": Layout("tcs.txt", _stooq, date_form="%Y%m%d", has_symbol=True),
    "tradingview": Layout("NSE_DLY_TCS, 1D.csv", _tradingview),
    "tradingview_epoch": Layout("NSE_TCS, 1D.csv", _tradingview_epoch),
    "google": Layout("TCS.csv", _google),
    "letters": Layout("TCS.csv", _letters),
}


def as_text(table: Sequence[Sequence[str]], delimiter: str = ",", **options: object) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n", **options).writerows(table)
    return text.getvalue()


def candles(vendor: str, bars: Sequence[Bar]) -> str:
    """JSON as the brokers' interfaces answer."""
    offset = {"kite": "+0530"}.get(vendor, "+05:30")
    rows = [[f"{bar.day}T00:00:00{offset}", *bar.prices, bar.volume] for bar in bars]
    if vendor == "upstox":
        rows = [[*row, 0] for row in reversed(rows)]
    if vendor == "angel":
        return json.dumps({"status": True, "message": "SUCCESS", "errorcode": "", "data": rows})
    return json.dumps({"status": "success", "data": {"candles": rows}})
