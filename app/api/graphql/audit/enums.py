"""The audit log's enums in the schema."""

from __future__ import annotations

from enum import StrEnum

from app.access.actor import Channel
from app.api.graphql.describe import describe_enum


class AuditOutcome(StrEnum):
    """What became of it."""

    OK = "OK"
    DENIED = "DENIED"
    FAILED = "FAILED"


describe_enum(
    AuditOutcome,
    "What became of what was tried.",
    {"OK": "It was done.", "DENIED": "It was not allowed.", "FAILED": "It failed."},
)
describe_enum(
    Channel,
    "The channel that an actor used.",
    {
        "GRAPHQL": "The GraphQL API.",
        "HTTP": "Plain HTTP, such as the return from a provider.",
        "CLI": "The command line.",
        "BACKGROUND": "The hub's own background work.",
    },
)
