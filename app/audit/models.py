"""Tables of the audit room: chains, their heads, uses of secrets being counted, signed checkpoints."""

from __future__ import annotations

from typing import ClassVar

from tortoise import fields
from tortoise.models import Model

from app.foundation.fields import DatetimeField


class AuditEntryRecord(Model):
    """One entry of one chain; triggers refuse to update or delete it."""

    id = fields.CharField(max_length=40, primary_key=True)
    workspace_id = fields.CharField(max_length=40)
    seq = fields.BigIntField()
    at = DatetimeField()
    actor_kind = fields.CharField(max_length=16)
    actor_id = fields.CharField(max_length=64)
    actor_label = fields.CharField(max_length=200)
    via = fields.CharField(max_length=16)
    ip_hash = fields.CharField(max_length=64, null=True)
    request_id = fields.CharField(max_length=64)
    action = fields.CharField(max_length=64)
    target_type = fields.CharField(max_length=40)
    target_id = fields.CharField(max_length=64)
    target_label = fields.CharField(max_length=200)
    outcome = fields.CharField(max_length=16)
    detail = fields.JSONField[dict[str, object]]()
    key_id = fields.CharField(max_length=64)
    prev_hash = fields.CharField(max_length=64)
    hash = fields.CharField(max_length=64)

    class Meta:
        table = "audit_entry"
        unique_together: ClassVar = (("workspace_id", "seq"),)
        indexes: ClassVar = (("workspace_id", "target_id", "seq"), ("workspace_id", "actor_id", "seq"))


class AuditHeadRecord(Model):
    """The end of a workspace's chain; its lock orders the writers."""

    workspace_id = fields.CharField(max_length=40, primary_key=True)
    seq = fields.BigIntField(default=0)
    hash = fields.CharField(max_length=64)

    class Meta:
        table = "audit_head"


class SecretUseRecord(Model):
    """How often one actor used a connection's secrets for one purpose within one minute."""

    id = fields.CharField(max_length=40, primary_key=True)
    workspace_id = fields.CharField(max_length=40)
    connection_id = fields.CharField(max_length=40)
    purpose = fields.CharField(max_length=40)
    actor_id = fields.CharField(max_length=64)
    minute = DatetimeField(db_index=True)
    count = fields.BigIntField()
    actor_kind = fields.CharField(max_length=16)
    actor_label = fields.CharField(max_length=200)
    via = fields.CharField(max_length=16)
    request_id = fields.CharField(max_length=64)

    class Meta:
        table = "secret_use"
        unique_together: ClassVar = (("workspace_id", "connection_id", "purpose", "actor_id", "minute"),)


class AuditCheckpointRecord(Model):
    """A signed statement of where all chains stood; each one names the one before it."""

    number = fields.BigIntField(primary_key=True, generated=False)
    at = DatetimeField()
    heads = fields.JSONField[dict[str, object]]()
    prev_hash = fields.CharField(max_length=64)
    public_key = fields.CharField(max_length=64)
    signature = fields.CharField(max_length=128)

    class Meta:
        table = "audit_checkpoint"
