"""What the members room shows of its rows, and the identities that doors make actors of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.access.policy import Permission, Role
from app.foundation.secret import Secret


@dataclass(frozen=True, slots=True)
class MemberSnapshot:
    """A member as it stood."""

    id: str
    workspace_id: str
    name: str
    role: Role
    created_at: datetime


@dataclass(frozen=True, slots=True)
class WorkspaceSnapshot:
    """A workspace as it stood; ``owner`` is the one who has been its owner longest."""

    id: str
    name: str
    created_at: datetime
    owner: MemberSnapshot


@dataclass(frozen=True, slots=True)
class TokenSnapshot:
    """An access token without its secret; ``hint`` is its last four characters."""

    id: str
    workspace_id: str
    member_id: str
    name: str
    scopes: tuple[Permission, ...]
    hint: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class CreatedToken:
    """A new access token, the only time that its secret is shown."""

    id: str
    token: Secret
    snapshot: TokenSnapshot


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a valid access token or session stands for; ``id`` and ``expires_at`` are the token's or session's own.

    ``permissions`` are what the member's role permits, and of that only what the token's scopes name.
    """

    id: str
    workspace_id: str
    member_id: str
    label: str
    role: Role
    permissions: frozenset[Permission]
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Session:
    """A session that has just begun, the only time that its token is shown."""

    id: str
    token: Secret
    identity: Identity
    expires_at: datetime
