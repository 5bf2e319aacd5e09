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
from app.api.graphql.fields import described, object_type, optional, resolver, shown
from app.api.graphql.node import NodeType
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


@object_type("What an event is about.")
class EventSubjectType:
    type: str = described("What it is, in lower case: `connection`, `authorization`, `test_run`.")
    id: strawberry.ID = described("Its id.")


@object_type("A fact that became true, at its place in the workspace's order of commits.", name="Event")
class WorkspaceEventType(NodeType):
    id: strawberry.ID = described("Its id: the same event may arrive twice, with the same id.")
    cursor: EventCursor = described("Its place; the stream goes on after it.")
    type: EventType = described("What happened.")
    occurred_at: datetime = described("When it became true.")
    actor: ActorType = described("Who made it true.")
    subject: EventSubjectType = described("What it is about.")
    correlation_id: strawberry.ID = described("The request that made it true; shared by its events.")
    data: Json = described("More about it; never a secret.")
    connection_id: strawberry.ID | None = described(
        "The id of the connection it concerns, also after that was deleted."
    )

    @resolver("The connection it concerns, as it is now; null where it concerns none or it is gone.")
    async def connection(self, info: PatchbayInfo) -> ConnectionType | None:
        return None if self.connection_id is None else await loaded_connection(info, self.connection_id)


@object_type("Events in order. Keep `cursor`: it is the position after them.")
class EventBatchType:
    events: list[WorkspaceEventType] = described("The events, oldest first.")
    cursor: EventCursor = described("The position after them.")
    has_more_past: bool = described("Whether you are still catching up.")


@object_type("Your position is further on although nothing matched your filter.")
class StreamCheckpointType:
    cursor: EventCursor = described("Your position now.")
    at: datetime = described("When this was so.")


@object_type("Events may be missing: load what you show again, and go on after its `asOf` or `latest`.")
class StreamResetType:
    reason: ResetReason = described("Why.")
    earliest: EventCursor = described("The oldest cursor that still reads without a hole.")
    latest: EventCursor = described("The cursor of the newest event.")


EventStreamMessageType: TypeAlias = Annotated[
    EventBatchType | StreamCheckpointType | StreamResetType,
    strawberry.union("EventStreamMessage", description="One message of the event stream."),
]


@object_type("A page of the event stream: the same data as the subscription.")
class EventPageType:
    events: list[WorkspaceEventType] = described("The events, oldest first.")
    cursor: EventCursor = described("The position after them; send it as `after`.")
    has_more: bool = described("Whether there are more behind.")
    reset: StreamResetType | None = described("Set where the cursor reads no more without a hole.")


@strawberry.input(
    name="EventFilter", description="Which events are meant: lists mean any of, fields mean and."
)
class EventFilterInput:
    types: list[EventType] | None = optional("Of one of these types.")
    connection_ids: list[strawberry.ID] | None = optional("Concerning one of these connections.")
    subject_ids: list[strawberry.ID] | None = optional("About one of these things.")


def event_filter(given: EventFilterInput | None) -> EventFilter:
    if given is None:
        return EventFilter()
    return EventFilter(
        types=None if given.types is None else frozenset(given.types),
        connection_ids=None if given.connection_ids is None else frozenset(given.connection_ids),
        subject_ids=None if given.subject_ids is None else frozenset(given.subject_ids),
    )


def event_type(event: Event) -> WorkspaceEventType:
    return shown(
        WorkspaceEventType,
        event,
        actor=shown(ActorType, event.actor, kind=ActorKind(event.actor.kind)),
        subject=shown(EventSubjectType, event.subject),
    )


def message_type(message: StreamMessage) -> EventStreamMessageType:
    match message:
        case EventBatch():
            events = [event_type(event) for event in message.events]
            return shown(EventBatchType, message, events=events, has_more_past=message.has_more)
        case StreamCheckpoint():
            return shown(StreamCheckpointType, message)
        case StreamReset():
            return reset_type(message)


def page_type(slice_: EventSlice) -> EventPageType:
    events = [event_type(event) for event in slice_.events]
    reset = None if slice_.reset is None else reset_type(slice_.reset)
    return shown(EventPageType, slice_, events=events, reset=reset)


def reset_type(reset: StreamReset) -> StreamResetType:
    return shown(StreamResetType, reset, earliest=reset.earliest_cursor, latest=reset.latest_cursor)
