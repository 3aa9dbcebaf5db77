"""Every layout with one change: it is read right or refused, never silently wrong."""

import datetime as dt
import gzip
import io
import re
import zipfile

import pytest

from src.core.errors import BadInput
from tests.support.price_files import file_source
from tests.support.price_layouts import DAYS, INFY, LAYOUTS, TCS, Bar, as_text, candles


def comma(text):
    """A number with a decimal comma; anything else as it is."""
    return text.replace(".", ",") if re.fullmatch(r"\s*\d+\.\d+", text) else text


def header_rows(layout):
    return {"yfinance": 3, "yfinance_reset": 2, "yfinance_reread": 3}.get(layout, 1)


def with_rows(layout, rows):
    count = header_rows(layout)
    return lambda table: [*table[:count], *rows(table[count:])]


def other_dates(layout, form):
    """The table with its dates written in another form."""
    written = LAYOUTS[layout].date_form
    names = {f"{day:{written}}": f"{day:{form}}" for day in DAYS}
    names |= {name.upper(): new for name, new in names.items()}

    def change(table):
        return [[names.get(cell.strip(), cell) for cell in row] for row in table]

    return change


def renamed(rename):
    return lambda layout: lambda table: [[rename(cell) for cell in table[0]], *table[1:]]


def middle(rows, *extra):
    return [*rows[:7], *extra, *rows[7:]]


def shifted(rows):
    """One row lacks its second cell, so that what follows stands one cell too far left."""
    return [*rows[:7], [rows[7][0], *rows[7][2:]], *rows[8:]]


# By name: from a layout's name to what is done to its table.
TABLE_CHANGES = {
    "as it is": lambda layout: lambda table: table,
    "turned round": lambda layout: with_rows(layout, lambda rows: rows[::-1]),
    "upper case header": renamed(str.upper),
    "lower case header": renamed(str.lower),
    "blanks in header": renamed(lambda cell: f" {cell} "),
    "title above": lambda layout: lambda table: [["Price history of the share"], [""], *table],
    "blank line below header": lambda layout: lambda table: [table[0], [""], *table[1:]],
    "second header": lambda layout: (
        lambda table: with_rows(layout, lambda rows: middle(rows, table[0]))(table)
    ),
    "columns turned round": lambda layout: lambda table: [row[::-1] for row in table],
    "one more column": lambda layout: (
        lambda table: [
            [*row, "Remark" if number == 0 else "ok"] for number, row in enumerate(table)
        ]
    ),
    "comma at the end of each line": lambda layout: lambda table: [[*row, ""] for row in table],
    "total line": lambda layout: lambda table: [*table, ["Total", *[""] * (len(table[0]) - 1)]],
    "a cell is missing": lambda layout: with_rows(layout, shifted),
    "dates with a time": lambda layout: other_dates(layout, "%Y-%m-%d 00:00:00"),
    "two-digit years": lambda layout: other_dates(layout, "%d-%b-%y"),
    "month names first": lambda layout: other_dates(layout, "%b %d, %Y"),
    "full month names": lambda layout: other_dates(layout, "%d %B %Y"),
    "slashes": lambda layout: other_dates(layout, "%d/%m/%Y"),
    "month first": lambda layout: other_dates(layout, "%m/%d/%Y"),
    "am and pm": lambda layout: other_dates(layout, "%d/%m/%Y 12:00:00 AM"),
    "eight digits": lambda layout: other_dates(layout, "%Y%m%d"),
}
NO_COLUMNS_TURNED = ("yfinance", "yfinance_reset", "yfinance_reread", "yfinance_flat")


def packed(text):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("prices.csv", text)
    return packed.getvalue()


