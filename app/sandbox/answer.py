"""What the simulated outside answers, and how it is put on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.catalog.definition import Json

NO_STORE: Final[Mapping[str, str]] = {"cache-control": "no-store", "pragma": "no-cache"}
_GUARDS: Final = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
}
_TYPES: Final = (
    "application/json", "text/plain", "text/csv", "application/xml", "application/octet-stream",
    "application/x-www-form-urlencoded",
)  # fmt: skip
_KEPT_BACK: Final = frozenset(
    {"connection", "content-length", "keep-alive", "location", "set-cookie", "transfer-encoding", "upgrade"}
)
_PROMISED_BYTES: Final = 1_024


@dataclass(frozen=True, slots=True)
class SandboxAnswer:
    """A simulated answer. ``body`` is JSON, text as it is, or None for nothing at all.

    With ``is_dropped`` the connection breaks instead, in the middle of the answer.
    """

    status: int
    body: Json = None
    headers: Mapping[str, str] = field(default_factory=dict)
    is_dropped: bool = False


DROPPED: Final = SandboxAnswer(200, is_dropped=True)


def fault(status: int, code: str, message: str, **more: Json) -> SandboxAnswer:
    """Return the sandbox's own plain error answer; ``message`` is constant and never repeats input."""
    return SandboxAnswer(status, {"error": code, "message": message, **more}, NO_STORE)


def wrong_method(message: str, *allowed: str) -> SandboxAnswer:
    """Return the answer for an address that takes only the ``allowed`` HTTP methods (RFC 9110 15.5.6)."""
    refused = fault(405, "method_not_allowed", message)
    return replace(refused, headers={**NO_STORE, "allow": ", ".join(allowed)})


def to_response(answer: SandboxAnswer) -> Response:
    """Return the answer as a response: guarded, of a harmless type, and with nothing that leads outside."""
    if answer.is_dropped:
        return _DroppedResponse()
    lowered = {name.lower(): value for name, value in answer.headers.items()}
    headers = {name: value for name, value in lowered.items() if name not in _KEPT_BACK} | _GUARDS
    said = headers.pop("content-type", "")
    content, natural = _content(answer.body)
    media_type = said if said.partition(";")[0].strip().lower() in _TYPES else natural
    if content is None:
        return Response(status_code=answer.status, headers=headers)
    return Response(content, answer.status, {**headers, "content-type": media_type})


def plain(value: Json) -> Json:
    """Return a deep copy of ``value`` as dicts and lists, free to change."""
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def _content(body: Json) -> tuple[bytes | None, str]:
    if body is None:
        return None, ""
    if isinstance(body, str):
        return body.encode(errors="replace"), "text/plain; charset=utf-8"
    return orjson.dumps(plain(body)), "application/json"


class _DroppedResponse(Response):
    """Promises a body and never sends it: the server breaks off what was left unfinished."""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        promised = str(_PROMISED_BYTES).encode()
        start: dict[str, Any] = {"type": "http.response.start", "status": 200}
        start["headers"] = [(b"content-type", b"application/json"), (b"content-length", promised)]
        await send(start)
        await send({"type": "http.response.body", "body": b"{", "more_body": True})
