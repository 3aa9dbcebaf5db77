"""Stored models read with safetensors alone, and their answers worked out from database rows.

Nothing here is of the code under test: files are read by the library whose format they have, sums
are made by ``math.fsum``, trees are walked one question at a time.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

SHARES = (0.5, 0.8, 0.9, 0.95)


def read(home: Path, pool: str, horizon: str, digest: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The manifest (with its digest) and the parameters of a stored model."""
    folder = home / "models" / pool / horizon / digest
    body, model = (folder / "manifest.json").read_bytes(), folder / "model.safetensors"
    manifest = json.loads(body)
    assert sha256(body).hexdigest() == digest
    assert sha256(model.read_bytes()).hexdigest() == manifest["files"][model.name]["sha256"]
    return {**manifest, "digest": digest}, {**manifest["model"], **load_file(model)}


def point(parts: Mapping[str, Any], inputs: Mapping[str, float]) -> float:
    """The forecast of a linear model or a rank tilt."""
    values = [inputs[name] for name in parts["features"]]
    if parts["kind"] == "linear":
        products = (float(c) * v for c, v in zip(parts["coef"], values, strict=True))
        return math.fsum([*products, float(parts["intercept"])])
    *asked, volatility, mean = values
    return float(parts["slope"] * (walked(parts, asked) - mean) * volatility)


def walked(trees: Mapping[str, Any], values: list[float]) -> float:
    """The base and the leaf of every tree; a leaf is a node that goes on to itself."""
    leaves = []
    for root in trees["roots"]:
        node = root
        while trees["left"][node] != node:
            below = values[trees["feature"][node]] <= trees["threshold"][node]
            node = trees["left" if below else "right"][node]
        leaves.append(float(trees["value"][node]))
    return math.fsum([float(trees["base"]), *leaves])


def worked_out(
    manifest: Mapping[str, Any],
    parts: Mapping[str, Any],
    row: Mapping[str, Any],
    pool_inputs: Mapping[str, float],
    pin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What an answer says of a forecast, but for its dates, its age and its warnings.

    Args:
        manifest: With ``digest``.
        parts: Of the model.
        row: Of ``serving_inputs``.
        pool_inputs: Of the model's row of ``pool_inputs``.
        pin: Where the model is pinned its ``version_tag`` and ``since``, and of the newest
            training ``verdict``, ``reason``, ``metrics`` and ``tickers``.
    """
    judged = pin or manifest
    close, name = row["last_close"], manifest["candidate"]
    proposed = point(parts, {**row["inputs"], **pool_inputs})
    served = proposed if manifest["served"] == name else 0.0
    return {
        "ticker": row["ticker"],
        "horizon": {"short": "1-day", "long": "63-day"}[row["horizon"]],
        "feature_date": row["feature_date"].isoformat(),
        "last_close": close,
        "pred_return": served,
        "pct_return": 100 * served,
        "est_future_close": close + close * served,
        "prob_up": 1 - float(np.interp(0, row["quantiles"], row["levels"])),
        "intervals": [_interval(row, share) for share in SHARES],
        "baseline": {"name": "zero", "pred_return": 0.0},
        "verdict": judged["verdict"],
        "reason": judged["reason"],
        "skill": {
            **_scores(row, manifest["served"]),
            "pool": {"tickers": judged["tickers"], **_scores(judged, manifest["served"])},
        },
        "candidate": {
            "name": name,
            "pred_return": proposed,
            "est_future_close": close + close * proposed,
            "skill_vs_zero": _scores(row, name)["mae_vs_zero"],
            **{key: _scores(row, name)[key] for key in ("n", "n_eff")},
            "pool": {"tickers": _scored_tickers(judged, name), **_scores(judged, name)},
            "promoted": manifest["served"] == name,
        },
        "model": {
            "name": manifest["served"],
            "version": manifest["digest"],
            "served_since": manifest["since"] or None,
            "verdict": judged["verdict"],
            "pinned": pin and {key: pin[key] for key in ("version_tag", "since")},
            "fitted_through": manifest["fitted_through"] or None,
            "judged_through": manifest["session"] or None,
            **{
                key: manifest[key]
                for key in ("pool", "trained_at", "code_version", "features_version")
            },
        },
        "note": pin and _pin_note(pin),
        **{key: row[key] for key in ("data_source", "return_basis", "data_hash")},
        "computed_at": row["written_at"].astimezone(dt.UTC).isoformat(),
    }


def difference(said: Any, expected: Any) -> float:
    """The largest relative difference of two numbers in the same place; all else must be equal."""
    found, wanted = _flat(said), _flat(expected)
    assert set(found) == set(wanted)
    numbers = {path for path, value in wanted.items() if isinstance(value, float)}
    rest = wanted.keys() - numbers
    assert {path: found[path] for path in rest} == {path: wanted[path] for path in rest}
    return max(_relative(found[path], wanted[path]) for path in numbers)


def _relative(found: float, wanted: float) -> float:
    if found == wanted:
        return 0.0
    return abs(found - wanted) / abs(wanted) if wanted else math.inf


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    """Every leaf of nested dicts and lists, by its path."""
    if not isinstance(value, Mapping | list):
        return {path: value}
    pairs = value.items() if isinstance(value, Mapping) else enumerate(value)
    found = {f"{path}.{name}": one for name, one in pairs}
    return {k: v for name, one in found.items() for k, v in _flat(one, name).items()} or {path: []}


def _interval(row: Mapping[str, Any], share: float) -> dict[str, float]:
    """From the quantile with half of the rest below it to the one with half of it above."""
    quantiles = {
        round(level, 9): at for level, at in zip(row["levels"], row["quantiles"], strict=True)
    }
    low, high = (quantiles[round((1 + side * share) / 2, 9)] for side in (-1, 1))
    close = row["last_close"]
    return {
        "level": share,
        "low_return": low,
        "high_return": high,
        "low_close": close + close * low,
        "high_close": close + close * high,
    }


def _scored_tickers(judged, name):
    rows = (row for row in judged["metrics"] if row["name"] == name)
    return next(rows, {}).get("tickers", judged["tickers"])


def _scores(told: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = next((one for one in told["metrics"] if one["name"] == name), {})
    return {
        "mae_vs_zero": found.get("skill_vs_zero"),
        "n": found.get("n", 0),
        "n_eff": found.get("n_eff", 0.0),
    }


def _pin_note(pin: Mapping[str, Any]) -> str:
    return (
        f"version {pin['version_tag']} is pinned since {pin['since'][:10]} and answers until the "
        "gate promotes another model or `unpin` is run"
    )