# By name: the end of the file's name, and its bytes.
FILE_CHANGES = {
    "semicolons": ("", lambda table: as_text(table, ";").encode()),
    "tabs": ("", lambda table: as_text(table, "\t").encode()),
    "pipes": ("", lambda table: as_text(table, "|").encode()),
    "line ends of Windows": ("", lambda table: as_text(table).replace("\n", "\r\n").encode()),
    "byte order mark": ("", lambda table: as_text(table).encode("utf-8-sig")),
    "UTF-16": ("", lambda table: as_text(table, "\t").encode("utf-16")),
    "all quoted": ("", lambda table: as_text(table, quoting=1).encode()),
    "gzip": (".gz", lambda table: gzip.compress(as_text(table).encode())),
    "zip": (".zip", lambda table: packed(as_text(table))),
    "sep line": ("", lambda table: f"sep=;\n{as_text(table, ';')}".encode()),
    "decimal comma": (
        "",
        lambda table: as_text([[comma(cell) for cell in row] for row in table], ";").encode(),
    ),
}


def read(path, **options):
    """The bars, by day, of what is read as TCS.NS."""
    source = file_source(path, **{"ticker": "TCS.NS", **options})
    hourly = source.fetch("hourly", "TCS.NS", None, None)
    assert not hourly, "daily bars were taken for hourly ones"
    return {
        Bar(row["date"], row["open"], row["high"], row["low"], row["close"], row["volume"])
        for delivery in source.fetch("daily", "TCS.NS", None, None)
        for row in delivery.frame.iter_rows(named=True)
    }


def as_read(bars):
    return {Bar(bar.day, *bar.prices, pytest.approx(bar.volume, rel=1e-9)) for bar in bars}


def write(tmp_path, layout, text, ending=""):
    path = tmp_path / f"{LAYOUTS[layout].name}{ending}"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def check(bars, expected):
    assert sorted(bar.day for bar in bars) == [bar.day for bar in expected]
    for bar, right in zip(sorted(bars, key=lambda bar: bar.day), expected, strict=True):
        assert bar.prices == right.prices
        assert bar.volume == pytest.approx(right.volume, rel=1e-9)


# Refused, each for the reason in the sentence.
REFUSED = {
    ("yfinance", "second header"): "second header",
    ("yfinance_reset", "second header"): "second header",
    ("yfinance_reread", "second header"): "second header",
    ("yfinance_flat", "lower case header"): "layout is unknown",
    ("letters", "columns turned round"): "more or fewer cells",  # its last column has no name
}


