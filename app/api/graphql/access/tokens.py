"""Access tokens: how they are shown, made and revoked."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import strawberry

import app.api.graphql.access.enums  # noqa: F401 - brings the room's enums into the schema
from app.access.policy import Permission
from app.api.graphql.context import PatchbayInfo, RequestContext
from app.api.graphql.fields import IDEMPOTENCY_KEY, Given, described, object_type, optional, shown
from app.api.graphql.node import NodeType
from app.api.graphql.problems import ProblemType, mutation, user_errors_field
from app.foundation.errors import InvalidInputError
from app.foundation.problems import Problem


@object_type("An access token, by which a program acts for a member.")
class AccessTokenType(NodeType):
    name: str = described("What it is for.")
    scopes: list[Permission] = described("What it may do, within what its member may.")
    hint: str = described("Its last characters.")
    created_at: datetime = described("When it was made.")
    expires_at: datetime | None = described("When it expires; null where it never does.")
    last_used_at: datetime | None = described("When it was used last, to the minute.")
    revoked_at: datetime | None = described("When it was revoked.")


@strawberry.input(description="A new access token.")
class CreateTokenInput:
    name: str = described("What it is for.")
    scopes: list[Permission] = described("What it may do, within what you may.")
    expires_in_seconds: int | None = optional(
        "How long it is valid: a minute to ten years; for ever if left out."
    )
    idempotency_key: str | None = optional(IDEMPOTENCY_KEY)


@strawberry.input(description="Which access token to revoke.")
class RevokeTokenInput:
    token_id: strawberry.ID = described("The token's id.")


@object_type("The new token, and its secret for the only time.")
class CreateTokenPayload:
    access_token: AccessTokenType | None = described(
        "The token; null exactly where none was made.", default=None
    )
    secret: str | None = described(
        "What goes behind `Authorization: Bearer`. It is shown this once and stored as a hash.",
        default=None,
    )
    user_errors: list[ProblemType] = user_errors_field()


@object_type("The token, revoked.")
class RevokeTokenPayload:
    access_token: AccessTokenType | None = described(
        "The token; null exactly where none was revoked.", default=None
    )
    user_errors: list[ProblemType] = user_errors_field()


@strawberry.type
class TokenMutations:
    """The verbs of :class:`app.members.tokens.Tokens`."""

    @mutation("Makes an access token that may no more than you.")
    async def create_token(self, info: PatchbayInfo, input_: Given[CreateTokenInput]) -> CreateTokenPayload:
        seconds = input_.expires_in_seconds
        try:
            created = await info.context.hub.tokens.create(
                info.context.actor,
                name=input_.name,
                scopes=input_.scopes,
                expires_in=None if seconds is None else timedelta(seconds=seconds),
                idempotency_key=input_.idempotency_key,
            )
        except InvalidInputError as fault:
            raise InvalidInputError(_renamed(fault.problems)) from None
        return CreateTokenPayload(
            access_token=shown(AccessTokenType, created.snapshot), secret=created.token.reveal()
        )

    @mutation("Revokes an access token at once and for ever; its open streams end.")
    async def revoke_token(self, info: PatchbayInfo, input_: Given[RevokeTokenInput]) -> RevokeTokenPayload:
        revoked = await info.context.hub.tokens.revoke(info.context.actor, input_.token_id)
        return RevokeTokenPayload(access_token=shown(AccessTokenType, revoked))


async def load_tokens(context: RequestContext, ids: Sequence[str]) -> Mapping[str, AccessTokenType]:
    found = await context.hub.tokens.many(context.actor, ids)
    return {id_: shown(AccessTokenType, snapshot) for id_, snapshot in found.items()}


def _renamed(problems: Sequence[Problem]) -> list[Problem]:
    """Return the problems with the input's own name for the lifetime, whose unit it says."""
    return [
        replace(one, path=("expiresInSeconds",)) if one.path == ("expiresIn",) else one for one in problems
    ]
