"""Connections as the schema shows them."""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Final

import strawberry
from strawberry.utils.str_converters import to_camel_case

import app.api.graphql.connections.enums  # noqa: F401 - brings the room's enums into the schema
from app.api.graphql.catalog.types import (
    IntegrationType,
    IntegrationVersionType,
    integration_type,
    version_type,
)
from app.api.graphql.context import PatchbayInfo
from app.api.graphql.fields import described, object_type, resolver, shown
from app.api.graphql.node import NodeType
from app.api.graphql.problems import ProblemType, maybe_problem, problem_types
from app.api.graphql.scalars import EventCursor, Json, SemVer
from app.connections.abilities import abilities
from app.connections.lifecycle import ConnectionState
from app.connections.snapshot import (
    PARTS,
    WITHOUT_AUTH,
    AccessScope,
    ConnectionSnapshot,
    SetupStepKey,
    SetupStepState,
)
from app.credentials.snapshot import CredentialSnapshot, Mode
from app.foundation.errors import NotFoundError

_PLAIN: Final[Mapping[str, str]] = {
    "name": "name",
    "description": "description",
    "integration_key": "integration",
    "pinned_version": "version",
    "mode": "mode",
    "scope": "scope",
    "config": "config",
    "tested_at": "tested_at",
    "revision": "revision",
    "created_at": "created_at",
    "created_by": "created_by_label",
    "updated_at": "updated_at",
}
"""The attributes of a connection's type that are parts of its snapshot, by the part's name there."""
_NEEDED: Final[Mapping[str, Collection[str]]] = {
    **{to_camel_case(name): (part,) for name, part in _PLAIN.items()},
    **dict.fromkeys(("id", "__typename", "asOf", "openAuthorization"), ()),
    **dict.fromkeys(("auth", "isTested", "nextSteps", "secrets", "viewerCan"), PARTS),
    "status": ("state", "state_since", "problem"),
    "integration": ("integration",),
    "version": ("integration", "version"),
}


@object_type("The state of a connection.")
class ConnectionStatusType:
    state: ConnectionState = described("The state.")
    problem: ProblemType | None = described("What is wrong; null where all is well.")
    since: datetime = described("Since when it is in this state.")


@object_type("What may be shown of a stored secret; never its value.")
class SecretInfoType:
    path: list[str] = described("Where it is in the form, from the outside in.")
    is_set: bool = described("Whether a value is stored.")
    hint: str | None = described(
        "Its last characters, where it is a key or token and long enough to show them."
    )
    updated_at: datetime | None = described("When it was stored.")


@object_type("The account at the outside system that is connected.")
class AccountType:
    id: str | None = described("Its id there, where the provider states it.")
    label: str | None = described("What it is called there, where the provider states it.")


def _missing_scopes(self: "ConnectionAuthType", info: PatchbayInfo) -> list[str]:
    return list(info.context.hub.connections.missing_scopes(info.context.actor, self.connection))


@object_type("What is stored with a connection's sealed credentials.")
class ConnectionAuthType:
    connection: strawberry.Private[ConnectionSnapshot]
    method: str = described("The key of the auth method.")
    application_id: strawberry.ID | None = described(
        "The application that they were got with, and are renewed and revoked with; null where the method needs none."
    )
    requested_scopes: list[str] = described("The scopes that were asked for.")
    granted_scopes: list[str] | None = described("What was granted; null where it was not stated.")
    missing_scopes: list[str] = strawberry.field(
        resolver=_missing_scopes, description="What was asked for, or is needed, but not granted."
    )
    account: AccountType | None = described("Who is connected, where the provider states it.")
    expires_at: datetime | None = described("When they expire; null where it is not known.")
    refreshed_at: datetime | None = described("When they were obtained or renewed last.")
    can_renew: bool = described("Whether the hub renews them by itself.")


@object_type("One step from a draft to a usable connection, decided by the server.")
class SetupStepType:
    key: SetupStepKey = described("Which step it is.")
    title: str = described("What it is called.")
    help: str = described("What it is for.")
    state: SetupStepState = described("Its state.")
    problems: list[ProblemType] = described("What blocks it.")
    mutation: str = described("The mutation that does it.")


@object_type("What you may do with a connection in its present state.")
class ConnectionPermissionsType:
    edit: bool = described("Change its name, description and configuration.")
    authorize: bool = described("Begin an authorization.")
    test: bool = described("Run its tests.")
    activate: bool = described("Activate it.")
    pause: bool = described("Pause it.")
    resume: bool = described("Resume it.")
    disconnect: bool = described("Destroy its credentials.")
    delete: bool = described("Delete it.")


