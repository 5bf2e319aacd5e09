"""Events, their opaque cursors, filters and stream messages: decisions only."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from app.access.actor import Actor, ActorKind
from app.foundation.errors import InvalidInputError
from app.foundation.problems import ProblemCode, problem

_VERSION: Final = "e1"
_LABEL: Final = b"patchbay/event-cursor/v1\x00"
_TAG_BYTES: Final = 4
_POSITION_BYTES: Final = 8
_MAX_POSITION: Final = 2**63 - 1  # a column's
_CHARS: Final = 18  # the version, and base64url of tag and position, which needs no padding


class EventType(StrEnum):
    """What happened, in the past tense. Types are added, never renamed."""

    CONNECTION_CREATED = "CONNECTION_CREATED"
    CONNECTION_UPDATED = "CONNECTION_UPDATED"
    CONNECTION_CONFIG_CHANGED = "CONNECTION_CONFIG_CHANGED"
    CONNECTION_ACCESS_CHANGED = "CONNECTION_ACCESS_CHANGED"
    CONNECTION_STATE_CHANGED = "CONNECTION_STATE_CHANGED"
    CONNECTION_DELETED = "CONNECTION_DELETED"
    AUTHORIZATION_BEGUN = "AUTHORIZATION_BEGUN"
    AUTHORIZATION_STATE_CHANGED = "AUTHORIZATION_STATE_CHANGED"
    CREDENTIALS_SEALED = "CREDENTIALS_SEALED"
    CREDENTIALS_RENEWED = "CREDENTIALS_RENEWED"
    CREDENTIALS_RENEWAL_FAILED = "CREDENTIALS_RENEWAL_FAILED"
    CREDENTIALS_RECOVERED = "CREDENTIALS_RECOVERED"
    CREDENTIALS_REVOKED = "CREDENTIALS_REVOKED"
    METHOD_CALLED = "METHOD_CALLED"
    CONNECTION_TEST_SAVED = "CONNECTION_TEST_SAVED"
    CONNECTION_TEST_UPDATED = "CONNECTION_TEST_UPDATED"
    CONNECTION_TEST_DELETED = "CONNECTION_TEST_DELETED"
    TEST_RUN_STARTED = "TEST_RUN_STARTED"
    TEST_RUN_STEP_FINISHED = "TEST_RUN_STEP_FINISHED"
    TEST_RUN_FINISHED = "TEST_RUN_FINISHED"
    APPLICATION_SAVED = "APPLICATION_SAVED"
    APPLICATION_DELETED = "APPLICATION_DELETED"
    APPLICATION_REJECTED = "APPLICATION_REJECTED"
    WORKSPACE_CREATED = "WORKSPACE_CREATED"
    MEMBER_JOINED = "MEMBER_JOINED"
    MEMBER_LEFT = "MEMBER_LEFT"
    TOKEN_CREATED = "TOKEN_CREATED"  # noqa: S105 - a fact about a token, not a token
    TOKEN_REVOKED = "TOKEN_REVOKED"  # noqa: S105 - a fact about a token, not a token
    SIGN_IN_LINK_CREATED = "SIGN_IN_LINK_CREATED"
    SESSION_STARTED = "SESSION_STARTED"
    SESSION_ENDED = "SESSION_ENDED"


class ResetReason(StrEnum):
    """Why a stream cannot go on from the follower's position."""

    CURSOR_EXPIRED = "CURSOR_EXPIRED"
    SLOW_CONSUMER = "SLOW_CONSUMER"
    FILTER_NARROWED = "FILTER_NARROWED"


class BadCursorError(InvalidInputError):
    """The text is not a cursor of this workspace's stream."""

    def __init__(self) -> None:
        reason = "it is not a cursor of this stream"
        super().__init__(problem(ProblemCode.INVALID_FIELD, "after", label="The cursor", reason=reason))


class EventSubject(NamedTuple):
    """What an event is about: a glossary word in lower case and an id."""

    type: str
    id: str


class EventActor(NamedTuple):
    """Who made the event true, as it was then."""

    kind: ActorKind
    id: str
    label: str


@dataclass(frozen=True, slots=True)
class NewEvent:
    """A fact to announce. ``data`` is small plain JSON and never holds a secret."""

    workspace_id: str
    type: EventType
    subject: EventSubject
    actor: Actor
    correlation_id: str
    connection_id: str | None = None
    data: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def by(
        cls,
        actor: Actor,
        type: EventType,  # noqa: A002 - the field's own name
        subject: EventSubject | tuple[str, str],
        *,
        connection_id: str | None = None,
        data: Mapping[str, Any] = MappingProxyType({}),
    ) -> NewEvent:
        """Return the fact that ``actor`` made true in its workspace, correlated by its request."""
        return cls(
            actor.workspace_id, type, EventSubject(*subject), actor, actor.request_id, connection_id, data
        )


