"""From models of single tickers to models of pools: what the audit of before becomes."""

import datetime as dt

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from psycopg.types.json import Jsonb
from sqlalchemy import create_engine

from src.db.connection import control_connection
from src.db.migrate import MIGRATIONS, ensure_schema
from src.db.tables.model_events import EventLog
from src.registry.lifecycle.live_models import LiveModels
from src.registry.lifecycle.state import live_states
from src.registry.storage.artifact_store import ArtifactStore
from src.registry.storage.model_set import canonical_json
from src.registry.storage.signing import sha256
from src.registry.versions.archive import VersionArchive
from src.registry.versions.rollback import Registry

DAY = dt.datetime(2026, 11, 2, 12, 0, tzinfo=dt.UTC)
DIGITS = "0123456789abcdef"


@pytest.fixture
def before(empty_url):
    """A database with the schema of before pools, and a connection to it."""
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: control_connection(empty_url, autocommit=False)
    )
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as opened:
        config.attributes["connection"] = opened
        command.upgrade(config, "0009")
    engine.dispose()
    with psycopg.connect(empty_url, autocommit=True) as connection:
        yield connection


def train(connection, ticker, digit, served="zero", since="", horizon="short"):
    """What a training left in the audit of before, the set named by a digit."""
    add(connection, "trained", ticker, digit, horizon=horizon, evidence={"since": since})
    kind = "undecided" if served == "zero" else "promoted"
    add(connection, kind, ticker, digit, horizon=horizon, served=served, made_live=True)


def add(connection, kind, ticker, digit, **fields):
    row = {
        **{"kind": kind, "ticker": ticker, "horizon": "short", "digest": digit * 64},
        **{"made_live": False, "served": "zero", "verdict": "none", "reason": "", "by_whom": "x"},
        **{"evidence": {}, "at": DAY, "version_tag": None},
        **fields,
    }
    names, marks = ", ".join(row), ", ".join(f"%({name})s" for name in row)
    connection.execute(
        f"INSERT INTO model_events ({names}) VALUES ({marks})",
        row | {"evidence": Jsonb(row["evidence"])},
    )


def migrated(connection, url):
    """The audit after the migration, and what became of each pool: served, since."""
    ensure_schema(url)
    log = EventLog(connection)
    events = [event for event in log.events() if event.kind == "migrated"]
    assert all((event.ticker, event.by_whom) == ("", "migration") for event in events)
    return log, {event.pair: (event.served, event.evidence["since"]) for event in events}


def test_a_champion_of_all_tickers_is_carried_over_by_one_event(before, empty_url):
    train(before, "TCS.NS", "1", "rank_tilt", "2026-10-01")
    train(before, "INFY.NS", "2", "rank_tilt", "2026-10-05")
    train(before, "TCS.NS", "3", horizon="long")
    train(before, "INFY.NS", "4", "drift", "2026-09-01", horizon="long")

    log, carried = migrated(before, empty_url)

    assert carried == {
        ("NSE", "short"): ("rank_tilt", "2026-10-05"),
        ("NSE", "long"): ("zero", ""),
    }
    models = LiveModels(ArtifactStore("unused"), log)
    assert models.migrated_champion("NSE", "short").served == "rank_tilt"
    assert models.migrated_champion("NSE", "long") is None
    assert models.migrated_champion("BSE", "short") is None


def test_only_what_was_live_last_counts_a_pinned_set_like_any_other(before, empty_url):
    train(before, "TCS.NS", "1", "drift", "2026-09-01")
    train(before, "TCS.NS", "2")
    add(
        *(before, "rolled_back", "TCS.NS", "1"),
        **{"served": "drift", "made_live": True, "version_tag": "v1"},
    )
    add(before, "pinned", "TCS.NS", "1", served="drift", version_tag="v1")
    train(before, "INFY.NS", "4", "drift", "2026-09-02")

    log, carried = migrated(before, empty_url)

    assert carried == {("NSE", "short"): ("drift", "2026-09-02")}
    assert LiveModels(ArtifactStore("unused"), log).state("NSE", "short") is None


