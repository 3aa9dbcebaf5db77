"""The separator and the first lines of a text are found below a title."""

import pytest

from src.core.errors import BadInput
from src.data.sources.files.grids.text import read_text

LINES = "Date;Open;High;Low;Close;Volume\n13-11-2024;810,250;818,400;805,100;812,350;9000000\n"


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        (LINES, ";"),
        ("Prices of TCS, INFY, WIPRO, HDFC and SBI\n\n" + LINES, ";"),
        ("a\tb\tc\n1,5\t2,5\t3,5\n", "\t"),
        ('Date,Open\n"Nov 1, 2024","1,2;3"\n', ","),
        ("a|b\n1|2\n", "|"),
        ("alone\n", ","),
    ],
)
def test_the_separator_is_the_one_on_which_the_lines_agree(text, delimiter):
    assert read_text(text.encode()).delimiter == delimiter


def test_a_line_that_names_the_separator_is_obeyed_and_removed():
    table = read_text(b"sep=;\nDate;Open\n1;2,5\n3;4\n")

    assert (table.delimiter, table.head[0], table.ends[0]) == (";", ["Date", "Open"], 2)
    assert table.body(1, 2).select("line", "file_line", "c0", "c1").rows() == [
        (1, 3, "1", "2,5"),
        (2, 4, "3", "4"),
    ]
    assert table.body(0, 2)["c0"].to_list() == ["Date", "1", "3"]


def test_a_separator_that_no_table_has_is_refused():
    with pytest.raises(BadInput, match="names '1' as separator"):
        read_text(b"sep=1\na1b\n")


def test_the_head_has_the_first_twelve_lines_that_are_not_blank():
    text = "Title\n\n" + "".join(f"{number},x\n" for number in range(20))

    table = read_text(text.encode())

    assert table.head == [["Title"], *([str(number), "x"] for number in range(11))]
    assert table.ends[:3] == [1, 3, 4]
    assert table.body(2, 2)["c0"][0] == "1"


def test_columns_between_blanks_are_refused():
    with pytest.raises(BadInput, match="separated by blanks"):
        read_text(b"Date Open High Low Close\n2024-12-30 4100 4150 4080 4120.5\n")
