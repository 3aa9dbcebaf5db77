import json
import logging

import pytest
import structlog

from src.config import logs


@pytest.fixture(autouse=True)
def no_handlers_of_ours_afterwards():
    root = logging.getLogger()
    quiet = [root, *map(logging.getLogger, logging.root.manager.loggerDict)]
    levels = [(logger, logger.level) for logger in quiet]
    yield
    for handler in [h for h in root.handlers if getattr(h, "_ours", False)]:
        root.removeHandler(handler)
        handler.close()
    for name in logging.root.manager.loggerDict:
        logging.getLogger(name).setLevel(logging.NOTSET)
    for logger, level in levels:
        logger.setLevel(level)
    structlog.contextvars.clear_contextvars()


def written(home):
    text = (home / "logs" / "tcs-stock.log").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def fail(sentence):
    raise ValueError(sentence)


def log_a_failure(**facts):
    try:
        fail("the cause")
    except ValueError as error:
        logs.get("here").error("it failed", exc_info=error, **facts)


def test_each_line_of_the_file_is_json_with_the_run_id(tmp_path):
    logs.configure(tmp_path)
    logs.bind_run("20260413_120000", ticker="TCS.NS")

    logs.get("here").info("3 rows came in", rows=3)

    (line,) = written(tmp_path)
    assert line["event"] == "3 rows came in"
    assert (line["run_id"], line["ticker"], line["rows"]) == ("20260413_120000", "TCS.NS", 3)
    assert (line["level"], line["logger"]) == ("info", "here")
    assert line["timestamp"].endswith("Z")


def test_lines_of_the_standard_library_have_the_run_id_too(tmp_path):
    logs.configure(tmp_path)
    logs.bind_run("a_run")

    logging.getLogger("library").warning("%d tries", 3, extra={"host": "db"})

    (line,) = written(tmp_path)
    assert (line["event"], line["run_id"], line["host"]) == ("3 tries", "a_run", "db")
    assert line["level"] == "warning"


def test_a_new_run_forgets_the_facts_of_the_one_before(tmp_path):
    logs.configure(tmp_path)
    logs.bind_run("first", ticker="TCS.NS")
    logs.bind_run("second")

    logs.get("here").info("a sentence")

    (line,) = written(tmp_path)
    assert line["run_id"] == "second"
    assert "ticker" not in line


def test_a_traceback_is_in_the_file_and_not_on_the_terminal(tmp_path, capsys):
    logs.configure(tmp_path)

    log_a_failure()

    (line,) = written(tmp_path)
    assert "Traceback" in line["exception"]
    assert "ValueError: the cause" in line["exception"]
    shown = capsys.readouterr().err
    assert shown.splitlines()[0].endswith("ERROR   it failed")
    assert len(shown.splitlines()) == 1


def test_what_is_for_the_file_only_is_not_on_the_terminal(tmp_path, capsys):
    logs.configure(tmp_path)

    log_a_failure(file_only=True)

    assert [line["event"] for line in written(tmp_path)] == ["it failed"]
    assert capsys.readouterr().err == ""


def test_the_terminal_shows_a_clock_a_level_and_the_sentence(tmp_path, capsys):
    logs.configure(tmp_path)

    logs.get("here").warning("prices are 2 sessions old", sessions=2)

    clock, _, rest = capsys.readouterr().err.partition(" ")
    assert rest == "WARNING prices are 2 sessions old\n"
    assert [len(part) for part in clock.split(":")] == [2, 2, 2]


def test_the_level_filters_the_terminal_and_never_the_file(tmp_path, capsys):
    logs.configure(tmp_path, "WARNING")

    for level in ("debug", "info", "warning"):
        getattr(logs.get("here"), level)(level)

    assert [line["event"] for line in written(tmp_path)] == ["debug", "info", "warning"]
    assert "WARNING warning" in capsys.readouterr().err.strip()


def test_configuring_again_moves_the_log_and_doubles_nothing(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    logs.configure(first)
    log = logs.get("here")
    log.info("one")

    logs.configure(second)
    log.info("two")

    assert [line["event"] for line in written(first)] == ["one"]
    assert [line["event"] for line in written(second)] == ["two"]


def test_a_folder_that_cannot_be_written_is_reported_once_and_logging_goes_on(tmp_path, capsys):
    (tmp_path / "logs").write_text("a file where the folder should be")

    logs.configure(tmp_path)
    logs.get("here").info("still here")

    notice, line = capsys.readouterr().err.splitlines()
    assert notice == (
        f"The log {tmp_path / 'logs' / 'tcs-stock.log'} cannot be written (File exists); "
        "going on without it."
    )
    assert line.endswith("INFO    still here")


def test_rotation_keeps_the_newest_lines_within_its_limits(tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "MAX_BYTES", 2_000)
    monkeypatch.setattr(logs, "BACKUPS", 3)
    logs.configure(tmp_path)

    for number in range(200):
        logs.get("here").info("a sentence", number=number)

    files = sorted((tmp_path / "logs").iterdir())
    assert [file.name for file in files] == [
        *("tcs-stock.log", "tcs-stock.log.1", "tcs-stock.log.2", "tcs-stock.log.3"),
    ]
    assert all(file.stat().st_size <= 2_000 for file in files)
    assert written(tmp_path)[-1]["number"] == 199


def test_values_that_json_does_not_know_are_written_as_text(tmp_path):
    logs.configure(tmp_path)

    logs.get("here").info("a place", path=tmp_path, many={"b"})

    (line,) = written(tmp_path)
    assert (line["path"], line["many"]) == (str(tmp_path), "{'b'}")


def test_noisy_libraries_are_heard_from_error_on(tmp_path):
    logs.configure(tmp_path)

    logging.getLogger("peewee").warning("chatter")
    logging.getLogger("peewee").error("a failure")

    assert [line["event"] for line in written(tmp_path)] == ["a failure"]


def test_secrets_are_hidden_and_a_single_letter_garbles_no_line(tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "_secrets", set())
    logs.configure(tmp_path)
    logs.hide(["x", "", "key-of-a-channel"])

    logs.get("here").info("an exact sentence with key-of-a-channel")

    (line,) = written(tmp_path)
    assert line["event"] == "an exact sentence with ***"
