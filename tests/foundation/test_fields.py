"""Moments of rows: always aware and in UTC, whatever a database hands over."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from tortoise import Tortoise, fields

from app.foundation.database import MODEL_MODULES
from app.foundation.fields import DatetimeField

NOON = datetime(2026, 3, 1, 12, 0, 0, 250, tzinfo=UTC)


@pytest.mark.parametrize(
    "stored",
    [
        "2026-03-01 12:00:00.000250+00:00",
        "2026-03-01T12:00:00.000250Z",
        "2026-03-01 12:00:00.000250",
        "2026-03-01 14:00:00.000250+02:00",
        NOON,
        NOON.replace(tzinfo=None),
        NOON.astimezone(timezone(timedelta(hours=2))),
        NOON.astimezone(ZoneInfo("Asia/Kolkata")),
    ],
    ids=str,
)
def test_a_moment_is_read_in_utc(stored):
    read = DatetimeField().to_python_value(stored)
    assert read == NOON
    assert read.tzinfo is UTC


def test_no_moment_is_none():
    assert DatetimeField(null=True).to_python_value(None) is None


def test_the_orm_describes_the_column_as_its_own():
    mine, its = (field.describe(serializable=True) for field in (DatetimeField(), fields.DatetimeField()))
    assert mine == its


def test_every_moment_of_every_table_is_read_fast():
    Tortoise.init_models(MODEL_MODULES, "models")
    columns = [
        column
        for model in Tortoise.apps["models"].values()
        for column in model._meta.fields_map.values()
        if isinstance(column, fields.DatetimeField)
    ]
    assert columns
    assert all(type(column) is DatetimeField for column in columns)
