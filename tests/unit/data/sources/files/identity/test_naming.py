import pytest

from src.core.errors import BadInput
from src.data.sources.files.identity.file_names import name_of
from src.data.sources.files.identity.naming import (
    KnownTickers,
    Statements,
    TickerRules,
    known_tickers,
    select_tickers,
)

LISTED = KnownTickers(
    frozenset({"TCS.NS", "INFY.NS", "M&M.NS", "BAJAJ-AUTO.NS"}), frozenset({".NS"})
)


def names(*file_names):
    return [name for text in file_names if (name := name_of(text, "its name"))]


def selected(requested=None, columns=(), name="", explicit=True, **options):
    facts = {"suffix": options.pop("own_suffix", None), "is_yahoo": options.pop("is_yahoo", False)}
    statements = Statements(columns, names(name), **facts)
    return select_tickers(TickerRules(requested, **options), statements, explicit=explicit)


def refusal(*args, **options):
    with pytest.raises(BadInput) as caught:
        selected(*args, **options)
    return str(caught.value)


# --- without a ticker requested


def test_all_tickers_of_the_columns_are_taken():
    assert selected(columns=["A.NS", "B.NS"], name="PORT.csv").tickers == ["A.NS", "B.NS"]


def test_a_name_that_spells_another_ticker_than_the_columns_is_refused():
    message = refusal(columns=["INFY.NS"], name="TCS.NS.csv")

    assert message == ("its name says TCS.NS, its columns INFY.NS: rename it.")


def test_a_listed_symbol_as_name_contradicts_other_columns():
    assert "its name says TCS" in refusal(columns=["INFY.NS"], name="TCS.csv", known=LISTED)
    assert selected(columns=["INFY.NS"], name="PORT.csv", known=LISTED).tickers == ["INFY.NS"]


def test_a_word_that_would_be_the_ticker_contradicts_other_columns_while_no_list_is_there():
    assert refusal(columns=["INFY.NS"], name="TCS.csv") == (
        "its name says TCS, its columns INFY.NS: rename it, or add --ticker."
    )
    assert selected("INFY.NS", columns=["INFY.NS"], name="TCS.csv").tickers == ["INFY.NS"]


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("TCS.csv", ["INFY.NS", "TCS.NS"]),
        ("NIFTY50_all.csv", ["INFY.NS", "TCS.NS"]),
        ("MM.csv", ["M&M.NS"]),
        ("prices.csv", ["INFY.NS"]),
        ("DATA.csv", ["INFY.NS"]),
    ],
)
def test_a_name_of_one_of_several_or_of_no_share_contradicts_no_columns(name, columns):
    assert selected(columns=columns, name=name).tickers == columns


@pytest.mark.parametrize(
    ("name", "ticker"),
    [("TCS_BO.csv", "TCS.BO"), ("NSE_DLY_TCS, 1D.csv", "TCS.NS"), ("^NSEI.csv", "^NSEI")],
)
def test_a_name_that_spells_its_exchange_is_enough(name, ticker):
    assert selected(name=name).tickers == [ticker]


def test_a_single_word_is_taken_with_a_note_while_no_list_is_there():
    selection = selected(name="TCS.csv")

    assert (selection.tickers, selection.notes) == (
        ["TCS.NS"],
        ("the ticker is taken from its name",),
    )


@pytest.mark.parametrize(
    ("name", "ticker"),
    [("TCS.csv", "TCS.NS"), ("tcs.csv", "TCS.NS"), ("NSE_M_M, 1D.csv", "M&M.NS")],
)
def test_a_listed_word_is_taken_without_a_note(name, ticker):
    selection = selected(name=name, known=LISTED)

    assert (selection.tickers, selection.notes) == ([ticker], ())


def test_a_word_that_is_not_listed_needs_the_option():
    assert refusal(name="HDFC.csv", known=LISTED) == (
        "its name has HDFC, which is no stored or listed symbol, and nothing else states a "
        "ticker: add --ticker."
    )
    assert refusal(name="wipro.csv") == (
        "its name has WIPRO, which is no stored or listed symbol, and nothing else states a "
        "ticker: add --ticker, or import NSE's list of shares first (`python -m "
        "src.data.instruments import --path EQUITY_L.csv`)."
    )


def test_two_words_need_the_option():
    assert refusal(name="HDFC_BANK.csv", known=LISTED) == (
        "neither its columns nor its name state a ticker: add --ticker."
    )


def test_an_underscore_of_tradingview_needs_a_list():
    assert "add --ticker" in refusal(name="NSE_M_M, 1D.csv")


def test_the_suffix_stated_is_of_bare_names():
    assert selected(name="TCS.csv", suffix=".BO").tickers == ["TCS.BO"]
    assert selected(name="AAPL.csv", suffix="").tickers == ["AAPL"]


def test_the_exchange_of_a_layout_is_of_bare_names():
    assert selected(name="TCS.csv", own_suffix=".BO").tickers == ["TCS.BO"]


