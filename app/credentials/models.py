"""Tables of the credentials room. Secrets are not here: the vault seals them under these rows' ids."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.models import Model

from app.foundation.fields import DatetimeField


class ApplicationRecord(Model):
    """A client id and secret registered with a provider; the secret is sealed in the vault under this row's id.

    ``name_key`` (case-folded) makes names unique among the applications of an integration, mode and source.
    ``origins`` are the addresses to which the secret may be sent; none: those that the definition vouches for.
    """

    id = fields.CharField(max_length=40, primary_key=True)
    workspace_id = fields.CharField(max_length=40, db_index=True)
    integration = fields.CharField(max_length=64)
    mode = fields.CharField(max_length=16)
    source = fields.CharField(max_length=16)
    name = fields.CharField(max_length=120)
    name_key = fields.CharField(max_length=240)
    origins = fields.JSONField[list[str]](default=list)
    client_id = fields.CharField(max_length=512)
    fields_json = fields.JSONField[dict[str, Any]](default=dict)
    secret_fields = fields.JSONField[dict[str, dict[str, Any]]](default=dict)
    secret_hint = fields.CharField(max_length=16, null=True)
    secret_generation = fields.IntField(default=0)
    problem = fields.JSONField[dict[str, Any] | None](null=True)
    revision = fields.IntField(default=1)
    created_at = DatetimeField()
    updated_at = DatetimeField()

    class Meta:
        table = "application"
        unique_together = (("workspace_id", "integration", "mode", "source", "name_key"),)


class CredentialRecord(Model):
    """What is stored with a connection's sealed credentials: expiry, scopes, account, generation.

    ``generation`` 0 means that nothing is sealed. ``is_stale``: the configuration was changed since where it touches
    authentication, so that they are sent nowhere until others take their place. When they are due is work's.
    """

    connection_id = fields.CharField(max_length=40, primary_key=True)
    workspace_id = fields.CharField(max_length=40)
    auth_method = fields.CharField(max_length=64)
    application_id = fields.CharField(max_length=40, null=True, db_index=True)
    generation = fields.IntField(default=0)
    expires_at = DatetimeField(null=True)
    refresh_expires_at = DatetimeField(null=True)
    lifetime_s = fields.IntField(null=True)
    requested_scopes = fields.JSONField[list[str]](default=list)
    granted_scopes = fields.JSONField[list[str] | None](null=True)
    account_id = fields.CharField(max_length=512, null=True)
    account_label = fields.CharField(max_length=512, null=True)
    account_from = fields.CharField(max_length=16, null=True)
    account = fields.JSONField[dict[str, str]](default=dict)
    hints = fields.JSONField[list[dict[str, Any]]](default=list)
    can_renew = fields.BooleanField(default=False)
    fingerprint = fields.CharField(max_length=64, null=True, db_index=True)
    is_stale = fields.BooleanField(default=False)
    sealed_at = DatetimeField(null=True)
    refreshed_at = DatetimeField(null=True)

    class Meta:
        table = "credential"


class RenewalAttemptRecord(Model):
    """The intent to renew, committed before the call: an open row after a crash means that the outcome is unknown."""

    id = fields.CharField(max_length=40, primary_key=True)
    workspace_id = fields.CharField(max_length=40)
    connection_id = fields.CharField(max_length=40, db_index=True)
    generation = fields.IntField()
    started_at = DatetimeField()
    finished_at = DatetimeField(null=True)
    outcome = fields.CharField(max_length=32, null=True)
    problem = fields.JSONField[dict[str, Any] | None](null=True)

    class Meta:
        table = "renewal_attempt"


class RevocationRecord(Model):
    """Credentials of a connection that is gone, to be revoked at the provider; the vault seals them under this id."""

    id = fields.CharField(max_length=40, primary_key=True)
    workspace_id = fields.CharField(max_length=40)
    connection_id = fields.CharField(max_length=40, db_index=True)
    connection_name = fields.CharField(max_length=120)
    integration = fields.CharField(max_length=64)
    version = fields.CharField(max_length=64)
    mode = fields.CharField(max_length=16)
    config = fields.JSONField[dict[str, Any]](default=dict)
    account = fields.JSONField[dict[str, str]](default=dict)
    auth_method = fields.CharField(max_length=64)
    application_id = fields.CharField(max_length=40, null=True, db_index=True)
    state = fields.CharField(max_length=24)
    revoked = fields.JSONField[list[str]](default=list)
    alive = fields.JSONField[list[str]](default=list)
    problem = fields.JSONField[dict[str, Any] | None](null=True)
    expires_at = DatetimeField(null=True)
    attempts = fields.IntField(default=0)
    created_at = DatetimeField()
    finished_at = DatetimeField(null=True)

    class Meta:
        table = "revocation"
