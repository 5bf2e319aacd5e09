"""Tables of the connections room."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.models import Model

from app.foundation.fields import DatetimeField


class ConnectionRecord(Model):
    """A connection. ``owner_key`` and ``name_key`` (case-folded) make names unique among one owner's connections.

    ``tested_*`` say which credentials and configuration the default test last passed with.
    """

    id = fields.CharField(max_length=40, primary_key=True)
    workspace_id = fields.CharField(max_length=40)
    owner_key = fields.CharField(max_length=96)
    name = fields.CharField(max_length=120)
    name_key = fields.CharField(max_length=240)
    description = fields.TextField(default="")
    integration = fields.CharField(max_length=64)
    version = fields.CharField(max_length=64)
    mode = fields.CharField(max_length=16)
    state = fields.CharField(max_length=32)
    state_since = DatetimeField()
    problem = fields.JSONField[dict[str, Any] | None](null=True)
    config = fields.JSONField[dict[str, Any]](default=dict)
    config_secret_hints = fields.JSONField[list[dict[str, Any]]](default=list)
    config_revision = fields.IntField(default=1)
    scope = fields.CharField(max_length=16, default="WORKSPACE")
    ever_connected = fields.BooleanField(default=False)
    tested_generation = fields.IntField(null=True)
    tested_config_revision = fields.IntField(null=True)
    tested_at = DatetimeField(null=True)
    revision = fields.IntField(default=1)
    created_at = DatetimeField()
    created_by = fields.CharField(max_length=40)
    created_by_label = fields.CharField(max_length=120)
    updated_at = DatetimeField()

    class Meta:
        table = "connection"
        unique_together = (("owner_key", "name_key"),)
        indexes = (("workspace_id", "created_at", "id"), ("workspace_id", "name_key", "id"))


class AuthorizationRecord(Model):
    """One attempt to authenticate. ``state_hash`` hashes the OAuth state; the verifier is sealed in the vault."""

    id = fields.CharField(max_length=40, primary_key=True)
    workspace_id = fields.CharField(max_length=40)
    connection_id = fields.CharField(max_length=40, db_index=True)
    auth_method = fields.CharField(max_length=64)
    application_id = fields.CharField(max_length=40, null=True)
    actor_kind = fields.CharField(max_length=16)
    actor_id = fields.CharField(max_length=40)
    actor_label = fields.CharField(max_length=120)
    scopes = fields.JSONField[list[str]](default=list)
    return_to = fields.TextField(null=True)
    presentation = fields.CharField(max_length=16)
    state = fields.CharField(max_length=24)
    seq = fields.IntField(default=0)
    step = fields.JSONField[dict[str, Any] | None](null=True)
    problem = fields.JSONField[dict[str, Any] | None](null=True)
    redirect_uri = fields.TextField(null=True)
    state_hash = fields.CharField(max_length=64, null=True, unique=True)
    browser_hash = fields.CharField(max_length=64, null=True)
    verifier_generation = fields.IntField(default=0)
    consumed_at = DatetimeField(null=True)
    created_at = DatetimeField()
    expires_at = DatetimeField(db_index=True)
    finished_at = DatetimeField(null=True)

    class Meta:
        table = "authorization_attempt"


class AuthorizationStateRecord(Model):
    """Every state an authorization went through, in order, for replay."""

    id = fields.CharField(max_length=40, primary_key=True)
    authorization_id = fields.CharField(max_length=40)
    workspace_id = fields.CharField(max_length=40)
    seq = fields.IntField()
    state = fields.CharField(max_length=24)
    step = fields.JSONField[dict[str, Any] | None](null=True)
    problem = fields.JSONField[dict[str, Any] | None](null=True)
    at = DatetimeField()

    class Meta:
        table = "authorization_state"
        unique_together = (("authorization_id", "seq"),)
