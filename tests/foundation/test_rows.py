"""Rows as plain columns: read as the models read them, in and out of transactions, counted and locked."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest

from app.access.models import IdempotencyRecord
from app.connections.models import ConnectionRecord
from app.foundation.places import list_places
from app.foundation.rows import Columns

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NAMES = ("id", "config", "problem", "ever_connected", "state_since", "tested_at", "revision")


def connection(number: int, **more: object) -> ConnectionRecord:
    return ConnectionRecord(
        id=f"conn_{number}",
        workspace_id="wks_1",
        owner_key="wks_1:w",
        name=f"N{number}",
        name_key=f"n{number}",
        integration="acme",
        version="1.0.0",
        mode="LIVE",
        state="DRAFT",
        state_since=NOON,
        created_at=NOON,
        created_by="usr_1",
        created_by_label="Ana",
        updated_at=NOON,
        **more,
    )


@pytest.fixture
async def three(database):
    with database.bind():
        await connection(1, config={"a": [1, "ü"]}, ever_connected=True, tested_at=NOON).save()
        await connection(2, problem={"code": "X"}).save()
        await connection(3).save()
        yield database


async def test_columns_are_read_as_the_models_read_them(three):
    columns = Columns(ConnectionRecord, NAMES)
    found = await columns.read('"workspace_id"=$1 ORDER BY "id"', "wks_1")
    models = await ConnectionRecord.all().order_by("id")
    assert list(map(list, found)) == [[getattr(model, name) for model in models] for name in NAMES]
    by_name = dict(zip(NAMES, found, strict=True))
    assert [type(value) for value in by_name["ever_connected"]] == [bool] * 3
    assert all(moment.tzinfo is UTC for moment in by_name["state_since"])


async def test_only_the_columns_that_are_asked_for_are_read_in_their_order(three):
    columns = Columns(ConnectionRecord, NAMES, {"state_since": datetime.isoformat, "problem": len})
    found = await columns.read('"workspace_id"=$1 ORDER BY "id"', "wks_1", names=("problem", "state_since"))
    assert [list(column) for column in found] == [[None, 1, None], [NOON.isoformat()] * 3]


async def test_a_list_of_values_has_a_place_for_each(three):
    columns = Columns(ConnectionRecord, ("id",))
    ids = ["conn_3", "conn_1", "conn_9"]
    condition = f'"workspace_id"=$1 AND "id" IN {list_places(ids, 1)}'
    (found,) = await columns.read(f'{condition} ORDER BY "id"', "wks_1", *ids)
    assert found == ("conn_1", "conn_3")
    assert await columns.count(condition, "wks_1", *ids) == 2
    assert await columns.read(f'"id" IN {list_places([])}') == [()]


async def test_a_value_is_never_part_of_the_statement(three):
    columns = Columns(ConnectionRecord, ("id",))
    assert await columns.read('"id"=$1', "x' OR '1'='1") == [()]
    assert await columns.count('"name"=$1', "$1 ? %s") == 0


async def test_reading_joins_the_open_transaction(three):
    columns = Columns(ConnectionRecord, ("id",))
    with suppress(EOFError):
        async with three.transaction():
            await connection(4).save()
            assert await columns.read('"id"=$1', "conn_4", lock=True) == [("conn_4",)]
            raise EOFError
    assert await columns.count('"id"=$1', "conn_4") == 0


def test_a_column_that_is_not_there_is_told_at_once():
    with pytest.raises(KeyError):
        Columns(IdempotencyRecord, ("nothing",))
