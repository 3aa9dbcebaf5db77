"""Describe the prediction API in a page, from its OpenAPI schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

HEAD = """# The API

Written from the service's own schema, which it shows at `/docs` and `/openapi.json`. Keys, limits
and where it listens: [usage](usage.md#the-api).

"""


def api_page() -> str:
    """The page in Markdown: routes with their parameters and answers, then what answers hold."""
    from src.api.predict_simple import app

    schema = app.openapi()
    routes = schema["paths"].items()
    text = "".join(part for path, methods in routes for part in _route(path, methods))
    models = schema["components"]["schemas"].items()
    return HEAD + text + "".join(part for name, model in models for part in _model(name, model))


def _route(path: str, methods: dict[str, Any]) -> Iterator[str]:
    # Methods of one path answer alike.
    operation = next(iter(methods.values()))
    yield f"## {' or '.join(sorted(method.upper() for method in methods))} `{path}`\n\n"
    yield f"{operation['description'].strip()}\n\n"
    if parameters := operation.get("parameters"):
        yield "| parameter | type | |\n| --- | --- | --- |\n"
        for each in parameters:
            text = each.get("description") or each["schema"].get("description", "")
            yield f"| `{each['name']}` | {_type(each['schema'])} | {_line(text)} |\n"
        yield "\n"
    if body := operation.get("requestBody"):
        yield f"Body: {_content(body)}\n\n"
    yield "| status | answer | |\n| --- | --- | --- |\n"
    for status, answer in operation["responses"].items():
        yield f"| {status} | {_content(answer)} | {_line(answer['description'])} |\n"
    yield "\n"


def _model(name: str, model: dict[str, Any]) -> Iterator[str]:
    yield f"## {name}\n\n{model.get('description', '')}\n\n"
    yield "| field | type | |\n| --- | --- | --- |\n"
    required = model.get("required", [])
    for field, schema in model.get("properties", {}).items():
        text = _line(schema.get("description", ""))
        optional = "" if field in required else " (optional)"
        yield f"| `{field}` | {_type(schema)}{optional} | {text} |\n"
    yield "\n"


def _content(answer: dict[str, Any]) -> str:
    kinds = answer.get("content", {}).items()
    return ", ".join(
        _type(content["schema"]) if content.get("schema") else f"`{kind}`"
        for kind, content in kinds
    )


def _type(schema: dict[str, Any]) -> str:
    if reference := schema.get("$ref"):
        name = reference.rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    return str(schema.get("format") or schema.get("type", "any"))


def _line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
