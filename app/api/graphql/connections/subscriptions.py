"""Live updates of connections and authorizations."""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated

import strawberry

from app.api.graphql.connections.authorization_types import AuthorizationStateType
from app.api.graphql.connections.inputs import AuthStateByInput, ConnectionFilterInput
from app.api.graphql.connections.queries import connection_query
from app.api.graphql.connections.types import (
    ConnectionStatusType,
    ConnectionType,
    connection_type,
    status_type,
)
from app.api.graphql.context import PatchbayInfo, RequestContext
from app.api.graphql.fields import described, object_type, shown, stream
from app.api.graphql.pages import MAX_PAGE
from app.api.graphql.scalars import EventCursor
from app.connections.snapshot import ConnectionQuery, ConnectionSnapshot
from app.event_stream.event import EventBatch, ResetReason, StreamReset
from app.event_stream.follow import AccessLostError
from app.foundation.pages import PageRequest


@object_type("The state of a connection: first all that the filter matches, then each that changes.")
class ConnectionStatusChangeType:
    connection_id: strawberry.ID = described("The connection's id.")
    connection: ConnectionType | None = described("The connection as it is; null where it is gone.")
    status: ConnectionStatusType | None = described("Its state; null where it is gone.")
    matches: bool = described("Whether the filter still matches it; false also where it is gone.")
    as_of: EventCursor = described("The position of the event stream when this was read.")


@strawberry.type
class ConnectionSubscriptions:
    @stream(
        "How connections stand: the present state of each first, then every change. A snapshot stream: "
        "changes that follow each other quickly may come as one, and the last always arrives."
    )
    async def connection_status(
        self,
        info: PatchbayInfo,
        filter_: Annotated[
            ConnectionFilterInput | None, strawberry.argument(name="filter", description="Which connections.")
        ] = None,
    ) -> AsyncGenerator[ConnectionStatusChangeType, None]:
        query = connection_query(filter_)
        position: int | None = None
        while position is None:  # the stream was reset: begin again with what is there now
            position = await info.context.hub.events.position(info.context.actor.workspace_id)
            async for snapshot in _all(info.context, query):
                yield _change(info.context, snapshot.id, snapshot, query, position)
            messages = info.context.hub.connections.subscribe(
                info.context.actor, position, guard=info.context.guard
            )
            async for message in messages:
                if isinstance(message, StreamReset):
                    if message.reason is ResetReason.FILTER_NARROWED:
                        raise AccessLostError
                    position = None
                if isinstance(message, EventBatch):
                    async for change in _changes(info.context, message, query):
                        yield change

    @stream(
        "Every state of an authorization in order, those it has behind it first. Followed by its own id "
        "the stream ends with the final state; by connection it goes on with the next one."
    )
    async def auth_state(
        self,
        info: PatchbayInfo,
        by: Annotated[AuthStateByInput, strawberry.argument(description="Whose states.")],
        after_seq: Annotated[
            int | None,
            strawberry.argument(description="Go on after this `seq`; from the first where it is left out."),
        ] = None,
    ) -> AsyncGenerator[AuthorizationStateType, None]:
        states = info.context.hub.authorizations.states(
            info.context.actor,
            authorization_id=by.authorization_id.value if by.authorization_id else None,
            connection_id=by.connection_id.value if by.connection_id else None,
            after_seq=max(after_seq or 0, 0),
            guard=info.context.guard,
        )
        async for snapshot in states:
            yield shown(AuthorizationStateType, snapshot, snapshot=snapshot)


async def _all(context: RequestContext, query: ConnectionQuery) -> AsyncIterator[ConnectionSnapshot]:
    cursor: str | None = None
    while True:
        page = await context.hub.connections.page(
            context.actor, query, PageRequest(first=MAX_PAGE, after=cursor, with_total=False)
        )
        for snapshot in page.items:
            yield snapshot
        if not page.has_next or not page.cursors:
            return
        cursor = page.cursors[-1]


async def _changes(
    context: RequestContext, batch: EventBatch, query: ConnectionQuery
) -> AsyncIterator[ConnectionStatusChangeType]:
    touched = list(dict.fromkeys(event.connection_id for event in batch.events if event.connection_id))
    found = await context.hub.connections.many(context.actor, touched)
    for id_ in touched:
        yield _change(context, id_, found.get(id_), query, batch.position)


def _change(
    context: RequestContext,
    id_: str,
    snapshot: ConnectionSnapshot | None,
    query: ConnectionQuery,
    position: int,
) -> ConnectionStatusChangeType:
    return ConnectionStatusChangeType(
        connection_id=strawberry.ID(id_),
        connection=None if snapshot is None else connection_type(snapshot, position),
        status=None if snapshot is None else status_type(snapshot),
        matches=snapshot is not None and _matches(query, snapshot),
        as_of=EventCursor(context.cursor(position)),
    )


def _matches(query: ConnectionQuery, snapshot: ConnectionSnapshot) -> bool:
    return (
        (not query.states or snapshot.state in query.states)
        and (not query.integrations or snapshot.integration in query.integrations)
        and (not query.modes or snapshot.mode in query.modes)
    )
