"""Reading the settings: sources in their order, and one sentence for whatever does not fit."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource

from src.config.settings import PROJECT_ROOT, Settings
from src.core.errors import BadConfig

PREFIX = "FORECAST_"
# What these hold is never quoted: it may be a password.
SECRETS = ("database_url", "signing_key", "api.keys")
# Names that belong to the tests and tools around the system, not to a setting.
NOT_SETTINGS = {"FORECAST_TEST_DATA"}


def load_settings(
    config: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    env_file: Path | None = PROJECT_ROOT / ".env",
) -> Settings:
    """The settings in force.

    Args:
        config: a JSON file with the guide's keys, or None.
        overrides: what the command line said, nested like the settings.
        env_file: the ``.env`` file, or None for none.

    Raises:
        BadConfig: one sentence naming the key, the value and the nearest right key.
    """
    stated = _read_config(config)
    dotenv = _read_dotenv(env_file)
    layers = [
        _for_both_horizons(layer)
        for layer in (_from_environ(os.environ), _from_environ(dotenv), stated)
    ]

    class Loaded(Settings):  # a class of its own: the layers belong to this call
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            stated = (InitSettingsSource(settings_cls, layer) for layer in layers)
            return (init_settings, *stated)

    try:
        return Loaded(**dict(overrides or {}))
    except ValidationError as error:
        raise BadConfig(_sentence(error, config)) from error


def config_hash(settings: Settings) -> str:
    """SHA-256 over every setting that decides a result, in canonical JSON."""
    text = json.dumps(settings.modelled(), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _read_config(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        stated = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise BadConfig(f"The config file {path} does not exist: check --config.") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise BadConfig(f"The config file {path} is not readable JSON: {error}.") from error
    if not isinstance(stated, dict):
        raise BadConfig(f'The config file {path} must hold an object such as {{"data": …}}.')
    return stated


def _read_dotenv(path: Path | None) -> dict[str, str]:
    if path is None or not path.is_file():
        return {}
    from dotenv import dotenv_values

    try:
        found = dotenv_values(path)
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfig(f"The file {path} cannot be read as text: {error}.") from error
    return {key: value for key, value in found.items() if value is not None}


def _from_environ(environ: Mapping[str, str]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, path in _named(environ):
        branch = tree
        for part in path[:-1]:
            branch = branch.setdefault(part, {})
            if not isinstance(branch, dict):
                raise BadConfig(f"{name} and another variable contradict each other: keep one.")
        branch[path[-1]] = _value(environ[name])
    return tree


def _for_both_horizons(layer: dict[str, Any]) -> dict[str, Any]:
    """A plain improvement said in one layer is for both horizons, and can be beaten for one."""
    validation = layer.get("validation")
    if not isinstance(validation, dict):
        return layer
    said = validation.get("min_mae_improvement")
    if said is None or isinstance(said, dict | bool):
        return layer
    both = dict.fromkeys(("short", "long"), said)
    return {**layer, "validation": {**validation, "min_mae_improvement": both}}


def _named(environ: Mapping[str, str]) -> Iterator[tuple[str, list[str]]]:
    guide = {
        "DATABASE_URL": ["database_url"],
        "TICKER": ["data", "ticker"],
        "LOG_LEVEL": ["log_level"],
        "FORECAST_API_KEYS": ["api", "keys"],
    }
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in NOT_SETTINGS and name not in guide:
            yield name, name.removeprefix(PREFIX).lower().split("__")
    # The guide's own names come last, so that they win over the long spelling.
    yield from ((name, path) for name, path in guide.items() if environ.get(name))


def _value(text: str) -> object:
    if text[:1] in "[{":
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            return text
    return text


def _sentence(error: ValidationError, config: Path | None) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    where = f" (checked the environment, .env and {config})" if config else ""
    if first["type"] == "extra_forbidden":
        nearest = difflib.get_close_matches(key, _keys(Settings), n=1, cutoff=0)
        return f"Unknown setting '{key}': did you mean '{nearest[0]}'?{where}"
    reason = first["msg"].removeprefix("Value error, ")
    value = "what it is" if key.startswith(SECRETS) else repr(first["input"])
    return f"Setting '{key}' cannot be {value}: {reason}.{where}"


def _keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    names = []
    for name, field in model.model_fields.items():
        names.append(prefix + name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            names += _keys(field.annotation, f"{prefix}{name}.")
    return names
