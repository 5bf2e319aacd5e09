"""Revocations as the schema shows them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import strawberry

import app.api.graphql.connections.enums  # noqa: F401 - brings the room's enums into the schema
from app.api.graphql.context import RequestContext
from app.api.graphql.fields import described, object_type, shown
from app.api.graphql.node import NodeType
from app.api.graphql.problems import ProblemType, maybe_problem
from app.credentials.snapshot import RevocationSnapshot, RevocationState


@object_type("What becomes of credentials that a connection gave up.")
class RevocationType(NodeType):
    connection_id: strawberry.ID = described("The connection they belonged to.")
    state: RevocationState = described("Its state.")
    revoked: list[str] = described("The names of the values that are dead at the provider.")
    alive: list[str] = described("The names of the values that may live on there.")
    problem: ProblemType | None = described(
        "What the provider answered, or what was in the way, at the last attempt; null where nothing was."
    )
    expires_at: datetime | None = described(
        "When what lives on expires by itself; null where that is not known."
    )
    attempts: int = described("How often the provider was asked.")
    created_at: datetime = described("When the connection gave them up.")
    finished_at: datetime | None = described("When it ended and the secret was destroyed.")


def maybe_revocation(snapshot: RevocationSnapshot | None) -> RevocationType | None:
    """Return the schema's picture of a revocation; None stays None."""
    return None if snapshot is None else _shown(snapshot)


async def load_revocations(context: RequestContext, ids: Sequence[str]) -> Mapping[str, Any]:
    found = await context.hub.revocations.many(context.actor, ids)
    return {id_: _shown(snapshot) for id_, snapshot in found.items()}


def _shown(snapshot: RevocationSnapshot) -> RevocationType:
    return shown(RevocationType, snapshot, problem=maybe_problem(snapshot.problem))
