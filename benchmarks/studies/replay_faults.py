"""Faults that are put into a replayed world, and the alerts that each of them should raise."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg


@dataclass(frozen=True)
class Evening:
    """Where a fault is put in: the folder of files, the session, the home and its database."""

    files: Path
    session: dt.date
    home: Path
    url: str


@dataclass(frozen=True)
class Fault:
    """A fault of some sessions; one of the rules that it ``expects`` must tell of its subject."""

    name: str
    subject: str
    sessions: int
    expects: tuple[str, ...]
    in_files: Callable[[Evening], None] | None = None
    after_run: Callable[[Evening], None] | None = None
    mend: Callable[[Evening], None] | None = None


def change_rows(evening: Evening, ticker: str, change: Callable[[list[str]], list[str]]) -> None:
    """Change the rows of a ticker's file."""
    path = evening.files / f"{ticker}.csv"
    path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")


def change_newest(evening: Evening, ticker: str, change: Callable[[list[str]], None]) -> None:
    """Change the cells of a ticker's newest row: date, close, high, low, open, volume."""

    def changed(lines: list[str]) -> list[str]:
        cells = lines[-1].split(",")
        change(cells)
        return [*lines[:-1], ",".join(cells)]

    change_rows(evening, ticker, changed)


def serve_yesterdays_files(evening: Evening) -> None:
    """Leave the newest session out of every file."""
    for path in evening.files.glob("*.csv"):
        change_rows(evening, path.stem, lambda rows: without(rows, evening.session))


def without(rows: list[str], session: dt.date) -> list[str]:
    """The rows without those of a session."""
    return [row for row in rows if not row.startswith(session.isoformat())]


def leave_out_a_ticker(evening: Evening) -> None:
    """Let one ticker's file end a session before this one."""
    change_rows(evening, "KIMS.NS", lambda rows: without(rows, evening.session))


def add_a_saturday(evening: Evening) -> None:
    """Add a bar on the Saturday before the session."""
    day = evening.session - dt.timedelta(days=(evening.session.weekday() + 2) % 7)

    def changed(rows: list[str]) -> list[str]:
        later = [row for row in rows if row[:1].isdigit() and row[:10] > day.isoformat()]
        copied = f"{day},{later[0].partition(',')[2]}"
        return [*rows[: len(rows) - len(later)], copied, *later]

    change_rows(evening, "NESTLEIND.NS", changed)


def put_the_high_below_the_low(evening: Evening) -> None:
    """Exchange high and low of the newest bar."""

    def exchange(cells: list[str]) -> None:
        cells[2], cells[3] = cells[3], cells[2]

    change_newest(evening, "TRENT.NS", exchange)


def empty_the_close(evening: Evening) -> None:
    """Leave the newest bar without a close."""

    def empty(cells: list[str]) -> None:
        cells[1] = ""

    change_newest(evening, "WIPRO.NS", empty)


def leave_a_demerger_unadjusted(day: list[dt.date]) -> Callable[[Evening], None]:
    """Prices lower by 38 % from the first session of the fault on, the earlier ones unchanged."""

    def lower(evening: Evening) -> None:
        day.append(evening.session)

        def changed(rows: list[str]) -> list[str]:
            return [
                scaled(row, 0.62) if row[:1].isdigit() and row[:10] >= day[0].isoformat() else row
                for row in rows
            ]

        change_rows(evening, "PFC.NS", changed)

    return lower


def scaled(row: str, factor: float) -> str:
    """The row with its prices multiplied."""
    date, *prices, volume = row.split(",")
    return ",".join([date, *(str(float(price) * factor) for price in prices), volume])


def serve_another_share(evening: Evening) -> None:
    """Give one ticker the prices of another."""
    text = (evening.files / "SUNPHARMA.NS.csv").read_text()
    (evening.files / "MARUTI.NS.csv").write_text(text.replace("SUNPHARMA.NS", "MARUTI.NS"))


def take_all_files_away(evening: Evening) -> None:
    """Leave no file, as a download that failed."""
    for path in evening.files.glob("*.csv"):
        path.unlink()


def break_a_model(evening: Evening) -> None:
    """Change the last byte of the 1-session model, as a bad disk."""
    for path in (evening.home / "models" / "NSE" / "short").glob("*/model.safetensors"):
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def mend_a_model(evening: Evening) -> None:
    """Undo ``break_a_model``."""
    break_a_model(evening)


def execute(evening: Evening, statement: str) -> None:
    """Run a statement in the database, also where that is read-only."""
    options = "-c default_transaction_read_only=off"
    with psycopg.connect(evening.url, options=options, autocommit=True) as connection:
        connection.execute(statement.encode())


def delete_newest_features(evening: Evening) -> None:
    """Delete the newest features of every ticker."""
    execute(
        evening, "DELETE FROM features_daily WHERE date = (SELECT max(date) FROM features_daily)"
    )


def let_the_database_refuse(evening: Evening) -> None:
    """Let the database take no changes."""
    execute(evening, "ALTER DATABASE forecast_db SET default_transaction_read_only = on")


def let_the_database_take_changes(evening: Evening) -> None:
    """Undo ``let_the_database_refuse``."""
    execute(evening, "ALTER DATABASE forecast_db RESET default_transaction_read_only")


FAULTS = (
    Fault("yesterday's files again", "NSE", 2, ("source_not_advancing",), serve_yesterdays_files),
    Fault("a ticker's file ends early", "KIMS.NS", 1, ("ticker_stale",), leave_out_a_ticker),
    Fault("a bar on a Saturday", "NESTLEIND.NS", 1, ("phantom_bar",), add_a_saturday),
    Fault("high below low", "TRENT.NS", 1, ("bars_refused",), put_the_high_below_the_low),
    Fault(
        "an unadjusted demerger", "PFC.NS", 3, ("action_pending",), leave_a_demerger_unadjusted([])
    ),
    Fault("no close", "WIPRO.NS", 1, ("bars_refused", "ticker_stale"), empty_the_close),
    Fault("another share's prices", "MARUTI.NS", 1, ("ticker_failed",), serve_another_share),
    Fault("no files", "", 1, ("run_failed",), take_all_files_away),
    Fault("a broken model", "NSE/short", 1, ("model_corrupt",), None, break_a_model, mend_a_model),
    Fault("newest features deleted", "NSE", 1, ("features_stale",), None, delete_newest_features),
    Fault(
        "a database that takes no changes",
        "",
        1,
        ("database_read_only",),
        None,
        let_the_database_refuse,
        let_the_database_take_changes,
    ),
)
