import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.api.routes.ticker_parameter import TICKER_PARAMETER, parse_query, parse_ticker
from src.core.calendars.exchanges import EXCHANGES
from src.core.errors import UsageError

SCHEMA = TICKER_PARAMETER["parameters"][0]["schema"]
PATTERN, LONGEST = SCHEMA["pattern"], SCHEMA["maxLength"]
PARTS = [*EXCHANGES, "NSE:", "-EQ", "-USD", "^", "^NSE", "^GSPC", "=X", "A", "9", "&", "m" * 27]
# Spaces of other kinds, and letters that become ASCII ones in another case.
ODD = [" ", "\t", "\n", "\xa0", "\u2003", "\x1c", "\u017f", "\u0131", "\u212a", "ß", "/", "٣", "\0"]


def allowed(text):
    """Whether the document allows it."""
    return len(text) <= LONGEST and re.search(PATTERN, text) is not None


def accepted(text):
    """Whether the service takes it for a ticker."""
    try:
        return bool(parse_ticker(text))
    except UsageError:
        return False


@given(st.from_regex(PATTERN).filter(lambda text: len(text) <= LONGEST))
def test_every_text_that_the_document_allows_is_a_ticker(text):
    assert accepted(text)


@given(
    st.text(max_size=45)
    | st.lists(st.sampled_from(PARTS + ODD), max_size=6).map("".join)
    | st.lists(st.sampled_from(PARTS), max_size=6).map("".join).map(str.lower)
    | st.from_regex(r"[A-Za-z0-9&_-]{25,33}(-EQ)?(\.[A-Z]{1,3})?", fullmatch=True)
)
def test_a_text_is_a_ticker_where_the_document_allows_it_and_nowhere_else(text):
    assert accepted(text) == allowed(text)


@pytest.mark.parametrize(
    "text",
    [
        *("TCS", "tcs", "TCS.NS", "tcs.bo", "M&M", "BAJAJ-AUTO", "3MINDIA", "BRK-B", "VOD.L"),
        *("NSE:TCS", "nse: tcs-eq", "TCS-EQ.NS", "  TCS.NS\n", "\xa0TCS", "^NSEI", "^cnxit"),
        *("A" * 29, "A" * 30 + ".L", "NSE:" + "A" * 29 + "-EQ.NS", "BTC-USD.L"),
    ],
)
def test_what_a_person_may_write_is_allowed_and_a_ticker(text):
    assert (allowed(text), accepted(text)) == (True, True)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "NSE:", "-EQ", "TCS NS", "TCS.", "A.ZZ", "BRK.B", "000001.SZ", "INR=X", "^VIX"),
        *(
            "BTC-USD",
            "btc-usd-eq",
            "BTC-USD.NS\n",
            "NSE:BTC-USD",
            "\u017fbin",
            "TCS\u2003",
            "TCS.NS.NS",
        ),
        *("A" * 30, "A" * 31 + ".L", "TCS" + " " * 38, "^NSE" + "A" * 29),
    ],
)
def test_what_is_no_ticker_is_not_allowed_either(text):
    assert (allowed(text), accepted(text)) == (False, False)


def test_a_query_without_a_ticker_names_none():
    assert parse_query(b"") is None
    assert parse_query(b"other=TCS") is None


def test_where_only_a_ticker_is_accepted_another_parameter_is_named_and_refused():
    assert parse_query(b"ticker=TCS", only=True) == "TCS.NS"
    with pytest.raises(
        UsageError, match=r"^Unknown query parameter 'x': only 'ticker' is accepted"
    ):
        parse_query(b"ticker=TCS&x=1", only=True)
