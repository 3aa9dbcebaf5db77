"""Check that the worker is at work, and that no request waits too long, where one was ever seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from src.db.queue.workers import DEAD_AFTER, newest_workers
from src.db.tables import run_requests
from src.monitoring.observation import Observation

if TYPE_CHECKING:
    from src.db.queue.workers import StoredWorker
    from src.db.tables.run_requests import StoredRequest
    from src.monitoring.checks.facts import Facts

RULES = ("worker_dead", "worker_restarts", "requests_waiting")
# Workers that are looked at, the newest first; so many deaths in so many seconds are too many.
LISTED, DEATHS, WITHIN = 100, 3, 600.0
# Seconds after which a dead worker is taken for removed, where another one works.
REMOVED_AFTER = 24 * 3600.0
# Minutes that a request may wait while no other one runs.
WAITS = 10.0


def check(facts: Facts) -> list[Observation]:
    """All observations of these rules; none where no worker was ever started."""
    workers = newest_workers(facts.connection, LISTED)
    if not workers:
        return []
    requests = run_requests.newest(facts.connection, LISTED)
    return [
        dead(workers),
        restarts(workers),
        waiting(requests, facts.settings.monitoring.run_minutes),
    ]


def dead(workers: Sequence[StoredWorker]) -> Observation:
    """Whether a worker is silent that neither said that it stops nor was started again."""
    unstopped = [each for each in workers if each.stopped_at is None]
    silent = [each for each in unstopped if each.silence > DEAD_AFTER]
    is_one_at_work = len(silent) < len(unstopped)
    missing = [
        each
        for each in silent
        if not _is_replaced(each, workers) and not (is_one_at_work and each.silence > REMOVED_AFTER)
    ]
    if not missing:
        return Observation("worker_dead", "", False, "")
    worker = min(missing, key=lambda each: each.silence)
    sentence = (
        f"The worker on {worker.host} (process {worker.pid}) was last seen "
        f"{worker.silence / 60:.0f} minutes ago."
    )
    return Observation("worker_dead", "", True, sentence, worker.silence / 60)


def restarts(workers: Sequence[StoredWorker]) -> Observation:
    """Whether workers that started in the last ten minutes died and were started again."""
    died = Counter(
        each.host
        for each in workers
        if each.stopped_at is None and each.age <= WITHIN and _is_replaced(each, workers)
    )
    host, count = max(died.items(), key=lambda item: item[1], default=("", 0))
    sentence = f"The worker on {host} has died {count} times in ten minutes." if count else ""
    return Observation("worker_restarts", "", count >= DEATHS, sentence, count)


def _is_replaced(worker: StoredWorker, workers: Sequence[StoredWorker]) -> bool:
    """Whether one was started on its machine after its last sign of life."""
    return any(each.host == worker.host and each.started_at > worker.seen_at for each in workers)


def waiting(requests: Sequence[StoredRequest], run_minutes: float) -> Observation:
    """Whether a request waits although nothing runs, or longer than a run may take.

    Args:
        requests: All live ones, and perhaps others.
        run_minutes: Minutes that a run may take.
    """
    is_one_running = any(each.status == run_requests.RUNNING for each in requests)
    limit = run_minutes if is_one_running else WAITS
    waits = [each for each in requests if each.status == run_requests.WAITING]
    longest = max(waits, key=lambda each: each.seconds, default=None)
    minutes = longest.seconds / 60 if longest else 0.0
    number = longest.request_id if longest else 0
    sentence = f"Request {number} has waited for {minutes:.0f} minutes." if longest else ""
    return Observation("requests_waiting", "", minutes > limit, sentence, minutes)
