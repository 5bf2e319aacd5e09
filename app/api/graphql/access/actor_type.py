"""Actors as the schema shows them."""

import strawberry

import app.api.graphql.access.enums  # noqa: F401 - brings the room's enums into the schema
from app.access.actor import ActorKind


@strawberry.type(name="Actor", description="Who did something: a member, an access token, or the hub itself.")
class ActorType:
    kind: ActorKind = strawberry.field(description="What kind of actor it is.")
    id: strawberry.ID = strawberry.field(description="Its id.")
    label: str = strawberry.field(description="What it was called.")
