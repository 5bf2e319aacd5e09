"""Reads rows as plain columns: the ORM's objects cost ten times as much as the statement, and snapshots need none."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields as fields_of
from typing import Any, Final, TypeVar

import orjson
from tortoise import fields
from tortoise.connection import get_connection
from tortoise.models import Model

from app.foundation.database import run_statement, select
from app.foundation.fields import DatetimeField, read_moment

T = TypeVar("T")
Reader = Callable[[Any], Any]


class Columns:
    """Some columns of a table, read with hand-written conditions whose places are ``$1``, ``$2``, ...

    ``readers`` make of a value that is not null what its snapshot holds, after JSON, moments and truth values are read.
    """

    def __init__(
        self, model: type[Model], names: Collection[str], readers: Mapping[str, Reader] | None = None
    ) -> None:
        table = model.describe(serializable=False)
        kinds = {field["name"]: field["field_type"] for field in [table["pk_field"], *table["data_fields"]]}
        self.names: Final = tuple(names)
        self._table: Final = table["table"]
        self._readers: Final = {
            name: [reader for reader in (_READERS.get(kinds[name]), (readers or {}).get(name)) if reader]
            for name in names
        }

    async def read(
        self, condition: str, *values: object, names: Sequence[str] | None = None, lock: bool = False
    ) -> list[Sequence[Any]]:
        """Return the columns with these ``names`` (all, if none are given), each with a value for every row.

        The condition may go on to order and limit the rows; ``lock`` locks them for change. It joins a transaction that
        is open here, as a model does.
        """
        names = self.names if names is None else names
        selected = ",".join(f'"{name}"' for name in names)
        ending = " FOR UPDATE" if lock and _can_lock() else ""
        statement = f'SELECT {selected} FROM "{self._table}" WHERE {condition}{ending}'  # noqa: S608 - names of the code's own
        rows = await select(statement, *values)
        columns: list[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [()] * len(names)
        for place, name in enumerate(names):
            for reader in self._readers[name]:
                columns[place] = [None if value is None else reader(value) for value in columns[place]]
        return columns

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


_READERS: Final[dict[type, Reader]] = {
    DatetimeField: read_moment,
    fields.JSONField: _json,
    fields.BooleanField: bool,
}
