"""``python -m mlops.backup``: a real installation moved, and processes killed half-way."""

import signal
import time
import zipfile
from pathlib import Path

import psycopg
import pytest

from src.db.database import DATA_DIR
from src.db.embedded.lease import acquire
from tests.support.backups import BackedUp, files_below
from tests.support.checksums import checksums, rows
from tests.support.data_runs import data_is_stored
from tests.support.databases import new_database

PIPELINE = ("mlops.pipeline", "--ticker", "DEMO.NS", "--skip-training")
AT = "2026-06-30T18:00+05:30"


def test_an_installation_is_moved_and_goes_on(command, home, tmp_path):
    assert data_is_stored(command(*PIPELINE, FORECAST_NOW=AT))
    created = command("mlops.backup", "create", FORECAST_NOW=AT)
    (archive,) = (home / "backups").glob("*.zip")
    assert (created.returncode, created.stderr) == (0, "")
    assert archive.name == "backup-20260630T123000Z.zip"
    assert str(archive) in created.stdout
    assert archive.name in command("mlops.backup", "list").stdout
    verified = command("mlops.backup", "verify", archive.name)
    assert "every byte is as it was written" in verified.stdout
    elsewhere = tmp_path / "elsewhere"
    restored = command("mlops.backup", "restore", archive, FORECAST_HOME=elsewhere)
    assert (restored.returncode, restored.stderr) == (0, "")
    with acquire(home / DATA_DIR) as here, acquire(elsewhere / DATA_DIR) as there:
        assert checksums(here.url) == checksums(there.url)
    again = command("mlops.backup", "restore", archive, FORECAST_HOME=elsewhere)
    assert again.returncode == 1
    assert again.stderr.count("\n") == 1
    assert f"in {elsewhere / DATA_DIR} is not empty" in again.stderr
    assert f"move {elsewhere / DATA_DIR} away" in again.stderr
    later = command(*PIPELINE, FORECAST_NOW=AT, FORECAST_HOME=elsewhere)
    assert data_is_stored(later)
    # What is in the way is moved aside; whoever looks meanwhile makes a new database.
    (elsewhere / "var" / "before").mkdir()
    for folder in (DATA_DIR, "models"):
        (elsewhere / folder).rename(elsewhere / "var" / "before" / Path(folder).name)
    assert command("mlops.worker", "status", FORECAST_HOME=elsewhere).returncode in (0, 1)
    assert (elsewhere / DATA_DIR).is_dir()
    back = command("mlops.backup", "restore", archive, FORECAST_HOME=elsewhere)
    assert (back.returncode, back.stderr) == (0, "")
    with acquire(home / DATA_DIR) as here, acquire(elsewhere / DATA_DIR) as there:
        assert checksums(here.url) == checksums(there.url)


def test_without_an_archive_each_command_says_so_in_one_sentence(command, tmp_path):
    assert "There is no archive in" in command("mlops.backup", "list").stdout
    for arguments in (("verify",), ("restore", tmp_path / "none.zip")):
        ran = command("mlops.backup", *arguments)
        assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (1, "", 1)


def test_a_file_that_is_no_archive_is_called_so(command, tmp_path):
    other = tmp_path / "notes.txt"
    other.write_text("notes of somebody " * 20)
    with zipfile.ZipFile(tmp_path / "notes.zip", "w") as file:
        file.writestr("notes.txt", "notes of somebody")
    for path in (other, tmp_path / "notes.zip"):
        verified = command("mlops.backup", "verify", path)
        assert (verified.returncode, verified.stderr.count("\n")) == (1, 1)
        assert "no archive of" in verified.stderr
        assert "torn" not in verified.stderr
        assert "restored" not in verified.stderr
    assert "nothing was restored" in command("mlops.backup", "restore", other).stderr


def test_a_folder_of_archives_that_is_a_file_is_one_sentence(command, tmp_path):
    file = tmp_path / "file"
    file.touch()
    for action in ("list", "create"):
        ran = command("mlops.backup", action, FORECAST_BACKUP__FOLDER=str(file))
        assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (1, "", 1)
        assert "move away the file in its place, or set FORECAST_BACKUP__FOLDER" in ran.stderr


def test_a_home_that_is_a_file_is_one_sentence_for_every_command(command, tmp_path):
    file = tmp_path / "file"
    file.touch()
    for arguments in (("mlops.worker", "status"), ("mlops.backup", "list"), ("mlops.up", "--stop")):
        ran = command(*arguments, FORECAST_HOME=file)
        assert (ran.returncode, ran.stdout) == (1, "")
        assert ran.stderr == f"FORECAST_HOME is a file, or below one: {file}; set it to a folder.\n"


@pytest.fixture
def large(database_url, home):
    """An installation with enough rows that a copy takes a while."""
    installation = BackedUp(database_url, home)
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO notes_of_ours (note) "
            "SELECT repeat(md5(n::text), 40) FROM generate_series(1, 20000) n"
        )
    return installation


def wait_until(process, condition):
    """Whether the condition came about before the process ended."""
    while process.poll() is None:
        if condition():
            return True
        time.sleep(0.005)
    return False


def is_copying(url):
    name = rows(url, "SELECT current_database()")[0][0]
    query = (
        "SELECT 1 FROM pg_stat_activity WHERE datname = %s AND state = 'active' AND query LIKE %s"
    )
    return bool(rows(url, query, name, "COPY%"))


@pytest.mark.parametrize("moment", ["models", "rows"])
def test_a_killed_restore_leaves_an_empty_database_and_can_be_run_again(
    moment, large, server, command, start, tmp_path
):
    source = {"DATABASE_URL": large.url}
    assert command("mlops.backup", "create", **source).returncode == 0
    (archive,) = (large.home / "backups").glob("*.zip")
    with new_database(server) as url:
        target = {"DATABASE_URL": url, "FORECAST_HOME": str(tmp_path / "restored")}
        restoring = start("mlops.backup", "restore", archive, **target)
        conditions = {
            "models": (tmp_path / "restored" / "models" / "NSE").exists,
            "rows": lambda: is_copying(url),
        }
        assert wait_until(restoring, conditions[moment])
        restoring.kill()
        restoring.wait(60)
        ended = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        while rows(url, ended) != [(1,)]:
            time.sleep(0.05)
        assert rows(url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]
        again = command("mlops.backup", "restore", archive, **target)
        assert again.returncode == 0, again.stderr
        assert checksums(url) == checksums(large.url)
    assert files_below(tmp_path / "restored") == files_below(large.home)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_backup_leaves_no_archive(how, large, command, start):
    target = {"DATABASE_URL": large.url}
    creating = start("mlops.backup", "create", **target)
    folder = large.home / "backups"
    assert wait_until(creating, lambda: is_copying(large.url))
    creating.send_signal(how)
    creating.wait(60)
    assert list(folder.glob("*.zip")) == []
    assert len(list(folder.glob(".new-*"))) == (how == signal.SIGKILL)
    assert command("mlops.backup", "create", **target).returncode == 0
    assert len(list(folder.glob("*.zip"))) == 1
    assert list(folder.glob(".new-*")) == []
