import pytest

from src.core.calendars.closed_days import are_from_another_exchange, closed_days_message


@pytest.mark.parametrize(
    ("closed", "rows", "expected"),
    [(6, 250, True), (5, 250, False), (5, 15, True), (4, 14, False), (0, 0, False)],
)
def test_more_than_two_percent_and_at_least_five_rows_are_too_many(closed, rows, expected):
    assert are_from_another_exchange(closed, rows) is expected


def test_the_message_names_rows_share_and_exchange():
    message = closed_days_message("TCS.NS", 6, 250)

    assert message.startswith("6 of 250 rows (2.4%) lie on days when NSE was closed: ")