def test_a_demotion_of_all_tickers_is_not_forgotten(before, empty_url):
    train(before, "TCS.NS", "1", since="2026-10-01")
    train(before, "INFY.NS", "2", since="2026-10-01")

    log, carried = migrated(before, empty_url)

    assert carried == {("NSE", "short"): ("zero", "2026-10-01")}
    assert LiveModels(ArtifactStore("unused"), log).migrated_champion("NSE", "short")


def test_each_ticker_counts_for_the_pool_that_it_belongs_to(before, empty_url):
    before.execute(
        "INSERT INTO raw_daily_prices_clean (ticker, date, open, high, low, close, volume, "
        "adj_close, source, return_basis, action_pending) "
        "VALUES ('DEMO.NS', '2026-11-02', 1, 1, 1, 1, 1, 1, 'sample', 'total', false)"
    )
    tickers = ("TCS.NS", "DEMO.NS", "TCS.BO", "BRK-B", "^NSEI", "SHEL.L", "SAP.DE", "0700.HK")
    for digit, ticker in zip(DIGITS, tickers, strict=False):
        train(before, ticker, digit)

    _, carried = migrated(before, empty_url)

    pools = {"NSE", "SAMPLE", "BSE", "XNYS", "^NSEI", "XLON", "XETR", "XHKG"}
    assert {pool for pool, _ in carried} == pools


def test_nothing_is_live_any_longer_and_what_was_live_when_is_still_told(before, empty_url):
    train(before, "TCS.NS", "1", "drift", "2026-09-01")

    log, _ = migrated(before, empty_url)

    assert live_states(log.decisive()) == {}
    assert live_states(log.decisive(*log.owners("TCS.NS"))) == {}
    then = live_states(log.decisive(until=DAY), DAY)
    assert then["TCS.NS", "short"].live.digest == "1" * 64
    told = log.events(["NSE"], tickers=["TCS.NS"])
    assert [(event.kind, *event.pair) for event in told] == [
        ("trained", "TCS.NS", "short"),
        ("promoted", "TCS.NS", "short"),
        ("migrated", "NSE", "short"),
    ]


def test_columns_that_fed_no_model_go_and_all_others_stay_with_their_values(before, empty_url):
    unused = ("return_lag1_scaled", "mom_7_scaled", "close_over_sma_7", "range_1", "gap_1")
    kept = ("return_lag1", "mom_7", "sma_7", "vol_14", "range_10")
    for table in ("features_daily", "dataset_short", "dataset_long"):
        for name in (*unused, *kept):
            before.execute(f"ALTER TABLE {table} ADD COLUMN {name} double precision")
    before.execute(
        "INSERT INTO features_daily (ticker, date, close, sma_7, mom_7_scaled, warm_up, source, "
        "features_version) VALUES ('TCS.NS', '2026-11-02', 3000, 2900, 1, false, 'yahoo', 'v1')"
    )

    ensure_schema(empty_url)

    for table in ("features_daily", "dataset_short", "dataset_long"):
        columns = before.execute(f"SELECT * FROM {table}").description
        names = {column.name for column in columns}
        assert names >= set(kept)
        assert names.isdisjoint(unused)
    row = before.execute("SELECT close, sma_7, inputs FROM features_daily").fetchone()
    assert row == (3000, 2900, None)


def test_a_database_without_models_has_no_event(before, empty_url):
    log, carried = migrated(before, empty_url)

    assert (log.events(), carried) == ([], {})


def test_a_version_of_models_of_single_tickers_is_listed_as_not_restorable(
    before, empty_url, tmp_path
):
    archive = tmp_path / "archive"
    files = {"manifest.json": b"{}", "model.skops": b"PK"}
    folder = archive / "v1" / "TCS.NS" / "short" / ("1" * 64)
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    listed = {
        f"TCS.NS/short/{'1' * 64}/{name}": {"sha256": sha256(data), "size": len(data)}
        for name, data in files.items()
    }
    body = canonical_json({"tag": "v1", "made_at": DAY.isoformat(), "files": listed})
    (archive / "v1" / "version.json").write_bytes(body)
    evidence = {"version_manifest": sha256(body)}
    add(before, "versioned", "TCS.NS", "1", version_tag="v1", evidence=evidence)

    log, _ = migrated(before, empty_url)

    registry = Registry(
        LiveModels(ArtifactStore(tmp_path / "models"), log), VersionArchive(archive)
    )
    assert registry.refusals() == [("v1", "it dates from before models belonged to pools")]
