"""Actors as the schema shows them."""

import strawberry

import app.api.graphql.access.enums  # noqa: F401 - brings the room's enums into the schema
from app.access.actor import ActorKind
from app.api.graphql.fields import described, object_type


@object_type("Who did something: a member, an access token, or the hub itself.")
class ActorType:
    kind: ActorKind = described("What kind of actor it is.")
    id: strawberry.ID = described("Its id.")
    label: str = described("What it was called.")
