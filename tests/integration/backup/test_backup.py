"""Archives of an installation: equal when restored, refused when damaged, all or nothing."""

import datetime as dt
import hashlib
import json
import os
import random
import stat
import threading
import zipfile
from dataclasses import replace

import psycopg
import pytest

from src.backup.archive import CorruptArchive, open_archive
from src.backup.create import create
from src.backup.folder import archives
from src.backup.restore import restore
from src.config.settings import Settings
from src.core.errors import BadInput, ForecastError, UnreadableFolder, UnwritableFolder
from src.db.migrate import ensure_schema, newest_revision
from src.db.tables.trials import TrialLog
from src.monitoring.checks.machine import backup_age
from src.registry.storage.artifact import CorruptArtifact
from tests.support.backups import BackedUp, dumped_schema, files_below
from tests.support.checksums import RUN_LOGS, checksums, rows
from tests.support.databases import new_database
from tests.support.installations import NOW
from tests.support.models import both_horizons
from tests.support.old_schema import bring_to
from tests.support.registries import Place
from tests.support.trials import registered_trial, trial_event

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def installation(database_url, home):
    return BackedUp(database_url, home)


@pytest.fixture
def empty(server, tmp_path):
    """An empty home and database to restore into."""
    with new_database(server) as url:
        yield Settings(home=tmp_path / "restored", database_url=url)


