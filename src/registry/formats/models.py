"""Turn a trained model into the bytes of a skops file and back; nothing in a file is run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import numpy as np

from src.core.arrays import Floats
from src.registry.formats import skops_file
from src.registry.formats.trees import Trees

MODEL = "model.skops"


class Model(Protocol):
    """A model that can be stored and forecasts one row."""

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the model's inputs, in their order."""

    def predict(self, values: Floats) -> float:
        """Forecast one row, a simple return: ``values`` in the order of ``features``."""


@dataclass(frozen=True, eq=False)
class LinearModel:
    """A forecast is ``values @ coef + intercept``, a simple return.

    Raises:
        ValueError: When coefficients and names do not match, or are not finite numbers.
    """

    features: tuple[str, ...]
    coef: Floats
    intercept: float
    options: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.coef.dtype != np.float64 or self.coef.shape != (len(self.features),):
            raise ValueError("a linear model needs one float64 coefficient for each feature")
        if not (np.isfinite(self.coef).all() and np.isfinite(self.intercept)):
            raise ValueError("a linear model needs finite parameters")

    def predict(self, values: Floats) -> float:
        """Forecast one row: ``values`` in the order of ``features``."""
        # By einsum, as for a matrix of many rows: BLAS would round differently for one row.
        return float(np.einsum("j,j->", values, self.coef) + self.intercept)


@dataclass(frozen=True, eq=False)
class RankTilt:
    """A forecast is ``slope x (predicted rank - the pool's mean predicted rank) x volatility``.

    Attributes:
        features: The trees' inputs by name, then volatility and the pool's mean predicted rank.
        trees: Predict the rank of the return among the tickers of its session, -.5 to .5.
        slope: Return in units of volatility per unit of rank.

    Raises:
        ValueError: When the trees use more inputs than have names, or the slope is not finite.
    """

    features: tuple[str, ...]
    trees: Trees
    slope: float

    def __post_init__(self) -> None:
        if self.trees.inputs > len(self.features) - 2 or not np.isfinite(self.slope):
            raise ValueError("a rank tilt needs a name for each input and a finite slope")

    def predict(self, values: Floats) -> float:
        """Forecast one row: ``values`` in the order of ``features``."""
        volatility, mean_rank = values[-2:]
        rank = self.trees.predict(values[None, :-2])[0]
        return float(self.slope * (rank - mean_rank) * volatility)


KINDS: Mapping[str, type[Any]] = {"linear": LinearModel, "rank_tilt": RankTilt, "trees": Trees}


def canonical_hash(model: Model | Trees) -> str:
    """SHA-256 over names, the bits of the parameters, and options; equal for equal models."""
    return hashlib.sha256(canonical_json(_exact(_fields(model)))).hexdigest()


def canonical_json(value: object) -> bytes:
    """JSON whose bytes are equal for equal values, so that digests are."""
    return json.dumps(value, sort_keys=True, indent=1, allow_nan=False).encode()


def pack(model: Model | Trees) -> bytes:
    """Write the parameters as a skops file; equal models give equal bytes."""
    return skops_file.write(_fields(model))


def unpack(data: bytes) -> Model | Trees:
    """Read the parameters from a skops file that holds nothing but plain containers and arrays.

    Raises:
        ValueError: For anything else in it, and for parameters that make no model.
    """
    fields = skops_file.read(data)
    kind = KINDS[fields.pop("kind")]
    if "trees" in fields:
        fields["trees"] = Trees(**fields["trees"])
    if "features" in fields:
        fields["features"] = tuple(fields["features"])
    model: Model | Trees = kind(**fields)
    return model


def _fields(model: Any) -> dict[str, Any]:
    kind = next(name for name, type_ in KINDS.items() if isinstance(model, type_))
    fields = asdict(model)
    if "features" in fields:
        fields["features"] = list(fields["features"])
    return {"kind": kind, **fields}


def _exact(value: Any) -> Any:
    """Numbers as a float's bits; adding 0.0 turns -0.0, which forecasts the same, into 0.0."""
    if isinstance(value, dict):
        return {name: _exact(entry) for name, entry in value.items()}
    if isinstance(value, np.ndarray):
        kind = "<f8" if value.dtype.kind == "f" else "<i8"
        return (value + 0).astype(kind).tobytes().hex()
    return (value + 0.0).hex() if isinstance(value, int | float) else value
