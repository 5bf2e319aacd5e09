"""Audit entries as the schema shows them."""

from datetime import datetime
from enum import StrEnum

import strawberry

from app.access.actor import Channel
from app.api.graphql.access.actor_type import ActorType
from app.api.graphql.describe import describe_enum
from app.api.graphql.fields import described, object_type, optional, shown
from app.api.graphql.node import NodeType
from app.api.graphql.scalars import Json
from app.audit.log import AuditEntry, AuditFilter


class AuditOutcome(StrEnum):
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


@object_type("What was acted on.")
class AuditTargetType:
    type: str = described("What it is, as the glossary calls it.")
    id: strawberry.ID = described("Its id; it may be gone by now.")
    label: str = described("What it was called.")


@object_type("One entry of the audit log: who did what, when, through which channel.")
class AuditEntryType(NodeType):
    seq: int = described("Its number in the workspace's chain.")
    at: datetime = described("When.")
    actor: ActorType = described("Who.")
    via: Channel = described("Through which channel.")
    action: str = described("What was done.")
    target: AuditTargetType = described("To what.")
    outcome: AuditOutcome = described("What became of it.")
    detail: Json = described("More about it; never a secret, only that one changed.")
    request_id: strawberry.ID = described("The request that did it.")
    ip_hash: str | None = described("A keyed hash of the address it came from.")


@strawberry.input(
    name="AuditFilter", description="Which entries are meant: lists mean any of, fields mean and."
)
class AuditFilterInput:
    actions: list[str] | None = optional("One of these actions.")
    actor_ids: list[strawberry.ID] | None = optional("Done by one of these actors.")
    target_ids: list[strawberry.ID] | None = optional("Done to one of these things.")
    outcomes: list[AuditOutcome] | None = optional("With one of these outcomes.")
    since: datetime | None = optional("Not before this instant.")
    until: datetime | None = optional("Before this instant.")


def audit_filter(given: AuditFilterInput | None) -> AuditFilter:
    if given is None:
        return AuditFilter()
    return AuditFilter(
        actions=None if given.actions is None else frozenset(given.actions),
        actor_ids=None if given.actor_ids is None else frozenset(given.actor_ids),
        target_ids=None if given.target_ids is None else frozenset(given.target_ids),
        outcomes=None if given.outcomes is None else frozenset(outcome.value for outcome in given.outcomes),
        since=given.since,
        until=given.until,
    )


def audit_entry_type(entry: AuditEntry) -> AuditEntryType:
    actor = ActorType(kind=entry.actor_kind, id=strawberry.ID(entry.actor_id), label=entry.actor_label)
    return shown(
        AuditEntryType,
        entry,
        actor=actor,
        target=shown(AuditTargetType, entry.target),
        outcome=AuditOutcome(entry.outcome),
    )
