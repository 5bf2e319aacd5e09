"""Tables of the members room. Tokens, sessions and codes are stored as hashes alone."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model

from app.foundation.fields import DatetimeField


class WorkspaceRecord(Model):
    """A tenant. The one made at first start holds slot 1, so that two first starts make one workspace."""

    id = fields.CharField(max_length=40, primary_key=True)
    name = fields.CharField(max_length=80)
    slot = fields.IntField(null=True, unique=True)
    created_at = DatetimeField()

    class Meta:
        table = "workspace"


class MemberRecord(Model):
    """A person in a workspace, with a role."""

    id = fields.CharField(max_length=40, primary_key=True)
    workspace: fields.ForeignKeyRelation[WorkspaceRecord] = fields.ForeignKeyField(
        "models.WorkspaceRecord", on_delete=fields.RESTRICT
    )
    workspace_id: str
    name = fields.CharField(max_length=80)
    role = fields.CharField(max_length=16)
    created_at = DatetimeField()
    left_at = DatetimeField(null=True)

    class Meta:
        table = "member"


class AccessTokenRecord(Model):
    """A member's access token, narrowed by scopes."""

    id = fields.CharField(max_length=40, primary_key=True)
    workspace_id = fields.CharField(max_length=40, db_index=True)
    member: fields.ForeignKeyRelation[MemberRecord] = fields.ForeignKeyField(
        "models.MemberRecord", on_delete=fields.RESTRICT
    )
    member_id: str
    name = fields.CharField(max_length=80)
    token_hash = fields.CharField(max_length=64, unique=True)
    hint = fields.CharField(max_length=16)
    scopes = fields.JSONField[list[str]]()
    created_at = DatetimeField()
    expires_at = DatetimeField(null=True)
    last_used_at = DatetimeField(null=True)
    revoked_at = DatetimeField(null=True)

    class Meta:
        table = "access_token"


class SessionRecord(Model):
    """A signed-in browser."""

    id = fields.CharField(max_length=40, primary_key=True)
    workspace_id = fields.CharField(max_length=40, db_index=True)
    member: fields.ForeignKeyRelation[MemberRecord] = fields.ForeignKeyField(
        "models.MemberRecord", on_delete=fields.RESTRICT
    )
    member_id: str
    token_hash = fields.CharField(max_length=64, unique=True)
    created_at = DatetimeField()
    last_seen_at = DatetimeField()
    expires_at = DatetimeField(db_index=True)
    ended_at = DatetimeField(null=True)

    class Meta:
        table = "session"


class SignInLinkRecord(Model):
    """A one-time way in, printed where the operator alone reads it."""

    id = fields.CharField(max_length=40, primary_key=True)
    workspace_id = fields.CharField(max_length=40)
    member: fields.ForeignKeyRelation[MemberRecord] = fields.ForeignKeyField(
        "models.MemberRecord", on_delete=fields.RESTRICT
    )
    member_id: str
    code_hash = fields.CharField(max_length=64, unique=True)
    created_at = DatetimeField()
    expires_at = DatetimeField(db_index=True)
    used_at = DatetimeField(null=True)

    class Meta:
        table = "sign_in_link"
