"""A BentoML service that answers with a ridge's forecast; $RIDGE names its JSON file."""

from __future__ import annotations

import json
import os
from pathlib import Path

import bentoml
import numpy as np


@bentoml.service(workers=1)
class Ridge:
    """The dot product of a row with the weights, plus the intercept."""

    def __init__(self) -> None:
        spec = json.loads(Path(os.environ["RIDGE"]).read_text())
        self.weights, self.intercept = np.array(spec["coef"]), spec["intercept"]

    @bentoml.api
    async def predict(self, values: list[float]) -> float:
        """One forecast."""
        return float(np.dot(self.weights, values) + self.intercept)