def tables_of(url):
    return rows(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")


def test_what_is_restored_equals_what_was_there(installation, empty):
    made = create(installation.settings, NOW)
    before = checksums(installation.url)
    restore(made.path, empty)
    assert checksums(empty.server) == before
    assert before["notes_of_ours"][0] == 4
    for table in RUN_LOGS:
        query = f"SELECT t::text FROM {table} t ORDER BY 1"
        assert rows(empty.server, query) == rows(installation.url, query)
    assert files_below(empty.home) == files_below(installation.home)
    assert len(Place(empty.server, empty.home).live()) == 2


def test_triggers_views_comments_and_rights_are_as_they_were(database_url, home, empty):
    Place(database_url, home).publish(both_horizons())
    made = create(Settings(home=home, database_url=database_url), NOW)
    restore(made.path, empty)
    assert dumped_schema(empty.server) == dumped_schema(database_url)
    with pytest.raises(psycopg.errors.RaiseException, match="append"):
        rows(empty.server, "DELETE FROM model_events RETURNING 1")


def test_numbers_go_on_where_they_were(installation, empty):
    restore(create(installation.settings, NOW).path, empty)
    insert = (
        "INSERT INTO run_requests (idempotency_key, kind, source, person) "
        "VALUES ('two', 'full', 'stored', 'x') RETURNING request_id"
    )
    assert rows(empty.server, insert) == rows(installation.url, insert) == [(2,)]
    Place(empty.server, empty.home).publish(both_horizons(session="2026-04-17"), days=9)
    events = rows(empty.server, "SELECT event_id FROM model_events ORDER BY 1")
    assert [number for (number,) in events] == list(range(1, len(events) + 1))


def test_a_restored_trial_is_what_was_registered_and_goes_on(installation, empty):
    restore(create(installation.settings, NOW).path, empty)
    with psycopg.connect(empty.server, autocommit=True) as connection:
        log = TrialLog(connection)
        (trial,) = log.running("NSE")
        assert trial == registered_trial(smallest_effect=0.1 + 0.2)
        assert log.add_event(trial_event(trial, "stopped"))
        assert [(event.kind, event.event_id) for event in log.events()] == [
            *(("looked", 1), ("stopped", 2))
        ]
        for table in ("trials", "trial_events"):
            with pytest.raises(psycopg.errors.RaiseException, match="append"):
                connection.execute(f"UPDATE {table} SET author = 'another'")


def test_an_archive_of_what_is_restored_holds_the_same(installation, empty):
    first = create(installation.settings, NOW)
    restore(first.path, empty)
    second = create(empty, NOW)
    with open_archive(first.path) as one, open_archive(second.path) as two:
        assert replace(one.manifest, tables=()) == replace(two.manifest, tables=())
        hashes = [
            {copy.table.title: (copy.rows, copy.sha256) for copy in archive.manifest.tables}
            for archive in (one, two)
        ]
    assert hashes[0] == hashes[1]


def test_rows_and_models_that_change_meanwhile_stay_consistent(installation, empty):
    done, written = threading.Event(), []

    def write_runs():
        with psycopg.connect(installation.url) as connection:
            while not done.is_set():
                name = f"written_{len(written):05}"
                connection.execute(
                    "INSERT INTO pipeline_runs (run_id, command, status, live, started_at, host, "
                    "pid) VALUES (%s, 'pipeline', 'running', true, now(), 'here', 1)",
                    (name,),
                )
                connection.execute(
                    "INSERT INTO run_tickers VALUES (%s, 'TCS.NS', %s, 'success', NULL, NULL)",
                    (name, NOW.date()),
                )
                connection.commit()
                written.append(name)

    def publish():
        place = Place(installation.url, installation.home)
        for day in range(1, 200):
            if done.is_set():
                return
            session = f"{NOW.date() + dt.timedelta(days=day)}"
            place.publish(both_horizons(session=session), days=day)

    threads = [threading.Thread(target=work) for work in (write_runs, publish)]
    for thread in threads:
        thread.start()
    try:
        made = [create(installation.settings, NOW + HOUR * number) for number in range(3)]
    finally:
        done.set()
        for thread in threads:
            thread.join()
    restore(made[-1].path, empty)
    both = rows(
        empty.server,
        "SELECT count(r.run_id), count(t.run_id), count(*) FROM pipeline_runs r "
        "FULL JOIN run_tickers t USING (run_id) WHERE run_id LIKE 'written%%'",
    )
    assert len(set(both[0])) == 1
    assert 0 < both[0][0] <= len(written)
    assert len(Place(empty.server, empty.home).live()) == 2


def test_what_is_not_empty_is_refused_and_left_alone(installation, empty):
    made = create(installation.settings, NOW)
    before = checksums(installation.url)
    other = Settings(home=empty.home, database_url=installation.url)
    with pytest.raises(BadInput, match=r"not empty"):
        restore(made.path, other)
    assert checksums(installation.url) == before
    Place(installation.url, installation.home).publish(both_horizons(session="2026-04-17"), days=9)
    refusal = r"not empty .it holds models/NSE/.*move models and mlops/model_archive away"
    with pytest.raises(BadInput, match=refusal):
        restore(made.path, Settings(home=installation.home, database_url=empty.server))
    assert tables_of(empty.server) == []


def test_a_fresh_schema_without_rows_is_empty(installation, empty):
    ensure_schema(empty.server)
    restore(create(installation.settings, NOW).path, empty)
    assert checksums(empty.server) == checksums(installation.url)


def test_a_torn_or_altered_archive_is_refused_before_anything_is_written(installation, empty):
    whole = create(installation.settings, NOW).path.read_bytes()
    path, chance = installation.home / "damaged.zip", random.Random(4)  # noqa: S311
    flipped = [chance.randrange(len(whole)) for _ in range(60)] + [0, len(whole) - 1]
    torn = [chance.randrange(len(whole)) for _ in range(20)] + [0, len(whole) - 1]
    for place in flipped:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(CorruptArchive):
            restore(path, empty)
    for size in torn:
        path.write_bytes(whole[:size])
        with pytest.raises(CorruptArchive):
            restore(path, empty)
    assert tables_of(empty.server) == []
    assert not empty.home.exists()


def test_members_are_checked_one_by_one_too(installation, empty):
    made = create(installation.settings, NOW)
    forged = installation.home / "forged.zip"
    with zipfile.ZipFile(made.path) as source, zipfile.ZipFile(forged, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "database/public.pool_members.copy":
                data = data.replace(b"TCS.NS", b"TCS.BO")
            target.writestr(name, data)
        target.comment = b"0" * 64
    body = forged.read_bytes()[:-64]
    forged.write_bytes(body + hashlib.sha256(body).hexdigest().encode())
    with pytest.raises(CorruptArchive, match="pool_members"):
        restore(forged, empty)
    assert tables_of(empty.server) == []


def test_a_failure_on_the_way_leaves_the_database_empty(installation, empty):
    made = create(installation.settings, NOW)
    empty.home.mkdir()
    (empty.home / "mlops").write_text("in the way")
    with pytest.raises(UnwritableFolder):
        restore(made.path, empty)
    (empty.home / "mlops").unlink()
    assert tables_of(empty.server) == []
    restore(made.path, empty)
    assert checksums(empty.server) == checksums(installation.url)


def test_models_of_another_signing_key_are_refused(installation, empty):
    Place(installation.url, installation.home, (b"k" * 32,)).publish(
        both_horizons(session="2026-04-17"), days=9
    )
    signed = Settings(home=installation.home, database_url=installation.url, signing_key="k" * 32)
    made = create(signed, NOW)
    other = Settings(home=empty.home, database_url=empty.server, signing_key="o" * 32)
    with pytest.raises(CorruptArtifact, match="another key"):
        restore(made.path, other)
    assert tables_of(empty.server) == []
    right = Settings(home=empty.home, database_url=empty.server, signing_key="k" * 32)
    restore(made.path, right)


def test_an_archive_of_an_older_schema_is_brought_up_to_date(server, home, empty):
    with new_database(server) as url:
        bring_to(url, "0012")
        rows(url, "INSERT INTO instruments (ticker) VALUES ('INFY.NS') RETURNING 1")
        made = create(Settings(home=home, database_url=url), NOW)
        assert made.manifest.revision == "0012"
    restore(made.path, empty)
    stored = rows(empty.server, "SELECT ticker FROM instruments ORDER BY 1")
    assert stored == [("INFY.NS",), ("TCS.NS",)]
    assert rows(empty.server, "SELECT version_num FROM alembic_version") == [(newest_revision(),)]


def test_an_empty_database_of_a_newer_schema_is_refused(server, home, empty):
    with new_database(server) as url:
        bring_to(url, "0012")
        made = create(Settings(home=home, database_url=url), NOW)
    ensure_schema(empty.server)
    with pytest.raises(BadInput, match="drop it, create it anew"):
        restore(made.path, empty)


def test_nothing_and_a_damaged_model_cannot_be_backed_up(installation, empty):
    with pytest.raises(BadInput, match="nothing to back up"):
        create(empty, NOW)
    (file,) = (installation.home / "models" / "NSE" / "long").glob("*/model.safetensors")
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    with pytest.raises(CorruptArtifact):
        create(installation.settings, NOW)
    for home in (empty.home, installation.home):
        assert [path.name for path in (home / "backups").iterdir()] == [".lock"]


def test_only_the_owner_reads_archives_and_old_ones_are_removed(installation):
    settings = installation.settings.model_copy(
        update={"backup": Settings(backup={"keep": 2, "folder": "kept"}).backup}
    )
    before = os.umask(0)
    try:
        made = [create(settings, NOW + HOUR * number) for number in range(4)]
    finally:
        os.umask(before)
    assert [one.removed for one in made] == [0, 0, 1, 1]
    kept = archives(installation.home / "kept")
    assert kept == [made[3].path, made[2].path]
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o600}
    with pytest.raises(BadInput, match="exists already"):
        create(settings, NOW + HOUR * 3)


def test_no_secret_of_the_settings_is_in_an_archive(installation):
    secrets = {
        "signing_key": "a-signing-key-that-is-long",
        "monitoring": {"alert_urls": ["json://user:channelpassword@localhost:9"]},
    }
    settings = Settings(home=installation.home, database_url=installation.url, **secrets)
    Place(installation.url, installation.home, b"a-signing-key-that-is-long").publish(
        both_horizons(session="2026-04-17"), days=9
    )
    with zipfile.ZipFile(create(settings, NOW).path) as archive:
        content = b"".join(map(archive.read, archive.namelist()))
    for secret in (b"a-signing-key-that-is-long", b"channelpassword"):
        assert secret not in content
    assert b"TCS.NS" in content


def test_a_backup_is_missed_only_where_one_was_made_or_configured(installation):
    settings = installation.settings
    assert backup_age(settings, NOW).bad is False
    configured = Settings(home=settings.home, backup={"folder": "archives"})
    assert backup_age(configured, NOW).bad is True
    create(settings, NOW)
    assert backup_age(settings, NOW + HOUR * 50).bad is False
    assert backup_age(settings, NOW + HOUR * 51).bad is True


def test_a_manifest_names_rows_hashes_versions_and_live_models(installation):
    made = create(installation.settings, NOW)
    with zipfile.ZipFile(made.path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    counted = {table["table"]["name"]: table["rows"] for table in manifest["tables"]}
    for name in ("features_daily", "model_events", "quarantine"):
        assert [(counted[name],)] == rows(installation.url, f"SELECT count(*) FROM {name}")
    assert manifest["revision"] == newest_revision()
    (version,) = rows(installation.url, "SHOW server_version")
    assert version[0].startswith(manifest["postgresql"])
    assert {live[:2] for live in map(tuple, manifest["live"])} == {
        ("NSE", "short"),
        ("NSE", "long"),
    }


def test_a_folder_of_archives_without_rights_is_named_with_its_setting(installation, no_rights):
    settings = Settings(
        home=installation.home, database_url=installation.url, backup={"folder": no_rights}
    )
    with pytest.raises(UnwritableFolder, match="or set FORECAST_BACKUP__FOLDER to another"):
        create(settings, NOW)
    with pytest.raises(UnreadableFolder, match="or set FORECAST_BACKUP__FOLDER to another"):
        archives(no_rights)
    observed = backup_age(settings, NOW)
    assert observed.bad
    assert str(no_rights) in observed.sentence


def test_a_missing_archive_is_one_sentence(installation):
    with pytest.raises(ForecastError, match=r"nowhere\.zip cannot be read"):
        restore(installation.home / "nowhere.zip", installation.settings)
