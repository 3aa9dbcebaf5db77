"""Tasks on a Dask cluster of real processes."""

import signal

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
