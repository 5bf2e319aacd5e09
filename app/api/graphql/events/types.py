"""Events and stream messages as the schema shows them."""

from datetime import datetime
from typing import Annotated, TypeAlias

import strawberry

import app.api.graphql.events.enums  # noqa: F401 - brings the room's enums into the schema
from app.access.actor import ActorKind
from app.api.graphql.access.actor_type import ActorType
from app.api.graphql.connections.authorization_types import loaded_connection
from app.api.graphql.connections.types import ConnectionType
from app.api.graphql.context import PatchbayInfo
from app.api.graphql.fields import optional, resolver
from app.api.graphql.scalars import EventCursor, Json
from app.event_stream.event import (
    Event,
    EventBatch,
    EventFilter,
    EventSlice,
    EventType,
    ResetReason,
    StreamCheckpoint,
    StreamMessage,
    StreamReset,
)


@strawberry.type(name="EventSubject", description="What an event is about.")
class EventSubjectType:
    type: str = strawberry.field(
        description="What it is, in lower case: `connection`, `authorization`, `test_run`."
    )
    id: strawberry.ID = strawberry.field(description="Its id.")


@strawberry.type(
    name="Event", description="A fact that became true, at its place in the workspace's order of commits."
)
class WorkspaceEventType:
    connection_id_: strawberry.Private[str | None]
    id: strawberry.ID = strawberry.field(
        description="Its id: the same event may arrive twice, with the same id."
    )
    cursor: EventCursor = strawberry.field(description="Its place; the stream goes on after it.")
    type: EventType = strawberry.field(description="What happened.")
    occurred_at: datetime = strawberry.field(description="When it became true.")
    actor: ActorType = strawberry.field(description="Who made it true.")
    subject: EventSubjectType = strawberry.field(description="What it is about.")
    correlation_id: strawberry.ID = strawberry.field(
        description="The request that made it true; shared by its events."
    )
    data: Json = strawberry.field(description="More about it; never a secret.")

    @resolver("The id of the connection it concerns, also after that was deleted.")
    def connection_id(self) -> strawberry.ID | None:
        return None if self.connection_id_ is None else strawberry.ID(self.connection_id_)

    @resolver("The connection it concerns, as it is now; null where it concerns none or it is gone.")
    async def connection(self, info: PatchbayInfo) -> ConnectionType | None:
        return None if self.connection_id_ is None else await loaded_connection(info, self.connection_id_)


@strawberry.type(
    name="EventBatch", description="Events in order. Keep `cursor`: it is the position after them."
)
class EventBatchType:
    events: list[WorkspaceEventType] = strawberry.field(description="The events, oldest first.")
    cursor: EventCursor = strawberry.field(description="The position after them.")
    has_more_past: bool = strawberry.field(description="Whether you are still catching up.")


@strawberry.type(
    name="StreamCheckpoint", description="Your position is further on although nothing matched your filter."
)
class StreamCheckpointType:
    cursor: EventCursor = strawberry.field(description="Your position now.")
    at: datetime = strawberry.field(description="When this was so.")


@strawberry.type(
    name="StreamReset",
    description="Events may be missing: load what you show again, and go on after its `asOf` or `latest`.",
)
class StreamResetType:
    reason: ResetReason = strawberry.field(description="Why.")
    earliest: EventCursor = strawberry.field(description="The oldest cursor that still reads without a hole.")
    latest: EventCursor = strawberry.field(description="The cursor of the newest event.")


EventStreamMessageType: TypeAlias = Annotated[
    EventBatchType | StreamCheckpointType | StreamResetType,
    strawberry.union("EventStreamMessage", description="One message of the event stream."),
]


@strawberry.type(
    name="EventPage", description="A page of the event stream: the same data as the subscription."
)
class EventPageType:
    events: list[WorkspaceEventType] = strawberry.field(description="The events, oldest first.")
    cursor: EventCursor = strawberry.field(description="The position after them; send it as `after`.")
    has_more: bool = strawberry.field(description="Whether there are more behind.")
    reset: StreamResetType | None = strawberry.field(
        description="Set where the cursor reads no more without a hole."
    )


@strawberry.input(
    name="EventFilter", description="Which events are meant: lists mean any of, fields mean and."
)
class EventFilterInput:
    types: list[EventType] | None = optional("Of one of these types.")
    connection_ids: list[strawberry.ID] | None = optional("Concerning one of these connections.")
    subject_ids: list[strawberry.ID] | None = optional("About one of these things.")


def event_filter(given: EventFilterInput | None) -> EventFilter:
    """Return the room's filter."""
    if given is None:
        return EventFilter()
    return EventFilter(
        types=None if given.types is None else frozenset(given.types),
        connection_ids=None if given.connection_ids is None else frozenset(given.connection_ids),
        subject_ids=None if given.subject_ids is None else frozenset(given.subject_ids),
    )


def event_type(event: Event) -> WorkspaceEventType:
    """Return an event as the schema shows it."""
    return WorkspaceEventType(
        connection_id_=event.connection_id,
        id=strawberry.ID(event.id),
        cursor=EventCursor(event.cursor),
        type=event.type,
        occurred_at=event.occurred_at,
        actor=ActorType(
            kind=ActorKind(event.actor.kind), id=strawberry.ID(event.actor.id), label=event.actor.label
        ),
        subject=EventSubjectType(type=event.subject.type, id=strawberry.ID(event.subject.id)),
        correlation_id=strawberry.ID(event.correlation_id),
        data=Json(event.data),
    )


def message_type(message: StreamMessage) -> EventStreamMessageType:
    """Return a stream message as the schema shows it."""
    match message:
        case EventBatch():
            return EventBatchType(
                events=[event_type(event) for event in message.events],
                cursor=EventCursor(message.cursor),
                has_more_past=message.has_more,
            )
        case StreamCheckpoint():
            return StreamCheckpointType(cursor=EventCursor(message.cursor), at=message.at)
        case StreamReset():
            return reset_type(message)


def page_type(slice_: EventSlice) -> EventPageType:
    """Return a page of the stream as the schema shows it."""
    return EventPageType(
        events=[event_type(event) for event in slice_.events],
        cursor=EventCursor(slice_.cursor),
        has_more=slice_.has_more,
        reset=None if slice_.reset is None else reset_type(slice_.reset),
    )


def reset_type(reset: StreamReset) -> StreamResetType:
    """Return a reset as the schema shows it."""
    return StreamResetType(
        reason=reset.reason,
        earliest=EventCursor(reset.earliest_cursor),
        latest=EventCursor(reset.latest_cursor),
    )
