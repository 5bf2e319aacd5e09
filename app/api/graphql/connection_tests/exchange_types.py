"""Recorded requests and answers as the schema shows them."""

import strawberry

from app.connection_tests.steps import ExchangeSnapshot
from app.foundation.exchange import RecordedMessage


@strawberry.type(name="HttpHeader", description="A header of a recorded message.")
class HttpHeaderType:
    name: str = strawberry.field(description="Its name.")
    value: str = strawberry.field(description="Its value; stars where it is secret.")


@strawberry.type(name="HttpMessage", description="A recorded request or answer; its secrets are stars.")
class HttpMessageType:
    method: str | None = strawberry.field(description="The request's method; null for an answer.")
    url: str = strawberry.field(description="The address.")
    status: int | None = strawberry.field(description="The answer's status; null for a request.")
    headers: list[HttpHeaderType] = strawberry.field(description="The headers, in their order.")
    body: str | None = strawberry.field(description="The body; null where it is not text.")
    body_bytes: int = strawberry.field(description="How long the whole body is.")
    body_truncated: bool = strawberry.field(description="Whether `body` is only its beginning.")
    content_type: str | None = strawberry.field(description="The media type.")


@strawberry.type(
    name="ExchangeTimings", description="How long each stage of an exchange took, in milliseconds."
)
class ExchangeTimingsType:
    resolve_ms: int | None = strawberry.field(description="Looking up the host name.")
    connect_ms: int | None = strawberry.field(description="Connecting.")
    tls_ms: int | None = strawberry.field(description="Securing the connection.")
    first_byte_ms: int | None = strawberry.field(
        description="From the beginning to the first byte of the answer."
    )
    total_ms: int | None = strawberry.field(description="All together.")


@strawberry.type(name="Exchange", description="One recorded request with its answer; it holds no secret.")
class ExchangeType:
    request: HttpMessageType = strawberry.field(description="The request.")
    response: HttpMessageType | None = strawberry.field(description="The answer; null where none came.")
    timings: ExchangeTimingsType = strawberry.field(description="How long it took.")
    redactions: list[str] = strawberry.field(description="The places where something was hidden.")
    as_curl: str = strawberry.field(description="The request as a shell command, its secrets as variables.")


def exchange_type(exchange: ExchangeSnapshot) -> ExchangeType:
    """Return an exchange as the schema shows it."""
    timings = exchange.timings
    return ExchangeType(
        request=_message(exchange.request),
        response=None if exchange.response is None else _message(exchange.response),
        timings=ExchangeTimingsType(
            resolve_ms=timings.get("resolve_ms"),
            connect_ms=timings.get("connect_ms"),
            tls_ms=timings.get("tls_ms"),
            first_byte_ms=timings.get("first_byte_ms"),
            total_ms=timings.get("total_ms"),
        ),
        redactions=list(exchange.redactions),
        as_curl=exchange.as_curl,
    )


def _message(message: RecordedMessage) -> HttpMessageType:
    return HttpMessageType(
        method=message.method,
        url=message.url,
        status=message.status,
        headers=[HttpHeaderType(name=name, value=value) for name, value in message.headers],
        body=message.body,
        body_bytes=message.body_bytes,
        body_truncated=message.body_truncated,
        content_type=message.content_type,
    )
