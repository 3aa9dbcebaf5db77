"""A trained linear model in, the bytes of a skops file out, and back; nothing in a file is run."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

MODEL = "model.skops"

# All that a model file may be made of: (module, class, skops node). Not taken from the file.
TRUSTED = frozenset(
    {
        ("builtins", "dict", "DictNode"),
        ("builtins", "list", "ListNode"),
        ("builtins", "str", "JsonNode"),
        ("numpy", "ndarray", "NdArrayNode"),
    }
)
_PROTOCOL = 2


@dataclass(frozen=True, eq=False)
class LinearModel:
    """What is stored of a model: a forecast is ``values @ coef + intercept``, a simple return.

    Raises:
        ValueError: When coefficients and names do not match, or are not finite numbers.
    """

    features: tuple[str, ...]
    coef: npt.NDArray[np.float64]
    intercept: float
    options: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.coef.dtype != np.float64 or self.coef.shape != (len(self.features),):
            raise ValueError("a model needs one float64 coefficient per feature")
        if not (np.isfinite(self.coef).all() and np.isfinite(self.intercept)):
            raise ValueError("a model's parameters must be finite")

    def predict(self, values: npt.NDArray[np.float64]) -> float:
        """Forecast one row: ``values`` in the order of ``features``."""
        return float(values @ self.coef + self.intercept)


def canonical_hash(model: LinearModel) -> str:
    """SHA-256 over names, parameters' bytes and options: equal models, equal hashes.

    Not over the file: skops names its members by memory address.
    """
    # Adding 0.0 turns -0.0, which forecasts the same, into 0.0.
    body = {
        "features": list(model.features),
        "coef": (model.coef + 0.0).astype("<f8").tobytes().hex(),
        "intercept": (float(model.intercept) + 0.0).hex(),
        "options": {name: float(value).hex() for name, value in model.options.items()},
    }
    return hashlib.sha256(canonical_json(body)).hexdigest()


def canonical_json(value: object) -> bytes:
    """Equal values, equal bytes: what a digest is taken of."""
    return json.dumps(value, sort_keys=True, indent=1, allow_nan=False).encode()


def pack(model: LinearModel) -> bytes:
    """Write the parameters as a skops file."""
    from skops.io import dumps

    parts = asdict(model) | {"features": list(model.features), "options": dict(model.options)}
    return bytes(dumps(parts, compression=zipfile.ZIP_DEFLATED))


def unpack(data: bytes) -> LinearModel:
    """Read the parameters from a skops file that holds nothing but plain containers and arrays.

    skops itself would import scikit-learn and pandas for it (2 s of CPU before the first
    forecast) and trusts some hundreds of their classes by default; this trusts four.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as members:
        schema = json.loads(members.read("schema.json"))
        if schema["protocol"] != _PROTOCOL:
            raise ValueError(f"skops protocol {schema['protocol']} is unknown here")
        parts = _decode(schema, members)
    return LinearModel(**parts | {"features": tuple(parts["features"])})


def _decode(node: Mapping[str, Any], members: zipfile.ZipFile) -> Any:
    kind = (node["__module__"], node["__class__"], node["__loader__"])
    if kind not in TRUSTED:
        raise ValueError(f"{MODEL} holds {'.'.join(kind[:2])}, which is not trusted")
    content = node.get("content")
    match kind[2]:
        case "DictNode":
            return {name: _decode(value, members) for name, value in node["content"].items()}
        case "ListNode":
            return [_decode(value, members) for value in node["content"]]
        case "JsonNode":
            return json.loads(str(content))
    return np.load(io.BytesIO(members.read(node["file"])), allow_pickle=False)
