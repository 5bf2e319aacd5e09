"""Reads the parameters of a call back from where the definition places them, in the types of their schema."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from app.catalog.definition import Json
from app.foundation.bounded_json import parse_json
from app.foundation.shapes import subschema
from app.sandbox.inbound import Inbound, Pairs
from app.sandbox.routing import Call

MAX_NESTING: Final = 8
_STEP: Final = re.compile(r"\[([^\[\]]*)\]")
_NAME: Final = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")


def read_params(call: Call, inbound: Inbound, ignored: Iterable[str]) -> dict[str, Json]:
    """Return the parameters of a call by their names in the method's schema.

    A query or body parameter is taken from wherever it stands, as servers do; a path or header parameter
    only from there. ``ignored`` names what carries credentials and is no parameter; a body that the configuration
    holds has none.
    """
    method = call.method
    if method.body_from_config is not None:
        inbound = replace(inbound, form=None, json=None)
    texts = _tree([*(() if call.takes_query else inbound.query), *(inbound.form or ())])
    sent: dict[str, Json] = {name: _typed(value, method.params, name) for name, value in texts.items()}
    if method.body_param is not None and inbound.json is not None:
        sent[method.body_param] = inbound.json
    elif isinstance(inbound.json, Mapping):
        sent |= inbound.json
    for name in {*ignored, *(name for name, place in method.places.items() if place in {"path", "header"})}:
        sent.pop(name, None)
    for name, place in method.places.items():
        text = call.values.get(f"params.{name}") if place == "path" else inbound.headers.get(name.lower())
        if place in {"path", "header"} and text is not None:
            sent[name] = _typed(text, method.params, name)
    return sent


def _typed(value: Json, schema: Mapping[str, Any], name: str) -> Json:
    return typed(value, subschema(schema, (name,)))


def typed(value: Json, schema: Mapping[str, Any]) -> Json:
    """Return what a text, or a tree of texts, means under ``schema``; what does not fit stays as it is."""
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if isinstance(value, dict):
        return _typed_tree(value, schema, is_list="array" in kinds)
    if isinstance(value, list):
        return (
            [typed(item, schema.get("items") or {}) for item in value]
            if "array" in kinds
            else typed(value[0], schema)
        )
    for kind in kinds:
        found = _READERS[kind](value, schema) if kind in _READERS else None
        if found is not None:
            return found
    return value


def _typed_tree(value: dict[str, Json], schema: Mapping[str, Any], *, is_list: bool) -> Json:
    if is_list and all(name.isdecimal() or not name for name in value):
        return [typed(item, schema.get("items") or {}) for item in value.values()]
    return {name: _typed(item, schema, name) for name, item in value.items()}


def _tree(pairs: Pairs) -> dict[str, Json]:
    """Build the tree that names such as ``items[0][price]`` describe; repeated names become lists."""
    tree: dict[str, Json] = {}
    for name, value in pairs:
        parsed = _NAME.match(name)
        steps = _STEP.findall(parsed.group(2)) if parsed else []
        if parsed is None or len(steps) > MAX_NESTING:
            _add(tree, name, value)
        else:
            _put(tree, [parsed.group(1), *steps], value)
    return tree


def _put(tree: dict[str, Json], steps: list[str], value: str) -> None:
    *parents, last = steps
    if not last and parents:
        last = parents.pop()
        holder = _descend(tree, parents)
        present = holder.get(last)
        holder[last] = [*present, value] if isinstance(present, list) else [value]
        return
    _add(_descend(tree, parents), last, value)


def _descend(tree: dict[str, Json], steps: list[str]) -> dict[str, Json]:
    for step in steps:
        child = tree.get(step)
        if not isinstance(child, dict):
            child = tree[step] = {}
        tree = child
    return tree


def _add(holder: dict[str, Json], name: str, value: str) -> None:
    if name not in holder:
        holder[name] = value
    elif isinstance(holder[name], list):
        holder[name].append(value)
    else:
        holder[name] = [holder[name], value]


def _whole(text: str, _: Mapping[str, Any]) -> Json:
    return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text) else None


def _number(text: str, _: Mapping[str, Any]) -> Json:
    return float(text) if re.fullmatch(r"-?[0-9]{1,18}(?:\.[0-9]{1,18})?", text) else None


def _truth(text: str, _: Mapping[str, Any]) -> Json:
    return {"true": True, "1": True, "false": False, "0": False}.get(text.lower())


def _list(text: str, schema: Mapping[str, Any]) -> Json:
    found = _json(text)
    if isinstance(found, list):
        return found
    return [typed(part.strip(), schema.get("items") or {}) for part in text.split(",")] if text else []


def _object(text: str, _: Mapping[str, Any]) -> Json:
    found = _json(text)
    return found if isinstance(found, dict) else None


def _json(text: str) -> Json:
    try:
        return parse_json(text.encode()) if text[:1] in {"[", "{"} else None
    except ValueError:
        return None


_READERS: Final[Mapping[str, Any]] = {
    "integer": _whole,
    "number": _number,
    "boolean": _truth,
    "array": _list,
    "object": _object,
}
