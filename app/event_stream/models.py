"""Tables of the event stream: one counter per workspace, whose lock orders the commits, and the events."""

from __future__ import annotations

from typing import ClassVar

from tortoise import fields
from tortoise.models import Model

from app.foundation.fields import DatetimeField


class EventCounterRecord(Model):
    """The last position given out in a workspace, and up to which position events were pruned."""

    workspace_id = fields.CharField(max_length=40, primary_key=True)
    position = fields.BigIntField(default=0)
    pruned_to = fields.BigIntField(default=0)

    class Meta:
        table = "event_counter"


class EventRecord(Model):
    """One committed fact."""

    id = fields.CharField(max_length=40, primary_key=True)
    workspace_id = fields.CharField(max_length=40)
    position = fields.BigIntField()
    type = fields.CharField(max_length=64)
    occurred_at = DatetimeField()
    connection_id = fields.CharField(max_length=40, null=True)
    subject_type = fields.CharField(max_length=40)
    subject_id = fields.CharField(max_length=64)
    actor_kind = fields.CharField(max_length=16)
    actor_id = fields.CharField(max_length=64)
    actor_label = fields.CharField(max_length=200)
    correlation_id = fields.CharField(max_length=64)
    data = fields.JSONField[dict[str, object]]()

    class Meta:
        table = "event"
        unique_together: ClassVar = (("workspace_id", "position"),)
        indexes: ClassVar = (("workspace_id", "connection_id", "position"),)
