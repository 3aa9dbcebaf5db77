"""A folder of NSE's daily files of the whole market, made up, and what it costs to store it.

Run: python -m benchmarks.studies.market_folder [SYMBOLS DAYS] [--layout udiff|full] [--pipeline]
(default: 2630 250, the layout of sec_bhavdata_full). The folder is stored from empty tables, again
with nothing new, and with one day more. Prints wall seconds, cpu seconds of the client and of the
server, the client's peak memory, and the share of the limits; nothing is asserted.
"""

import argparse
import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.parts.home import temporary_home
from benchmarks.parts.many_tickers import show
from src.core.calendars.nse import nse

LAST, SEED = dt.date(2026, 4, 10), 17
# Of the symbols: listed or gone within the days, in the trade-to-trade series, with a bond as well.
NEWCOMERS, DEPARTED, TRADE_TO_TRADE, BONDS = 0.08, 0.05, 0.06, 0.12
# Of the rows of a share: sessions without a trade.
MISSING = 0.004
# For 2,630 symbols on 250 days, client and server together; for any folder, in MiB.
CPU_LIMIT, MEMORY_LIMIT = 60.0, 1536.0
FULL = (
    *("SYMBOL", " SERIES", " DATE1", " PREV_CLOSE", " OPEN_PRICE", " HIGH_PRICE", " LOW_PRICE"),
    *(" LAST_PRICE", " CLOSE_PRICE", " AVG_PRICE", " TTL_TRD_QNTY", " TURNOVER_LACS"),
    *(" NO_OF_TRADES", " DELIV_QTY", " DELIV_PER"),
)
UDIFF = (
    *("TradDt", "BizDt", "Sgmt", "Src", "FinInstrmTp", "FinInstrmId", "ISIN", "TckrSymb"),
    *("SctySrs", "XpryDt", "FininstrmActlXpryDt", "StrkPric", "OptnTp", "FinInstrmNm", "OpnPric"),
    *("HghPric", "LwPric", "ClsPric", "LastPric", "PrvsClsgPric", "UndrlygPric", "SttlmPric"),
    *("OpnIntrst", "ChngInOpnIntrst", "TtlTradgVol", "TtlTrfVal", "TtlNbOfTxsExctd", "SsnId"),
    *("NewBrdLotQty", "Rmks", "Rsvd1", "Rsvd2", "Rsvd3", "Rsvd4"),
)


def market(symbols: int, days: list[dt.date], seed: int = SEED) -> list[pl.DataFrame]:
    """Per day the rows of all symbols: ``symbol, series, previous, open … close, volume``.

    With more days, those before are as they were, but for who is listed on them.
    """
    random = np.random.default_rng([seed, 0])
    names = np.array([f"S{number:04}" for number in range(symbols)])
    series = np.where(random.random(symbols) < TRADE_TO_TRADE, "BE", "EQ")
    has_bond = random.random(symbols) < BONDS
    first, last, fate = np.zeros(symbols), np.full(symbols, 1.0), random.random((symbols, 2))
    is_new, is_gone = fate[:, 0] < NEWCOMERS, fate[:, 0] > 1 - DEPARTED
    first[is_new], last[is_gone] = 0.9 * fate[is_new, 1], 0.1 + 0.8 * fate[is_gone, 1]
    close = np.round(random.uniform(20, 4000, symbols), 2)
    frames = []
    for number, day in enumerate(days):
        daily = np.random.default_rng([seed, day.toordinal()])
        moves = 0.012 * daily.normal() + 0.02 * daily.normal(size=symbols)
        previous, close = close, np.maximum(np.round(close * np.exp(moves), 2), 0.05)
        opened = np.round(previous * np.exp(0.006 * daily.normal(size=symbols)), 2)
        high = np.round(np.maximum(opened, close) * (1 + 0.01 * daily.random(symbols)), 2)
        low = np.round(np.minimum(opened, close) * (1 - 0.01 * daily.random(symbols)), 2)
        volume = np.exp(11 + daily.normal(size=symbols)).astype(np.int64)
        place = number / len(days)
        is_there = (first <= place) & (place <= last) & (daily.random(symbols) > MISSING)
        shares = pl.DataFrame(
            {
                **{"symbol": names, "series": series, "previous": previous, "open": opened},
                **{"high": high, "low": low, "close": close, "volume": volume},
            }
        ).filter(pl.Series(is_there))
        bonds = pl.DataFrame({"symbol": names[has_bond & is_there]}).with_columns(
            series=pl.lit("N1"), previous=1000.0, open=1000.0, high=1001.0, low=999.0, close=1000.5
        )
        bonds = bonds.with_columns(volume=pl.lit(10, dtype=pl.Int64))
        frames.append(pl.concat([shares, bonds]).sort("symbol", "series"))
    return frames


