"""Credentials on a request to an actor: an access token in a header, or a session in a cookie."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from app.access.actor import Actor, ActorKind, Channel
from app.api.http.cookies import SESSION, read_cookie
from app.foundation.ids import new_id

if TYPE_CHECKING:
    from app.hub import Hub
    from app.members.snapshot import Identity

_SCHEME: Final = "bearer "
_MAX_TOKEN_CHARS: Final = 200
_MAX_ORIGIN_CHARS: Final = 300
_IP_HASH_CHARS: Final = 32
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class RequestIdentity:
    """Who is asking. ``is_refused``: the request brought a token that is not, or no longer, valid."""

    actor: Actor | None
    is_refused: bool = False


async def identify(hub: Hub, connection: HTTPConnection, via: Channel = Channel.GRAPHQL) -> RequestIdentity:
    """Return who is asking. A token in the header comes before a cookie.

    A cookie counts only on a request that no other site can have caused: see :func:`is_own_request`.
    """
    header = connection.headers.get("authorization")
    if header is not None:
        actor = await actor_of_header(hub, connection, header, via)
        return RequestIdentity(actor, is_refused=actor is None)
    session = read_cookie(connection, SESSION, hub.public_url)
    if session is None or not is_own_request(hub, connection):
        return RequestIdentity(None)
    identity = await hub.sign_in.authenticate(session.reveal())
    if identity is None:
        return RequestIdentity(None)
    return RequestIdentity(await _actor(hub, connection, identity, ActorKind.MEMBER, via))


async def actor_of_header(
    hub: Hub, connection: HTTPConnection, header: str, via: Channel = Channel.GRAPHQL
) -> Actor | None:
    """Return the actor of an ``Authorization: Bearer`` value (RFC 6750 2.1), or None if it is not valid."""
    if header[: len(_SCHEME)].lower() != _SCHEME or len(header) > len(_SCHEME) + _MAX_TOKEN_CHARS:
        return None
    identity = await hub.tokens.authenticate(header[len(_SCHEME) :].strip())
    return None if identity is None else await _actor(hub, connection, identity, ActorKind.TOKEN, via)


async def signed_in(hub: Hub, connection: HTTPConnection) -> bool:
    """Return whether the connection carries valid credentials."""
    return (await identify(hub, connection, Channel.HTTP)).actor is not None


def is_own_request(hub: Hub, connection: HTTPConnection) -> bool:
    """Return whether a browser's request comes from the hub's own pages or an allowed origin.

    Browsers send ``Origin`` with every POST and websocket handshake, and ``Sec-Fetch-Site`` with everything.
    """
    origin = connection.headers.get("origin")
    if origin is not None:
        return is_allowed_origin(hub, connection, origin)
    if connection.scope["type"] == "websocket":
        return False
    return connection.headers.get("sec-fetch-site", "same-origin") in {"same-origin", "none"}


def is_allowed_origin(hub: Hub, connection: HTTPConnection, origin: str) -> bool:
    """Return whether pages of ``origin`` may use the API: the hub's own, and those the operator allows."""
    given = _host_of(origin)
    if given is None:
        return False
    public = urlsplit(hub.public_url)
    if origin.lower() in {f"{public.scheme}://{public.netloc}", *hub.allowed_origins}:
        return True
    # Not the scheme: a proxy in front may speak TLS for us. The host is what a page cannot choose.
    scheme = origin.lower().split(":", 1)[0]
    return given == _host_of(f"{scheme}://{connection.headers.get('host', '')}")


def request_id_of(connection: HTTPConnection) -> str:
    """Return the id of the request that the front entrance gave it."""
    return str(connection.scope.get("patchbay.request_id") or new_id("req"))


async def ip_hash_of(hub: Hub, connection: HTTPConnection) -> str | None:
    """Return a keyed hash of the address: the same address is recognised, and none can be read from it."""
    if connection.client is None:
        return None
    key = await hub.vault.system_key("ip-hash/v1")
    return hmac.digest(key, connection.client.host.encode(), "sha256").hex()[:_IP_HASH_CHARS]


async def _actor(
    hub: Hub,
    connection: HTTPConnection,
    identity: Identity,
    kind: ActorKind,
    via: Channel,
) -> Actor:
    return Actor(
        workspace_id=identity.workspace_id,
        kind=kind,
        id=identity.id if kind is ActorKind.TOKEN else identity.member_id,
        label=identity.label,
        role=identity.role,
        permissions=identity.permissions,
        via=via,
        request_id=request_id_of(connection),
        ip_hash=await ip_hash_of(hub, connection),
        session_id=identity.id,
        member_id=identity.member_id,
    )


def _host_of(origin: str) -> str | None:
    """Return host and port of an origin, the port left out where it is the scheme's own (RFC 6454 4)."""
    if len(origin) > _MAX_ORIGIN_CHARS:
        return None
    try:
        parts = urlsplit(origin.lower())
        port = parts.port
    except ValueError:
        return None
    if (
        parts.scheme not in _DEFAULT_PORTS
        or not parts.hostname
        or parts.path
        or parts.query
        or parts.username
    ):
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return host if port in {None, _DEFAULT_PORTS[parts.scheme]} else f"{host}:{port}"
