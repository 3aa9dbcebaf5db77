"""The command about shares as a person runs it: lists, changes of symbols and states."""

import datetime as dt

import pytest

INSTRUMENTS = "src.data.instruments"
EQUITY_L = (
    "SYMBOL,NAME OF COMPANY, SERIES, DATE OF LISTING, PAID UP VALUE, MARKET LOT, ISIN NUMBER,"
    " FACE VALUE\n"
    "NEWNAME,Newname Limited,EQ,06-OCT-2008,5,1,INE000A01012,5\n"
    "TCS,Tata Consultancy Services Limited,EQ,25-AUG-2004,1,1,INE467B01029,1\n"
    "BROKEN,Broken Limited,EQ,soon,1,1,INE000B01010,1\n"
)
HEADER = "Date,Symbol,Series,Prev Close,Open,High,Low,Last,Close,VWAP,Volume,Turnover,Trades\n"
# A history of one company as NSE gives it: the symbol changed on 29 June 2011.
HISTORY = HEADER + (
    "2011-06-27,OLDNAME,EQ,400,401,405,399,402,402,402,900000,1,1\n"
    "2011-06-28,OLDNAME,EQ,402,402,407,400,404,404,404,900000,1,1\n"
    "2011-06-29,NEWNAME,EQ,404,405,410,403,406,407,406,900000,1,1\n"
)
SYMBOLS = ("OLDNAME", "TCS", "WIPRO")
RENAME = ("rename", "--from", "OLDNAME", "--to", "NEWNAME", "--date", "2011-06-29")


@pytest.fixture
def instruments(command, database_url):
    def run(*arguments, code=0):
        ended = command(INSTRUMENTS, *arguments, DATABASE_URL=database_url)
        assert ended.returncode == code, ended.stderr
        return ended.stdout if code == 0 else ended.stderr

    return run


@pytest.fixture
def history(tmp_path):
    path = tmp_path / "NEWNAME.csv"
    path.write_text(HISTORY)
    return path


def stored(connection, ticker="NEWNAME.NS"):
    return connection.execute(
        "SELECT date::text, close FROM raw_daily_prices WHERE ticker = %s ORDER BY date", (ticker,)
    ).fetchall()


def test_a_list_is_imported_once_and_what_is_not_taken_is_told(
    command, instruments, connection, database_url, tmp_path
):
    path = tmp_path / "EQUITY_L.csv"
    path.write_text(EQUITY_L)

    first = command(INSTRUMENTS, "import", "--path", path, DATABASE_URL=database_url)
    again = instruments("import", "--path", path)

    assert first.stdout == (
        "EQUITY_L.csv: 2 instruments: 2 new, 0 changed, 0 unchanged; 1 rows not taken.\n"
    )
    assert first.stderr == "not taken: line 4: the date of listing 'soon' cannot be read.\n"
    assert again.startswith("EQUITY_L.csv: 2 instruments: 0 new, 0 changed, 2 unchanged")
    row = connection.execute(
        "SELECT name, listed_on, isin, face_value, series, source FROM instruments "
        "WHERE ticker = 'NEWNAME.NS'"
    ).fetchone()
    assert row == (
        *("Newname Limited", dt.date(2008, 10, 6), "INE000A01012", 5.0, "EQ"),
        "EQUITY_L.csv",
    )
    assert "listed 2004-08-25  INE467B01029" in instruments("list", "--ticker", "TCS")


def test_a_file_with_both_symbols_gives_one_series(
    command, instruments, connection, database_url, history
):
    instruments(*RENAME)

    ran = command(
        *("src.data.ingest", "write", "--ticker", "NEWNAME.NS", "--source", "csv"),
        *("--path", history),
        DATABASE_URL=database_url,
    )

    assert ran.returncode == 0, ran.stderr
    assert stored(connection) == [("2011-06-27", 402), ("2011-06-28", 404), ("2011-06-29", 407)]
    assert (
        "NEWNAME.NS: 2 rows from 2011-06-27 to 2011-06-28 came under its earlier symbol OLDNAME.NS"
        in ran.stdout
    )


