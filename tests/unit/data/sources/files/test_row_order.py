"""Rows out of date order are delivered as they stand, with a note."""

import pytest

from tests.support.price_files import all_deliveries, file_source


@pytest.fixture
def read(tmp_path):
    def delivered(*days, more=()):
        lines = [f"2022-01-{day:02},10,12,9,{10 + day / 10},11,100" for day in days]
        path = tmp_path / "TCS.NS.csv"
        head = "Date,Open,High,Low,Close,Adj Close,Volume"
        path.write_text("\n".join([head, *lines, *more]) + "\n")
        (found,) = all_deliveries(file_source(path))
        return found

    return delivered


def days(found):
    return [day.day for day in found.frame["date"]]


@pytest.mark.parametrize(
    ("order", "notes"),
    [
        ([3, 4, 5, 6], ()),
        ([6, 5, 4, 3], ("rows are newest first",)),
        ([3], ()),
        ([3, 5, 4, 6], ("1 rows are out of date order",)),
        ([6, 3, 4, 5], ("1 rows are out of date order",)),
        ([5, 6, 7, 3, 4], ("2 rows are out of date order",)),
        ([6, 5, 4, 7], ("2 rows are out of date order",)),
    ],
)
def test_the_fewest_rows_that_would_have_to_move_are_counted(read, order, notes):
    found = read(*order)

    assert found.notes == notes
    assert days(found) == order
    assert found.frame["line"].to_list() == list(range(1, len(order) + 1))


def test_a_day_written_twice_in_a_row_is_in_order(read):
    found = read(3, 4, 4, 5)

    assert found.notes == ()
    assert (days(found), found.rejected["line"].to_list()) == ([3, 4, 5], [2])


def test_days_written_again_at_the_end_are_out_of_order(read):
    found = read(3, 4, 5, 6, 7, 10, 4, 5)

    assert found.notes == ("2 rows are out of date order",)
    assert days(found) == [3, 6, 7, 10, 4, 5]
    assert found.rejected["rule"].to_list() == ["duplicate_identical"] * 2
