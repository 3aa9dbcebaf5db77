"""A list of an exchange that has no prices is told with the command that reads it."""

import pytest

from src.core.errors import BadInput
from src.data.sources.files.layouts.recognise import recognise_layout

ACTIONS = "SYMBOL,COMPANY NAME,SERIES,PURPOSE,FACE VALUE,EX-DATE,RECORD DATE"
SHARES = "SYMBOL,NAME OF COMPANY, SERIES, DATE OF LISTING, PAID UP VALUE, ISIN NUMBER, FACE VALUE"
SCRIPS = "Security Code,Issuer Name,Security Id,Status,Group,Face Value,ISIN No,Instrument"
CHANGES = "SYMB_COMPANY_NAME,SM_KEY_SYMBOL,SM_NEW_SYMBOL,SM_APPLICABLE_FROM"


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        (ACTIONS, "a list of corporate actions, .* `python -m src.data.corporate_actions import"),
        (SHARES, "a list of shares, not prices: .* `python -m src.data.instruments import --path"),
        (SCRIPS, "a list of shares, not prices: .* `python -m src.data.instruments import --path"),
        (CHANGES, "a list of changed symbols, .* `python -m src.data.instruments import --path"),
    ],
)
def test_a_list_without_prices_names_the_command_that_reads_it(header, sentence):
    head = [["A list of today"], header.split(","), ["ABC"] * len(header.split(","))]

    with pytest.raises(BadInput, match=sentence):
        recognise_layout(head)


def test_prices_with_an_isin_and_a_status_are_prices():
    header = [
        "Date",
        "Symbol",
        "ISIN",
        "Status",
        "Face Value",
        "Open",
        "High",
        "Low",
        "Close",
        "Volume",
    ]

    assert recognise_layout([header, ["2024-01-02"] * 10]).name == "plain"
