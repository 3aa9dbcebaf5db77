"""Tasks in processes of this machine: their results, their errors, their losses, their end."""

import os
import signal
import subprocess
import sys
import time
from multiprocessing import active_children
from pathlib import Path

import numpy as np
import pytest

from src.core.errors import BadInput, TaskFailed, WorkerLost
from src.stages.engine.engine import IN_PROCESS
from src.stages.engine.open_engine import open_engine
from src.stages.engine.process_pool import TASKS_PER_PROCESS
from src.stages.engine.shared_files import PREFIX, SharedFiles, shared_value
from tests.conftest import ROOT
from tests.support import tasks


@pytest.fixture(scope="module")
def engine():
    with open_engine(2) as opened:
        yield opened


def wait_until(is_so, seconds=30.0):
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.02)


def test_one_worker_is_this_process():
    with open_engine(1) as engine:
        assert engine is IN_PROCESS
        value = {"numbers": np.arange(3.0)}
        assert engine.share(value) is value
        assert engine.submit(tasks.process_id).result() == os.getpid()
        failed = engine.submit(tasks.fail, "No such file.")
    with pytest.raises(BadInput, match=r"^No such file\.$"):
        failed.result()


def test_two_workers_are_two_processes_beside_each_other(engine, tmp_path):
    waiting = engine.submit(tasks.wait_for, str(tmp_path / "go"))
    other = engine.submit(tasks.process_id).result()
    (tmp_path / "go").touch()
    assert len({os.getpid(), waiting.result(), other}) == 3


def test_a_worker_has_one_thread_and_this_process_stays_as_it_is(engine):
    names = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS", "OMP_WAIT_POLICY"]
    before = dict(os.environ)
    seen = engine.submit(tasks.environment, names).result()
    assert seen == dict(zip(names, ["1", "1", "1", "passive"], strict=True))
    assert dict(os.environ) == before


def test_an_error_of_a_task_is_raised_as_it_was(engine):
    with pytest.raises(BadInput, match=r"^The file x\.csv is empty\.$"):
        engine.submit(tasks.fail, "The file x.csv is empty.").result()


def test_an_error_that_cannot_be_sent_is_told_in_its_words(engine):
    with pytest.raises(TaskFailed, match="UnsendableError: this and that"):
        engine.submit(tasks.fail_unsendably).result()


def test_a_task_whose_process_is_killed_is_done_again(engine, tmp_path):
    (tmp_path / "marks").mkdir()
    waiting = engine.submit(tasks.wait_for, str(tmp_path / "go"))
    killed = engine.submit(tasks.end_at_once, str(tmp_path / "marks"), 2)
    assert killed.result() == 3
    assert not waiting.done()
    (tmp_path / "go").touch()
    assert waiting.result() in {engine.submit(tasks.process_id).result() for _ in range(4)}


def test_a_task_that_always_ends_its_process_is_given_up(engine, tmp_path):
    with pytest.raises(WorkerLost, match="lost 3 times at the same task"):
        engine.submit(tasks.end_at_once, str(tmp_path), 100).result()
    assert engine.submit(tasks.process_id).result() > 0


def test_a_shared_value_is_mapped_and_read_once_by_each_process(engine):
    numbers = np.arange(100_000.0)
    shared = engine.share({"numbers": numbers, "name": "TCS.NS"})
    seen = [engine.submit(tasks.describe, shared) for _ in range(8)]
    results = {future.result() for future in seen}
    assert {pid: total for pid, _, total, _, _ in results} == dict.fromkeys(
        (pid for pid, *_ in results), 99_999 * 100_000 / 2
    )
    assert len({(pid, identity) for pid, identity, *_ in results}) == len({r[0] for r in results})
    assert all(mapped and not writeable for *_, writeable, mapped in results)


def test_the_file_of_a_shared_value_goes_with_its_handle():
    files = SharedFiles()
    shared = files.share({"numbers": np.arange(5.0), "empty": np.array([]), "words": ["a"]})
    path = Path(shared.path)
    assert path.parent.stat().st_mode & 0o077 == 0
    value = shared_value(shared)
    del shared
    assert not path.exists()
    assert value["numbers"].tolist() == [0, 1, 2, 3, 4]
    assert value["empty"].size == 0
    assert value["words"] == ["a"]
    files.close()
    assert not path.parent.exists()


