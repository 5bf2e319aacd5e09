"""The guard in front of the parser: an HTTP request becomes an operation, or is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from app.api.graphql.limits import MAX_BODY_BYTES, MAX_DOCUMENT_CHARS, SIGNED_OUT_BODY_BYTES
from app.api.graphql.top_level import Code
from app.foundation.bounded_json import JsonRefusedError, parse_json

PREFLIGHT_HEADER: Final = "graphql-require-preflight"
MAX_OPERATION_NAME_CHARS: Final = 256
_MAX_QUERY_STRING_CHARS: Final = 32_768
_MAX_PARAMS: Final = 20
_NAME: Final = re.compile(r"[_A-Za-z]\w{0,99}", re.ASCII)


class RequestRefusedError(Exception):
    """The request cannot be an operation; ``message`` holds nothing of it."""

    def __init__(
        self, status: int, code: Code, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation as it was asked for; its document is not parsed yet."""

    query: str
    variables: Mapping[str, Any] | None
    operation_name: str | None
    extensions: Mapping[str, Any] | None


def check_head(request: Request) -> None:
    """Refuse what can be no operation, by its head alone.

    Raises:
        RequestRefusedError: it is none.
    """
    if request.method == "POST":
        _check_media_type(request.headers.get("content-type"))
    elif request.method != "GET":
        raise RequestRefusedError(
            405, Code.BAD_REQUEST, "Send operations by GET or POST.", {"allow": "GET, POST"}
        )


async def read_operation(request: Request, *, signed_in: bool) -> Operation:
    """Read the operation of a GET or POST request (GraphQL over HTTP, section 5); without sign-in only a short one.

    Raises:
        RequestRefusedError: it is none.
    """
    if request.method == "GET":
        return operation_of(_parameters(request))
    return operation_of(_json(await _body(request, MAX_BODY_BYTES if signed_in else SIGNED_OUT_BODY_BYTES)))


def operation_of(data: object) -> Operation:
    """Return the operation that a JSON value describes.

    Raises:
        RequestRefusedError: it is not an object, or its members are of other types.
    """
    if isinstance(data, list):
        raise _bad("Batching is off: send one operation at a time.")
    if not isinstance(data, dict):
        raise _bad("The body must be a JSON object.")
    query = data.get("query")
    if not isinstance(query, str) or not query.strip():
        raise _bad("The member query must be a text with a GraphQL document.")
    if len(query) > MAX_DOCUMENT_CHARS:
        message = f"The document is longer than {MAX_DOCUMENT_CHARS} characters."
        raise RequestRefusedError(400, Code.QUERY_TOO_COMPLEX, message)
    name = data.get("operationName")
    if not isinstance(name, str | None) or len(name or "") > MAX_OPERATION_NAME_CHARS:
        raise _bad("The member operationName must be a short text.")
    operation = Operation(query, _object(data, "variables"), name or None, _object(data, "extensions"))
    if "\x00" in query:
        raise _bad("No text may hold the character U+0000.")
    for variable, value in (operation.variables or {}).items():
        if _has_nul([variable, value]):
            shown = f" of the variable '${variable}'" if _NAME.fullmatch(variable) else ""
            raise _bad(f"No text{shown} may hold the character U+0000.")
    return operation


def _object(data: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    value = data.get(name)
    if value is not None and not isinstance(value, dict):
        raise _bad(f"The member {name} must be an object.")
    return value


def _has_nul(value: object) -> bool:
    waiting: list[object] = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str) and "\x00" in one:
            return True
        if isinstance(one, dict):
            waiting.extend(one)
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
    return False


def _parameters(request: Request) -> dict[str, Any]:
    # A plain link or image must not run anything: only a request that a browser asks leave for first may.
    if not (PREFLIGHT_HEADER in request.headers or "authorization" in request.headers):
        raise _bad(f"A GET request needs the header {PREFLIGHT_HEADER} (with any value) or authorization.")
    text = request.scope["query_string"]
    if len(text) > _MAX_QUERY_STRING_CHARS:
        raise RequestRefusedError(414, Code.BAD_REQUEST, "The address is too long.")
    try:
        pairs = parse_qsl(
            text.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MAX_PARAMS
        )
    except (ValueError, UnicodeDecodeError):
        raise _bad("The parameters are not valid.") from None
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _bad("A parameter appears twice.")
        found[name] = value
    for name in ("variables", "extensions"):
        if found.get(name):
            found[name] = _json(found[name].encode())
        else:
            found.pop(name, None)
    return found


def _check_media_type(value: str | None) -> None:
    # A form's media types need no permission from the browser, so they are no way in (CSRF).
    media_type, _, parameters = (value or "").lower().partition(";")
    charset = [part.strip() for part in parameters.split(";") if part.strip().startswith("charset=")]
    is_utf8 = all(one.removeprefix("charset=").strip('"') in {"utf-8", "utf8"} for one in charset)
    if media_type.strip() != "application/json" or not is_utf8:
        message = "The content type must be application/json in UTF-8."
        raise RequestRefusedError(415, Code.BAD_REQUEST, message, {"accept-post": "application/json"})


async def _body(request: Request, limit: int) -> bytes:
    code, message = Code.BAD_REQUEST, f"The body is longer than {limit} bytes."
    if limit < MAX_BODY_BYTES:
        code, message = (
            Code.UNAUTHENTICATED,
            f"Sign in first: without a token a body has at most {limit} bytes.",
        )
    # Nobody waits for the rest: the connection ends with the answer.
    too_large = RequestRefusedError(413, code, message, {"connection": "close"})
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length[:20]) > limit:
        raise too_large
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit:
                raise too_large
            chunks.append(chunk)
    except ClientDisconnect:
        raise _bad("The body is not complete.") from None
    return b"".join(chunks)


def _json(data: bytes) -> Any:  # noqa: ANN401 - JSON edge
    try:
        return parse_json(data)
    except JsonRefusedError as fault:
        raise _bad(f"The JSON cannot be read: {fault}.") from None


def _bad(message: str) -> RequestRefusedError:
    return RequestRefusedError(400, Code.BAD_REQUEST, message)
