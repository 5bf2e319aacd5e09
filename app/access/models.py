"""Tables of the access room: answers remembered per idempotency key."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.models import Model

from app.foundation.fields import DatetimeField


class IdempotencyRecord(Model):
    """What one actor's request with one key did; scoped to workspace, actor and operation."""

    id = fields.CharField(max_length=64, primary_key=True)
    workspace_id = fields.CharField(max_length=40, db_index=True)
    operation = fields.CharField(max_length=64)
    input_hash = fields.CharField(max_length=64)
    result = fields.JSONField[dict[str, Any] | None](null=True)
    created_at = DatetimeField()
    expires_at = DatetimeField(db_index=True)

    class Meta:
        table = "idempotency"