def test_the_note_on_an_earlier_symbol_stands_under_the_ticker_that_it_is_of(
    command, instruments, database_url, tmp_path
):
    instruments(*RENAME)
    # One file a day, as an exchange gives them, and one file of many days.
    days = {"2011-06-27": 400, "2011-06-28": 404}
    for day, close in days.items():
        rows = [f"{day},{s},EQ,400,401,405,399,{close},{close},402,900000,1,1\n" for s in SYMBOLS]
        (tmp_path / f"{day}.csv").write_text(HEADER + "".join(rows))
    whole = tmp_path / "whole" / "all.csv"
    whole.parent.mkdir()
    whole.write_text(HISTORY + "2011-06-29,TCS,EQ,404,405,410,403,406,407,406,900000,1,1\n")

    told = [
        command(
            *("src.data.ingest", "write", "--all", "--source", "csv", "--path", path),
            DATABASE_URL=database_url,
        ).stdout
        for path in (tmp_path, whole)
    ]

    for output in told:
        notes = [line for line in output.splitlines() if "earlier symbol" in line]
        assert len(notes) == 1, output
        assert notes[0].endswith(
            "NEWNAME.NS: 2 rows from 2011-06-27 to 2011-06-28 came under its earlier symbol "
            "OLDNAME.NS"
        )


def test_a_file_that_was_read_before_the_change_was_known_is_read_again(
    command, instruments, connection, database_url, history
):
    ingest = ("src.data.ingest", "write", "--source", "csv", "--path", history)
    command(*ingest, "--ticker", "NEWNAME.NS", DATABASE_URL=database_url)
    assert stored(connection) == [("2011-06-29", 407)]

    instruments(*RENAME)
    command(*ingest, "--ticker", "NEWNAME.NS", DATABASE_URL=database_url)

    assert [day for day, _ in stored(connection)] == ["2011-06-27", "2011-06-28", "2011-06-29"]


def test_stored_prices_of_the_earlier_symbol_are_cleaned_as_the_new_tickers(
    command, instruments, connection, database_url, history
):
    command(
        *("src.data.ingest", "write", "--all", "--source", "csv", "--path", history),
        DATABASE_URL=database_url,
    )
    assert len(stored(connection, "OLDNAME.NS")) == 2

    told = instruments(*RENAME)
    command("src.data.cleaning", "write", "--all", DATABASE_URL=database_url)

    assert told == (
        "OLDNAME.NS is NEWNAME.NS from 2011-06-29 on: 2 daily rows from before that day count for "
        "NEWNAME.NS; rebuild the prices with "
        "`python -m mlops.pipeline --ticker NEWNAME.NS --source stored`.\n"
    )
    clean = connection.execute("SELECT ticker, close FROM raw_daily_prices_clean ORDER BY date")
    assert clean.fetchall() == [("NEWNAME.NS", 402), ("NEWNAME.NS", 404), ("NEWNAME.NS", 407)]
    refused = command(
        "src.data.cleaning", "write", "--ticker", "OLDNAME.NS", DATABASE_URL=database_url
    )
    assert refused.stderr == (
        "OLDNAME.NS is NEWNAME.NS from 2011-06-29 on: use --ticker NEWNAME.NS.\n"
    )


def test_a_change_is_undone_and_both_stay_in_the_ledger(instruments):
    instruments(*RENAME)

    told = instruments(*RENAME, "--undo", "--by", "A. Rao")

    assert told.startswith("OLDNAME.NS and NEWNAME.NS are two shares again")
    assert "undone: OLDNAME.NS  is NEWNAME.NS from 2011-06-29 on (A. Rao)" in instruments(
        "list", "--ticker", "OLDNAME"
    )
    assert "Nothing to undo" in instruments(*RENAME, "--undo", code=1)


def test_undoing_names_the_batches_of_files_that_were_read_meanwhile(
    command, instruments, database_url, history
):
    instruments(*RENAME)
    command(
        *("src.data.ingest", "write", "--ticker", "NEWNAME.NS", "--source", "csv"),
        *("--path", history),
        DATABASE_URL=database_url,
    )

    assert "withdraw batch 1 (" in instruments(*RENAME, "--undo")


def write_prices(command, database_url, folder, first, symbols, days):
    """Store daily bars of symbols on so many days from the first one on."""
    folder.mkdir()
    rows = [
        f"{first + dt.timedelta(days=day)},{symbol},EQ,{close},{close},{close + 5},{close - 5},"
        f"{close},{close},{close},900000,1,1\n"
        for day in range(days)
        if (first + dt.timedelta(days=day)).weekday() < 5
        for symbol, close in zip(symbols, (400 + day, 900 - 7 * (day % 5)), strict=True)
    ]
    (folder / "prices.csv").write_text(HEADER + "".join(rows))
    ended = command(
        *("src.data.ingest", "write", "--all", "--source", "csv", "--path", folder),
        DATABASE_URL=database_url,
    )
    assert ended.returncode == 0, ended.stderr


