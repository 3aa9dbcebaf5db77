"""`python -m mlops.worker.probe`, as the health check of a container runs it."""

import socket

import psycopg

from src.db.queue.workers import WorkerRow


def test_only_a_worker_of_this_host_that_works_is_healthy(database_url, command):
    def probe():
        done = command("mlops.worker.probe", DATABASE_URL=database_url)
        return done.returncode, done.stdout, done.stderr

    host = socket.gethostname()
    bad = (1, "", f"No worker on {host} showed a sign of life within 60 s.\n")
    with psycopg.connect(database_url, autocommit=True) as connection:
        WorkerRow("another-host", 1).seen(connection)
        assert probe() == bad
        row = WorkerRow(host, 2)
        row.seen(connection)
        assert probe() == (0, "", "")
        connection.execute("UPDATE workers SET seen_at = seen_at - interval '61 s'")
        assert probe() == bad
        row.seen(connection)
        row.stopped(connection)
        assert probe() == bad
