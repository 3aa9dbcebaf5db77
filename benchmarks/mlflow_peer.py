"""A ridge in; `mlflow models serve` of the same ridge out, from an environment of its own.

MLflow is no dependency of ours. The model is a bare scikit-learn Ridge without a signature, the
quickest that MLflow can serve: a pipeline with a scaler, or a schema to hold the row to, costs it
more.
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

told = json.load(sys.stdin)
model = Ridge()
model.coef_, model.intercept_ = np.array(told["coef"]), told["intercept"]
model.n_features_in_ = len(told["names"])
model.feature_names_in_ = np.array(told["names"], dtype=object)
mlflow.sklearn.save_model(model, told["folder"])
"""


@cache
def ridge():
    """A ridge over all inputs that a challenger has, and a row of them in standard units."""
    import numpy as np

    from src.features.model_features import model_features
    from src.registry.formats.models import LinearModel

    names, random = tuple(one.name for one in model_features()), np.random.default_rng(7)
    weights, values = random.normal(0, 1e-4, len(names)), random.normal(0, 1, len(names))
    return LinearModel(names, weights, 0.0007), dict(zip(names, values.tolist(), strict=True))


def found(named):
    """The program `mlflow`: as named, beside the python that is named, or on PATH; else None."""
    path = shutil.which(named or "mlflow")
    if path is None:
        return None
    beside = Path(path).with_name("mlflow")
    return beside if beside.exists() else None


def served(program, folder):
    """A command that serves the ridge, without its port, and its environment."""
    python, (model, _) = program.resolve().with_name("python"), ridge()
    told = {"names": model.features, "coef": model.coef.tolist(), "intercept": model.intercept}
    told["folder"] = str(folder)
    subprocess.run([python, "-c", SAVE], input=json.dumps(told), text=True, check=True)
    serve = "models serve --env-manager local --workers 1 --host 127.0.0.1 --model-uri"
    # It starts the uvicorn that it finds on PATH, which must be its own.
    path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    quiet = {"UVICORN_ACCESS_LOG": "false"}  # as ours is
    return [str(program), *serve.split(), str(folder)], {"PATH": path, **quiet}


def question():
    """A row of inputs as `/invocations` is asked with it."""
    inputs = ridge()[1]
    row = {"columns": list(inputs), "data": [list(inputs.values())]}
    return f"/invocations {json.dumps({'dataframe_split': row})}"
