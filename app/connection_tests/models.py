"""Tables of connection tests: runs and their steps."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.models import Model

from app.foundation.fields import DatetimeField


class TestRunRecord(Model):
    """One execution of a connection test. ``seq`` is that of its end, or the last one before it was begun anew."""

    id = fields.CharField(max_length=40, primary_key=True)
    workspace_id = fields.CharField(max_length=40)
    connection_id = fields.CharField(max_length=40)
    kind = fields.CharField(max_length=16)
    state = fields.CharField(max_length=16)
    verdict = fields.CharField(max_length=16, null=True)
    problem = fields.JSONField[dict[str, Any] | None](null=True)
    config_revision = fields.IntField()
    actor = fields.JSONField[dict[str, Any]]()
    seq = fields.IntField(default=0)
    created_at = DatetimeField()
    started_at = DatetimeField(null=True)
    finished_at = DatetimeField(null=True)
    deadline_at = DatetimeField()

    class Meta:
        table = "test_run"
        indexes = (("connection_id", "created_at", "id"),)


class TestStepRecord(Model):
    """One step of a run: what was done, how long it took, what was seen, the verdict."""

    id = fields.CharField(max_length=40, primary_key=True)
    run_id = fields.CharField(max_length=40)
    workspace_id = fields.CharField(max_length=40)
    index = fields.IntField()
    seq = fields.IntField()
    kind = fields.CharField(max_length=24)
    state = fields.CharField(max_length=16)
    started_at = DatetimeField()
    duration_ms = fields.IntField(null=True)
    message = fields.TextField(default="")
    evidence = fields.JSONField[dict[str, Any]](default=dict)
    problem = fields.JSONField[dict[str, Any] | None](null=True)
    exchange = fields.JSONField[dict[str, Any] | None](null=True)

    class Meta:
        table = "test_step"
        unique_together = (("run_id", "index"),)
