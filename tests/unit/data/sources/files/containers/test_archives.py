"""Zip archives are read member by member, or refused in a sentence."""

import datetime as dt
import io
import time
import zipfile

import pytest

from src.core.errors import BadInput
from src.data.sources.files.containers import archives
from src.data.sources.files.reader import read_content
from tests.support.price_files import all_deliveries, file_source

BHAV = "SYMBOL,SERIES,OPEN,HIGH,LOW,CLOSE,LAST,PREVCLOSE,TOTTRDQTY,TIMESTAMP,\n"


def bhavcopy(day, close):
    return f"{BHAV}TCS,EQ,4100,4150,4080,{close},4121,4110,1200000,{day},\n"


def archive(path, members, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as opened:
        for name, text in members.items():
            opened.writestr(name, text)
    return path


def refusal(path, **options):
    with pytest.raises(BadInput) as caught:
        all_deliveries(file_source(path, **options))
    return str(caught.value)


def test_a_zipped_bhavcopy_is_read_as_the_file_in_it(tmp_path):
    path = archive(
        tmp_path / "cm31DEC2024bhav.csv.zip", {"cm31DEC2024bhav.csv": bhavcopy("31-DEC-2024", 4120)}
    )

    (delivery,) = all_deliveries(file_source(path))

    assert (delivery.ticker, delivery.vendor, delivery.origin) == ("TCS.NS", "nse", str(path))
    assert delivery.frame.select("date", "close").row(0) == (dt.date(2024, 12, 31), 4120.0)


def test_the_members_of_an_archive_are_read_and_days_of_the_market_are_one_delivery(tmp_path):
    path = archive(
        tmp_path / "december.zip",
        {
            "2024/cm30DEC2024bhav.csv": bhavcopy("30-DEC-2024", 4110),
            "2024/cm31DEC2024bhav.csv": bhavcopy("31-DEC-2024", 4120),
            "readme.txt": "nothing",
            "__MACOSX/2024/._cm31DEC2024bhav.csv": "\0",
        },
    )

    source = file_source(path)
    (delivery,) = all_deliveries(source)

    assert delivery.frame.select("date", "close").rows() == [
        (dt.date(2024, 12, 30), 4110.0),
        (dt.date(2024, 12, 31), 4120.0),
    ]
    members = "2024/cm30DEC2024bhav.csv to 2024/cm31DEC2024bhav.csv"
    assert delivery.origin == f"{path}, {members} (2 files)"
    (bundle,) = source.bundles
    assert (delivery.file_hash, delivery.file_parts) == (bundle.bundle_hash, 1)


def test_a_member_that_is_refused_keeps_no_other_back_and_the_file_is_parsed_again(tmp_path):
    good = bhavcopy("31-DEC-2024", 4120)
    source = file_source(
        archive(tmp_path / "a.zip", {"good.csv": good, "bad.csv": "Date,Open\n1,2\n"})
    )

    (delivery,) = all_deliveries(source)

    assert delivery.file_hash == ""
    (failure,) = source.take_failures()
    assert str(failure).startswith(f"{tmp_path / 'a.zip'}: bad.csv: its layout is unknown")


def test_an_archive_inside_another_is_refused(tmp_path):
    inner = io.BytesIO()
    archive(inner, {"TCS.csv": bhavcopy("31-DEC-2024", 4120)})

    message = refusal(archive(tmp_path / "a.zip", {"b.zip": inner.getvalue()}))

    assert message.endswith("it is a zip archive inside another: unpack the outer one first.")


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({}, "its zip archive has no price file."),
        ({"a.jpg": b"\xff\xd8"}, "its zip archive has no price file: it has a.jpg."),
        ({"TCS.csv": ""}, "it is empty: give a file with prices."),
    ],
)
def test_an_archive_without_prices_is_refused(tmp_path, members, sentence):
    assert refusal(archive(tmp_path / "a.zip", members)).endswith(sentence)


def test_an_encrypted_archive_is_refused(tmp_path):
    path = archive(tmp_path / "a.zip", {"TCS.csv": bhavcopy("31-DEC-2024", 4120)})
    packed = bytearray(path.read_bytes())
    packed[packed.index(b"PK\x01\x02") + 8] |= 1  # the flag of encryption in the directory
    path.write_bytes(packed)

    assert "it is protected by a password: unpack it first." in refusal(path)


def test_a_damaged_member_is_refused(tmp_path):
    path = archive(
        tmp_path / "a.zip", {"TCS.csv": bhavcopy("31-DEC-2024", 4120)}, zipfile.ZIP_STORED
    )
    path.write_bytes(path.read_bytes().replace(b"4120", b"9120"))

    assert "its zip data is damaged" in refusal(path)


def test_an_archive_that_unpacks_beyond_the_limit_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "LARGEST", 2**20)
    path = archive(tmp_path / "bomb.zip", {"a.csv": b"0" * 600_000, "b.csv": b"0" * 600_000})

    assert "larger than 1 MiB unpacked" in refusal(path)


def test_an_archive_of_many_members_is_opened_once(tmp_path):
    members = {f"{i}/TCS.NS.csv": bhavcopy("31-DEC-2024", 4120) for i in range(3000)}
    path = archive(tmp_path / "many.zip", members, zipfile.ZIP_STORED)

    started = time.process_time()
    texts = {member.read() for member in read_content(path).members}

    assert texts == {bhavcopy("31-DEC-2024", 4120).encode()}
    assert time.process_time() - started < 5  # about 0.2 s; 30 s where it is opened for each
