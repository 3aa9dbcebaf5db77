"""Every visible sheet of a workbook is a table of its own."""

import datetime as dt

import pytest

from src.core.errors import BadInput
from src.data.sources.files.grids.workbook import COMPOUND, read_sheets
from tests.support.price_files import all_deliveries, file_source
from tests.support.workbooks import workbook

HEADER = ["Date", "Open", "High", "Low", "Close", "Volume"]
TCS = [HEADER, [dt.date(2024, 12, 30), 4100, 4150, 4080, 4120.5, 1200000]]
INFY = [HEADER, [dt.date(2024, 12, 31), 1900, 1950, 1880, 1920.25, 900000]]


def sheets(path):
    return read_sheets(path.read_bytes())


def test_all_visible_sheets_are_read_and_the_others_named(tmp_path):
    book = {"TCS": TCS, "Old": TCS, "Notes": [], "INFY": INFY}

    read, unread = sheets(workbook(tmp_path / "a.xlsx", book, hidden=("Old",)))

    assert list(read) == ["TCS", "INFY"]
    assert unread == [("hidden", "Old"), ("empty", "Notes")]
    assert read["INFY"].body(1, 6).select("file_line", "c0", "c4").rows() == [
        (2, "2024-12-31 00:00:00", "1920.25")
    ]


def test_a_title_and_blank_rows_above_the_header_count_as_lines_of_the_sheet(tmp_path):
    rows = [["Prices of TCS"], [None] * 6, *TCS]

    read, _ = sheets(workbook(tmp_path / "a.xlsx", {"S": rows}))

    assert (read["S"].head[1], read["S"].ends) == (HEADER, [1, 3, 4])
    assert read["S"].body(2, 6).select("line", "file_line", "c4").rows() == [(1, 4, "4120.5")]


def test_a_workbook_with_nothing_visible_is_refused(tmp_path):
    with pytest.raises(BadInput, match="all its sheets are empty or hidden"):
        sheets(workbook(tmp_path / "a.xlsx", {"A": TCS, "B": []}, hidden=("A",)))


def test_each_sheet_is_a_delivery_that_names_it(tmp_path):
    path = workbook(tmp_path / "TCS.xlsx", {"2024a": TCS, "2024b": [HEADER, INFY[1]]})

    first, second = all_deliveries(file_source(path, ticker="TCS"))

    assert (first.frame["close"][0], second.frame["close"][0]) == (4120.5, 1920.25)
    assert (first.origin, second.origin) == (f"{path}, sheet 2024a", f"{path}, sheet 2024b")
    assert first.content_hash != second.content_hash
    assert first.file_hash == second.file_hash != ""


def test_a_workbook_of_former_times_or_with_a_password_is_refused(tmp_path):
    path = tmp_path / "TCS.xls"
    for name, sentence in (
        ("Workbook", "it is a workbook of Excel before 2007: save it as xlsx."),
        ("EncryptedPackage", "it is protected by a password: save it without one."),
    ):
        path.write_bytes(COMPOUND + b"\0" * 600 + name.encode("utf-16-le"))
        with pytest.raises(BadInput, match=sentence):
            file_source(path).tickers()


def test_a_workbook_of_libreoffice_is_read(tmp_path):
    import zipfile

    names = {
        name: f"urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"
        for name in ("office", "table", "text")
    }
    spaces = " ".join(f'xmlns:{name}="{urn}"' for name, urn in names.items())

    def cell(value):
        if isinstance(value, dt.date):
            return f'<table:table-cell office:value-type="date" office:date-value="{value}"/>'
        if isinstance(value, str):
            return (
                '<table:table-cell office:value-type="string">'
                f"<text:p>{value}</text:p></table:table-cell>"
            )
        return f'<table:table-cell office:value-type="float" office:value="{value}"/>'

    lines = "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in TCS)
    path = tmp_path / "TCS.ods"
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        book.writestr("META-INF/manifest.xml", "<manifest:manifest/>")
        book.writestr(
            "content.xml",
            f"<office:document-content {spaces}><office:body><office:spreadsheet>"
            f'<table:table table:name="S">{lines}</table:table></office:spreadsheet>'
            "</office:body></office:document-content>",
        )

    (delivery,) = all_deliveries(file_source(path, ticker="TCS"))

    assert delivery.frame.row(0)[1:6] == (dt.date(2024, 12, 30), 4100.0, 4150.0, 4080.0, 4120.5)
