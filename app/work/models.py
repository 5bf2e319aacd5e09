"""The table of due work."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model

from app.foundation.fields import DatetimeField


class DueWorkRecord(Model):
    """One piece of due work. ``fence`` starts anywhere and grows by one at each claim; it decides who may write.

    ``id`` is ``kind:subject``; ``lane`` names kind, workspace and share, served round-robin. ``due_at`` is null where
    it was given up. ``lease_owner`` stays where a process died with a claim. ``is_due_again``: scheduled anew since
    it was claimed; ``interruptions``: how often in a row it was claimed from a dead process.
    """

    id = fields.CharField(max_length=128, primary_key=True)
    kind = fields.CharField(max_length=32)
    subject = fields.CharField(max_length=90)
    workspace_id = fields.CharField(max_length=40)
    share = fields.CharField(max_length=64)
    lane = fields.CharField(max_length=140)
    due_at = DatetimeField(null=True, db_index=True)
    scheduled_at = DatetimeField()
    is_due_again = fields.BooleanField(default=False)
    lease_owner = fields.CharField(max_length=32, null=True)
    lease_until = DatetimeField(null=True)
    fence = fields.BigIntField()
    interruptions = fields.IntField(default=0)
    attempts = fields.IntField(default=0)
    failing_since = DatetimeField(null=True)
    given_up_at = DatetimeField(null=True)
    last_problem = fields.CharField(max_length=48, null=True)
    created_at = DatetimeField()

    class Meta:
        table = "due_work"
        indexes = (("lane", "due_at"),)
