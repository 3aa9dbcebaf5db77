"""Serve the ridge of the serving benchmark by BentoML, from the peers' environment."""

import json

from benchmarks.parts.race import PEERS, PEERS_PYTHON
from benchmarks.serving import mlflow_peer


def serve_command(folder):
    """The command that serves the ridge, without its port, and its environment."""
    model, _ = mlflow_peer.ridge()
    folder.mkdir()
    spec = folder / "ridge.json"
    spec.write_text(json.dumps({"coef": model.coef.tolist(), "intercept": model.intercept}))
    program = str(PEERS_PYTHON.with_name("bentoml"))
    command = [program, "serve", "bento_ridge:Ridge", "--working-dir", str(PEERS)]
    environment = {
        "RIDGE": str(spec),
        "BENTOML_HOME": str(folder / "home"),
        "BENTOML_DO_NOT_TRACK": "True",
        # As ours: no line a request.
        "BENTOML_CONFIG_OPTIONS": "api_server.logging.access.enabled=false",
    }
    return [*command, "--host", "127.0.0.1"], environment


def request():
    """The request to `/predict` with a row of inputs."""
    values = list(mlflow_peer.ridge()[1].values())
    return f"/predict {json.dumps({'values': values})}"
