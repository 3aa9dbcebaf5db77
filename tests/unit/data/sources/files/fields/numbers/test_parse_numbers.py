"""Numbers as people's programs write them, all of a file in one notation."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.core.errors import BadInput
from src.data.sources.files.fields.numbers.parse import parse_numbers


def parsed(closes, volumes=(), delimiter=","):
    rows = len(closes)
    texts = {"close": closes, "volume": [*volumes, *["1"] * (rows - len(volumes))]}
    frame = pl.DataFrame(texts, schema=dict.fromkeys(texts, pl.String))
    return parse_numbers(frame, list(texts), delimiter)


def closes(*written, volumes=(), delimiter=","):
    numbers, invalid = parsed(written, volumes, delimiter)
    assert invalid is None
    return numbers["close"].to_list()


def volumes(*written):
    numbers, invalid = parsed(["4140.5"] * len(written), written)
    assert invalid is None
    return numbers["volume"].to_list()


@pytest.mark.parametrize(
    ("written", "value"),
    [
        *(("4140.50", 4140.5), ("4,140.50", 4140.5), ("12,34,567.50", 1234567.5)),
        *(("1,234,567", 1234567), ("1 234.5", 1234.5), ("1\u202f234.5", 1234.5)),
        *(("1\u00a0234.5", 1234.5), ("1'234.50", 1234.5), ("1’234.50", 1234.5)),
        *(("₹4140.50", 4140.5), ("₹ 4,140.50", 4140.5), ("Rs. 4140.50", 4140.5)),
        *(("Rs4140.5", 4140.5), ("INR 4140.5", 4140.5), ("4140.50 INR", 4140.5)),
        *(("4,140.50/-", 4140.5), ("\u22124140.5", -4140.5), ("(4140.50)", -4140.5)),
        *(("'4140.5", 4140.5), ('="4140.5"', 4140.5), ("4.1405E+03", 4140.5), ("+4140.5", 4140.5)),
    ],
)
def test_a_number_with_a_decimal_point_is_read(written, value):
    assert closes(written, "4140.25") == [value, 4140.25]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        *(("4140,50", 4140.5), ("4.140,50", 4140.5), ("1.234.567,8", 1234567.8)),
        *(("1 234,56", 1234.56), ("1\u202f234,56", 1234.56), ("1'234,5", 1234.5)),
        *(("4.140", 4140), ("810,250", 810.25), ("1,5E+03", 1500), ("₹ 4.140,5", 4140.5)),
    ],
)
def test_a_number_of_a_file_with_decimal_commas_is_read(written, value):
    assert closes(written, "4140,25", delimiter=";") == [value, 4140.25]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        *(("1.2M", 1.2e6), ("3.45 Cr", 3.45e7), ("12.5L", 1.25e6), ("950K", 950e3)),
        *(("1.15M", 1150000), ("2 lakh", 200e3), ("2.5 Lacs", 250e3), ("0.5 crore", 5e6)),
        *(("1.1B", 1.1e9), ("7.3mn", 7.3e6), ("12,34,567", 1234567), ("1,234,567", 1234567)),
        *(("950,000", 950e3), ("1.2E+06", 1.2e6), ("8 Crs.", 8e7)),
    ],
)
def test_a_volume_is_a_number_of_shares(written, value):
    assert volumes(written, "12") == [value, 12]


def test_units_of_a_file_with_decimal_commas_are_read():
    numbers, invalid = parsed(["4140,5", "4141,25"], ["1,15M", "987,5K"], ";")

    assert invalid is None
    assert numbers["volume"].to_list() == [1150000, 987500]


@pytest.mark.parametrize("blank", [None, "-", "--", "null", "N/A", "#N/A", "n.a.", "NaN", "—"])
def test_a_word_for_no_value_is_blank(blank):
    assert closes(blank, "4,140.5") == [None, 4140.5]


@pytest.mark.parametrize("written", ["1.2K", "12%", "41.5.1", "1,2345", "12,3,456.0", "x", "inf"])
def test_what_is_no_price_is_named(written):
    numbers, invalid = parsed([written, "4140.5", "4140.6"])

    assert numbers["close"].to_list() == [None, 4140.5, 4140.6]
    assert invalid.to_list() == [f"close {written}", None, None]


def test_a_stray_decimal_comma_is_no_number_of_a_file_with_points():
    numbers, invalid = parsed(["3748,35", "3748.35", "3748.40"])

    assert numbers["close"].to_list() == [None, 3748.35, 3748.4]
    assert invalid[0] == "close 3748,35"


def test_three_decimals_everywhere_are_decimals_beside_volumes_that_are_not_grouped():
    written = ("810,250", "818,400", "805,100")

    assert closes(*written, volumes=["9000000"] * 3, delimiter=";") == [810.25, 818.4, 805.1]


def test_three_digits_after_a_point_are_thousands_beside_volumes_grouped_by_points():
    assert closes("4.140", "4.155", volumes=["3.140.950", "950.100"], delimiter=";") == [4140, 4155]


def test_three_digits_after_a_comma_are_thousands_beside_grouped_volumes():
    assert closes("1,250", "1,260", volumes=["1,234,567", "987,654"]) == [1250, 1260]
    assert closes("1,250", "1,260", volumes=["987,654", "87,650"]) == [1250, 1260]


@pytest.mark.parametrize(
    ("written", "values"),
    [
        (("998", "1,002", "1,010"), [998, 1002, 1010]),
        (("810", "810,250", "811,500"), [810, 810.25, 811.5]),
    ],
)
def test_prices_of_one_magnitude_show_what_a_comma_is(written, values):
    assert closes(*written, delimiter=";") == values


@pytest.mark.parametrize(
    ("written", "volumes", "delimiter"),
    [
        (("1,250", "1,260"), ("100", "200"), ","),
        (("1,250", "1,260"), ("1200000", "1300000"), ","),
        (("1,250", "1,260"), ("900", "800"), ";"),
        (("1,250", "1,260"), ("950,000", "870,000"), ";"),
        (("4.140", "4.150"), ("950", "870"), ";"),
        (("810,250", "818,400"), ("9.55M", "8.2M"), ";"),
        (("318,950", "325,350", "312,550", "317,600"), ("1,234,567",), ";"),
        (("35.500", "36.200", "34.800", "35.400"), ("3.140.950",), "\t"),
    ],
)
def test_prices_that_can_be_read_in_two_ways_are_refused_with_both(written, volumes, delimiter):
    grouped, decimal = written[0].replace(",", "").replace(".", ""), written[0].replace(",", ".")

    with pytest.raises(BadInput, match=rf"such as {written[0]}, can be {grouped} or {decimal}: "):
        parsed(written, volumes, delimiter)


def test_grouped_volumes_beside_decimal_commas_are_refused():
    with pytest.raises(BadInput, match=r"such as 951,234, can be 951234 or 951\.234"):
        parsed(["810,25", "811,5"], ["951,234", "87,650"], ";")


@pytest.mark.parametrize(
    ("written", "volumes"),
    [(["35.05", "35.10"], ["940.752", "3.215.934"]), (["35,05", "35,1"], ["9407.5", "3215.0"])],
)
def test_prices_and_volumes_in_different_notations_are_refused(written, volumes):
    with pytest.raises(BadInput, match=f"prices, such as {written[0]}, and its volumes, such as"):
        parsed(written, volumes, ";")


@pytest.mark.parametrize("written", ["$41.20", "41.20 USD", "€41.20"])
def test_another_currency_is_refused(written):
    with pytest.raises(BadInput, match=r"its close column has '.*', in another currency"):
        parsed([written] * 3)


WRITTEN = {
    "plain point": lambda number: f"{number:.2f}",
    "western": lambda number: f"{number:,.2f}",
    "indian": lambda number: indian(number),  # noqa: PLW0108 - below
    "plain comma": lambda number: f"{number:.2f}".replace(".", ","),
    "german": lambda number: f"{number:,.2f}".translate(str.maketrans(",.", ".,")),
    "french": lambda number: f"{number:,.2f}".translate(str.maketrans(",.", "\u202f,")),
    "swiss": lambda number: f"{number:,.2f}".replace(",", "’"),
    "three decimals": lambda number: f"{number:.3f}".replace(".", ","),
}


def indian(number):
    whole, decimals = f"{number:.2f}".split(".")
    head, tail = whole[:-3], whole[-3:]
    pairs = [head[max(0, end - 2) : end] for end in range(len(head), 0, -2)][::-1]
    return ",".join([*pairs, tail]) + f".{decimals}"


@given(
    st.sampled_from(sorted(WRITTEN)),
    st.lists(st.integers(1, 15_000_000), min_size=2, max_size=20),
    st.sampled_from([",", ";", "\t"]),
)
def test_a_price_written_in_any_notation_is_read_back_or_refused(notation, paise, delimiter):
    prices = [number / 100 for number in paise]

    try:
        numbers, invalid = parsed([WRITTEN[notation](price) for price in prices], (), delimiter)
    except BadInput:  # 810,250
        assert notation == "three decimals"
        return

    assert invalid is None
    assert numbers["close"].to_list() == prices
