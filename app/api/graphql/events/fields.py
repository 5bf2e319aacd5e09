"""The event stream as a query and as a subscription: the same data, the same cursor."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Annotated

import strawberry

from app.api.graphql.context import PatchbayInfo, RequestContext
from app.api.graphql.events.types import (
    EventFilterInput,
    EventPageType,
    EventStreamMessageType,
    WorkspaceEventType,
    event_filter,
    event_type,
    message_type,
    page_type,
)
from app.api.graphql.fields import resolver, stream
from app.api.graphql.pages import First, page_args
from app.api.graphql.scalars import EventCursor
from app.event_stream.event import decode_cursor

Filter = Annotated[EventFilterInput | None, strawberry.argument(name="filter", description="Which events.")]


@strawberry.type
class EventQueries:
    @resolver("The workspace's events behind a cursor, oldest first; the polling form of `events`.")
    async def events(
        self,
        info: PatchbayInfo,
        after: Annotated[
            EventCursor | None,
            strawberry.argument(
                description="Behind this cursor; from the oldest that is kept where it is left out."
            ),
        ] = None,
        filter_: Filter = None,
        first: First = None,
    ) -> EventPageType | None:
        args = page_args(first, None, None, None)
        return page_type(
            await info.context.hub.events.page(
                info.context.actor,
                _position(info.context, after),
                args.size,
                event_filter(filter_),
            )
        )


@strawberry.type
class EventSubscriptions:
    @stream(
        "The workspace's events behind a cursor, then live: in order, at least once, never silently cut. "
        "Keep the cursor of every message and come back with it; a StreamReset ends the stream."
    )
    async def events(
        self,
        info: PatchbayInfo,
        after: Annotated[
            EventCursor | None,
            strawberry.argument(description="Behind this cursor; from now on where it is left out."),
        ] = None,
        filter_: Filter = None,
    ) -> AsyncGenerator[EventStreamMessageType, None]:
        messages = info.context.hub.events.subscribe(
            info.context.actor,
            _position(info.context, after),
            event_filter(filter_),
            guard=info.context.guard,
        )
        async for message in messages:
            yield message_type(message)


async def load_events(context: RequestContext, ids: Sequence[str]) -> Mapping[str, WorkspaceEventType]:
    found = await context.hub.events.many(context.actor, ids)
    return {id_: event_type(event) for id_, event in found.items()}


def _position(context: RequestContext, after: str | None) -> int | None:
    return None if after is None else decode_cursor(context.actor.workspace_id, after)
