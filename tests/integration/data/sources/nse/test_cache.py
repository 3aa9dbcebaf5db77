"""Files on a real disk: whole or not at all, whatever happens to who writes them."""

import datetime as dt
import os
import resource
import subprocess
import sys
import time

import pytest

from src.data.sources.nse.cache import KEPT_FILES, Cache
from tests.conftest import ROOT

EVENING = dt.datetime(2026, 4, 8, 12, 30, tzinfo=dt.UTC)
WRITES_FOR_EVER = """
import datetime as dt, pathlib, sys
from src.data.sources.nse.cache import Cache
cache = Cache(pathlib.Path(sys.argv[1]))
while True:
    for letter in (b"a", b"b"):
        cache.write("file", letter * 500_000, dt.datetime.now(dt.UTC))
"""


def test_what_was_kept_is_read_with_the_time_at_which_it_was_asked_for(tmp_path):
    cache = Cache(tmp_path / "nse")
    assert cache.read("file") is None

    cache.write("file", None, EVENING)
    assert (cache.read("file").packed, cache.read("file").asked_at) == (None, EVENING)

    later = EVENING + dt.timedelta(hours=1)
    cache.write("file", b"prices", later)
    kept = Cache(tmp_path / "nse").read("file")
    assert (kept.packed, kept.asked_at) == (b"prices", later)
    assert os.listdir(tmp_path / "nse") == ["file"]

    cache.drop("file")
    assert cache.read("file") is None


def test_an_empty_file_is_none(tmp_path):
    (tmp_path / "file").touch()
    assert Cache(tmp_path).read("file") is None


def test_two_processes_write_and_are_killed_and_the_file_is_whole(tmp_path):
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITES_FOR_EVER, str(tmp_path)], cwd=ROOT)
        for _ in range(2)
    ]
    try:
        cache, contents = Cache(tmp_path), set()
        until = time.monotonic() + 20
        while time.monotonic() < until and len(contents) < 2:
            kept = cache.read("file")
            if kept is not None:
                contents.add(kept.packed)
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
    contents.add(cache.read("file").packed)
    assert contents == {b"a" * 500_000, b"b" * 500_000}

    # What they had not finished is deleted a day later.
    (tmp_path / ".file.x.part").write_bytes(b"half")
    cache.write("other", b"1", dt.datetime.now(dt.UTC) + dt.timedelta(days=2))
    assert sorted(os.listdir(tmp_path)) == ["file", "other"]


def test_a_full_disk_is_a_sentence_and_leaves_no_half_file(tmp_path):
    cache = Cache(tmp_path)
    cache.write("file", b"before", EVENING)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        cache.write("file", b"x" * 100_000, EVENING)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert cache.problem == f"NSE's files cannot be kept in {tmp_path} (File too large)"
    assert cache.read("file").packed == b"before"
    assert os.listdir(tmp_path) == ["file"]


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path):
    (tmp_path / "nse").write_text("a file where the folder should be")
    cache = Cache(tmp_path / "nse")

    cache.write("file", b"prices", EVENING)

    assert "cannot be kept" in cache.problem
    assert cache.read("file") is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_disk_that_cannot_be_written_is_a_sentence(tmp_path):
    cache = Cache(tmp_path)
    cache.write("file", b"prices", EVENING)
    tmp_path.chmod(0o500)
    try:
        cache.write("other", b"prices", EVENING)
        assert "Permission denied" in cache.problem
        assert cache.read("file").packed == b"prices"
    finally:
        tmp_path.chmod(0o700)


def test_only_so_many_files_are_kept_and_those_asked_for_last(tmp_path):
    for number in range(KEPT_FILES + 20):
        path = tmp_path / f"{number:04}"
        path.write_bytes(b"x")
        os.utime(path, (number, number))

    Cache(tmp_path).write("newest", b"prices", EVENING)

    names = sorted(os.listdir(tmp_path))
    assert (len(names), names[0], names[-1]) == (KEPT_FILES, "0021", "newest")
