"""Tasks on a Dask cluster of real processes."""

import signal
import time

import numpy as np
import pytest

from src.core.errors import ClusterLost, WorkerLost
from src.stages.engine.open_engine import open_engine
from tests.support import tasks
from tests.support.clusters import Cluster


def test_sharing_with_a_cluster_that_is_gone_is_one_sentence(tmp_path):
    cluster = Cluster(tmp_path, [{}])
    try:
        with open_engine(address=cluster.address) as engine:
            cluster.scheduler.send_signal(signal.SIGKILL)
            with pytest.raises(ClusterLost, match=f"cluster at {cluster.address} was lost"):
                engine.share({"numbers": np.arange(5.0)})
    finally:
        cluster.close()


@pytest.mark.parametrize("lost", [0, 1])
def test_what_is_shared_outlives_any_worker_also_where_no_task_has_had_it(tmp_path, lost):
    cluster = Cluster(tmp_path, [{}, {}])
    try:
        with open_engine(address=cluster.address) as engine:
            shared = engine.share(np.arange(5.0))
            time.sleep(5)  # Dask looks every two seconds for copies that nobody waits for
            cluster.workers[lost].send_signal(signal.SIGKILL)
            cluster.workers[lost].wait()
            assert engine.submit(np.sum, shared).result(60) == 10.0
    finally:
        cluster.close()


def test_a_task_that_always_ends_its_worker_is_given_up(tmp_path):
    (tmp_path / "marks").mkdir()
    cluster = Cluster(tmp_path, [{}] * 5)
    try:
        with open_engine(address=cluster.address) as engine:
            with pytest.raises(WorkerLost, match="lost 4 times at the same task"):
                engine.submit(tasks.end_at_once, str(tmp_path / "marks"), 100).result()
            assert len(list((tmp_path / "marks").iterdir())) == 4
    finally:
        cluster.close()
