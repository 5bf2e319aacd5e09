"""The messages of graphql-transport-ws, read strictly: a frame becomes a message, or closes the socket."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, NoReturn, TypeAlias

from app.api.graphql.http_request import Operation, RequestRefusedError, operation_of
from app.api.graphql.limits import MAX_FRAME_BYTES
from app.foundation.bounded_json import JsonRefusedError, parse_json

SUBPROTOCOL: Final = "graphql-transport-ws"
MAX_ID_CHARS: Final = 128


class CloseCode(IntEnum):
    """Why a socket is closed (graphql-transport-ws, RFC 6455 7.4.1)."""

    TOO_BIG = 1009
    INTERNAL = 1011
    TRY_AGAIN_LATER = 1013
    SLOW_CONSUMER = 4008
    BAD_MESSAGE = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    BAD_SUBPROTOCOL = 4406
    INIT_TIMEOUT = 4408
    DUPLICATE_ID = 4409
    TOO_MANY = 4429


class CloseError(Exception):
    """The socket has to be closed. ``reason`` is one of our constants, at most 123 bytes (RFC 6455 5.5)."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Init:
    """The client says who it is."""

    authorization: str | None


@dataclass(frozen=True, slots=True)
class Ping:
    """The client wants to know whether the server is there."""

    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Pong:
    """The client is there."""

    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Subscribe:
    """The client asks for an operation; ``refusal`` says why it cannot be one, without ending the socket."""

    id: str
    operation: Operation | None
    refusal: RequestRefusedError | None = None


@dataclass(frozen=True, slots=True)
class Complete:
    """The client has enough of an operation."""

    id: str


Frame: TypeAlias = Init | Ping | Pong | Subscribe | Complete


def read_frame(text: str | None, limit: int = MAX_FRAME_BYTES) -> Frame:
    """Read one text frame of at most ``limit`` characters; None is a binary one.

    Raises:
        CloseError: the frame is no message of the protocol.
    """
    if text is None:
        _refuse("Messages must be text")
    if len(text) > limit:
        raise CloseError(CloseCode.TOO_BIG, "The message is too big")
    try:
        message = parse_json(text.encode())
    except (JsonRefusedError, UnicodeEncodeError):
        _refuse("Messages must be JSON")
    if not isinstance(message, dict):
        _refuse("Messages must be objects")
    return _message(message)


def _message(message: Mapping[str, Any]) -> Frame:
    type_ = message.get("type")
    read = _READERS.get(type_) if isinstance(type_, str) else None
    if read is None:
        _refuse("The message type is not known")
    return read(message)


def _subscribe(message: Mapping[str, Any]) -> Subscribe:
    id_ = _id(message)
    payload = message.get("payload")
    if not isinstance(payload, dict) or not isinstance(payload.get("query"), str):
        _refuse("A subscribe message needs a payload with a query")
    for name, kind in (("variables", dict), ("extensions", dict), ("operationName", str)):
        if payload.get(name) is not None and not isinstance(payload[name], kind):
            _refuse("A member of the payload has another type")
    try:
        return Subscribe(id_, operation_of(payload))
    except RequestRefusedError as refusal:
        return Subscribe(id_, None, refusal)


def _payload(message: Mapping[str, Any]) -> Mapping[str, Any]:
    payload = message.get("payload")
    if payload is not None and not isinstance(payload, dict):
        _refuse("The payload must be an object")
    return payload or {}


def _authorization(payload: Mapping[str, Any]) -> str | None:
    for name, value in payload.items():
        if name.lower() == "authorization" and value is not None:
            if not isinstance(value, str):
                _refuse("The payload's authorization must be a text")
            return value
    return None


def _id(message: Mapping[str, Any]) -> str:
    id_ = message.get("id")
    if not isinstance(id_, str) or not 0 < len(id_) <= MAX_ID_CHARS:
        _refuse("The id must be a short text")
    return id_


def _refuse(reason: str) -> NoReturn:
    raise CloseError(CloseCode.BAD_MESSAGE, reason)


_READERS: Final[Mapping[str, Callable[[Mapping[str, Any]], Frame]]] = {
    "connection_init": lambda message: Init(_authorization(_payload(message))),
    "ping": lambda message: Ping(_payload(message)),
    "pong": lambda message: Pong(_payload(message)),
    "subscribe": _subscribe,
    "complete": lambda message: Complete(_id(message)),
}