def write_day(folder: Path, day: dt.date, rows: pl.DataFrame, layout: str) -> Path:
    """Write one day's file as NSE does, and return its path."""
    folder.mkdir(exist_ok=True)
    if layout == "udiff":
        path = folder / f"BhavCopy_NSE_CM_0_0_0_{day:%Y%m%d}_F_0000.csv"
        _udiff(day, rows).write_csv(path)
    else:
        path = folder / f"sec_bhavdata_full_{day:%d%m%Y}.csv"
        _full(day, rows).write_csv(path)
    return path


def _full(day: dt.date, rows: pl.DataFrame) -> pl.DataFrame:
    values = {
        **{"SYMBOL": pl.col("symbol"), " SERIES": pl.col("series")},
        **{" DATE1": pl.lit(f"{day:%d-%b-%Y}"), " PREV_CLOSE": _price("previous")},
        **{" OPEN_PRICE": _price("open"), " HIGH_PRICE": _price("high")},
        **{" LOW_PRICE": _price("low"), " LAST_PRICE": _price("close")},
        **{" CLOSE_PRICE": _price("close"), " AVG_PRICE": _price("close")},
        **{" TTL_TRD_QNTY": pl.col("volume"), " TURNOVER_LACS": pl.lit("12.34")},
        **{
            " NO_OF_TRADES": pl.lit("50"),
            " DELIV_QTY": pl.lit("500"),
            " DELIV_PER": pl.lit("50.00"),
        },
    }
    texts = [
        pl.format(" {}" if name != "SYMBOL" else "{}", values[name]).alias(name) for name in FULL
    ]
    return rows.select(texts)


def _udiff(day: dt.date, rows: pl.DataFrame) -> pl.DataFrame:
    values = {
        **{"TradDt": pl.lit(str(day)), "BizDt": pl.lit(str(day)), "Sgmt": pl.lit("CM")},
        **{"Src": pl.lit("NSE"), "FinInstrmTp": pl.lit("STK"), "FinInstrmId": pl.lit("1")},
        **{"ISIN": pl.format("INE{}01010", "symbol"), "TckrSymb": pl.col("symbol")},
        **{"SctySrs": pl.col("series"), "FinInstrmNm": pl.format("{} LIMITED", "symbol")},
        **{"OpnPric": _price("open"), "HghPric": _price("high"), "LwPric": _price("low")},
        **{"ClsPric": _price("close"), "LastPric": _price("close"), "SttlmPric": _price("close")},
        **{"PrvsClsgPric": _price("previous"), "TtlTradgVol": pl.col("volume")},
        **{"TtlTrfVal": pl.lit("1234.00"), "TtlNbOfTxsExctd": pl.lit("50"), "SsnId": pl.lit("F1")},
        "NewBrdLotQty": pl.lit("1"),
    }
    return rows.select(values.get(name, pl.lit("")).alias(name) for name in UDIFF)


def _price(name: str) -> pl.Expr:
    return pl.col(name).map_batches(
        lambda prices: pl.Series([f"{price:.2f}" for price in prices]), return_dtype=pl.String
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("size", type=int, nargs="*", default=[2630, 250])
    parser.add_argument("--layout", choices=("full", "udiff"), default="full")
    parser.add_argument("--pipeline", action="store_true", help="the data stages and training, too")
    args = parser.parse_args()
    symbols, count = args.size
    until = int(nse().array.searchsorted(np.datetime64(LAST), side="right"))
    days = nse().array[until - count : until + 1].tolist()
    with temporary_home() as home:
        files = home.folder / "files"
        *before, newest = zip(days, market(symbols, days), strict=True)
        rows = 0
        for day, frame in before:
            write_day(files, day, frame, args.layout)
            rows += frame.height
        print(f"{symbols} symbols, {count} days, {rows:,} rows", flush=True)
        module = ["mlops.pipeline"] if args.pipeline else ["src.data.ingest", "write"]
        command = [*module, "--all", "--source", "csv", "--path", str(files)]
        now = dt.datetime.combine(days[-1], dt.time(14), dt.UTC)
        show("first", home.run(command, now))
        show("nothing new", home.run(command, now))
        write_day(files, *newest, args.layout)
        show("one day more", home.run(command, now))


if __name__ == "__main__":
    main()