def test_what_a_killed_process_shared_is_removed_by_the_next(tmp_path):
    code = (
        "import os; from src.stages.engine.shared_files import SharedFiles; files = SharedFiles();"
        "shared = files.share([1]); os.kill(os.getpid(), 9)"
    )
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environ, check=False)
    assert len(list(tmp_path.glob(f"{PREFIX}*/0"))) == 1
    code = "from src.stages.engine.shared_files import SharedFiles; SharedFiles().close()"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environ, check=True)
    assert list(tmp_path.iterdir()) == []


def test_runs_that_start_together_do_not_remove_what_each_other_shares(tmp_path):
    code = (
        "from src.stages.engine.shared_files import SharedFiles\n"
        "for _ in range(300): SharedFiles().close()"
    )
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    started = [
        subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=environ) for _ in range(3)
    ]
    assert [process.wait() for process in started] == [0, 0, 0]
    assert list(tmp_path.iterdir()) == []


def test_a_process_is_replaced_after_some_tasks(tmp_path):
    with open_engine(2) as engine:
        waiting = engine.submit(tasks.wait_for, str(tmp_path / "go"))  # one process has all others
        futures = [engine.submit(tasks.process_id) for _ in range(2 * TASKS_PER_PROCESS)]
        pids = [future.result() for future in futures]
        (tmp_path / "go").touch()
        waiting.result()
    assert len(set(pids[:TASKS_PER_PROCESS])) == 1
    assert len(set(pids[TASKS_PER_PROCESS:])) == 1
    assert pids[0] != pids[-1]


def test_leaving_ends_what_still_runs(tmp_path):
    with open_engine(2) as engine:
        running = engine.submit(tasks.sleep_marked, str(tmp_path))
        wait_until(lambda: any(tmp_path.iterdir()))
    assert isinstance(running.exception(), WorkerLost)
    assert not _alive(tmp_path)


@pytest.mark.parametrize("to", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_the_workers_end_with_the_process_that_started_them(tmp_path, to):
    code = "from src.stages.cli import run_command; from tests.support.tasks import work_on; "
    marks, temporary = tmp_path / "marks", tmp_path / "temporary"
    marks.mkdir()
    temporary.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", f"{code}raise SystemExit(run_command(work_on))", str(marks)],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(temporary)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_until(lambda: len(list(marks.iterdir())) == 2)
    if to == signal.SIGINT:  # as a terminal sends it: to all of them
        os.killpg(process.pid, to)
    else:
        process.send_signal(to)
    _, stderr = process.communicate(timeout=60)
    wait_until(lambda: not _alive(marks))
    assert process.returncode == {signal.SIGKILL: -9, signal.SIGINT: 130, signal.SIGTERM: 143}[to]
    assert "Traceback" not in stderr
    assert bool(list(temporary.glob(f"{PREFIX}*"))) == (to == signal.SIGKILL)


def _alive(folder):
    return [path.name for path in folder.iterdir() if Path(f"/proc/{path.name}").exists()]


def test_an_idle_process_that_was_stopped_does_not_keep_the_block_from_its_end():
    with open_engine(2) as engine:
        pid = engine.submit(tasks.process_id).result()
        os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: " T " in Path(f"/proc/{pid}/stat").read_text())
    assert not Path(f"/proc/{pid}").exists()


def test_a_process_that_was_stopped_while_it_starts_does_not_keep_the_block_from_its_end():
    others = set(active_children())
    with open_engine(2) as engine:
        future = engine.submit(tasks.process_id)
        wait_until(lambda: set(active_children()) - others)
        (process,) = set(active_children()) - others
        os.kill(process.pid, signal.SIGSTOP)
    assert isinstance(future.exception(timeout=0), WorkerLost)
    assert not Path(f"/proc/{process.pid}").exists()
