"""Run statements over an ADBC connection, with parameters, and fetch their rows as frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl


@contextmanager
def cursor(connection: Any) -> Iterator[Any]:
    """A cursor that is closed on the way out."""
    cur = connection.cursor()
    try:
        yield cur
    finally:
        cur.close()


def query(connection: Any, statement: str, parameters: Sequence[str | int] = ()) -> pl.DataFrame:
    """All rows of a statement; see ``execute`` and ``fetch``."""
    with cursor(connection) as cur:
        execute(cur, statement, parameters)
        return fetch(cur)


def execute(cur: Any, statement: str, parameters: Sequence[str | int] = ()) -> None:
    """Run a statement with its parameters.

    They go as a frame, as rows do: of plain values the driver would make one by pyarrow.
    """
    import polars as pl

    values = {str(place): [value] for place, value in enumerate(parameters)}
    cur.execute(statement, pl.DataFrame(values) if values else None)


def fetch(cur: Any) -> pl.DataFrame:
    """All rows of what a cursor has executed.

    Raises:
        adbc_driver_manager.OperationalError: The server was lost while they came.
    """
    import adbc_driver_manager as adbc
    import polars as pl

    try:
        rows: pl.DataFrame = cur.fetch_polars()
    except pl.exceptions.ComputeError as error:
        # As it is worded where no rows are on their way.
        reason = f"IO: {str(error).removeprefix('got external error: ')}"
        raise adbc.OperationalError(reason, status_code=adbc.AdbcStatusCode.IO) from error
    return rows


def count(cur: Any, statement: str, parameters: Sequence[str] = ()) -> int:
    """Run a statement and count the rows it touched: ADBC's own count is -1 for some of them."""
    counted = f"WITH touched AS ({statement} RETURNING 1) SELECT count(*) FROM touched"  # noqa: S608
    execute(cur, counted, parameters)
    return int(fetch(cur).item())
