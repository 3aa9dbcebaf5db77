"""Write plain containers and arrays as a skops file, and read them back; nothing in it is run.

skops itself imports scikit-learn and pandas, two seconds of CPU, trusts hundreds of their classes
by default, and names its members by memory address. This module accepts four kinds of node, and
equal values give equal bytes. skops reads these files with an empty list of trusted types.
"""

from __future__ import annotations

import io
import itertools
import json
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

# All that a file may consist of, as (module, class, skops node).
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
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)


def write(value: Mapping[str, Any]) -> bytes:
    """Write a dict of dicts, lists, arrays, text and numbers as the bytes of a file."""
    members: dict[str, bytes] = {}
    schema = _encode(value, members, itertools.count(1))
    schema |= {"protocol": PROTOCOL, "_skops_version": VERSION}
    members[SCHEMA] = json.dumps(schema, allow_nan=False).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(zipfile.ZipInfo(name, _FIXED_TIME), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def read(data: bytes) -> Any:
    """Read the value that ``write`` wrote.

    Raises:
        ValueError: For another protocol, or anything that is not in ``TRUSTED``.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as members:
        schema = json.loads(members.read(SCHEMA))
        if schema["protocol"] != PROTOCOL:
            raise ValueError(f"skops protocol {schema['protocol']} is not supported")
        return _decode(schema, members)


def _encode(value: Any, members: dict[str, bytes], number: Iterator[int]) -> dict[str, Any]:
    if isinstance(value, Mapping):
        content = {name: _encode(value[name], members, number) for name in sorted(value)}
        key_type = {"__class__": "str", "__module__": "builtins", "__loader__": "TypeNode"}
        keys = [{**key_type, "__id__": next(number)} for _ in value]
        key_types = {**_node("builtins", "list", "ListNode", number), "content": keys}
        return {
            **_node("builtins", "dict", "DictNode", number),
            "content": content,
            "key_types": key_types,
        }
    if isinstance(value, list):
        entries = [_encode(entry, members, number) for entry in value]
        return {**_node("builtins", "list", "ListNode", number), "content": entries}
    if isinstance(value, np.ndarray):
        name, data = f"{len(members)}.npy", io.BytesIO()
        np.save(data, value, allow_pickle=False)
        members[name] = data.getvalue()
        node = _node("numpy", "ndarray", "NdArrayNode", number)
        return {**node, "type": "numpy", "file": name}
    text = json.dumps(value, allow_nan=False)
    return {**_node("builtins", "str", "JsonNode", number), "content": text, "is_json": True}


def _node(module: str, name: str, loader: str, number: Iterator[int]) -> dict[str, Any]:
    return {
        "__class__": name,
        "__module__": module,
        "__loader__": loader,
        "__id__": next(number),
    }


def _decode(node: Mapping[str, Any], members: zipfile.ZipFile) -> Any:
    kind = (node["__module__"], node["__class__"], node["__loader__"])
    if kind not in TRUSTED:
        raise ValueError(f"the file holds {'.'.join(kind[:2])}, which is not trusted")
    match kind[2]:
        case "DictNode":
            return {name: _decode(value, members) for name, value in node["content"].items()}
        case "ListNode":
            return [_decode(value, members) for value in node["content"]]
        case "JsonNode":
            return json.loads(str(node.get("content")))
    return np.load(io.BytesIO(members.read(node["file"])), allow_pickle=False)
