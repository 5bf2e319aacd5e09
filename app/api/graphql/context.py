"""What one request's resolvers are handed: hub, actor, loaders, and the position of the event stream."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from strawberry.dataloader import DataLoader
from strawberry.types import Info

from app.access.actor import Actor
from app.api.graphql.streams import Streams
from app.event_stream.event import encode_cursor
from app.foundation.errors import UnauthenticatedError
from app.foundation.secret import Secret

if TYPE_CHECKING:
    from app.connection_tests.steps import TestRunSnapshot
    from app.connections.snapshot import AuthorizationSnapshot, ConnectionSnapshot
    from app.hub import Hub

NodeLoader: TypeAlias = Callable[["RequestContext", Sequence[str]], Awaitable[Mapping[str, Any]]]


@dataclass(slots=True)
class RequestContext:
    """One operation's surroundings.

    ``node_loaders`` maps id prefixes to what loads such objects; ``browser`` is the cookie that binds
    authorizations to a browser; ``operation_name`` is the one that the request named. It does not outlive its
    operation: nothing loaded for one actor reaches another.
    """

    hub: Hub
    request_id: str
    node_loaders: Mapping[str, NodeLoader]
    streams: Streams
    signed_in: Actor | None = None
    browser: Secret | None = None
    operation_name: str | None = None
    loaders: Loaders = field(init=False)
    _position: int | None = None

    def __post_init__(self) -> None:
        self.loaders = Loaders(self)

    @property
    def actor(self) -> Actor:
        """The actor of the request.

        Raises:
            UnauthenticatedError: the request carried no valid credentials.
        """
        if self.signed_in is None:
            raise UnauthenticatedError
        return self.signed_in

    async def guard(self) -> bool:
        """Return whether the actor still has access; streams ask from time to time."""
        session = self.signed_in.session_id if self.signed_in else None
        return session is None or await self.hub.sign_in.still_valid(session)

    async def note_position(self) -> None:
        """Remember where the event stream stands, before anything is read: no event falls between."""
        if self.signed_in is not None:
            self._position = await self.hub.events.position(self.signed_in.workspace_id)

    async def as_of(self) -> str:
        """Return the cursor after which events may bring changes of what this operation has read."""
        if self._position is None:
            await self.note_position()
        return self.cursor(self._position or 0)

    def cursor(self, position: int) -> str:
        """Return the opaque cursor of a position in the actor's workspace."""
        return encode_cursor(self.actor.workspace_id, position)


PatchbayInfo: TypeAlias = Info[RequestContext, None]


class Loaders:
    """Batches the look-ups of one operation. Nothing is cached: a stream lives long and must see changes."""

    def __init__(self, context: RequestContext) -> None:
        self._context = context
        self.connections: DataLoader[str, ConnectionSnapshot | None] = DataLoader(
            self._connections, cache=False
        )
        self.latest_runs: DataLoader[str, TestRunSnapshot | None] = DataLoader(self._latest_runs, cache=False)

        self.open_authorizations: DataLoader[str, AuthorizationSnapshot | None] = DataLoader(
            self._open_authorizations, cache=False
        )

    async def _connections(self, ids: list[str]) -> list[ConnectionSnapshot | None]:
        found = await self._context.hub.connections.many(self._context.actor, tuple(dict.fromkeys(ids)))
        return [found.get(id_) for id_ in ids]

    async def _open_authorizations(self, ids: list[str]) -> list[AuthorizationSnapshot | None]:
        found = await self._context.hub.authorizations.open_of(self._context.actor, tuple(dict.fromkeys(ids)))
        return [found.get(id_) for id_ in ids]

    async def _latest_runs(self, ids: list[str]) -> list[TestRunSnapshot | None]:
        found = await self._context.hub.test_runs.latest(self._context.actor, tuple(dict.fromkeys(ids)))
        return [found.get(id_) for id_ in ids]
