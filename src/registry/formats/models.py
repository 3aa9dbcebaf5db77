"""Turn a trained model into a description and a file of tensors, and back; nothing is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from src.core.arrays import Floats
from src.registry.formats import tensors
from src.registry.formats.trees import Trees

MODEL = "model.safetensors"


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


def describe(model: Model) -> dict[str, Any]:
    """What is not in the file of tensors: the kind of the model, and the names of its inputs."""
    kind = next(name for name, type_ in _KINDS.items() if isinstance(model, type_))
    return {"kind": kind, "features": list(model.features)}


def pack(model: Model | Trees) -> bytes:
    """Write the parameters as a safetensors file; equal models give equal bytes."""
    match model:
        case LinearModel():
            return tensors.write({"coef": model.coef, "intercept": np.array(model.intercept)})
        case RankTilt():
            return tensors.write({**_arrays(model.trees), "slope": np.array(model.slope)})
        case Trees():
            return tensors.write(_arrays(model))
    raise TypeError(f"a {type(model).__name__} cannot be stored")


def unpack(description: Mapping[str, Any], data: bytes) -> Model:
    """The model of a description and a file of tensors.

    Raises:
        ValueError, TypeError, KeyError: For parameters that make no model.
        Exception: As ``tensors.read``.
    """
    arrays = tensors.read(data)
    features = _names(description["features"])
    match description["kind"]:
        case "linear":
            return LinearModel(features, **_with_numbers(arrays, "intercept"))
        case "rank_tilt":
            slope = _number(arrays.pop("slope"))
            return RankTilt(features, _trees(arrays), slope)
    raise ValueError(f"{description['kind']!r} is not a kind of model")


def unpack_trees(data: bytes) -> Trees:
    """The trees in a file of tensors; raises as ``unpack``."""
    return _trees(tensors.read(data))


def same_model(first: Model, second: Model) -> bool:
    """Whether two models have the same inputs and parameters."""
    return describe(first) == describe(second) and pack(first) == pack(second)


_KINDS: Mapping[str, type[Any]] = {"linear": LinearModel, "rank_tilt": RankTilt}


def _arrays(trees: Trees) -> dict[str, tensors.Array]:
    return {name: np.asarray(value) for name, value in vars(trees).items()}


def _trees(arrays: Mapping[str, tensors.Array]) -> Trees:
    return Trees(**_with_numbers(arrays, "base", "depth"))


def _with_numbers(arrays: Mapping[str, tensors.Array], *names: str) -> dict[str, Any]:
    """The arrays, those of ``names`` as plain numbers."""
    return {name: _number(a) if name in names else a for name, a in arrays.items()}


def _number(array: tensors.Array) -> Any:
    if array.shape:
        raise ValueError(f"an array of shape {array.shape} stands in the place of a number")
    return array.item()


def _names(features: Sequence[Any]) -> tuple[str, ...]:
    if not isinstance(features, list) or any(not isinstance(name, str) for name in features):
        raise ValueError("the names of the inputs are not a list of texts")
    return tuple(features)
