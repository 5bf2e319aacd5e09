"""Recorded requests and answers as the schema shows them."""

from app.api.graphql.fields import described, object_type, shown
from app.connection_tests.steps import ExchangeSnapshot
from app.foundation.exchange import RecordedMessage


@object_type("A header of a recorded message.")
class HttpHeaderType:
    name: str = described("Its name.")
    value: str = described("Its value; stars where it is secret.")


@object_type("A recorded request or answer; its secrets are stars.")
class HttpMessageType:
    method: str | None = described("The request's method; null for an answer.")
    url: str = described("The address.")
    status: int | None = described("The answer's status; null for a request.")
    headers: list[HttpHeaderType] = described("The headers, in their order.")
    body: str | None = described("The body; null where it is not text.")
    body_bytes: int = described("How long the whole body is.")
    body_truncated: bool = described("Whether `body` is only its beginning.")
    content_type: str | None = described("The media type.")


@object_type("How long each stage of an exchange took, in milliseconds.")
class ExchangeTimingsType:
    resolve_ms: int | None = described("Looking up the host name.")
    connect_ms: int | None = described("Connecting.")
    tls_ms: int | None = described("Securing the connection.")
    first_byte_ms: int | None = described("From the beginning to the first byte of the answer.")
    total_ms: int | None = described("All together.")


@object_type("One recorded request with its answer; it holds no secret.")
class ExchangeType:
    request: HttpMessageType = described("The request.")
    response: HttpMessageType | None = described("The answer; null where none came.")
    timings: ExchangeTimingsType = described("How long it took.")
    redactions: list[str] = described("The places where something was hidden.")
    as_curl: str = described("The request as a shell command, its secrets as variables.")


def exchange_type(exchange: ExchangeSnapshot) -> ExchangeType:
    timings = {name: exchange.timings.get(name) for name in ExchangeTimingsType.__annotations__}
    return shown(
        ExchangeType,
        exchange,
        request=_message(exchange.request),
        response=None if exchange.response is None else _message(exchange.response),
        timings=ExchangeTimingsType(**timings),
    )


def _message(message: RecordedMessage) -> HttpMessageType:
    headers = [HttpHeaderType(name=name, value=value) for name, value in message.headers]
    return shown(HttpMessageType, message, headers=headers)
