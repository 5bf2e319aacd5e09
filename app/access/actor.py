"""The actor: who does it, in which workspace, with which permissions, through which channel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from app.access.policy import ALL_PERMISSIONS, Permission, Role


class ActorKind(StrEnum):
    """What kind of actor it is."""

    MEMBER = "MEMBER"
    TOKEN = "TOKEN"  # noqa: S105 - a kind of actor
    SYSTEM = "SYSTEM"


class Channel(StrEnum):
    """The channel that an actor used."""

    GRAPHQL = "GRAPHQL"
    HTTP = "HTTP"
    CLI = "CLI"
    BACKGROUND = "BACKGROUND"


@dataclass(frozen=True, slots=True)
class Actor:
    """One actor of one request. Rooms take it as their first argument and ask it for permissions.

    ``ip_hash`` is a keyed hash, never the address. ``session_id`` names the session or token that must stay valid for
    the actor to keep long-lived streams; ``member_id`` the member who is signed in, or for whom the token acts.
    """

    workspace_id: str
    kind: ActorKind
    id: str
    label: str
    role: Role
    permissions: frozenset[Permission]
    via: Channel
    request_id: str
    ip_hash: str | None = None
    session_id: str | None = None
    member_id: str | None = None

    @classmethod
    def remembered(
        cls, workspace_id: str, kind: ActorKind, id_: str, label: str, *, via: Channel, request_id: str
    ) -> Actor:
        """Return who did something earlier: good for naming it, and without any permission until they are looked up."""
        return cls(workspace_id, kind, id_, label, Role.VIEWER, frozenset(), via, request_id)

    @classmethod
    def operator(cls, workspace_id: str, request_id: str) -> Actor:
        """Return the operator at the command line: its machine holds the keys, so the operator may do everything."""
        return replace(cls.system(workspace_id, "operator", request_id), id="operator", via=Channel.CLI)

    @classmethod
    def system(cls, workspace_id: str, label: str, request_id: str) -> Actor:
        """Return the hub itself, acting in the background for a workspace."""
        kind, role = ActorKind.SYSTEM, Role.OWNER
        return cls(workspace_id, kind, "system", label, role, ALL_PERMISSIONS, Channel.BACKGROUND, request_id)
