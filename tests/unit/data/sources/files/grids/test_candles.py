"""JSON of brokers and of pandas is read, and any other refused."""

import datetime as dt
import json

import pytest

from src.core.errors import BadInput
from src.data.sources.files.grids.candles import read_json
from tests.support.price_files import all_deliveries, file_source

OHLCV = [4100.05, 4150, 4080, 4120.10, 1200]
BAR = (4100.05, 4150.0, 4080.0, 4120.1, 1200.0)
TIMES = [f"2024-12-31T{hour:02}:15:00" for hour in range(9, 16)]


def candles(offset, *, interest=False):
    return [[time + offset, *OHLCV, *([0] if interest else [])] for time in TIMES]


def kite(offset="+0530", **options):
    return {"status": "success", "data": {"candles": candles(offset, **options)}}


def delivered(tmp_path, data):
    path = tmp_path / "TCS.json"
    path.write_text(json.dumps(data))
    (delivery,) = all_deliveries(file_source(path, ticker="TCS"))
    return delivery


@pytest.mark.parametrize(
    ("data", "vendor"),
    [
        (kite(), "kite"),
        (kite(interest=True), "kite"),
        (kite("+05:30", interest=True), "upstox"),
        (kite("+05:30"), "unnamed"),
        (kite("Z"), "unnamed"),
        ({"status": True, "message": "SUCCESS", "data": candles("+05:30")}, "angelone"),
    ],
)
def test_candles_are_bars_of_the_broker_whose_form_they_have(tmp_path, data, vendor):
    if "Z" in json.dumps(data):
        data["data"]["candles"] = [["2024-12-31T00:00:00Z", *OHLCV]]

    delivery = delivered(tmp_path, data)

    assert delivery.vendor == vendor
    assert delivery.frame.select("open", "high", "low", "close", "volume").row(0) == BAR


def test_candles_newest_first_are_read_at_their_times(tmp_path):
    data = kite("+05:30", interest=True)
    data["data"]["candles"].reverse()

    frame = delivered(tmp_path, data).frame

    assert frame["ts"][0] == dt.datetime(2024, 12, 31, 9, 45, tzinfo=dt.UTC)
    assert frame["ts"][6] == dt.datetime(2024, 12, 31, 3, 45, tzinfo=dt.UTC)


NAMES = ["Date", "Open", "High", "Low", "Close", "Volume"]
DAY = ["2024-12-31T00:00:00.000", *OHLCV]


@pytest.mark.parametrize(
    "data",
    [
        [dict(zip(NAMES, DAY, strict=True))],
        {name: {"0": value} for name, value in zip(NAMES, DAY, strict=True)},
        {name: {DAY[0]: value} for name, value in zip(NAMES[1:], OHLCV, strict=True)},
    ],
)
def test_what_pandas_writes_is_read(tmp_path, data):
    delivery = delivered(tmp_path, data)

    assert delivery.frame.row(0)[1:7] == (dt.date(2024, 12, 31), *BAR)


def test_numbers_stay_as_they_are_written():
    table, _ = read_json(b'[{"Date": 1735603200000, "Close": 4120.10000000000000001}]')

    assert table.head == [["Date", "Close"], ["1735603200000", "4120.10000000000000001"]]


def test_records_that_lack_a_name_have_blank_cells():
    table, _ = read_json(b'[{"a": 1}, {"b": null}, {"b": "x"}]')

    assert table.head == [["a", "b"], ["1", ""], ["", "x"]]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "its JSON is damaged"),
        ("[" * 100_000, "its JSON is damaged"),
        ('{"a": 1}\n{"a": 2}', "its JSON is of an unknown form"),
        ("[]", "its JSON is of an unknown form"),
        ("[1, 2]", "its JSON is of an unknown form"),
        ("{}", "its JSON is of an unknown form"),
        ('{"a": {"0": 1}, "b": {"1": 1}}', "its JSON is of an unknown form"),
        ('[{"a": [1]}]', "its JSON is of an unknown form"),
        ('{"status": "success", "data": {"candles": [[1, 2], [1]]}}', "of an unknown form"),
        ('{"status": "success", "data": {"candles": []}}', "it has no candle"),
        ('{"status": "success", "data": null}', "its JSON is of an unknown form"),
        (
            '{"status": "error", "message": "Invalid token"}',
            r"it is an error of a broker \(Invalid token\): download it again\.",
        ),
    ],
)
def test_any_other_json_is_refused_in_one_sentence(text, sentence):
    with pytest.raises(BadInput, match=sentence):
        read_json(text.encode())
