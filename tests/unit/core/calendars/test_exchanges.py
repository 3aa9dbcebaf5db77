import subprocess
import sys
from pathlib import Path

import pytest

from src.core.calendars.exchange import NSE, NYSE
from src.core.calendars.exchanges import by_exchange, exchange_of, shared_exchange
from src.core.errors import UsageError

REPO = Path(__file__).resolve().parents[4]


# Which exchange


@pytest.mark.parametrize(
    ("ticker", "code"),
    [
        ("TCS.NS", "XNSE"),
        ("TCS.BO", "XNSE"),
        ("DEMO.NS", "XNSE"),
        ("BAJAJ-AUTO.NS", "XNSE"),
        ("^NSEI", "XNSE"),
        ("^CNXIT", "XNSE"),
        ("AAPL", "XNYS"),
        ("BRK-B", "XNYS"),
        ("BAC-PL", "XNYS"),
        ("^GSPC", "XNYS"),
        ("VOD.L", "XLON"),
        ("SAP.DE", "XETR"),
        ("MC.PA", "XPAR"),
        ("ASML.AS", "XAMS"),
        ("ENI.MI", "XMIL"),
        ("SAN.MC", "XMAD"),
        ("NESN.SW", "XSWX"),
        ("7203.T", "XTKS"),
        ("0700.HK", "XHKG"),
        ("RY.TO", "XTSE"),
        ("BHP.AX", "XASX"),
        ("VOLV-B.ST", "XSTO"),
        ("PETR4.SA", "BVMF"),
        ("005930.KS", "XKRX"),
        ("600519.SS", "XSHG"),
    ],
)
def test_a_ticker_names_its_exchange(ticker, code):
    assert exchange_of(ticker).code == code


@pytest.mark.parametrize("ticker", ["FOO.ZZ", "BRK.B", "000001.SZ", "2330.TW", "TEVA.TA"])
def test_an_exchange_that_is_not_known_is_refused_with_its_suffix(ticker):
    with pytest.raises(UsageError, match=rf"The exchange of {ticker} .* none of \.NS, \.BO, \.L"):
        exchange_of(ticker)


def test_an_index_that_is_not_known_is_refused():
    with pytest.raises(UsageError, match=r"The exchange of \^VIX is not known"):
        exchange_of("^VIX")


@pytest.mark.parametrize(
    ("ticker", "named"),
    [
        ("BTC-USD", "BTC-USD"),
        ("BTC-USD.NS", "BTC-USD"),
        ("ETH-INR", "ETH-INR"),
        ("EURUSD=X", "EURUSD=X"),
        ("GC=F", "GC=F"),
    ],
)
def test_what_trades_around_the_clock_has_no_sessions(ticker, named):
    with pytest.raises(UsageError, match=f"^{named} has no exchange sessions"):
        exchange_of(ticker)


def test_tickers_are_grouped_by_exchange_in_their_order():
    assert by_exchange(["TCS.NS", "AAPL", "INFY.BO", "VOD.L", "MSFT"]) == [
        ("TCS.NS", "INFY.BO"),
        ("AAPL", "MSFT"),
        ("VOD.L",),
    ]


def test_tickers_of_two_exchanges_share_none():
    with pytest.raises(UsageError, match=r"TCS\.NS trades on NSE and AAPL on NYSE, whose"):
        shared_exchange(["TCS.NS", "INFY.NS", "AAPL"])


def test_tickers_of_one_exchange_share_it():
    assert shared_exchange(["AAPL", "MSFT"]) == NYSE
    assert shared_exchange([]) == NSE


# Which calendar


def test_an_indian_ticker_has_our_own_calendar_and_loads_no_package():
    code = (
        "import sys; from src.core.calendars.exchanges import calendar_of, exchange_of\n"
        "from src.core.calendars.nse import nse\n"
        "print(all(calendar_of(exchange_of(t)) is nse() for t in ('TCS.NS', 'A.BO', 'DEMO.NS')),"
        " 'pandas' in sys.modules, 'exchange_calendars' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["True", "False", "False"]


def test_without_the_package_a_sentence_says_what_to_install():
    code = (
        "import sys; sys.modules['exchange_calendars'] = None\n"
        "from src.core.errors import UsageError\n"
        "from src.core.calendars.exchanges import calendar_of, exchange_of\n"
        "try:\n    calendar_of(exchange_of('AAPL'))\nexcept UsageError as error:\n    print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == (
        "The sessions of NYSE come from a package that is not installed: "
        "pip install exchange-calendars."
    )
