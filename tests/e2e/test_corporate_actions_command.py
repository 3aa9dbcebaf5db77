"""The ledger's command, and what it does to the next run."""

import datetime as dt

import pytest

from tests.support.checksums import checksums, rows
from tests.support.data_runs import data_is_stored

pytestmark = pytest.mark.usefixtures("prepared")

ACTIONS = "src.data.corporate_actions"
FILE = """Date,Dividends,Stock Splits
2004-10-28,0.375,0.0
2006-07-28,0.0,2.0
2009-06-16,0.0,2.0
2015-10-21,5.5,0.0
2015-10-23,2.75,0.0
2018-05-31,0.0,2.0
"""


@pytest.fixture
def ledger(embedded):
    def read():
        with embedded() as url:
            stored = rows(
                url, "SELECT date::text, kind, ratio, amount, status FROM corporate_actions"
            )
            return {
                (date, kind): (ratio or amount, status)
                for date, kind, ratio, amount, status in stored
            }

    return read


def test_a_file_of_actions_is_taken_as_paid_and_a_doubled_dividend_waits(
    command, ledger, tmp_path, embedded
):
    path = tmp_path / "actions.csv"
    path.write_text(FILE)
    taken = command(ACTIONS, "import", "--ticker", "TCS.NS", "--path", path)

    assert taken.returncode == 0, taken.stderr
    stored = ledger()
    # 0.375 after three 1:1 bonuses was 3 rupees; 2.75 after one was 5.5.
    assert stored["2004-10-28", "dividend"] == (3.0, "applied")
    assert stored["2015-10-23", "dividend"] == (5.5, "applied")
    assert stored["2015-10-21", "dividend"] == (11.0, "pending")
    assert stored["2018-05-31", "split"] == (2.0, "applied")


HEADER = b"Date,Dividends,Stock Splits\n"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "no such file: check the path."),
        (b"", "it is empty"),
        (b"\x00\x01\x02", "it is binary, not text"),
        (b"Date,Close\n2024-01-02,2\n", "it has no column Dividends: give a CSV file with the"),
        (HEADER + b"2024-01-02,much,0\n", "'much' in line 2 is no Dividends: give"),
        (HEADER + b"2024-01-02,1,0\nsoon,1,0\n", "'soon' in line 3 is no Date: give"),
        (HEADER + b"2024-01-02,1,0,4,5\n", "it is not a table in CSV: give"),
    ],
    ids=["missing", "empty", "binary", "foreign", "words", "no date", "ragged"],
)
def test_a_file_that_has_no_actions_is_refused_in_one_sentence(command, tmp_path, content, problem):
    path = tmp_path / "actions.csv"
    if content is not None:
        path.write_bytes(content)

    ran = command(ACTIONS, "import", "--ticker", "TCS.NS", "--path", path)

    assert ran.returncode == 1
    assert ran.stderr.startswith(f"{path}: {problem}")
    assert ran.stderr.count("\n") == 1


def test_a_second_file_of_earlier_dividends_is_as_paid_too(command, ledger, tmp_path):
    header, *lines = FILE.splitlines()
    for name, part in (("later.csv", lines[3:]), ("earlier.csv", lines[:3])):
        path = tmp_path / name
        path.write_text("\n".join([header, *part]))
        ran = command(ACTIONS, "import", "--ticker", "TCS.NS", "--path", path)
        assert ran.returncode == 0, ran.stderr

    # Two bonuses stand in the file of 2004, the third in the one that was read before.
    assert ledger()["2004-10-28", "dividend"] == (3.0, "applied")


def test_a_file_from_before_a_split_was_not_divided_by_it(command, ledger, tmp_path):
    path = tmp_path / "actions.csv"
    path.write_text("Date,Dividends,Stock Splits\n2017-06-13,27.5,0.0\n")
    tcs = ("--ticker", "TCS.NS")
    command(ACTIONS, "add", *tcs, "--date", "2018-05-31", "--kind", "bonus", "--ratio", "2")

    command(ACTIONS, "import", *tcs, "--path", path, "--fetched-at", "2017-07-01T00:00Z")

    assert ledger()["2017-06-13", "dividend"] == (27.5, "applied")


def test_reading_a_file_again_keeps_what_a_person_decided(command, ledger, tmp_path):
    path = tmp_path / "actions.csv"
    path.write_text(FILE)
    take = (ACTIONS, "import", "--ticker", "TCS.NS", "--path", path)
    command(*take)
    command(ACTIONS, "reject", "--ticker", "TCS.NS", "--date", "2015-10-21")

    command(*take)

    assert ledger()["2015-10-21", "dividend"] == (11.0, "rejected")


