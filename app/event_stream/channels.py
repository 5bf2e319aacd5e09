"""Wake-up channels: who is woken by which events, so that nobody reads again because of another subject's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from app.event_stream.event import EventType, NewEvent

ACCESS_TYPES: Final = frozenset({EventType.TOKEN_REVOKED, EventType.SESSION_ENDED, EventType.MEMBER_LEFT})

ACCESS_CHANNEL: Final = "access"
"""The channel of the events by which somebody lost access, in whichever workspace."""


def workspace_channel(workspace_id: str) -> str:
    """Return the channel of all events of a workspace."""
    return f"workspace:{workspace_id}"


def access_channel(workspace_id: str) -> str:
    """Return the channel of the events by which somebody in a workspace lost access."""
    return f"access:{workspace_id}"


def subject_channel(type_: str, id_: str) -> str:
    """Return the channel of the events about one subject."""
    return f"{type_}:{id_}"


def connection_channel(type_: str, connection_id: str) -> str:
    """Return the channel of the events about a connection's subjects of one type, such as its authorizations."""
    return f"{type_}@{connection_id}"


def channels_of(workspace_id: str, events: Iterable[NewEvent]) -> list[str]:
    """Return the channels that new events of a workspace wake, each once."""
    channels = {workspace_channel(workspace_id): None}
    for event in events:
        channels[subject_channel(*event.subject)] = None
        if event.connection_id is not None:
            channels[connection_channel(event.subject.type, event.connection_id)] = None
        if event.type in ACCESS_TYPES:
            channels[access_channel(workspace_id)] = None
            channels[ACCESS_CHANNEL] = None
    return list(channels)
