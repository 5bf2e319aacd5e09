"""Tables that belong to no subject."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model

from app.foundation.fields import DatetimeField


class InstallationRecord(Model):
    """The one row that gives this installation its id; it names Redis channels and is never shown to tenants."""

    slot = fields.IntField(primary_key=True, generated=False)
    id = fields.CharField(max_length=40, unique=True)
    created_at = DatetimeField()

    class Meta:
        table = "installation"
