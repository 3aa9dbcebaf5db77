"""The manifest of a version: tags, its bytes and back, and files that are not what it says."""

import datetime as dt
import json

import pytest

from src.core.errors import UsageError
from src.registry.lifecycle.events import Author
from src.registry.versions.manifest import NoVersion, check_tag, compare, list_files, parse, render

AUTHOR = Author("me", dt.datetime(2026, 4, 13, 18, 0, tzinfo=dt.timezone(dt.timedelta(hours=5.5))))
SHORT = f"NSE/short/{'a' * 64}/manifest.json"
LONG = f"NSE/long/{'b' * 64}/manifest.json"
FILE = {"sha256": "f" * 64, "size": 1}


@pytest.mark.parametrize("tag", ["v1", "v1.0-2025-01-15", "1", "A_b+c", "x" * 64])
def test_a_plain_name_is_a_tag(tag):
    check_tag(tag)


@pytest.mark.parametrize(
    "tag",
    [
        *("", "../x", "..", ".", ".hidden", "a/b", "a\\b", "a..b", "a b", "v1\n", "a\0", "é"),
        *("-v", "/etc", "~", "x" * 65, "trial:0123456789ab"),
    ],
)
def test_what_a_path_would_read_otherwise_is_no_tag(tag):
    with pytest.raises(UsageError, match="is not a version tag") as refused:
        check_tag(tag)
    assert str(refused.value).isprintable()


def test_what_was_written_is_read():
    version = parse("v1", render("v1", AUTHOR, {SHORT: FILE, LONG: FILE}))

    assert version.sets == {("NSE", "short"): "a" * 64, ("NSE", "long"): "b" * 64}
    assert version.made_at == dt.datetime(2026, 4, 13, 12, 30, tzinfo=dt.UTC)
    assert (version.tag, version.pools) == ("v1", ["NSE"])


@pytest.mark.parametrize(
    "path",
    [
        "NSE/short/manifest.json",
        f"../short/{'a' * 64}/manifest.json",
        f"NSE/medium/{'a' * 64}/manifest.json",
        f"NSE/short/{'a' * 63}/manifest.json",
        f"NSE/short/{'c' * 64}/manifest.json",
    ],
)
def test_a_path_that_is_not_of_its_sets_is_refused(path):
    with pytest.raises(Exception, match=r"unpack|cannot name|no set|two sets"):
        parse("v1", render("v1", AUTHOR, {SHORT: FILE, path: FILE}))


@pytest.mark.parametrize("bent", [{"tag": "v2"}, {"made_at": "2026-04-13T12:30:00"}])
def test_another_versions_manifest_and_a_time_without_zone_are_refused(bent):
    fields = json.loads(render("v1", AUTHOR, {SHORT: FILE}))

    with pytest.raises(ValueError, match=r"made as 'v2'|no zone"):
        parse("v1", json.dumps(fields | bent).encode())


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        ({}, "b is missing"),
        ({"b": FILE, "c": FILE}, "c does not belong"),
        ({"b": FILE | {"sha256": "0" * 64}}, "b was changed"),
    ],
)
def test_a_file_missing_changed_or_one_too_many_is_named(stored, message):
    with pytest.raises(ValueError, match=message):
        compare({"b": FILE}, stored)


def test_a_tree_tells_every_file_but_the_manifest(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_bytes(b"abc")
    (tmp_path / "version.json").write_bytes(b"")
    (tmp_path / "a" / "version.json").write_bytes(b"")

    files = list_files(tmp_path)

    assert set(files) == {"a/b", "a/version.json"}
    # FIPS 180-2, B.1.
    assert files["a/b"]["sha256"].startswith("ba7816bf8f01cfea414140de5dae2223")
    assert files["a/b"]["size"] == 3


@pytest.mark.parametrize("target", ["/etc/passwd", "/etc", "nowhere"])
def test_a_link_in_a_version_is_refused(tmp_path, target):
    (tmp_path / "link").symlink_to(target)

    with pytest.raises(ValueError, match="link is not a regular file"):
        list_files(tmp_path)


@pytest.mark.parametrize(
    ("tags", "hint"),
    [
        ([], "make one with"),
        (["v1.0", "v2.0"], "did you mean v1.0 or v2.0?"),
        (["release", "nightly"], "the newest are release, nightly."),
    ],
)
def test_a_version_that_never_was_is_reported_with_the_nearest(tags, hint):
    message = str(NoVersion("v1.O", tags))

    assert message.startswith("There is no version 'v1.O': ")
    assert hint in message
