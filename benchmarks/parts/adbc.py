"""How fast ADBC itself writes and reads the rows that the data stages write and read.

The stages read raw prices, write clean ones, read these, and write features and labels. Here the
same rows are read, and written to tables without keys, by nothing but ADBC, in blocks of as many
tickers: what no pipeline through the database can do without.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import adbc_driver_postgresql.dbapi
import psycopg

BLOCK = 25
READ = ("raw_daily_prices", "raw_daily_prices_clean")
WRITTEN = ("raw_daily_prices_clean", "features_daily", "dataset_short", "dataset_long")


def seconds(url: str) -> tuple[float, int]:
    """Wall seconds for all stored tickers, and the bytes of the rows in Arrow's form."""
    taken, size = 0.0, 0
    with (
        psycopg.connect(url, autocommit=True) as plain,
        adbc_driver_postgresql.dbapi.connect(url) as connection,
    ):
        _make_copies(plain)
        with connection.cursor() as cursor:
            for tickers in _blocks(plain):
                for table in dict.fromkeys((*READ, *WRITTEN)):
                    began = time.perf_counter()
                    cursor.execute(
                        f"SELECT * FROM {table} WHERE ticker = ANY(string_to_array($1, ','))",  # noqa: S608
                        (",".join(tickers),),
                    )
                    rows = cursor.fetch_arrow_table()
                    is_read, size = time.perf_counter() - began, size + rows.nbytes
                    began = time.perf_counter()
                    if table in WRITTEN:
                        cursor.adbc_ingest(f"copy_of_{table}", rows, mode="append")
                        connection.commit()
                    taken += time.perf_counter() - began + (is_read if table in READ else 0.0)
        _drop_copies(plain)
    return taken, size


def _make_copies(connection: psycopg.Connection) -> None:
    _drop_copies(connection)
    for table in WRITTEN:
        connection.execute(f"CREATE TABLE copy_of_{table} (LIKE {table})")  # type: ignore[call-overload]


def _drop_copies(connection: psycopg.Connection) -> None:
    for table in WRITTEN:
        connection.execute(f"DROP TABLE IF EXISTS copy_of_{table}")  # type: ignore[call-overload]


def _blocks(connection: psycopg.Connection) -> Iterator[Sequence[str]]:
    rows = connection.execute("SELECT DISTINCT ticker FROM features_daily ORDER BY 1").fetchall()
    tickers = [ticker for (ticker,) in rows]
    for start in range(0, len(tickers), BLOCK):
        yield tickers[start : start + BLOCK]
