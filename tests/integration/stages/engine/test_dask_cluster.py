"""Tasks on a Dask cluster of real processes."""

import signal

import numpy as np
import pytest

from src.core.errors import ClusterLost
from src.stages.engine.open_engine import open_engine
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
