"""Authorizations as the schema shows them."""

from datetime import datetime
from typing import Any, cast

import strawberry

from app.api.graphql.connections.steps import AuthorizationStepType, authorization_step_type
from app.api.graphql.connections.types import ConnectionType, connection_type
from app.api.graphql.context import PatchbayInfo
from app.api.graphql.fields import described, object_type, resolver, shown
from app.api.graphql.node import NodeType
from app.api.graphql.problems import ProblemType, maybe_problem
from app.api.graphql.scalars import EventCursor
from app.connections.snapshot import AuthorizationSnapshot, AuthorizationStateName


@object_type("One attempt to authenticate a connection, from begin to end.")
class AuthorizationType(NodeType):
    snapshot: strawberry.Private[AuthorizationSnapshot]
    connection_id: strawberry.ID = described("The id of the connection.")
    auth_method: str = described("The key of the auth method.")
    state: AuthorizationStateName = described("Its state.")
    seq: int = described("Counts its states; `authState` goes on after it.")
    scopes: list[str] = described("The scopes that are asked for.")
    is_final: bool = described("Whether nothing more will happen.")
    created_at: datetime = described("When it was begun.")
    expires_at: datetime = described("Until when it can be completed.")

    @resolver("What has to be done next; null when it has ended.")
    def step(self) -> AuthorizationStepType | None:
        return authorization_step_type(self.snapshot)

    @resolver("What went wrong.")
    def problem(self) -> ProblemType | None:
        return maybe_problem(self.snapshot.problem)

    @resolver("The connection; null where it was deleted.")
    async def connection(self, info: PatchbayInfo) -> ConnectionType | None:
        return await loaded_connection(info, self.connection_id)

    @resolver("Follow `events` after this cursor: nothing since then is missed.")
    async def as_of(self, info: PatchbayInfo) -> EventCursor:
        return EventCursor(await info.context.as_of())


@object_type("One state of an authorization. Every state is delivered.")
class AuthorizationStateType:
    snapshot: strawberry.Private[AuthorizationSnapshot]
    seq: int = described("Its place among the authorization's states; keep it for `afterSeq`.")
    state: AuthorizationStateName = described("The state.")
    at: datetime = described("When it came to this state.")
    is_final: bool = described("Whether nothing more will happen to the authorization.")

    @resolver("What had to be done next; null when it had ended.")
    def step(self) -> AuthorizationStepType | None:
        return authorization_step_type(self.snapshot)

    @resolver("What went wrong.")
    def problem(self) -> ProblemType | None:
        return maybe_problem(self.snapshot.problem)

    @resolver("The authorization, as it was in this state.")
    def authorization(self) -> AuthorizationType:
        return authorization_type(self.snapshot)

    @resolver("The connection as it is now; null where it was deleted.")
    async def connection(self, info: PatchbayInfo) -> ConnectionType | None:
        return await loaded_connection(info, self.snapshot.connection_id)


@strawberry.type
class ConnectionAuthorizationFields:
    """What authorizations add to ``Connection``."""

    @resolver(
        "The authorization that is under way, with its step: after a reload a page goes on with it. Null where none is."
    )
    async def open_authorization(self, info: PatchbayInfo) -> AuthorizationType | None:
        found = await info.context.loaders.open_authorizations.load(cast("Any", self).id)
        return None if found is None else authorization_type(found)


async def loaded_connection(info: PatchbayInfo, connection_id: str) -> ConnectionType | None:
    """Load a connection through the operation's loader."""
    snapshot = await info.context.loaders.connections.load(connection_id)
    return None if snapshot is None else connection_type(snapshot)


def authorization_type(snapshot: AuthorizationSnapshot) -> AuthorizationType:
    return shown(AuthorizationType, snapshot, snapshot=snapshot)