class _AtPosition:
    """What stands at a position of a workspace's stream."""

    __slots__ = ()
    workspace_id: str
    position: int

    @property
    def cursor(self) -> str:
        """The opaque cursor of the position: to keep, and to go on from."""
        return encode_cursor(self.workspace_id, self.position)


@dataclass(frozen=True, slots=True)
class Event(_AtPosition):
    """A committed fact at its place in the workspace's stream; ``position`` counts from 1 without a gap."""

    id: str
    workspace_id: str
    position: int
    type: EventType
    occurred_at: datetime
    subject: EventSubject
    actor: EventActor
    correlation_id: str
    connection_id: str | None
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events a follower wants: values of one field mean OR, fields mean AND, None means any."""

    types: frozenset[EventType] | None = None
    connection_ids: frozenset[str] | None = None
    subject_ids: frozenset[str] | None = None

    def matches(self, event: Event) -> bool:
        """Return whether the follower wants the event."""
        return (
            (self.types is None or event.type in self.types)
            and (self.connection_ids is None or event.connection_id in self.connection_ids)
            and (self.subject_ids is None or event.subject.id in self.subject_ids)
        )


EVERYTHING: Final = EventFilter()


@dataclass(frozen=True, slots=True)
class EventBatch(_AtPosition):
    """Events in order. ``position`` is the follower's position after them; ``has_more``: more have happened by now."""

    workspace_id: str
    events: tuple[Event, ...]
    position: int
    has_more: bool


@dataclass(frozen=True, slots=True)
class StreamCheckpoint(_AtPosition):
    """The follower's position is further on although nothing matched."""

    workspace_id: str
    position: int
    at: datetime


@dataclass(frozen=True, slots=True)
class StreamReset:
    """Events may be missing: load the state again and go on from ``latest``; ``earliest`` still reads."""

    workspace_id: str
    reason: ResetReason
    earliest: int
    latest: int

    @property
    def earliest_cursor(self) -> str:
        """The oldest cursor that still reads without a hole."""
        return encode_cursor(self.workspace_id, self.earliest)

    @property
    def latest_cursor(self) -> str:
        """The cursor of the newest event."""
        return encode_cursor(self.workspace_id, self.latest)


StreamMessage = EventBatch | StreamCheckpoint | StreamReset


@dataclass(frozen=True, slots=True)
class EventSlice(EventBatch):
    """One page of the stream; with ``reset`` it is empty and the cursor it was asked for reads no more."""

    reset: StreamReset | None = None


def encode_cursor(workspace_id: str, position: int) -> str:
    """Return the opaque, URL-safe text of a position.

    It is bound to the workspace and checked: a mistyped or foreign cursor is noticed. It guards no secret.
    """
    tag = _tag(workspace_id, position)
    body = tag + _masked(workspace_id, tag, position.to_bytes(_POSITION_BYTES, "big"))
    return _VERSION + base64.urlsafe_b64encode(body).decode("ascii")


def decode_cursor(workspace_id: str, text: str) -> int:
    """Return the position that a cursor stands for.

    Raises:
        BadCursorError: the text is not a cursor that this workspace's stream gave out.
    """
    if len(text) != _CHARS or not text.isascii():
        raise BadCursorError
    try:
        body = base64.urlsafe_b64decode(text[len(_VERSION) :])
    except binascii.Error:
        raise BadCursorError from None
    position = int.from_bytes(_masked(workspace_id, body[:_TAG_BYTES], body[_TAG_BYTES:]), "big")
    if position > _MAX_POSITION or encode_cursor(workspace_id, position) != text:
        raise BadCursorError
    return position


def _tag(workspace_id: str, position: int) -> bytes:
    content = _LABEL + position.to_bytes(_POSITION_BYTES, "big") + workspace_id.encode()
    return hashlib.sha256(content).digest()[:_TAG_BYTES]


def _masked(workspace_id: str, tag: bytes, data: bytes) -> bytes:
    mask = hashlib.sha256(_LABEL + tag + workspace_id.encode()).digest()
    return bytes(a ^ b for a, b in zip(data, mask, strict=False))