def test_an_action_to_come_is_taken_and_said(command, ledger, tmp_path):
    path = tmp_path / "actions.csv"
    path.write_text("Date,Dividends,Stock Splits\n2026-04-15,0.0,2.0\n2026-04-10,11.0,0.0\n")
    take = (ACTIONS, "import", "--ticker", "TCS.NS", "--path", path)

    ran = command(*take, FORECAST_NOW="2026-04-13T12:30:00Z")

    assert ran.stdout == (
        "TCS.NS: 2 actions imported, 0 pending, 1 not applied before the session of 2026-04-15 "
        "has closed; no prices of TCS.NS are stored yet.\n"
    )
    assert ledger()["2026-04-15", "split"] == (2.0, "applied")
    # No amount was divided yet by a split to come.
    assert ledger()["2026-04-10", "dividend"] == (11.0, "applied")


def test_a_file_with_a_date_that_cannot_be_is_refused(command, ledger, tmp_path):
    path = tmp_path / "actions.csv"
    path.write_text("Date,Dividends,Stock Splits\n2024-01-02,5.0,0.0\n2024-01-07,0.0,2.0\n")

    ran = command(ACTIONS, "import", "--ticker", "TCS.NS", "--path", path)

    (sentence,) = ran.stderr.splitlines()
    assert ran.returncode == 1
    assert sentence.startswith(f"{path}: 2024-01-07 is no session of NSE")
    assert ledger() == {}


def test_a_second_entry_for_a_day_says_what_it_takes_the_place_of(command, ledger):
    day = ("--ticker", "WIPRO.NS", "--date", "2026-04-17", "--kind")
    command(ACTIONS, "add", *day, "dividend", "--amount", "5")
    again = command(ACTIONS, "add", *day, "dividend", "--amount", "6")
    bonus = command(ACTIONS, "add", *day, "bonus", "--ratio", "1:2")

    assert again.stdout == (
        "WIPRO.NS: 1 action added in place of 5 a share that was entered before, 0 pending; "
        "no prices of WIPRO.NS are stored yet.\n"
    )
    assert bonus.stdout.startswith("WIPRO.NS: 1 action added, 0 pending;")
    # One new share for two held makes three of two.
    assert ledger() == {
        ("2026-04-17", "dividend"): (6.0, "applied"),
        ("2026-04-17", "bonus"): (1.5, "applied"),
    }


def test_an_action_says_what_else_waits(command, tmp_path):
    path = tmp_path / "actions.csv"
    path.write_text(FILE)
    tcs = ("--ticker", "TCS.NS")
    command(ACTIONS, "import", *tcs, "--path", path)

    ran = command(ACTIONS, "reject", *tcs, "--date", "2018-05-31")

    assert ran.stdout.startswith(
        "TCS.NS: 1 action rejected, 1 pending (dividend of 2015-10-21); no prices"
    )


def test_what_is_applied_already_is_not_accepted(command, tmp_path):
    path = tmp_path / "actions.csv"
    path.write_text(FILE)
    tcs = ("--ticker", "TCS.NS")
    taken = command(ACTIONS, "import", *tcs, "--path", path)

    accepted = command(ACTIONS, "accept", *tcs, "--date", "2018-05-31")

    assert taken.stdout.endswith("; no prices of TCS.NS are stored yet.\n")
    assert accepted.returncode == 0
    assert accepted.stdout == ("TCS.NS: nothing to accept on 2018-05-31: it is applied already.\n")


HISTORY = (
    "SELECT date::text, status, changed_at AT TIME ZONE 'UTC' FROM corporate_action_history "
    "WHERE date IN ('2015-10-21', '2024-01-02') ORDER BY changed_at, date"
)


