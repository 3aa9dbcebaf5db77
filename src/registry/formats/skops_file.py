"""Plain containers and arrays in, the bytes of a skops file out, and back; nothing in it is run.

skops itself imports scikit-learn and pandas, two seconds of CPU, trusts hundreds of their classes
by default, and names its members by memory address. Here four kinds of node are known, and equal
values give equal bytes. skops reads these files without being told to trust anything.
"""

from __future__ import annotations

import io
import itertools
import json
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

# All that a file may be made of: (module, class, skops node). Not taken from the file.
TRUSTED = frozenset(
    {
        ("builtins", "dict", "DictNode"),
        ("builtins", "list", "ListNode"),
        ("builtins", "str", "JsonNode"),
        ("numpy", "ndarray", "NdArrayNode"),
    }
)
PROTOCOL, VERSION = 2, "0.16.0"
SCHEMA = "schema.json"
_LONG_AGO = (1980, 1, 1, 0, 0, 0)


def write(value: Mapping[str, Any]) -> bytes:
    """A dict of dicts, lists, arrays, text and numbers as a file."""
    members: dict[str, bytes] = {}
    schema = _encoded(value, members, itertools.count(1))
    schema |= {"protocol": PROTOCOL, "_skops_version": VERSION}
    members[SCHEMA] = json.dumps(schema, allow_nan=False).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(zipfile.ZipInfo(name, _LONG_AGO), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def read(data: bytes) -> Any:
    """What ``write`` was given.

    Raises:
        ValueError: For another protocol, or anything that is not in ``TRUSTED``.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as members:
        schema = json.loads(members.read(SCHEMA))
        if schema["protocol"] != PROTOCOL:
            raise ValueError(f"skops protocol {schema['protocol']} is unknown here")
        return _decoded(schema, members)


def _encoded(value: Any, members: dict[str, bytes], number: Iterator[int]) -> dict[str, Any]:
    if isinstance(value, Mapping):
        content = {name: _encoded(value[name], members, number) for name in sorted(value)}
        text = {"__class__": "str", "__module__": "builtins", "__loader__": "TypeNode"}
        keys = [{**text, "__id__": next(number)} for _ in value]
        kinds = {**_node("builtins", "list", "ListNode", number), "content": keys}
        return {
            **_node("builtins", "dict", "DictNode", number),
            "content": content,
            "key_types": kinds,
        }
    if isinstance(value, list):
        parts = [_encoded(one, members, number) for one in value]
        return {**_node("builtins", "list", "ListNode", number), "content": parts}
    if isinstance(value, np.ndarray):
        name, stored = f"{len(members)}.npy", io.BytesIO()
        np.save(stored, value, allow_pickle=False)
        members[name] = stored.getvalue()
        node = _node("numpy", "ndarray", "NdArrayNode", number)
        return {**node, "type": "numpy", "file": name}
    told = json.dumps(value, allow_nan=False)
    return {**_node("builtins", "str", "JsonNode", number), "content": told, "is_json": True}


def _node(module: str, name: str, loader: str, number: Iterator[int]) -> dict[str, Any]:
    return {
        "__class__": name,
        "__module__": module,
        "__loader__": loader,
        "__id__": next(number),
    }


def _decoded(node: Mapping[str, Any], members: zipfile.ZipFile) -> Any:
    kind = (node["__module__"], node["__class__"], node["__loader__"])
    if kind not in TRUSTED:
        raise ValueError(f"the file holds {'.'.join(kind[:2])}, which is not trusted")
    match kind[2]:
        case "DictNode":
            return {name: _decoded(value, members) for name, value in node["content"].items()}
        case "ListNode":
            return [_decoded(value, members) for value in node["content"]]
        case "JsonNode":
            return json.loads(str(node.get("content")))
    return np.load(io.BytesIO(members.read(node["file"])), allow_pickle=False)
