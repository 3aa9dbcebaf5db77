"""Say in one sentence what is wrong with a setting: where it is from, its value, what it may be."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from src.config.settings import Settings
from src.config.variables import name_of, value_of, variables

# Their values are never quoted in a message.
SECRETS = (
    "database_url",
    "signing_key",
    "mlflow.tracking_uri",
    "api.keys",
    "dashboard.password_hash",
    "monitoring.alert_urls",
    "monitoring.heartbeat_url",
)
LONGEST = 80  # characters of a value that are quoted
# By pydantic's type of error; {} is what that error states as its limit.
DEMANDS = {
    "int_": "be a whole number",
    "float_": "be a number",
    "finite_number": "be a number",
    "string_": "be text",
    "path_": "be a path",
    "datetime_": "be a time with its zone, such as 2026-04-13T18:00:00+05:30",
    "greater_than_equal": "be at least {}",
    "greater_than": "be above {}",
    "less_than_equal": "be at most {}",
    "less_than": "be below {}",
    "too_short": "have at least {} value",
    "tuple_type": "be a list, such as [7, 21]",
    "literal_error": "be one of {}",
    "model_type": "be a group of settings",
}


def refusal(
    error: ValidationError,
    overrides: Mapping[str, Any],
    environs: Sequence[tuple[Mapping[str, str], str]],
    config: Path | None,
) -> str:
    """The sentence about the first error.

    Args:
        error: Of the settings.
        overrides: Those of the command line, nested.
        environs: Variables and where they stand (" in .env", or nothing), the strongest first.
        config: The file of the settings that are in none of these.
    """
    first = error.errors()[0]
    path = [str(part) for part in first["loc"]]
    if not _has(overrides, path):
        for environ, place in environs:
            if name := _variable(environ, path):
                return _of_variable(name + place, path, environ[name], first)
    return _of_key(path, first, config)


def _of_variable(name: str, path: Sequence[str], text: str, error: Mapping[str, Any]) -> str:
    if error["type"] == "extra_forbidden":
        nearest = name_of(_nearest(".".join(path)).split("."))
        return f"{name} is not a setting: did you mean {nearest}?"
    return f"{name} {_problem(path, text)}: {_reason(error)}."


def _of_key(path: Sequence[str], error: Mapping[str, Any], config: Path | None) -> str:
    key, where = ".".join(path), f" (in {config})" if config else ""
    if error["type"] == "extra_forbidden":
        return f"Unknown setting '{key}': did you mean '{_nearest(key)}'?{where}"
    return f"Setting '{key}' {_problem(path, error['input'])}: {_reason(error)}{where}."


def _problem(path: Sequence[str], value: object) -> str:
    if ".".join(path).startswith(SECRETS):
        return "is invalid"
    text = repr(value)
    return f"cannot be {text if len(text) <= LONGEST else f'{text[:LONGEST]}…'}"


def _reason(error: Mapping[str, Any]) -> str:
    kind, limits = error["type"], error.get("ctx", {})
    if kind == "value_error":
        return str(error["msg"]).removeprefix("Value error, ").rstrip(".")
    subject = "each value" if isinstance(error["loc"][-1], int) else "it"
    for name, demand in DEMANDS.items():
        if kind == name or (name.endswith("_") and kind.startswith(name)):
            limit = limits.get("min_length", next(iter(limits.values()), ""))
            text = f"{limit:g}" if isinstance(limit, float) else limit
            return f"{subject} must {demand.format(text)}"
    return "give another value"


def _variable(environ: Mapping[str, str], path: Sequence[str]) -> str | None:
    """The variable that sets what lies at a path."""
    found = None
    for name, own in variables(environ):
        if list(path[: len(own)]) == own and _has(value_of(environ[name]), path[len(own) :]):
            found = name
    return found


def _has(tree: object, path: Sequence[str]) -> bool:
    """Whether nested settings say something about a path; a plain value does about all below it."""
    for part in path:
        if not isinstance(tree, Mapping):
            return True
        if part not in tree:
            return False
        tree = tree[part]
    return True


def _nearest(key: str) -> str:
    return difflib.get_close_matches(key, _keys(Settings), n=1, cutoff=0)[0]


def _keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    names = []
    for name, field in model.model_fields.items():
        names.append(prefix + name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            names += _keys(field.annotation, f"{prefix}{name}.")
    return names
