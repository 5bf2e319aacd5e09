"""A request to the simulated outside, read once, within bounds, into plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final
from urllib.parse import parse_qsl, quote

from starlette.requests import Request
from starlette.types import Scope

from app.catalog.definition import Json
from app.foundation.bounded_json import JsonRefusedError, parse_json
from app.sandbox.address import Address, parse_address
from app.sandbox.answer import SandboxAnswer, fault

MAX_BODY_BYTES: Final = 256 * 1024
MAX_QUERY_BYTES: Final = 32 * 1024
MAX_FIELDS: Final = 1_000
Pairs = Sequence[tuple[str, str]]


class InboundRefusedError(Exception):
    """A request that is not let in; ``answer`` says why."""

    def __init__(self, answer: SandboxAnswer) -> None:
        super().__init__(answer.status)
        self.answer = answer


@dataclass(frozen=True)
class Inbound:
    """A request as the simulated outside sees it.

    Header names are lower-case; of a repeated header the last one stands. ``form`` is None where the body is
    no form, ``json`` None where it is no JSON. ``body`` is what was sent, and ``own_url`` the sandbox's own
    address of this request, without a query, as the caller wrote it.
    """

    method: str
    address: Address
    raw_query: str
    query: Pairs
    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    form: Pairs | None
    json: Json
    body: bytes = b""
    own_url: str = ""

    @cached_property
    def query_map(self) -> Mapping[str, str]:
        """The query with the first value of each name."""
        return first_values(self.query)

    @cached_property
    def fields(self) -> Pairs:
        """The parameters of a protocol request: the form, the scalars of a JSON object, or the query."""
        if self.form is not None:
            return self.form
        if isinstance(self.json, Mapping):
            return [(name, _scalar(value)) for name, value in self.json.items() if _is_scalar(value)]
        return self.query


def first_values(pairs: Pairs) -> dict[str, str]:
    """Return the first value of each name."""
    return dict(reversed(list(pairs)))


def repeated(pairs: Pairs) -> bool:
    """Return whether a name stands more than once (which RFC 6749 3.1 and 3.2 forbid)."""
    return len({name for name, _ in pairs}) < len(pairs)


async def read_inbound(request: Request) -> Inbound:
    """Read the request.

    Raises:
        InboundRefusedError: it is not of the address scheme, too large, or its body is not what its type
        says.
    """
    path = _sent_path(request.scope)
    address = parse_address(path.removeprefix(quote(request.scope.get("root_path", ""))))
    if address is None:
        raise InboundRefusedError(_NO_ADDRESS)
    raw_query: bytes = request.scope.get("query_string", b"")
    query = _pairs(raw_query, MAX_QUERY_BYTES)
    body = await read_request_body(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_form = kind == "application/x-www-form-urlencoded"
    is_json = kind == "application/json" or kind.endswith("+json")
    return Inbound(
        method=request.method.upper(),
        address=address,
        raw_query=raw_query.decode(errors="replace"),
        query=query,
        headers={
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in request.headers.raw
        },
        cookies=request.cookies,
        form=_pairs(body, MAX_BODY_BYTES) if is_form else None,
        json=read_json(body) if is_json and body else None,
        body=body,
        own_url=f"{request.scope['scheme']}://{request.headers.get('host', '')}{path}",
    )


async def read_request_body(request: Request) -> bytes:
    """Read the body, at most ``MAX_BODY_BYTES``.

    Raises:
        InboundRefusedError: it is larger.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise InboundRefusedError(_TOO_LARGE)
    return bytes(body)


def read_json(body: bytes) -> Json:
    """Read JSON, bounded as all JSON of the outside is.

    Raises:
        InboundRefusedError: it is not JSON, or too deep.
    """
    try:
        return parse_json(body)
    except JsonRefusedError:
        raise InboundRefusedError(_NOT_JSON) from None


def _sent_path(scope: Scope) -> str:
    """Return the percent-encoded path, as it was sent."""
    path: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    return path.decode("latin-1")


def _pairs(raw: bytes, most: int) -> Pairs:
    if len(raw) > most:
        raise InboundRefusedError(_TOO_LONG)
    try:
        return parse_qsl(raw.decode(errors="replace"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        raise InboundRefusedError(fault(400, "too_many_fields", f"More than {MAX_FIELDS} fields.")) from None


def _is_scalar(value: Json) -> bool:
    return isinstance(value, str | int | float)


def _scalar(value: Json) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


_NO_ADDRESS: Final = fault(
    404, "no_such_address", "A sandbox address is /sandbox/{integration}[@{version}]/{host}/{path}."
)
_NOT_JSON: Final = fault(400, "malformed_body", "The body is not JSON that is read here.")
_TOO_LARGE: Final = fault(413, "body_too_large", f"A body has at most {MAX_BODY_BYTES} bytes.")
_TOO_LONG: Final = fault(414, "query_too_long", f"A query has at most {MAX_QUERY_BYTES} bytes.")
