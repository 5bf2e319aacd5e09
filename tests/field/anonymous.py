"""What somebody without a token may send to make the hub work: documents, variables and bodies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from graphql import get_introspection_query

_TYPES = "__schema{types{name kind description fields{name args{name type{name}} type{name kind}}}}"


def documents(size: int) -> dict[str, str]:
    """Return documents of at most so many bytes as JSON by what they are made to cost."""
    return {
        "introspection": get_introspection_query(),
        "introspection, many times": f"{{{' '.join(f'a{i}: {_TYPES}' for i in range(9))}}}",
        "introspection by fragments": f"{{{'...A ' * 30}}} fragment A on Query {{{_TYPES}}}",
        "types by name": "{"
        + " ".join(f'a{i}: __type(name: "Query") {{fields{{name}}}}' for i in range(28))
        + "}",
        "wrong selections": "{" + " ".join(f"conection{i}" for i in range(380)) + "}",
        "wrong selections below": "{viewer {" + " ".join(f"rolle{i}" for i in range(380)) + "}}",
        "one field often": "{" + "__typename " * 390 + "}",
        "one field with many arguments": "{" + " ".join(f"node(i{i}: 1) {{id}}" for i in range(40)) + "}",
        "fragments that overlap": "{"
        + " ".join(f"...F{i}" for i in range(30))
        + "}"
        + " ".join(f"fragment F{i} on Query {{hub {{version}}}}" for i in range(30)),
        "fragments that double": "{...F0} "
        + " ".join(f"fragment F{i} on Query {{...F{i + 1} ...F{i + 1}}}" for i in range(30))
        + " fragment F30 on Query {__typename}",
        "inline fragments": "{" + "...on Query {hub {version publicUrl}} " * 35 + "}",
        "nested equal fields": "{" + "hub {limits {maxCost maxCost} limits {maxCost}} " * 28 + "}",
        "unknown input fields": "mutation {createToken(input: {"
        + " ".join(f"n{i}: 1" for i in range(125))
        + "}) {secret}}",
        "unknown enum values": "mutation {createToken(input: {name: 1, scopes: ["
        + " ".join(f"A{i}" for i in range(370))
        + "]}) {secret}}",
        "unused variables": "query (" + " ".join(f"$a{i}: Int" for i in range(95)) + ") {__typename}",
        "refused fields": "{" + " ".join(f"a{i}: applications {{id}}" for i in range(30)) + "}",
        "refused nodes": '{nodes(ids: ["x"' + ' "x"' * 380 + "]) {id}}",
        "a long text": '{node(id: "' + "x" * (size - 80) + '") {id}}',
        "a long block": '{node(id: """' + "\\n x" * (size // 5 - 20) + '""") {id}}',
        "escapes": '{node(id: "' + "\\u0041" * (size // 7 - 20) + '") {id}}',
        "many tokens": "{" + "a " * (size // 2 - 20) + "}",
        "comments": "#\n" * (size // 3 - 20) + "{__typename}",
        "nesting": "{a" * (size // 2 - 20),
        "lists": "{node(id: " + "[" * (size - 80),
        "a long name": "{" + "x" * (size - 80) + "}",
        "digits": "{node(id: " + "9" * (size - 80) + ") {id}}",
    }


def variables(size: int) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return documents with variables, of at most so many bytes as JSON, by what they are made to cost."""
    create = "mutation ($i: CreateTokenInput!) {createToken(input: $i) {secret}}"
    nodes = "query ($ids: [ID!]!) {nodes(ids: $ids) {id}}"
    return {
        "many unknown fields": (create, {"i": {f"n{i}": 1 for i in range(size // 11)}}),
        "many wrong values": (create, {"i": {"name": "x", "scopes": ["x"] * (size // 4 - 30)}}),
        "many ids": (nodes, {"ids": ["x"] * (size // 4 - 30)}),
        "many wrong ids": (nodes, {"ids": [[]] * (size // 3 - 30)}),
        "many variables": ("{__typename}", {f"v{i}": i for i in range(size // 16)}),
        "deep": (create, {"i": {"name": _deep(60)}}),
    }


def bodies(size: int) -> Iterator[tuple[str, bytes]]:
    """Yield bodies of at most so many bytes that are no operations."""
    yield "brackets", b"[" * size
    yield "values", b'{"query":"{a}","variables":{"a":[' + b"0," * (size // 2 - 40) + b"0]}}"
    yield "objects", b'{"query":"{a}","variables":{"a":' + b'{"a":' * 60 + b"1" + b"}" * 61 + b"}"
    yield "digits", b'{"query":"{a}","variables":{"a":' + b"1" * (size - 80) + b"}}"
    yield "escapes for a name", b'{"query":"' + b"\\u0041" * (size // 6 - 20) + b'"}'
    yield "names", b"{" + b",".join(b'"%d":1' % i for i in range(size // 9)) + b"}"


def requests(size: int) -> Iterator[tuple[str, bytes]]:
    """Yield all of these as bodies."""
    for name, document in documents(size).items():
        yield name, json.dumps({"query": document}, separators=(",", ":")).encode()
    for name, (document, values) in variables(size).items():
        yield name, json.dumps({"query": document, "variables": values}, separators=(",", ":")).encode()
    yield from bodies(size)


def _deep(levels: int) -> object:
    return [] if levels == 0 else [_deep(levels - 1)]
