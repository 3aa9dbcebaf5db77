"""What a cluster's address must lead to, before any task is sent there."""

import threading
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler

import pytest

from src.core.errors import ClusterLost, UsageError
from src.stages.engine import dask_cluster
from src.stages.engine.open_engine import open_engine


def opening(address):
    with open_engine(address=address):
        pass


@pytest.fixture
def web_server(tmp_path):
    """The port of a server that is no scheduler."""
    server = HTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=tmp_path))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_another_server_is_not_waited_for_without_end(web_server, monkeypatch):
    monkeypatch.setattr(dask_cluster, "CONNECT_SECONDS", 2)
    with pytest.raises(ClusterLost, match="No Dask scheduler answers at dask:"):
        opening(f"dask://127.0.0.1:{web_server}")


def test_tls_without_certificates_is_one_sentence(capfd):
    with pytest.raises(UsageError, match="needs certificates: set DASK_DISTRIBUTED__COMM__TLS"):
        opening("dask+tls://127.0.0.1:1")
    assert capfd.readouterr().err == ""


def test_certificates_that_are_not_there_are_one_sentence(tmp_path, monkeypatch):
    dask = pytest.importorskip("dask")
    monkeypatch.chdir(tmp_path)
    files = {f"distributed.comm.tls.client.{name}": "lost.pem" for name in ("cert", "key")}
    with (
        dask.config.set({"distributed.comm.tls.ca-file": "lost.pem", **files}),
        pytest.raises(UsageError, match=r"certificates of Dask's configuration cannot be read \("),
    ):
        opening("dask+tls://127.0.0.1:1")
