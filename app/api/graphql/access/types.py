"""The viewer and the hub as the schema shows them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import strawberry

from app.access.policy import Permission, Role
from app.api.graphql import limits
from app.api.graphql.access.actor_type import ActorType
from app.api.graphql.access.tokens import AccessTokenType
from app.api.graphql.context import PatchbayInfo, RequestContext
from app.api.graphql.fields import described, object_type, resolver, shown
from app.api.graphql.node import NodeType
from app.api.graphql.pages import MAX_PAGE
from app.api.graphql.scalars import EventCursor, Url
from app.foundation.errors import PermissionDeniedError


@object_type("A workspace: everything in it belongs to it alone.")
class WorkspaceType(NodeType):
    name: str = described("Its name.")
    created_at: datetime = described("When it was made.")


@object_type("Who is asking.")
class ViewerType:
    actor: ActorType = described("Who it is.")
    workspace_id: strawberry.ID = described("The workspace that all you see belongs to.")
    role: Role = described("The role in the workspace.")
    permissions: list[Permission] = described("What you may do.")

    @resolver("The workspace that all you see belongs to.")
    async def workspace(self, info: PatchbayInfo) -> WorkspaceType:
        return shown(WorkspaceType, await info.context.hub.members.workspace(info.context.actor))

    @resolver("The workspace's access tokens, newest first; null where you may not manage them.")
    async def tokens(self, info: PatchbayInfo) -> list[AccessTokenType] | None:
        try:
            tokens = await info.context.hub.tokens.all(info.context.actor)
        except PermissionDeniedError:
            return None
        return [shown(AccessTokenType, snapshot) for snapshot in tokens]

    @resolver("Follow `events` after this cursor: nothing since then is missed.")
    async def as_of(self, info: PatchbayInfo) -> EventCursor:
        return EventCursor(await info.context.as_of())


@object_type("What an operation may ask for.")
class HubLimitsType:
    max_depth: int = described("How deep an operation may go.", default=limits.MAX_DEPTH)
    max_aliases: int = described(
        "How many aliases it may have, fragments spread.", default=limits.MAX_ALIASES
    )
    max_directives: int = described(
        "How many directives it may have, fragments spread.", default=limits.MAX_DIRECTIVES
    )
    max_tokens: int = described("How many tokens a document may have.", default=limits.MAX_TOKENS)
    max_cost: int = described(
        "How much it may cost; `extensions.cost` states what it costs.", default=limits.MAX_COST
    )
    max_body_bytes: int = described("How long a request body may be.", default=limits.MAX_BODY_BYTES)
    max_page: int = described("How many entries a page may have.", default=MAX_PAGE)
    max_operations_per_socket: int = described(
        "How many may run on one websocket.", default=limits.MAX_OPERATIONS_PER_SOCKET
    )
    max_streams_per_workspace: int = described(
        "How many streams a workspace may have open at one web process: one member at most half of them, one token "
        "or session a quarter."
    )


@object_type("This hub.")
class HubInfoType:
    version: str = described("The program's version.")
    public_url: Url = described("The address under which browsers reach it.")
    has_sandbox: bool = described("Whether connections can be made in sandbox mode.")
    event_retention_days: int = described("How long events can be replayed.")
    limits: HubLimitsType = described("What an operation may ask for.")


@strawberry.type
class AccessQueries:
    @resolver("Who is asking; null without credentials.")
    async def viewer(self, info: PatchbayInfo) -> ViewerType | None:
        actor = info.context.signed_in
        if actor is None:
            return None
        permissions = sorted(actor.permissions)
        return shown(ViewerType, actor, actor=shown(ActorType, actor), permissions=permissions)

    @resolver("This hub: version, features, limits.")
    async def hub(self, info: PatchbayInfo) -> HubInfoType | None:
        _ = info.context.actor
        hub = info.context.hub
        return HubInfoType(
            version=hub.version,
            public_url=Url(hub.public_url),
            has_sandbox=hub.settings.sandbox_on,
            event_retention_days=hub.settings.event_retention_days,
            limits=HubLimitsType(max_streams_per_workspace=hub.settings.streams_per_workspace),
        )


async def load_workspaces(context: RequestContext, ids: Sequence[str]) -> Mapping[str, WorkspaceType]:
    if context.actor.workspace_id not in ids:
        return {}
    found = await context.hub.members.workspace(context.actor)
    return {found.id: shown(WorkspaceType, found)}
