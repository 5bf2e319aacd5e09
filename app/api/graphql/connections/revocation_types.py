"""Revocations as the schema shows them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import strawberry

import app.api.graphql.connections.enums  # noqa: F401 - brings the room's enums into the schema
from app.api.graphql.context import RequestContext
from app.api.graphql.node import NodeType
from app.credentials.snapshot import RevocationSnapshot, RevocationState


@strawberry.type(name="Revocation", description="What becomes of credentials that a connection gave up.")
class RevocationType(NodeType):
    connection_id: strawberry.ID = strawberry.field(description="The connection they belonged to.")
    state: RevocationState = strawberry.field(description="Its state.")
    revoked: list[str] = strawberry.field(
        description="The names of the values that are dead at the provider."
    )
    alive: list[str] = strawberry.field(description="The names of the values that may live on there.")
    expires_at: datetime | None = strawberry.field(
        description="When what lives on expires by itself; null where that is not known."
    )
    attempts: int = strawberry.field(description="How often the provider was asked.")
    created_at: datetime = strawberry.field(description="When the connection gave them up.")
    finished_at: datetime | None = strawberry.field(description="When it ended and the secret was destroyed.")


def revocation_type(snapshot: RevocationSnapshot) -> RevocationType:
    """Return the schema's picture of a revocation."""
    return RevocationType(
        id=strawberry.ID(snapshot.id),
        connection_id=strawberry.ID(snapshot.connection_id),
        state=snapshot.state,
        revoked=list(snapshot.revoked),
        alive=list(snapshot.alive),
        expires_at=snapshot.expires_at,
        attempts=snapshot.attempts,
        created_at=snapshot.created_at,
        finished_at=snapshot.finished_at,
    )


def maybe_revocation(snapshot: RevocationSnapshot | None) -> RevocationType | None:
    """Return the schema's picture of a revocation; None stays None."""
    return None if snapshot is None else revocation_type(snapshot)


async def load_revocations(context: RequestContext, ids: Sequence[str]) -> Mapping[str, Any]:
    """Load revocations by id; missing and foreign ones are left out alike."""
    found = await context.hub.revocations.many(context.actor, ids)
    return {id_: revocation_type(snapshot) for id_, snapshot in found.items()}
