"""The event stream as a query and as a subscription: the same data, the same cursor."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated

import strawberry

from app.access.policy import Permission, require
from app.api.graphql.context import PatchbayInfo, RequestContext
from app.api.graphql.events.types import (
    EventFilterInput,
    EventPageType,
    EventStreamMessageType,
    event_filter,
    message_type,
    page_type,
)
from app.api.graphql.fields import resolver, stream
from app.api.graphql.pages import DEFAULT_PAGE, First, page_args
from app.api.graphql.scalars import EventCursor
from app.event_stream.event import decode_cursor

Filter = Annotated[EventFilterInput | None, strawberry.argument(name="filter", description="Which events.")]


@strawberry.type
class EventQueries:
    """The event stream, page by page."""

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
    ) -> EventPageType:
        """Read a page."""
        args = page_args(first, None, None, None)
        workspace_id = _workspace(info.context)
        return page_type(
            await info.context.hub.events.read(
                workspace_id,
                _position(workspace_id, after),
                args.first or DEFAULT_PAGE,
                event_filter(filter_),
            )
        )


@strawberry.type
class EventSubscriptions:
    """The event stream, live."""

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
        """Follow the stream."""
        workspace_id = _workspace(info.context)
        messages = info.context.hub.events.follow(
            workspace_id, _position(workspace_id, after), event_filter(filter_), guard=info.context.guard
        )
        async for message in messages:
            yield message_type(message)


def _workspace(context: RequestContext) -> str:
    # The stream does not ask who reads: the door names the actor's own workspace and asks for permission.
    require(context.actor, Permission.EVENTS_READ)
    return context.actor.workspace_id


def _position(workspace_id: str, after: str | None) -> int | None:
    return None if after is None else decode_cursor(workspace_id, after)
