"""Load the settings from the environment, `.env` and the config file.

The sources of pydantic-settings would accept a misspelt ``FORECAST_…`` variable silently, refuse
variables of other programs in `.env`, and cannot put ``TICKER`` below ``data``.
"""

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
from src.core.tables import HORIZONS

PREFIX = "FORECAST_"
# Their values are never quoted in a message.
SECRETS = ("database_url", "signing_key", "api.keys")
# Variables of the tests, which are not settings.
NOT_SETTINGS = {"FORECAST_TEST_DATA"}


def load_settings(
    config: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    env_file: Path | None = PROJECT_ROOT / ".env",
) -> Settings:
    """The settings from all sources, the strongest first: see ``src.config.settings``.

    Args:
        config: A JSON file with the guide's keys, or None.
        overrides: Settings of the command line, nested like the settings.
        env_file: The ``.env`` file, or None for none.

    Raises:
        BadConfig: A sentence with the key, the value and the nearest right key.
    """
    file = _read_config(config)
    dotenv = _read_dotenv(env_file)
    sources = (dict(overrides or {}), _from_environ(os.environ), _from_environ(dotenv), file)
    given, *layers = map(_for_both_horizons, sources)

    class Loaded(Settings):  # defined here, since its sources are those of this call
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            sources = (InitSettingsSource(settings_cls, layer) for layer in layers)
            return (init_settings, *sources)

    try:
        return Loaded(**given)
    except ValidationError as error:
        raise BadConfig(_sentence(error, config)) from error


def config_hash(settings: Settings) -> str:
    """SHA-256 over every setting that influences results, in canonical JSON."""
    text = json.dumps(settings.result_settings(), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _read_config(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise BadConfig(f"The config file {path} does not exist: check --config.") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise BadConfig(f"The config file {path} is not readable JSON: {error}.") from error
    if not isinstance(content, dict):
        raise BadConfig(f'The config file {path} must contain an object such as {{"data": …}}.')
    return content


def _read_dotenv(path: Path | None) -> dict[str, str]:
    if path is None or not path.is_file():
        return {}
    from dotenv import dotenv_values

    try:
        variables = dotenv_values(path)
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfig(f"The file {path} cannot be read as text: {error}.") from error
    return {key: value for key, value in variables.items() if value is not None}


def _from_environ(environ: Mapping[str, str]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, path in _variables(environ):
        branch = tree
        for part in path[:-1]:
            branch = branch.setdefault(part, {})
            if not isinstance(branch, dict):
                raise BadConfig(f"{name} contradicts another variable: remove one of them.")
        branch[path[-1]] = _value(environ[name])
    return tree


def _for_both_horizons(layer: dict[str, Any]) -> dict[str, Any]:
    """Apply a plain ``min_mae_improvement`` to both horizons, so that layers merge by horizon."""
    validation = layer.get("validation")
    if not isinstance(validation, dict):
        return layer
    improvement = validation.get("min_mae_improvement")
    if improvement is None or isinstance(improvement, dict | bool):
        return layer
    both = dict.fromkeys(HORIZONS, improvement)
    return {**layer, "validation": {**validation, "min_mae_improvement": both}}


def _variables(environ: Mapping[str, str]) -> Iterator[tuple[str, list[str]]]:
    guide = {
        "DATABASE_URL": ["database_url"],
        "TICKER": ["data", "ticker"],
        "LOG_LEVEL": ["log_level"],
        "FORECAST_API_KEYS": ["api", "keys"],
    }
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in NOT_SETTINGS and name not in guide:
            yield name, name.removeprefix(PREFIX).lower().split("__")
    # The guide's names come last, so that they take precedence over the long ones.
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
    where = f" (sources: the environment, .env and {config})" if config else ""
    if first["type"] == "extra_forbidden":
        nearest = difflib.get_close_matches(key, _keys(Settings), n=1, cutoff=0)
        return f"Unknown setting '{key}': did you mean '{nearest[0]}'?{where}"
    reason = first["msg"].removeprefix("Value error, ")
    problem = "is invalid" if key.startswith(SECRETS) else f"cannot be {first['input']!r}"
    return f"Setting '{key}' {problem}: {reason}.{where}"


def _keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    names = []
    for name, field in model.model_fields.items():
        names.append(prefix + name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            names += _keys(field.annotation, f"{prefix}{name}.")
    return names