@pytest.mark.parametrize("change", TABLE_CHANGES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_changed_table_is_read_right(tmp_path, layout, change):
    if change == "columns turned round" and layout in NO_COLUMNS_TURNED:
        pytest.skip("yfinance's first column is the date")
    table = TABLE_CHANGES[change](layout)(LAYOUTS[layout].table("TCS", TCS))
    path = write(tmp_path, layout, as_text(table))
    expected = [bar for bar in TCS if change != "a cell is missing" or bar != _missing(layout)]
    if (layout, change) in REFUSED:
        with pytest.raises(BadInput, match=REFUSED[layout, change]):
            read(path)
    else:
        check(read(path), expected)


def _missing(layout):
    return TCS[-8] if layout in ("website", "investing") else TCS[7]


@pytest.mark.parametrize("change", FILE_CHANGES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_changed_file_is_read_right(tmp_path, layout, change):
    ending, write_file = FILE_CHANGES[change]
    table = LAYOUTS[layout].table("TCS", TCS)
    check(read(write(tmp_path, layout, write_file(table), ending)), TCS)


@pytest.mark.parametrize("layout", [name for name, each in LAYOUTS.items() if each.has_symbol])
def test_another_ticker_is_refused(tmp_path, layout):
    path = write(tmp_path, layout, as_text(LAYOUTS[layout].table("INFY", INFY)))
    with pytest.raises(BadInput, match="INFY"):
        read(path)


SIDE_BY_SIDE = ("yfinance", "yfinance_reset", "yfinance_reread", "yfinance_flat")


@pytest.mark.parametrize(
    "layout", [n for n, each in LAYOUTS.items() if each.has_symbol and n not in SIDE_BY_SIDE]
)
def test_rows_of_another_ticker_are_left_out(tmp_path, layout):
    tcs, infy = (LAYOUTS[layout].table(*each) for each in (("TCS", TCS), ("INFY", INFY)))
    check(read(write(tmp_path, layout, as_text([*infy, *tcs[1:]]))), TCS)


SERIES = ("old_bhavcopy", "full_bhavcopy", "udiff", "website", "ch_columns")


@pytest.mark.parametrize("layout", SERIES)
@pytest.mark.parametrize("series", ["N1", "BL", "GB", "E1"])
def test_rows_of_another_series_are_no_share(tmp_path, layout, series):
    others = [
        [re.sub(r"^( ?)EQ$", rf"\g<1>{series}", cell) for cell in row]
        for row in LAYOUTS[layout].table("TCS", INFY)
    ]
    table = [*LAYOUTS[layout].table("TCS", TCS), *others[1:]]
    check(read(write(tmp_path, layout, as_text(table))), TCS)


@pytest.mark.parametrize("column", ["Sgmt", "FinInstrmTp"])
@pytest.mark.parametrize("value", ["FO", "STF", "IDX", "IDF", "STO", "CD"])
def test_derivatives_are_no_share(tmp_path, column, value):
    header, *rows = LAYOUTS["udiff"].table("TCS", TCS)
    place = header.index(column)
    others = [[value if n == place else cell for n, cell in enumerate(row)] for row in rows]
    with pytest.raises(BadInput):
        read(write(tmp_path, "udiff", as_text([header, *others])))


@pytest.mark.parametrize("layout", ["udiff"])
def test_another_exchange_is_refused(tmp_path, layout):
    table = [
        ["BSE" if cell == "NSE" else cell for cell in row]
        for row in LAYOUTS[layout].table("TCS", TCS)
    ]
    with pytest.raises(BadInput, match=r"TCS\.BO"):
        read(write(tmp_path, layout, as_text(table)))


@pytest.mark.parametrize(
    "layout", ["plain", "yahoo", "yfinance", "yfinance_flat", "udiff", "ch_columns", "letters"]
)
def test_day_and_month_swapped_are_refused(tmp_path, layout):
    bars = [bar for bar in TCS if bar.day.day <= 12]
    swapped = {str(bar.day): f"2024-{bar.day.day:02}-{bar.day.month:02}" for bar in bars}
    table = [
        [swapped.get(cell, cell) for cell in row] for row in LAYOUTS[layout].table("TCS", bars)
    ]
    with pytest.raises(BadInput, match="swapped"):
        read(write(tmp_path, layout, as_text(table)))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_of_two_rows_of_a_day_the_right_one_counts_or_none(tmp_path, layout):
    wrong = [*TCS]
    wrong[7] = Bar(TCS[7].day, 3550.0, 3550.0, 3550.0, 3550.0, 900_000)
    table = LAYOUTS[layout].table("TCS", TCS)
    count = header_rows(layout)
    rows, others = table[count:], LAYOUTS[layout].table("TCS", wrong)[count:]
    at = -8 if layout in ("website", "investing") else 7
    at %= len(rows)
    table = [*table[:count], *rows[: at + 1], others[at], *rows[at + 1 :]]
    bars = read(write(tmp_path, layout, as_text(table)))
    check([bar for bar in bars if bar.day != TCS[7].day], [*TCS[:7], *TCS[8:]])
    assert [bar.close for bar in bars if bar.day == TCS[7].day] in ([], [TCS[7].close])


@pytest.mark.parametrize("vendor", ["kite", "upstox", "angel"])
def test_candles_are_read(tmp_path, vendor):
    path = tmp_path / "TCS.json"
    path.write_text(candles(vendor, TCS))
    check(read(path), TCS)


def test_missing_header_needs_columns(tmp_path):
    _header, *rows = LAYOUTS["plain"].table("TCS", TCS)
    path = tmp_path / "TCS.csv"
    path.write_text(as_text(rows))
    with pytest.raises(BadInput, match="--columns"):
        read(path)
    columns = ("date", "open", "high", "low", "close", "volume")
    check(read(path, columns=columns), TCS)


def test_live_last_row_is_no_second_kind(tmp_path):
    table = LAYOUTS["google"].table("TCS", TCS)
    table[-1][0] = "12/20/2024 11:42:07"
    check(read(write(tmp_path, "google", as_text(table))), TCS)
    assert TCS[-1].day == dt.date(2024, 12, 20)
