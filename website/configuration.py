"""Describe every setting in a page, from the declarations in `src.config.settings`."""

from __future__ import annotations

import inspect
import json
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from griffe import Docstring, DocstringSectionAttributes
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from src.config.settings import PROJECT_ROOT, Settings
from src.config.variables import name_of

PAGE = PROJECT_ROOT / "docs" / "configuration.md"
HEAD = """# Settings

Every setting, written by `python -m website` from `src/config/settings.py`. Command line,
environment, `.env`, `--config FILE`, default: the first that speaks wins. A `--config` file has the
paths as JSON: `{"features": {"sma_periods": [7, 21, 50]}}`. Lists in variables
are JSON (`[7,21,50]`); those of texts may also be written with commas, `monitoring.alert_urls` with
spaces. What cannot be used stops every command in one sentence that names the setting. The
dashboard's own address is Streamlit's: `STREAMLIT_SERVER_ADDRESS` and `STREAMLIT_SERVER_PORT`.
"""
LIMITS = {"ge": "from", "gt": "above", "le": "to", "lt": "below"}
NAMES = {int: "whole number", float: "number", str: "text", Path: "path", SecretStr: "secret"}


def configuration_page() -> str:
    """The page in Markdown: a table for each section of the settings."""
    return HEAD + "".join(_section(Settings, ()))


def settings_paths(model: type[BaseModel] = Settings, path: tuple[str, ...] = ()) -> Iterator[str]:
    """The path of each setting, such as `data.ticker`."""
    for name, info in model.model_fields.items():
        if section := _model_of(info):
            yield from settings_paths(section, (*path, name))
        else:
            yield ".".join((*path, name))


def _section(model: type[BaseModel], path: tuple[str, ...]) -> Iterator[str]:
    descriptions = _descriptions(model)
    yield f"\n## {'.'.join(path) or 'Without a section'}\n\n{_first_sentence(model)}\n"
    if not all(map(_model_of, model.model_fields.values())):
        yield "\n| variable, and path in a file | value | default | |\n| --- | --- | --- | --- |\n"
    sections = []
    for name, info in model.model_fields.items():
        if section := _model_of(info):
            sections.append((section, (*path, name)))
            continue
        cells = (
            f"`{name_of((*path, name))}` `{'.'.join((*path, name))}`",
            _values(info.annotation, info.metadata),
            _default(info),
            descriptions.get(name, ""),
        )
        yield f"| {' | '.join(cells)} |\n"
    for section, below in sections:
        yield from _section(section, below)


def _model_of(info: FieldInfo) -> type[BaseModel] | None:
    kind = info.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _first_sentence(model: type[BaseModel]) -> str:
    return (inspect.getdoc(model) or "").split("\n\n")[0].replace("``", "`").replace("\n", " ")


def _descriptions(model: type[BaseModel]) -> dict[str, str]:
    """What the docstring's `Attributes` say of each field."""
    sections = Docstring(inspect.getdoc(model) or "").parse("google", warnings=False)
    return {
        item.name: " ".join(item.description.split()).replace("``", "`")
        for section in sections
        if isinstance(section, DocstringSectionAttributes)
        for item in section.value
    }


def _values(kind: Any, metadata: list[Any]) -> str:
    """What a setting may be, in words."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        return _values(arguments[0], [*_flat(arguments[1:]), *metadata])
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_values(each, metadata) for each in arguments if each is not type(None))
    if origin is tuple:
        return f"list: {_values(arguments[0], [])}"
    if origin is Literal:
        return ", ".join(f"`{each}`" for each in arguments)
    limits = [
        f"{words} {getattr(limit, attribute)}"
        for attribute, words in LIMITS.items()
        for limit in metadata
        if getattr(limit, attribute, None) is not None
    ]
    return " ".join([NAMES.get(kind, "time with its zone"), *limits])


def _flat(metadata: tuple[Any, ...]) -> Iterator[Any]:
    for each in metadata:
        yield from each.metadata if isinstance(each, FieldInfo) else [each]


def _default(info: FieldInfo) -> str:
    value = info.default
    if value is None or value == ():
        return "none"
    if value == PROJECT_ROOT:
        return "the checkout"
    return f"`{value if isinstance(value, str | Path) else json.dumps(value)}`"
