"""Reads rows as plain columns: the ORM's objects cost ten times as much as the statement, and snapshots need none."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import fields as fields_of
from typing import Any, Final, TypeVar

import orjson
from tortoise import fields
from tortoise.connection import get_connection
from tortoise.models import Model

from app.foundation.database import run_statement
from app.foundation.fields import DatetimeField, read_moment

T = TypeVar("T")
Row = dict[str, Any]


class Columns:
    """Some columns of a table, read with hand-written conditions whose places are ``$1``, ``$2``, ..."""

    def __init__(self, model: type[Model], names: Collection[str]) -> None:
        table = model.describe(serializable=False)
        kinds = {field["name"]: field["field_type"] for field in [table["pk_field"], *table["data_fields"]]}
        columns = ",".join(f'"{name}"' for name in names)
        self._table: Final = table["table"]
        self._select: Final = f'SELECT {columns} FROM "{self._table}" WHERE '  # noqa: S608 - names of the code's own
        self._readers: Final = [(name, _READERS[kinds[name]]) for name in names if kinds[name] in _READERS]

    async def read(self, condition: str, *values: object, lock: bool = False) -> list[Row]:
        """Return the rows that meet a condition, which may go on to order and limit them; ``lock`` them for change.

        It joins a transaction that is open here, as a model does.
        """
        ending = " FOR UPDATE" if lock and _can_lock() else ""
        rows = await run_statement(self._select + condition + ending, *values)
        for name, reader in self._readers:
            for row in rows:
                if (value := row[name]) is not None:
                    row[name] = reader(value)
        return rows

    async def count(self, condition: str, *values: object) -> int:
        """Return how many rows meet a condition."""
        statement = f'SELECT COUNT(*) AS "total" FROM "{self._table}" WHERE {condition}'  # noqa: S608 - likewise
        return int((await run_statement(statement, *values))[0]["total"])


def snapshot_of(kind: type[T], row: Model, **given: Any) -> T:  # noqa: ANN401 - values of the dataclass's fields
    """Return a ``kind``, a dataclass, with the row's columns in the fields of their names, save those ``given``."""
    names = [field.name for field in fields_of(kind) if field.name not in given]  # type: ignore[arg-type]
    return kind(**{name: getattr(row, name) for name in names}, **given)


def _can_lock() -> bool:
    return bool(get_connection("default").capabilities.support_for_update)


def _json(text: Any) -> Any:  # noqa: ANN401 - JSON edge
    return orjson.loads(text) if isinstance(text, str | bytes) else text


_READERS: Final[dict[type, Callable[[Any], Any]]] = {
    DatetimeField: read_moment,
    fields.JSONField: _json,
    fields.BooleanField: bool,
}
