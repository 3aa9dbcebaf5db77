"""A folder's price files are found, and what else there is, is said."""

import os

import pytest

from src.core.errors import BadInput
from tests.support.price_files import all_deliveries, file_source
from tests.support.workbooks import workbook

HEADER = ["Date", "Open", "High", "Low", "Close", "Volume"]
TEXT = ",".join(HEADER) + "\n2024-12-31,10,12,9,11,100\n"


def put(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(TEXT)


def read(*paths, **options):
    """The origins and what was said to be unread."""
    source = file_source(*paths, **options)
    return [delivery.origin for delivery in all_deliveries(source)], source.take_unread()


def test_what_is_not_read_in_a_folder_is_said_with_the_reason(tmp_path):
    put(tmp_path, "TCS.NS.csv", "a.docx", "b.pdf", "c.jpg", "d.png", ".DS_Store", "~$x.xlsx")
    put(tmp_path, "README.txt", "2023/INFY.NS.csv", "2024.csv/WIPRO.NS.csv")

    origins, unread = read(tmp_path)

    assert origins == [f"{tmp_path}/TCS.NS.csv"]
    assert unread == [
        f"{tmp_path}: not read: .DS_Store, ~$x.xlsx (hidden or temporary); 2023, 2024.csv (folders "
        "inside: --recursive takes what is in them); README.txt, a.docx, b.pdf and 2 more (no "
        "price files by their names)."
    ]


def test_folders_inside_are_taken_when_wanted(tmp_path):
    put(tmp_path, "TCS.NS.csv", "2023/INFY.NS.csv", "2024.csv/WIPRO.NS.csv", ".git/SBIN.NS.csv")

    origins, unread = read(tmp_path, recursive=True)

    assert origins == [
        f"{tmp_path}/2023/INFY.NS.csv",
        f"{tmp_path}/TCS.NS.csv",
        f"{tmp_path}/2024.csv/WIPRO.NS.csv",
    ]
    assert unread == [f"{tmp_path}: not read: .git (hidden or temporary)."]


def test_links_that_lead_back_or_nowhere_do_no_harm(tmp_path):
    put(tmp_path, "a/TCS.NS.csv")
    (tmp_path / "a" / "back").symlink_to(tmp_path)
    (tmp_path / "a" / "circle.csv").symlink_to(tmp_path / "a" / "circle.csv")
    (tmp_path / "a" / "gone.csv").symlink_to(tmp_path / "nowhere.csv")

    origins, unread = read(tmp_path, recursive=True)

    assert origins == [f"{tmp_path}/a/TCS.NS.csv"]
    assert unread == [f"{tmp_path}: not read: a/circle.csv, a/gone.csv (no files)."]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_rights_is_said(tmp_path):
    put(tmp_path, "TCS.NS.csv", "shut/INFY.NS.csv")
    (tmp_path / "shut").chmod(0)

    _, unread = read(tmp_path, recursive=True)
    assert unread == [f"{tmp_path}: not read: shut (they cannot be read)."]
    with pytest.raises(BadInput, match="could not be read"):
        read(tmp_path / "shut")
    (tmp_path / "shut").chmod(0o700)


def test_a_folder_with_prices_in_folders_inside_alone_names_the_option(tmp_path):
    put(tmp_path, "2024/TCS.NS.csv")

    with pytest.raises(
        BadInput, match="it has 2024; --recursive takes the files of folders inside"
    ):
        read(tmp_path)


def test_a_folder_of_something_else_is_refused_with_what_it_has(tmp_path):
    put(tmp_path, "a.docx")

    with pytest.raises(BadInput, match=r"has no price file, such as \*\.csv.*: it has a\.docx\."):
        read(tmp_path)


def test_many_files_of_another_kind_are_counted(tmp_path):
    put(tmp_path, "TCS.NS.csv")
    for number in range(2_000):
        (tmp_path / f"{number:06}.bin").touch()

    _, unread = read(tmp_path)

    assert unread == [
        f"{tmp_path}: not read: 000000.bin, 000001.bin, 000002.bin and 1,997 more (no price files "
        "by their names)."
    ]


def test_files_of_other_tickers_in_a_folder_are_said(tmp_path):
    put(tmp_path, "TCS.NS.csv", "INFY.NS.csv")

    _, unread = read(tmp_path, ticker="TCS")

    assert unread == [f"{tmp_path}: not read: INFY.NS.csv (no prices of TCS.NS)."]


def test_hidden_and_empty_sheets_are_said_once(tmp_path):
    rows = [HEADER, ["2024-12-31", 10, 12, 9, 11, 100]]
    book = {"TCS": rows, "Old": rows, "Notes": []}
    path = workbook(tmp_path / "TCS.NS.xlsx", book, hidden=("Old",))
    source = file_source(path)

    assert len(all_deliveries(source)) == 1
    assert source.take_unread() == [f"{path}: not read: sheet Old (hidden); sheet Notes (empty)."]
    assert source.take_unread() == []


def test_a_second_download_is_read_behind_the_first(tmp_path):
    put(tmp_path, "TCS.NS (10).csv", "TCS.NS (1).csv", "TCS.NS.csv", "INFY.NS.csv")

    assert [file.path.name for file in file_source(tmp_path).files()] == [
        *("INFY.NS.csv", "TCS.NS.csv", "TCS.NS (1).csv", "TCS.NS (10).csv")
    ]