def test_a_bare_name_of_yahoos_prices_may_be_of_new_york():
    assert refusal(name="INFY.csv", is_yahoo=True) == (
        "its name says INFY, which in Yahoo's spelling is a share of New York: add --ticker, or "
        "--suffix .NS for INFY.NS."
    )
    assert selected(name="INFY.csv", is_yahoo=True, suffix=".NS").tickers == ["INFY.NS"]
    assert selected("INFY.NS", name="INFY.csv", is_yahoo=True).tickers == ["INFY.NS"]


def test_a_sheet_and_a_file_of_two_names_need_the_option():
    statements = Statements((), names("TCS.csv", "INFY.csv"))

    with pytest.raises(BadInput, match="its name says TCS, its name says INFY: add"):
        select_tickers(TickerRules(), statements, explicit=True)


# --- with a ticker requested


def test_a_symbol_that_contradicts_the_ticker_is_refused_with_both_named():
    assert "INFY.NS, not of TCS.NS" in refusal("TCS.NS", columns=["INFY.NS"])


def test_a_name_that_spells_another_ticker_is_refused_with_both_named():
    assert refusal("TCS.NS", name="INFY.NS.csv") == (
        "its name says INFY.NS, not TCS.NS: give the file of TCS.NS, or rename it."
    )
    assert "its name says TCS.BO, not TCS.NS" in refusal("TCS.NS", name="TCS_BO.csv")


def test_a_listed_symbol_as_name_is_refused_with_both_named():
    assert "its name says INFY.NS, not TCS.NS" in refusal("TCS.NS", name="INFY.csv", known=LISTED)


def test_a_word_that_is_not_listed_is_taken_as_the_person_says():
    selection = selected("BHARTIARTL.NS", name="AIRTEL.csv", known=LISTED)

    assert selection.tickers == ["BHARTIARTL.NS"]
    assert selection.notes == ("its name says AIRTEL: taken as BHARTIARTL.NS",)


def test_a_sheet_of_another_listed_symbol_is_refused_though_the_name_agrees():
    statements = Statements((), [*names("TCS.csv"), *names("INFY.csv")])

    with pytest.raises(BadInput, match=r"its name says INFY\.NS, not TCS\.NS"):
        select_tickers(TickerRules("TCS.NS", known=LISTED), statements, explicit=True)
    selection = select_tickers(TickerRules("TCS.NS"), statements, explicit=True)
    assert (selection.tickers, selection.notes) == (
        ["TCS.NS"],
        ("its name says INFY: taken as TCS.NS",),
    )


def test_a_bare_symbol_does_not_contradict_another_exchange():
    assert selected("TCS.BO", name="TCS.csv").tickers == ["TCS.BO"]


def test_the_exchange_of_a_layout_contradicts_another():
    assert "it has prices of NSE, not of TCS.BO" in refusal("TCS.BO", own_suffix=".NS")


def test_in_a_folder_a_file_of_another_ticker_is_passed_over():
    for facts in ({"columns": ["INFY.NS"]}, {"name": "INFY.NS.csv"}, {"name": "INFY.csv"}):
        selection = selected("TCS.NS", explicit=False, **facts)
        assert (selection.tickers, selection.reason) == ([], "")


@pytest.mark.parametrize("name", ["", "history.csv", "wipro.csv", "HDFC_BANK.csv"])
def test_in_a_folder_a_file_that_names_nothing_is_refused(name):
    selection = selected("TCS.NS", name=name, explicit=False)

    assert selection.tickers == []
    assert selection.reason == "nothing in it names TCS.NS: give it alone, by its own path."


@pytest.mark.parametrize("name", ["tcs.csv", "TCS_2024.csv", "TCS.NS.csv"])
def test_in_a_folder_a_file_that_names_the_ticker_is_taken(name):
    assert selected("TCS.NS", name=name, explicit=False).tickers == ["TCS.NS"]


def test_bare_symbols_in_columns_have_the_suffix_of_what_tells_it():
    rules, yahoo = TickerRules("TCS.BO"), Statements(is_yahoo=True)

    assert rules.for_bare(Statements()) == ".BO"
    assert rules.for_bare(Statements(suffix=".NS")) == ".NS"
    assert rules.for_bare(yahoo) == ""
    assert TickerRules(suffix=".NS").for_bare(yahoo) == ".NS"
    assert TickerRules().for_bare(Statements()) == ".NS"


def test_a_list_of_an_exchange_has_a_hundred_tickers():
    listed = [f"S{number}.NS" for number in range(100)]

    known = known_tickers(["AAPL"], [*listed, "TCS.BO"])

    assert known.suffixes == {".NS"}
    assert {"AAPL", "S0.NS", "TCS.BO"} <= known.tickers


def test_an_index_is_no_share_and_never_taken_by_its_name():
    assert refusal("TCS.NS", name="NIFTY 50.csv") == (
        "its name says NIFTY 50, an index, not TCS.NS: give the file of TCS.NS, or rename it."
    )
    assert refusal(name="NIFTY50.csv") == "its name says NIFTY50, an index: add --ticker."
    assert selected("^NSEI", name="NIFTY 50.csv").tickers == ["^NSEI"]
    assert selected("TCS.NS", columns=["TCS.NS"], name="NIFTY50_all.csv").tickers == ["TCS.NS"]
