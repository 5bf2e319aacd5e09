"""What roles and token scopes permit: decisions only."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Protocol

from app.foundation.errors import PermissionDeniedError
from app.foundation.problems import ProblemCode, problem


class Permission(StrEnum):
    """What an actor may be allowed to do."""

    CATALOG_READ = "catalog:read"
    CONNECTIONS_READ = "connections:read"
    CONNECTIONS_WRITE = "connections:write"
    CONNECTIONS_AUTHORIZE = "connections:authorize"
    CONNECTIONS_OPERATE = "connections:operate"
    CONNECTIONS_TEST = "connections:test"
    CONNECTIONS_USE = "connections:use"
    APPLICATIONS_READ = "applications:read"
    APPLICATIONS_WRITE = "applications:write"
    EVENTS_READ = "events:read"
    AUDIT_READ = "audit:read"
    WORK_READ = "work:read"
    MEMBERS_WRITE = "members:write"
    TOKENS_WRITE = "tokens:write"


class Role(StrEnum):
    """A member's role in a workspace."""

    OWNER = "OWNER"
    ADMIN = "ADMIN"
    EDITOR = "EDITOR"
    OPERATOR = "OPERATOR"
    VIEWER = "VIEWER"


ALL_PERMISSIONS: Final = frozenset(Permission)
_READS: Final = frozenset(
    {
        Permission.CATALOG_READ,
        Permission.CONNECTIONS_READ,
        Permission.APPLICATIONS_READ,
        Permission.EVENTS_READ,
    }
)
_OPERATES: Final = _READS | {Permission.CONNECTIONS_OPERATE, Permission.CONNECTIONS_TEST}
_WRITES: Final = _OPERATES | {
    Permission.CONNECTIONS_WRITE,
    Permission.CONNECTIONS_AUTHORIZE,
    Permission.CONNECTIONS_USE,
}
ROLE_PERMISSIONS: Final = {
    Role.OWNER: ALL_PERMISSIONS,
    Role.ADMIN: ALL_PERMISSIONS - {Permission.MEMBERS_WRITE},
    Role.EDITOR: _WRITES,
    Role.OPERATOR: _OPERATES,
    Role.VIEWER: _READS,
}


class _Actor(Protocol):
    """What is asked of an :class:`app.access.actor.Actor`."""

    @property
    def permissions(self) -> frozenset[Permission]: ...


def may(actor: _Actor, permission: Permission) -> bool:
    """Return whether the actor holds the permission."""
    return permission in actor.permissions


def require(actor: _Actor, *permissions: Permission) -> None:
    """Let the actor pass.

    A verb whose answer shows what it changed requires both permissions at once: nothing is done, then refused.

    Raises:
        PermissionDeniedError: the actor does not hold one of the permissions; it names the first.
    """
    for permission in permissions:
        if permission not in actor.permissions:
            raise PermissionDeniedError(problem(ProblemCode.PERMISSION_DENIED, permission=permission.value))