def test_a_change_between_two_listed_companies_is_refused(instruments, connection, tmp_path):
    listed = tmp_path / "EQUITY_L.csv"
    listed.write_text(EQUITY_L)
    instruments("import", "--path", listed)
    change = ("rename", "--from", "TCS", "--to", "NEWNAME", "--date")
    changes = tmp_path / "symbolchange.csv"
    changes.write_text("A,TCS,NEWNAME,29-JUN-2020\nB,OLDNAME,NEWNAME,29-JUN-2011\n")

    told = instruments(*change, "2020-06-29", code=1)
    imported = instruments("import", "--path", changes)

    assert told == (
        "TCS.NS (Tata Consultancy Services Limited, INE467B01029) and NEWNAME.NS (Newname "
        "Limited, INE000A01012) are two companies by the lists of shares: check both symbols.\n"
    )
    assert "1 changes of symbols are new, 0 known, 1 rows not taken" in imported
    stored_changes = connection.execute("SELECT ticker FROM symbol_changes").fetchall()
    assert stored_changes == [("OLDNAME.NS",)]
    # Before TCS was listed another company may have had its symbol.
    assert "TCS.NS is NEWNAME.NS from 2004-08-02 on" in instruments(*change, "2004-08-02")


def test_a_change_between_two_shares_that_are_both_traded_is_refused(
    command, instruments, database_url, tmp_path
):
    first = dt.date(2020, 6, 29)
    write_prices(command, database_url, tmp_path / "both", first, ("ONE", "TWO"), 40)

    told = instruments("rename", "--from", "ONE", "--to", "TWO", "--date", first, code=1)

    assert told == (
        "ONE.NS cannot have become TWO.NS on 2020-06-29: nse has bars of both on 20 of the first "
        "20 days from then on (the first: 2020-06-29); check both symbols and the day.\n"
    )


def test_a_symbol_that_nobody_knows_is_told(command, instruments, database_url, tmp_path):
    write_prices(command, database_url, tmp_path / "p", dt.date(2020, 6, 29), ("NEWNAME", "TWO"), 3)

    told = instruments("rename", "--from", "OLDNAM", "--to", "NEWNAME", "--date", "2011-06-29")

    assert told.splitlines()[1:] == [
        "OLDNAM.NS is in no list of shares and has no stored prices: if it is misspelled, take "
        "this back with --undo."
    ]


def test_a_folder_in_the_place_of_a_list_is_named_as_one(instruments, tmp_path):
    refusal = instruments("import", "--path", tmp_path, code=1)

    assert refusal == f"{tmp_path}: it is a folder: give a file in it.\n"


def test_nses_file_of_changes_is_imported_whole(instruments, tmp_path):
    path = tmp_path / "symbolchange.csv"
    path.write_text(
        "Newname Limited,OLDNAME,MIDNAME,16-JUN-2006\n"
        "Newname Limited,MIDNAME,NEWNAME,29-JUN-2011\n"
        "Loop Limited,LOOP,LOOP,29-JUN-2011\n"
    )

    told = instruments("import", "--path", path)

    assert told == "symbolchange.csv: 2 changes of symbols are new, 0 known, 1 rows not taken.\n"
    assert instruments("import", "--path", path).startswith(
        "symbolchange.csv: 0 changes of symbols are new, 2 known, 1 rows"
    )


def test_a_state_needs_evidence_and_a_day_that_has_come(instruments):
    state = ("state", "--ticker", "TCS", "--state", "suspended")

    told = instruments(*state, "--date", "2026-01-05", "--because", "NSE circular 12 of 2026")

    assert told == (
        "TCS.NS is suspended since 2026-01-05: it is not fetched, and no alert is sent for its "
        "age.\n"
    )
    assert "needs its evidence" in instruments(
        *state, "--date", "2026-01-05", "--because", " ", code=1
    )
    assert "lies in the future" in instruments(
        *state, "--date", "2096-01-05", "--because", "x", code=1
    )