def _is_tested(self: "ConnectionType") -> bool:
    return self.snapshot.tested


@object_type("A named, configured, authenticated link to one integration.")
class ConnectionType(NodeType):
    snapshot: strawberry.Private[ConnectionSnapshot]
    position: strawberry.Private[int | None]
    name: str = described("Its name: unique, ignoring case, among the connections of its owner.")
    description: str = described("What it is for, in its owner's words.")
    integration_key: str = described("The key of its integration.")
    pinned_version: SemVer = described("The version of the definition that it stays with.")
    mode: Mode = described("Whether it talks to the outside world or to the simulator.")
    scope: AccessScope = described("Whose connection it is.")
    config: Json = described("Its configuration, without the secret fields.")
    is_tested: bool = strawberry.field(
        resolver=_is_tested,
        description="Whether the default test passed with these credentials and this configuration.",
    )
    tested_at: datetime | None = described("When the default test passed last.")
    revision: int = described("Counts changes; send it as `expectedRevision`.")
    created_at: datetime = described("When it was made.")
    created_by: str = described("Who made it.")
    updated_at: datetime = described("When it was changed last.")

    @resolver("Its state.")
    def status(self) -> ConnectionStatusType:
        return status_type(self.snapshot)

    @resolver(
        "Every step from draft to usable, in order; empty where the catalog no longer has its definition."
    )
    async def next_steps(self, info: PatchbayInfo) -> list[SetupStepType]:
        context = info.context
        try:
            steps = await context.hub.connections.next_steps(context.actor, self.snapshot)
        except NotFoundError:  # the catalog no longer has its definition
            return []
        return [shown(SetupStepType, step, problems=problem_types(step.problems)) for step in steps]

    @resolver("Its secret fields: that they are set, never their values.")
    def secrets(self) -> list[SecretInfoType]:
        return [shown(SecretInfoType, secret) for secret in self.snapshot.secrets]

    @resolver("How it proves itself; null before the first authorization.")
    def auth(self) -> ConnectionAuthType | None:
        auth = self.snapshot.auth
        return None if auth is None else _auth(self.snapshot, auth)

    @resolver("Its integration; null where the catalog no longer has it.")
    def integration(self, info: PatchbayInfo) -> IntegrationType | None:
        return integration_type(info.context.hub.catalog, self.integration_key)

    @resolver("The version it stays with; null where the catalog no longer has it.")
    def version(self, info: PatchbayInfo) -> IntegrationVersionType | None:
        return version_type(info.context.hub.catalog, self.integration_key, self.pinned_version)

    @resolver("What you may do with it now.")
    def viewer_can(self, info: PatchbayInfo) -> ConnectionPermissionsType:
        return ConnectionPermissionsType(**asdict(abilities(info.context.actor, self.snapshot)))

    @resolver("Follow `events` after this cursor: nothing since then is missed.")
    async def as_of(self, info: PatchbayInfo) -> EventCursor:
        if self.position is not None:
            return EventCursor(info.context.cursor(self.position))
        return EventCursor(await info.context.as_of())


def needed_parts(fields: Collection[str]) -> Collection[str]:
    """Return the parts of a snapshot that these fields of a connection need."""
    return {part for field in fields for part in _NEEDED.get(field, WITHOUT_AUTH)}


def connection_type(
    snapshot: ConnectionSnapshot, position: int | None = None, parts: Collection[str] = PARTS
) -> ConnectionType:
    """Return a connection as the schema shows it; ``position`` is the stream's, if a verb gave it.

    Of a snapshot that has only some ``parts``, the type has these.
    """
    made = ConnectionType.__new__(ConnectionType)
    vars(made).update({name: getattr(snapshot, part) for name, part in _PLAIN.items() if part in parts})
    vars(made).update(id=snapshot.id, snapshot=snapshot, position=position)
    return made


def status_type(snapshot: ConnectionSnapshot) -> ConnectionStatusType:
    """Return how the connection stands."""
    return ConnectionStatusType(
        state=snapshot.state, problem=maybe_problem(snapshot.problem), since=snapshot.state_since
    )


def _auth(connection: ConnectionSnapshot, auth: CredentialSnapshot) -> ConnectionAuthType:
    known = auth.account_id is not None or auth.account_label is not None
    account = AccountType(id=auth.account_id, label=auth.account_label) if known else None
    return shown(ConnectionAuthType, auth, connection=connection, method=auth.auth_method, account=account)
