"""Serve the ridge of the serving benchmark by `mlflow models serve`, from another environment.

MLflow is not a dependency. The model is a bare scikit-learn Ridge without a signature, the
fastest that MLflow can serve: a pipeline with a scaler, or a schema to validate rows, costs more.
"""

import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

JSON = {"Content-Type": "application/json"}
HOW = (
    "mlflow models serve was not measured: python3 -m venv /tmp/mlflow && /tmp/mlflow/bin/pip "
    "install mlflow 'uvicorn[standard]', then --mlflow /tmp/mlflow/bin/mlflow."
)

SAVE = """
import json, sys
import numpy as np
import mlflow.sklearn
from sklearn.linear_model import Ridge

spec = json.load(sys.stdin)
model = Ridge()
model.coef_, model.intercept_ = np.array(spec["coef"]), spec["intercept"]
model.n_features_in_ = len(spec["names"])
model.feature_names_in_ = np.array(spec["names"], dtype=object)
mlflow.sklearn.save_model(model, spec["folder"])
"""


@cache
def ridge():
    """A ridge over all inputs of the candidates, and a row of them in standard units."""
    import numpy as np

    from src.features.catalogue import model_features
    from src.registry.formats.models import LinearModel

    names, random = tuple(feature.name for feature in model_features()), np.random.default_rng(7)
    weights, values = random.normal(0, 1e-4, len(names)), random.normal(0, 1, len(names))
    return LinearModel(names, weights, 0.0007), dict(zip(names, values.tolist(), strict=True))


def find_program(name):
    """The program `mlflow`: ``name``, beside the python ``name``, or on PATH; else None."""
    path = shutil.which(name or "mlflow")
    if path is None:
        return None
    beside = Path(path).with_name("mlflow")
    return beside if beside.exists() else None


def serve_command(program, folder):
    """The command that serves the ridge, without its port, and its environment."""
    python, (model, _) = program.resolve().with_name("python"), ridge()
    spec = {"names": model.features, "coef": model.coef.tolist(), "intercept": model.intercept}
    spec["folder"] = str(folder)
    subprocess.run([python, "-c", SAVE], input=json.dumps(spec), text=True, check=True)
    serve = "models serve --env-manager local --workers 1 --host 127.0.0.1 --model-uri"
    # It starts the uvicorn that it finds on PATH, which must be its own.
    path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    quiet = {"UVICORN_ACCESS_LOG": "false"}  # as ours is
    return [str(program), *serve.split(), str(folder)], {"PATH": path, **quiet}


def request():
    """The request to `/invocations` with a row of inputs."""
    inputs = ridge()[1]
    row = {"columns": list(inputs), "data": [list(inputs.values())]}
    return f"/invocations {json.dumps({'dataframe_split': row})}"
