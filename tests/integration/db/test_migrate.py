"""The schema on a real PostgreSQL: migrated once, and as the tables are declared."""

import psycopg
import pytest

from src.core import tables
from src.core.errors import DatabaseRefused
from src.core.tables import CLEAN_DAILY, Table
from src.db.database import open_database
from src.db.migrate import ensure_schema, newest_revision
from tests.support.prices import checksums

DECLARED = [value for value in vars(tables).values() if isinstance(value, Table)]


@pytest.mark.parametrize("table", DECLARED, ids=lambda table: table.name)
def test_the_migrated_table_has_the_declared_columns_types_and_key(reader, table):
    columns = reader.execute(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
        "WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
        (table.name,),
    ).fetchall()
    key = reader.execute(
        "SELECT a.attname FROM pg_index i, unnest(i.indkey) WITH ORDINALITY k(attnum, place) "
        "JOIN pg_attribute a USING (attnum) WHERE i.indrelid = %s::regclass AND i.indisprimary "
        "AND a.attrelid = i.indrelid ORDER BY place",
        (table.name,),
    ).fetchall()

    assert dict(columns) == dict(table.columns)
    assert tuple(name for (name,) in key) == table.key


@pytest.mark.parametrize(
    ("index", "table"),
    [
        ("idx_features_date", "features_daily"),
        ("idx_dataset_short_date", "dataset_short"),
        ("idx_dataset_long_date", "dataset_long"),
    ],
)
def test_the_guides_index_is_on_the_date(reader, index, table):
    (definition,) = reader.execute(
        "SELECT indexdef FROM pg_indexes WHERE indexname = %s", (index,)
    ).fetchone()

    assert definition == f"CREATE INDEX {index} ON public.{table} USING btree (date)"


def test_the_schema_is_applied_once_and_then_left_alone(empty_url):
    assert ensure_schema(empty_url) is True
    before = checksums(empty_url)

    assert ensure_schema(empty_url) is False
    assert checksums(empty_url) == before
    assert "raw_daily_prices" in before


def test_three_processes_may_bring_the_schema_at_once(empty_url, python):
    code = (
        "import sys; from src.db.migrate import ensure_schema; "
        "sys.stdin.readline(); ensure_schema(sys.argv[1]); print('done')"
    )
    started = [python(code, empty_url) for _ in range(3)]
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    outputs = [process.communicate(timeout=60)[0] for process in started]

    assert outputs == ["done\n"] * 3
    with psycopg.connect(empty_url) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [
            (newest_revision(),)
        ]


def test_an_open_database_has_its_schema(empty_url, home):
    with open_database(empty_url, home) as database:
        assert database.store.load(CLEAN_DAILY, ["TCS.NS"]).is_empty()
        assert database.store.tickers() == []


def test_a_schema_newer_than_the_code_is_left_alone(database_url):
    with psycopg.connect(database_url, autocommit=True) as admin:
        admin.execute("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(DatabaseRefused, match="has schema 9999, but this code only knows"):
        ensure_schema(database_url)