def test_of_statements_at_one_time_the_later_one_counts(
    command, connection, database_url, tmp_path
):
    def run(*arguments):
        ended = command(
            *(INSTRUMENTS, *arguments),
            DATABASE_URL=database_url,
            FORECAST_NOW="2026-04-13T12:00:00+05:30",
        )
        assert ended.returncode == 0, ended.stderr

    listed = tmp_path / "EQUITY_L.csv"
    state = ("state", "--ticker", "TCS", "--because", "a circular", "--state")

    for undo in ((), ("--undo",), ()):
        run(*RENAME, *undo)
    run(*state, "suspended", "--date", "2026-01-05")
    run(*state, "active", "--date", "2026-02-05")
    for name in ("Newname Limited", "Newname Industries Limited"):
        listed.write_text(EQUITY_L.replace("Newname Limited", name))
        run("import", "--path", listed)

    changes = connection.execute(
        "SELECT is_undone, stated_at::text FROM symbol_changes ORDER BY stated_at"
    ).fetchall()
    assert [is_undone for is_undone, _ in changes] == [False, True, False]
    assert changes[2][1] == "2026-04-13 06:30:00.000002+00"
    assert connection.execute("SELECT state FROM current_states").fetchall() == [("active",)]
    name = connection.execute("SELECT name FROM instruments WHERE ticker = 'NEWNAME.NS'")
    assert name.fetchone() == ("Newname Industries Limited",)


def test_a_state_shows_in_the_list_and_the_report_until_another_is_stated(
    command, instruments, database_url, history
):
    command(
        *("src.data.ingest", "write", "--ticker", "NEWNAME.NS", "--source", "csv"),
        *("--path", history),
        DATABASE_URL=database_url,
    )
    state = ("state", "--ticker", "NEWNAME", "--because", "a circular", "--by", "A. Rao")

    early = instruments(*state, "--state", "delisted", "--date", "2011-06-28", code=1)
    instruments(*state, "--state", "delisted", "--date", "2011-06-30")
    report = command("src.data.report", "--ticker", "NEWNAME", DATABASE_URL=database_url)
    # Too few prices for a forecast: the state is told nevertheless.
    run = command(
        *("mlops.pipeline", "--ticker", "NEWNAME", "--source", "stored", "--skip-training"),
        DATABASE_URL=database_url,
    )
    back = instruments(*state, "--state", "active", "--date", "2011-06-30")

    assert early.startswith(
        "It cannot have been delisted on 2011-06-28: its newest stored bar is of 2011-06-29"
    )
    assert "delisted since 2011-06-30: a circular (A. Rao)" in report.stdout
    assert run.stdout == (
        "NEWNAME.NS is stated to be delisted since 2011-06-30 (`python -m src.data.instruments "
        "list --ticker NEWNAME.NS`).\n"
    )
    assert back.endswith("It was stated to be delisted since 2011-06-30.\n")
    told = instruments("list", "--ticker", "NEWNAME").splitlines()
    assert told[0].startswith("NEWNAME.NS  active since 2011-06-30: a circular (A. Rao, ")
    assert told[0].endswith(": in force")
    assert told[1].startswith("  before: NEWNAME.NS  delisted since 2011-06-30")
    report = command("src.data.report", "--ticker", "NEWNAME", DATABASE_URL=database_url)
    assert "delisted" not in report.stdout


def test_the_list_says_what_is_there_by_source(instruments, tmp_path):
    assert "No list of shares is stored: `python -m " in instruments("list")
    listed, changes = tmp_path / "EQUITY_L.csv", tmp_path / "symbolchange.csv"
    listed.write_text(EQUITY_L)
    changes.write_text("A,OLDNAME,MIDNAME,16-JUN-2006\nA,MIDNAME,NEWNAME,29-JUN-2011\n")
    instruments("import", "--path", listed)
    instruments("import", "--path", changes)

    told = instruments("list").splitlines()

    assert told[0].startswith("EQUITY_L.csv: 2 shares, the newest statement of ")
    assert told[1:] == [
        "Of 0 tickers with prices 0 have facts of their listing.",
        "2 changes of symbols:",
        "OLDNAME.NS  is MIDNAME.NS from 2006-06-16 on (symbolchange.csv)",
        "MIDNAME.NS  is NEWNAME.NS from 2011-06-29 on (symbolchange.csv)",
        "`python -m src.data.instruments list --ticker T` shows what is known of one share.",
    ]
