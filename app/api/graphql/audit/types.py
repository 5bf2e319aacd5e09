"""Audit entries as the schema shows them."""

from datetime import datetime

import strawberry

from app.access.actor import ActorKind, Channel
from app.api.graphql.access.actor_type import ActorType
from app.api.graphql.audit.enums import AuditOutcome
from app.api.graphql.fields import described, object_type, optional, shown
from app.api.graphql.node import NodeType
from app.api.graphql.scalars import Json
from app.audit.chain import ChainRow
from app.audit.log import AuditFilter


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


def audit_entry_type(entry: ChainRow) -> AuditEntryType:
    """Return an entry as the schema shows it."""
    return shown(
        AuditEntryType,
        entry,
        actor=ActorType(
            kind=ActorKind(entry.actor_kind), id=strawberry.ID(entry.actor_id), label=entry.actor_label
        ),
        via=Channel(entry.via),
        target=AuditTargetType(
            type=entry.target_type, id=strawberry.ID(entry.target_id), label=entry.target_label
        ),
        outcome=AuditOutcome(entry.outcome),
    )
