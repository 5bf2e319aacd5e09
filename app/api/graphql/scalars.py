"""The scalars: what each looks like on the wire, and how secrets are wrapped the moment they come in."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, NewType
from urllib.parse import urlsplit

import strawberry
from graphql import GraphQLError
from semver import Version
from strawberry.types.scalar import ScalarDefinition

from app.foundation.secret import Secret

MAX_URL_CHARS: Final = 2_048
MAX_CURSOR_CHARS: Final = 128
_RFC3339: Final = re.compile(r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$")
_CURSOR: Final = re.compile(rf"^[A-Za-z0-9_-]{{1,{MAX_CURSOR_CHARS}}}$")

Json = NewType("Json", object)
JsonSchema = NewType("JsonSchema", object)
Url = NewType("Url", str)
SemVer = NewType("SemVer", str)
EventCursor = NewType("EventCursor", str)
SecretText = NewType("SecretText", Secret)
SecretJson = NewType("SecretJson", object)


def write_instant(value: datetime) -> str:
    """Return the RFC 3339 form in UTC with a ``Z``, to the microsecond where there is one."""
    moment = value if value.tzinfo is UTC else value.astimezone(UTC)
    return moment.isoformat()[:-6] + "Z"


def read_instant(value: object) -> datetime:
    """Read an RFC 3339 instant with its offset.

    Raises:
        GraphQLError: the value is something else; the message does not hold it.
    """
    if not isinstance(value, str) or not _RFC3339.match(value):
        raise GraphQLError("DateTime must be an RFC 3339 instant with an offset")
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise GraphQLError("DateTime must be an RFC 3339 instant with an offset") from None


def as_secrets(value: Any) -> Any:  # noqa: ANN401 - JSON edge
    """Return the JSON value with every text wrapped as a :class:`Secret`; names of members stay plain."""
    if isinstance(value, str):
        return Secret(value)
    if isinstance(value, Mapping):
        return {name: as_secrets(item) for name, item in value.items()}
    if isinstance(value, list):
        return [as_secrets(item) for item in value]
    return value


def plain_json(value: Any) -> Any:  # noqa: ANN401 - JSON edge
    """Return plain JSON containers for frozen mappings and tuples."""
    if isinstance(value, Mapping):
        return {str(name): plain_json(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_json(item) for item in value]
    return value


def _read_url(value: object) -> str:
    if isinstance(value, str) and len(value) <= MAX_URL_CHARS and value.isprintable():
        try:
            parts = urlsplit(value)
            if parts.scheme in {"http", "https"} and parts.hostname:
                return value
        except ValueError:
            pass
    raise GraphQLError("URL must be an absolute http or https address")


def _read_semver(value: object) -> str:
    if isinstance(value, str) and len(value) <= MAX_CURSOR_CHARS and Version.is_valid(value):
        return value
    raise GraphQLError("SemVer must be a semantic version such as 1.4.0")


def _read_cursor(value: object) -> str:
    if isinstance(value, str) and _CURSOR.match(value):
        return value
    raise GraphQLError("EventCursor must be a cursor that this hub gave out")


def _read_secret(value: object) -> Secret:
    if isinstance(value, str):
        return Secret(value)
    raise GraphQLError("SecretText must be a text")


def _read_secrets(value: object) -> object:
    if isinstance(value, Mapping):
        return as_secrets(value)
    raise GraphQLError("SecretJSON must be an object")


def _never_written(_: object) -> str:
    raise GraphQLError("A secret is never answered")


SCALARS: Final[Mapping[object, ScalarDefinition]] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="An instant as RFC 3339 writes it, in UTC: `2026-01-31T08:05:00Z`.",
        specified_by_url="https://scalars.graphql.org/andimarek/date-time",
        serialize=write_instant,
        parse_value=read_instant,
    ),
    Json: strawberry.scalar(
        name="JSON",
        description="Any JSON value.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
        serialize=plain_json,
        parse_value=lambda value: value,
    ),
    JsonSchema: strawberry.scalar(
        name="JSONSchema",
        description="A JSON Schema 2020-12 document. Fields with `secret: true` are write-only.",
        specified_by_url="https://json-schema.org/draft/2020-12/schema",
        serialize=plain_json,
    ),
    Url: strawberry.scalar(
        name="URL",
        description="An absolute http or https address.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3986",
        serialize=str,
        parse_value=_read_url,
    ),
    SemVer: strawberry.scalar(
        name="SemVer",
        description="A semantic version: `1.4.0`.",
        specified_by_url="https://semver.org/spec/v2.0.0.html",
        serialize=str,
        parse_value=_read_semver,
    ),
    EventCursor: strawberry.scalar(
        name="EventCursor",
        description="A place in the workspace's event stream: opaque, in the order of commits.",
        specified_by_url="https://relay.dev/graphql/connections.htm",
        serialize=str,
        parse_value=_read_cursor,
    ),
    SecretText: strawberry.scalar(
        name="SecretText",
        description="A text that is sealed as it comes in, never answered, logged or repeated in an error.",
        serialize=_never_written,
        parse_value=_read_secret,
    ),
    SecretJson: strawberry.scalar(
        name="SecretJSON",
        description="A JSON object whose texts are secret: sealed as they come in, never answered or logged.",
        serialize=_never_written,
        parse_value=_read_secrets,
    ),
}
