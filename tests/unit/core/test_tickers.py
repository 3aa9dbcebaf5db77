import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.core.errors import UsageError
from src.core.tickers import MAX_LENGTH, check_suffix, is_complete, normalise_ticker, quoted


@pytest.mark.parametrize(
    ("written", "ticker"),
    [
        ("TCS", "TCS.NS"),
        ("tcs", "TCS.NS"),
        ("  TCS.NS\n", "TCS.NS"),
        ("NSE:TCS", "TCS.NS"),
        ("nse: tcs-eq", "TCS.NS"),
        ("TCS-EQ.NS", "TCS.NS"),
        ("TCS.BO", "TCS.BO"),
        ("M&M", "M&M.NS"),
        ("BAJAJ-AUTO", "BAJAJ-AUTO.NS"),
        ("BAJAJ-AUTO-EQ", "BAJAJ-AUTO.NS"),
        ("TCS-EQ-EQ", "TCS.NS"),
        ("3MINDIA", "3MINDIA.NS"),
        ("EQUITAS", "EQUITAS.NS"),
        ("^NSEI", "^NSEI"),
        ("INR=X", "INR=X"),
    ],
)
def test_what_a_person_writes_becomes_yahoos_ticker(written, ticker):
    assert normalise_ticker(written, ".NS") == ticker


def test_a_bare_symbol_stays_bare_with_an_empty_suffix():
    assert normalise_ticker("AAPL", "") == "AAPL"


def test_the_suffix_is_for_bare_symbols_only():
    assert normalise_ticker("TCS", ".bo") == "TCS.BO"
    assert normalise_ticker("TCS.NS", ".BO") == "TCS.NS"


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "TCS.", ".NS", "TCS NS", "TCS;DROP", "../TCS", "TCS/NS", "TCS.NS.BO", "-EQ"),
        # A long s and a Kelvin sign are letters of ASCII only in another case.
        *("NSE:", "\u017fbin", "\u212aPIT"),
    ],
)
def test_what_is_no_ticker_is_refused_with_an_example(text):
    with pytest.raises(UsageError, match=r"is not a ticker: give one such as TCS\.NS"):
        normalise_ticker(text, ".NS")


def test_the_longest_ticker_has_32_characters_with_its_suffix():
    assert normalise_ticker("A" * 29, ".NS") == "A" * 29 + ".NS"
    with pytest.raises(UsageError, match="longer than 32 characters"):
        normalise_ticker("A" * 30, ".NS")


@pytest.mark.parametrize("suffix", ["NS", ".", ".TOOLONG", ".N S", "..NS"])
def test_a_suffix_that_is_none_is_refused(suffix):
    with pytest.raises(UsageError, match="is not a suffix: give one such as"):
        check_suffix(suffix)


@pytest.mark.parametrize(("given", "kept"), [(".ns", ".NS"), (" .BO ", ".BO"), ("", "")])
def test_a_suffix_is_kept_in_upper_case(given, kept):
    assert check_suffix(given) == kept


@pytest.mark.parametrize(
    ("symbol", "complete"),
    [("TCS.NS", True), ("INR=X", True), ("^NSEI", True), ("TCS", False), ("BAJAJ-AUTO", False)],
)
def test_a_symbol_is_complete_when_it_names_its_exchange(symbol, complete):
    assert is_complete(symbol) is complete


def test_a_text_is_shown_without_control_characters():
    assert quoted("TCS\x1b[31m") == "'TCS\\x1b[31m'"


def test_a_long_text_is_shown_shortened():
    assert quoted("A" * 500) == repr("A" * MAX_LENGTH + "…")


@given(st.from_regex(r"[ \tA-Za-z0-9&^=._:-]{1,40}", fullmatch=True) | st.text(max_size=50))
def test_a_ticker_comes_out_as_it_went_in_the_second_time(text):
    try:
        once = normalise_ticker(text, ".NS")
    except UsageError:
        return

    assert normalise_ticker(once, ".BO") == once
    assert len(once) <= MAX_LENGTH
    assert not set(once) & set(",/\\ '\"\n")


@given(st.text(max_size=50))
def test_a_refused_text_is_quoted_in_one_printable_line(text):
    with pytest.raises(UsageError) as refused:
        normalise_ticker(text + "/", ".NS")

    assert str(refused.value).isprintable()
