import datetime as dt
import json
import math
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor

import pytest

from src.core.errors import BadInput, UnwritableFolder
from src.monitoring.metrics.history import read_points
from src.monitoring.metrics.points import MetricsFolder, make_point, prune, write_point

AT = dt.datetime(2026, 4, 16, 13, 0, tzinfo=dt.UTC)
SPAWN = multiprocessing.get_context("spawn")


def write_many(folder, writer, count):
    for number in range(count):
        write_point(folder, "load", number, {"writer": writer}, AT)


def write_for_ever(folder):
    while True:
        write_point(folder, "killed", 1.5, {"padding": "x" * 3000}, AT)


def everything(folder):
    return read_points(folder, AT - dt.timedelta(days=1), AT + dt.timedelta(days=1))


def test_a_point_is_one_line_of_json_in_the_file_of_its_utc_day(tmp_path):
    evening = dt.datetime(2026, 4, 17, 1, 30, tzinfo=dt.timezone(dt.timedelta(hours=5, minutes=30)))
    write_point(tmp_path / "metrics", "model_r2_score", 0.45, {"horizon": "short"}, evening)
    (path,) = (tmp_path / "metrics").iterdir()
    assert path.name == "2026-04-16.jsonl"
    assert path.read_text() == (
        '{"timestamp":"2026-04-16T20:00:00.000000+00:00","name":"model_r2_score","value":0.45,'
        '"tags":{"horizon":"short"}}\n'
    )


def test_eight_processes_write_eighty_thousand_lines(tmp_path):
    with ProcessPoolExecutor(8, mp_context=SPAWN) as pool:
        list(pool.map(write_many, [tmp_path] * 8, range(8), [10_000] * 8))
    history = everything(tmp_path)
    assert history.unreadable == ()
    assert len(history.points) == 80_000
    by_writer = {str(writer): [] for writer in range(8)}
    for point in history.points:
        by_writer[point.tags["writer"]].append(point.value)
    # One after the other, each as it was written.
    assert all(values == list(range(10_000)) for values in by_writer.values())


def test_a_killed_writer_leaves_at_most_one_torn_line(tmp_path):
    for _ in range(3):
        process = SPAWN.Process(target=write_for_ever, args=(tmp_path,))
        process.start()
        path = tmp_path / "2026-04-16.jsonl"
        size = path.stat().st_size if path.exists() else 0
        while not path.exists() or path.stat().st_size < size + 100_000:
            time.sleep(0.005)
        process.kill()
        process.join()
        write_point(tmp_path, "after", 2.0, None, AT)
    history = everything(tmp_path)
    assert len(history.unreadable) <= 3
    assert sum(point.name == "after" for point in history.points) == 3


def test_a_torn_line_costs_no_other_and_is_named(tmp_path):
    write_point(tmp_path, "before", 1.0, None, AT)
    with (tmp_path / "2026-04-16.jsonl").open("a") as file:
        file.write('{"timestamp":"2026-04-16T13:00')
    write_point(tmp_path, "after", 2.0, None, AT)
    write_point(tmp_path, "after", 3.0, None, AT)
    history = everything(tmp_path)
    assert [(point.name, point.value) for point in history.points] == [
        ("before", 1.0),
        ("after", 2.0),
        ("after", 3.0),
    ]
    assert history.unreadable == ("2026-04-16.jsonl line 2",)


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "[]",
        "7",
        '{"timestamp":"2026-04-16T13:00:00+00:00","name":"x","tags":{}}',
        '{"timestamp":"2026-04-16T13:00:00","name":"x","value":1,"tags":{}}',
        '{"timestamp":"2026-04-16T13:00:00+00:00","name":"x","value":null,"tags":{}}',
        '{"timestamp":"2026-04-16T13:00:00+00:00","name":7,"value":1,"tags":{}}',
        '{"timestamp":"2026-04-16T13:00:00+00:00","name":"x","value":1,"tags":[]}',
    ],
)
def test_a_line_that_is_no_whole_point_is_named(tmp_path, line):
    (tmp_path / "2026-04-16.jsonl").write_text(f"\n{line}\n")
    assert everything(tmp_path).unreadable == ("2026-04-16.jsonl line 2",)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("", 1.0, "'' cannot name a metric"),
        ("two words", 1.0, "'two words' cannot name a metric"),
        ("x\n", 1.0, "cannot name a metric"),
        (7, 1.0, "7 cannot name a metric"),
        ("x", math.nan, "The metric x cannot be nan: give a finite number."),
        ("x", math.inf, "cannot be inf"),
        ("x", "much", "cannot be 'much'"),
        ("x", None, "cannot be None"),
    ],
)
def test_what_cannot_be_a_metric_is_refused(tmp_path, name, value, sentence):
    with pytest.raises(BadInput, match=sentence):
        write_point(tmp_path, name, value, None, AT)
    assert list(tmp_path.iterdir()) == []


def test_a_time_without_a_zone_and_tags_without_end_are_refused(tmp_path):
    with pytest.raises(BadInput, match="has no zone"):
        make_point("x", 1.0, None, AT.replace(tzinfo=None))
    with pytest.raises(BadInput, match="too long tags"):
        write_point(tmp_path, "x", 1.0, {"why": "y" * 5000}, AT)


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UnwritableFolder, match="cannot be written"):
        write_point(tmp_path / "file" / "metrics", "x", 1.0, None, AT)


def test_only_old_files_of_metrics_are_deleted(tmp_path):
    for day in ("2026-04-05", "2026-04-06", "2026-04-16"):
        (tmp_path / f"{day}.jsonl").write_text("")
    (tmp_path / "notes.jsonl").write_text("")
    removed = prune(tmp_path, dt.date(2026, 4, 16), keep_days=10)
    assert [path.name for path in removed] == ["2026-04-05.jsonl"]
    assert sorted(os.listdir(tmp_path)) == ["2026-04-06.jsonl", "2026-04-16.jsonl", "notes.jsonl"]


def test_the_first_point_of_a_day_deletes_what_is_too_old(tmp_path):
    (tmp_path / "2026-04-05.jsonl").write_text("{}\n")
    metrics = MetricsFolder(tmp_path, keep_days=10)
    metrics.write([make_point("x", 1.0, None, AT)])
    (path,) = tmp_path.iterdir()
    assert json.loads(path.read_text())["value"] == 1.0
    (tmp_path / "2026-04-05.jsonl").write_text("{}\n")
    metrics.write([make_point("x", 2.0, None, AT)])
    assert len(list(tmp_path.iterdir())) == 2
