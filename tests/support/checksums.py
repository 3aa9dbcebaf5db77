"""Checksums of the tables of a database, to compare two states of it."""

import psycopg

# Written by every run, whatever it finds.
RUN_LOGS = {"pipeline_runs", "stage_runs", "run_tickers", "data_version", "alembic_version"}
RUN_LOGS |= {"source_pace"}


def checksums(url):
    """Table name to (rows, MD5 over all rows in a fixed order), the run logs left out."""
    with psycopg.connect(url, autocommit=True) as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
        ).fetchall()
        return {
            table: connection.execute(
                f"SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t"
            ).fetchone()
            for (table,) in tables
            if table not in RUN_LOGS
        }


def rows(url, sql, *parameters):
    """All rows of a query."""
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(sql, parameters).fetchall()