def test_every_state_of_an_action_is_kept_with_its_time(command, tmp_path, embedded):
    path = tmp_path / "actions.csv"
    path.write_text(FILE)
    tcs = ("--ticker", "TCS.NS")
    fetched = ("--fetched-at", "2021-09-30T12:00:00+05:30")
    with embedded() as url:
        for action, *more in (
            ("import", "--path", path, *fetched),
            ("accept", "--date", "2015-10-21"),
            ("reject", "--date", "2015-10-21"),
            ("reject", "--date", "2015-10-21"),
            ("add", "--date", "2024-01-02", "--kind", "bonus", "--ratio", "2"),
        ):
            ran = command(ACTIONS, action, *tcs, *more, FORECAST_NOW="2026-04-13T12:30:00Z")
            assert ran.returncode == 0, ran.stderr
        stored = rows(url, HISTORY)

    decided = dt.datetime(2026, 4, 13, 12, 30)  # noqa: DTZ001 as the database shows UTC
    assert stored == [
        ("2015-10-21", "pending", dt.datetime(2021, 9, 30, 6, 30)),  # noqa: DTZ001
        ("2015-10-21", "applied", decided),
        ("2024-01-02", "applied", decided),
        ("2015-10-21", "rejected", decided + dt.timedelta(microseconds=1)),
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("add", "--date", "2024-01-02", "--kind", "split"), 2, "--ratio"),
        (
            ("add", "--date", "2024-01-02", "--kind", "split", "--ratio", "-1"),
            1,
            "not -1",
        ),
        (
            ("add", "--date", "2024-01-02", "--kind", "bonus", "--ratio", "1"),
            2,
            "so a 1:1 bonus is 2",
        ),
        (
            ("add", "--date", "2024-01-02", "--kind", "split", "--ratio", "1:2"),
            2,
            "write 2 if 1 became 2, or 0.5 if 2 became 1",
        ),
        (("accept", "--date", "2024-01-02"), 1, "2024-01-02"),
        (
            ("add", "--date", "2024-01-07", "--kind", "split", "--ratio", "2"),
            1,
            "2024-01-07 is no session of NSE",
        ),
        (
            ("add", "--date", "2099-01-02", "--kind", "split", "--ratio", "2"),
            1,
            "2099-01-02 is more than a year ahead",
        ),
        (("add", "--date", "soon", "--kind", "split", "--ratio", "2"), 2, "soon"),
        (("import", "--path", "/nowhere.csv"), 1, "/nowhere.csv"),
        (("import", "--path", "a.csv", "--fetched-at", "2021-09-30"), 2, "write it as 2021-09-30T"),
        (("import", "--path", "a.csv", "--fetched-at", "1999-01-01T00:00Z"), 2, "which begins on"),
        (("import", "--path", "a.csv", "--fetched-at", "2099-01-01T00:00Z"), 2, "in the future"),
        ((), 2, "--help"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(command, arguments, code, text):
    ran = command(ACTIONS, *arguments)

    assert ran.returncode == code
    (sentence,) = ran.stderr.splitlines()
    assert text in sentence


def test_inferred_bonuses_can_be_rejected_and_the_fall_is_then_real(command, embedded, data):
    path = data / "tcs_daily/nse_raw_unadjusted_2004_2020.csv"
    run = ("mlops.pipeline", "--ticker", "TCS.NS", "--source", "csv", "--path", path)
    run = (*run, "--skip-training")
    with embedded() as url:
        assert data_is_stored(command(*run))
        once = checksums(url)
        bonuses = "SELECT date::text, ratio, status FROM corporate_actions ORDER BY date"
        assert rows(url, bonuses) == [
            ("2006-07-28", 2.0, "applied"),
            ("2009-06-16", 2.0, "applied"),
            ("2018-05-31", 2.0, "applied"),
        ]
        first = "SELECT close FROM raw_daily_prices_clean ORDER BY date LIMIT 1"
        # 987.95 rupees, before three bonuses of one share for one.
        assert rows(url, first) == [(987.95 / 8,)]

        command(ACTIONS, "reject", "--ticker", "TCS.NS", "--date", "2018-05-31")
        assert data_is_stored(command(*run))

        assert rows(url, first) == [(987.95 / 4,)]
        command(ACTIONS, "accept", "--ticker", "TCS.NS", "--date", "2018-05-31")
        assert data_is_stored(command(*run))
        unchanged = {name: sums for name, sums in checksums(url).items() if name in CLEANED}
    assert unchanged == {name: once[name] for name in CLEANED}


CLEANED = ("raw_daily_prices", "raw_daily_prices_clean", "features_daily", "quarantine")


NSE_LIST = """\
"SYMBOL","COMPANY NAME","SERIES","PURPOSE","FACE VALUE","EX-DATE","RECORD DATE"
"TCS","Tata Consultancy","EQ"," Bonus 1:1 /Dividend- Rs 31 Per Share","1","31-May-2018","-"
"TCS","Tata Consultancy","EQ"," Interim Dividend - Rs 8 Per Share","1","07-Jan-2022","-"
"TCS","Tata Consultancy","EQ"," Interim Dividend","1","14-Oct-2021","-"
"TCS","Tata Consultancy","EQ"," Buyback","1","23-Feb-2022","-"
"INFY","Infosys","EQ"," Annual General Meeting/Dividend - Rs 10.50 Per Share","5","13-Jun-2018","-"
"INFY","Infosys","EQ"," Dividend - Rs 5 Per Share","5","31-Feb-2018","-"
"""
SUMMARY = """\
{path}: 6 rows of 2 tickers, as nse
       0  splits and consolidations
       1  bonuses
       3  dividends and distributions
       0  rights
       0  demergers
       0  other events without a ratio
       1  nothing: meetings, buy-backs, interest
       0  repeated or revised by another row
       1  not understood
       1  not usable
Not understood:
  TCS.NS 2021-10-14: 'Interim Dividend': it names no amount
Not usable:
  line 7: '31-Feb-2018' of INFY is no possible ex-date
Ledger: {changes}; 1 wait for a person (`list --pending` shows what); no prices of 2 tickers are \
stored yet{next_step}.
"""


def test_a_list_of_nse_is_taken_whole_and_once(command, ledger, tmp_path):
    path = tmp_path / "CF-CA-equities.csv"
    path.write_text(NSE_LIST, encoding="utf-8-sig")
    take = (ACTIONS, "import", "--all", "--path", path)

    first, second = command(*take), command(*take)

    next_step = "; rebuild the prices with `python -m mlops.pipeline --all --source stored`"
    new = "5 actions new, 0 changed, 0 as before"
    assert first.stdout == SUMMARY.format(path=path, changes=new, next_step=next_step)
    same = "0 actions new, 0 changed, 5 as before"
    assert second.stdout == SUMMARY.format(path=path, changes=same, next_step="")
    assert ledger() == {
        ("2018-05-31", "bonus"): (2.0, "applied"),
        ("2018-05-31", "dividend"): (31.0, "applied"),
        ("2018-06-13", "dividend"): (10.5, "applied"),
        ("2021-10-14", "unclear"): (None, "pending"),
        ("2022-01-07", "dividend"): (8.0, "applied"),
    }


def test_the_ledgers_of_all_tickers_are_listed_in_short_lines(command, tmp_path):
    path = tmp_path / "CF-CA-equities.csv"
    path.write_text(NSE_LIST)
    command(ACTIONS, "import", "--all", "--path", path)

    whole = command(ACTIONS, "list", "--all").stdout.splitlines()
    pending = command(ACTIONS, "list", "--pending").stdout
    of_infosys = command(ACTIONS, "list", "--pending", "--ticker", "INFY.NS").stdout
    unnamed = command(ACTIONS, "list").stdout.splitlines()

    assert whole[0] == "5 corporate actions of 2 tickers, 1 pending"
    assert whole[1:3] == [
        "INFY.NS  2018-06-13  dividend  10.5       applied",
        "TCS.NS   2018-05-31  bonus     2          applied",
    ]
    assert pending == (
        "1 corporate action of 1 ticker, 1 pending\n"
        "TCS.NS  2021-10-14  unclear   -          pending   Interim Dividend\n"
    )
    assert of_infosys == "INFY.NS: no corporate action is pending.\n"
    assert unnamed[0] == "TCS.NS: 4 corporate actions"
    assert unnamed[-1] == "`list --all` shows all tickers, `list --pending` what waits."


def test_one_ticker_of_a_list_is_taken_alone(command, ledger, tmp_path):
    path = tmp_path / "CF-CA-equities.csv"
    path.write_text(NSE_LIST)

    ran = command(ACTIONS, "import", "--ticker", "INFY.NS", "--path", path)
    missing = command(ACTIONS, "import", "--ticker", "WIPRO.NS", "--path", path)

    assert ran.stdout.splitlines()[0] == (
        f"{path}: 1 row of INFY.NS alone (--all takes its 2 tickers), as nse"
    )
    assert ledger() == {("2018-06-13", "dividend"): (10.5, "applied")}
    assert missing.returncode == 1
    assert missing.stderr.startswith(f"{path}: it has no row of WIPRO.NS")


def test_a_file_of_yahoo_names_no_tickers(command, tmp_path):
    path = tmp_path / "actions.csv"
    path.write_text(FILE)

    ran = command(ACTIONS, "import", "--all", "--path", path)

    assert ran.returncode == 2
    assert "does not name its tickers: give --ticker instead of --all" in ran.stderr
