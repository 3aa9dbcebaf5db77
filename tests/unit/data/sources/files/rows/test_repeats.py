import datetime as dt

import polars as pl
import pytest

from src.data.sources.files.rows.repeats import split_repeats

DAYS = [dt.date(2024, 1, day) for day in (9, 10, 11, 12)]
NAMES = ("open", "high", "low", "close", "volume", "prev_close")


def rows(*bars, ticker="ABC.NS"):
    """Rows of (day's number, open, high, low, close, volume, previous close)."""
    return pl.DataFrame(
        [
            {
                **{"line": line, "ticker": ticker, "key": DAYS[day], "adj_close": None},
                **dict(zip(NAMES, map(float, values), strict=True)),
            }
            for line, (day, *values) in enumerate(bars, start=1)
        ],
        schema_overrides={"line": pl.Int64, "adj_close": pl.Float64},
    )


BEFORE = (0, 356, 359, 355, 358, 1300, 356)
BAR = (1, 358, 360, 357, 359, 1400, 358)
BLOCK = (1, 355, 355, 355, 355, 900, 0)
AFTER = (2, 360, 364, 359, 362, 1500, 359)


@pytest.mark.parametrize(
    "order",
    [
        (BEFORE, BAR, BLOCK, AFTER),
        (BEFORE, BLOCK, BAR, AFTER),
        (AFTER, BAR, BLOCK, BEFORE),
        (AFTER, BLOCK, BAR, BEFORE),
        (BLOCK, BAR, AFTER),
        (BEFORE, BLOCK, BAR),
    ],
)
def test_the_bar_agrees_with_its_neighbours_previous_closes_in_any_order(order):
    kept, others = split_repeats(rows(*order))

    assert sorted(kept["close"]) == sorted(row[4] for row in order if row is not BLOCK)
    assert others.select("close", "rule").rows() == [(355.0, "duplicate_of_bar")]
    line = order.index(BAR) + 1
    assert others["reason"][0] == (
        f"data row {line} of that day agrees with the previous closes: it is the bar"
    )


def test_two_conflicting_bars_are_told_apart_by_the_next_day():
    revised = (1, 358, 361, 357, 360, 1450, 358)

    kept, others = split_repeats(rows(BEFORE, revised, BAR, AFTER))

    assert kept["close"].to_list() == [358, 359, 362]
    assert others["close"].to_list() == [360]


def test_trades_at_one_price_inside_the_range_are_not_the_bar():
    inside = (1, 358.5, 358.5, 358.5, 358.5, 900, 0)
    frame = rows(BAR, inside).drop("prev_close")

    kept, others = split_repeats(frame)

    assert (kept["line"].to_list(), others["line"].to_list()) == ([1], [2])
    assert "has the range that these prices lie in" in others["reason"][0]


@pytest.mark.parametrize(
    "other",
    [
        (1, 355, 355, 355, 355, 900, 0),  # outside the range
        (1, 358, 361, 357, 360, 1400, 358),  # another bar
        (1, 358, 360, 357, 359, 1500, 358),  # another volume
    ],
)
def test_what_cannot_be_told_is_set_aside_whole(other):
    frame = rows(BEFORE, BAR, other, AFTER).drop("prev_close")

    kept, others = split_repeats(frame)

    assert kept["line"].to_list() == [1, 4]
    assert others["rule"].to_list() == ["duplicate_undecided"] * 2
    assert "data row 2 (close 359.0, volume 1400.0) and data row 3" in others["reason"][0]


def test_two_flat_rows_are_not_told_by_a_range():
    frame = rows((1, 359, 359, 359, 359, 5, 0), (1, 358, 358, 358, 358, 900, 0))

    kept, others = split_repeats(frame)

    assert (kept.height, others.height) == (0, 2)


def test_identical_rows_are_one():
    kept, others = split_repeats(rows(BEFORE, BAR, BAR, BAR, AFTER))

    assert kept["line"].to_list() == [1, 4, 5]
    assert others["rule"].to_list() == ["duplicate_identical"] * 2
    assert others["reason"][0] == "identical to the later data row 4"


def test_identical_rows_beside_a_block_are_one_and_the_bar():
    kept, others = split_repeats(rows(BEFORE, BAR, BLOCK, BAR, AFTER))

    assert kept["line"].to_list() == [1, 4, 5]
    assert sorted(others["rule"]) == ["duplicate_identical", "duplicate_of_bar"]


def test_every_row_is_kept_or_set_aside_once():
    frame = rows(BEFORE, BAR, BLOCK, BAR, AFTER, AFTER, BLOCK)

    kept, others = split_repeats(frame)

    assert sorted([*kept["line"], *others["line"]]) == list(range(1, 8))


def test_neighbours_are_of_the_same_ticker():
    other = rows((0, 1, 2, 1, 355, 9, 1), (2, 1, 2, 1, 2, 9, 355), ticker="XYZ.NS")
    other = other.with_columns(line=pl.col("line") + 10)

    kept, _ = split_repeats(pl.concat([rows(BEFORE, BAR, BLOCK, AFTER), other]))

    assert kept.filter(ticker="ABC.NS")["close"].to_list() == [358, 359, 362]
