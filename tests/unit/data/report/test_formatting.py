import pytest

from src.data.report.formatting import format_bar, format_change, format_row, format_value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3497.699951171875, "3,497.7"),
        (38.72499847, "38.725"),
        (12345678.25, "12,345,678"),
        (0.0, "0"),
        (None, "-"),
    ],
)
def test_values_are_shown_with_the_digits_that_tell_them_apart(value, text):
    assert format_value(value) == text


def test_relative_changes_are_percent_and_large_ones_are_times():
    # Half as much again, and a thousand times as much.
    assert [format_change(value) for value in (0.5, 999.0, None)] == [
        "+50.000%",
        "1,000 times",
        "-",
    ]


def test_the_values_of_a_bar_are_one_line_in_their_usual_order():
    assert format_bar({"close": 2.5, "open": 1.0, "volume": None}) == "O 1 C 2.5"
    assert format_row('{"at": "x", "low": null, "close": null}') == "nothing"
    assert format_row('{"Date": "13/45", "Close": "n/a"}') == "Date 13/45, Close n/a"
    assert format_row("no json") == "no json"
