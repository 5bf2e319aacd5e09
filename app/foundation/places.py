"""The places of values in SQL statements: ``$1``, ``$2``, ..."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson


def list_places(values: Sequence[object], after: int = 0) -> str:
    """Return the places of a list, ``($1,$2)``, behind ``after`` others; a list of none is one that nothing is in."""
    return f"({','.join(f'${number}' for number in range(after + 1, after + 1 + len(values))) or 'NULL'})"


def row_places(
    rows: Sequence[Sequence[object]], after: int = 0, row: str = "({})", between: str = ", "
) -> tuple[str, list[object]]:
    """Return the places of rows, ``($1, $2), ($3, $4)``, behind ``after`` others, and all their values in order.

    ``row`` is how one is written around its places. Mappings and lists become JSON.
    """
    texts, values = [], list[object]()
    for each in rows:
        first = after + len(values) + 1
        texts.append(row.format(", ".join(f"${number}" for number in range(first, first + len(each)))))
        values += map(_stored, each)
    return between.join(texts), values


def _stored(value: object) -> object:
    return orjson.dumps(value).decode() if isinstance(value, Mapping | list) else value
