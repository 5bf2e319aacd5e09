"""Mutations of authorizations."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import strawberry

from app.api.graphql.connections import inputs, payloads
from app.api.graphql.connections.authorization_types import authorization_type
from app.api.graphql.context import PatchbayInfo
from app.api.graphql.fields import Given
from app.api.graphql.problems import mutation
from app.connections.snapshot import AuthorizationSnapshot
from app.foundation.secret import Secret

P = TypeVar("P", bound=payloads.AuthorizationPayload)


@strawberry.type
class AuthorizationMutations:
    """The verbs of :class:`app.connections.authorization.Authorizations`."""

    @mutation("Begins an authorization and answers with its first step.")
    async def begin_authorization(
        self, info: PatchbayInfo, input_: Given[inputs.BeginAuthorizationInput]
    ) -> payloads.BeginAuthorizationPayload:
        verbs = info.context.hub.authorizations
        return await _go_on(payloads.BeginAuthorizationPayload, info, verbs.begin, input_)

    @mutation(
        "Begins an authorization the way the connection is authenticated already; the old credentials keep "
        "working until the new ones do."
    )
    async def reauthorize(
        self, info: PatchbayInfo, input_: Given[inputs.ReauthorizeInput]
    ) -> payloads.ReauthorizePayload:
        verbs = info.context.hub.authorizations
        return await _go_on(payloads.ReauthorizePayload, info, verbs.reauthorize, input_)

    @mutation("Hands in what a credential form asks for; it is sealed at once.")
    async def submit_credentials(
        self, info: PatchbayInfo, input_: Given[inputs.SubmitCredentialsInput]
    ) -> payloads.SubmitCredentialsPayload:
        verbs = info.context.hub.authorizations
        return await _go_on(payloads.SubmitCredentialsPayload, info, verbs.submit_credentials, input_)

    @mutation("Chooses one of several accounts.")
    async def choose_account(
        self, info: PatchbayInfo, input_: Given[inputs.ChooseAccountInput]
    ) -> payloads.ChooseAccountPayload:
        verbs = info.context.hub.authorizations
        return await _go_on(payloads.ChooseAccountPayload, info, verbs.choose_account, input_)

    @mutation("Hands in the provider's callback, for applications that receive it themselves.")
    async def complete_authorization(
        self, info: PatchbayInfo, input_: Given[inputs.CompleteAuthorizationInput]
    ) -> payloads.CompleteAuthorizationPayload:
        snapshot = await info.context.hub.authorizations.complete(
            info.context.actor,
            input_.authorization_id,
            input_.callback_url.reveal(),
            info.context.browser or Secret(""),  # which is no browser's
        )
        return payloads.CompleteAuthorizationPayload(authorization=authorization_type(snapshot))

    @mutation("Cancels an authorization; one that is over stays as it is.")
    async def cancel_authorization(
        self, info: PatchbayInfo, input_: Given[inputs.CancelAuthorizationInput]
    ) -> payloads.CancelAuthorizationPayload:
        verbs = info.context.hub.authorizations
        return await _go_on(payloads.CancelAuthorizationPayload, info, verbs.cancel, input_)


async def _go_on(
    payload: type[P],
    info: PatchbayInfo,
    verb: Callable[..., Awaitable[AuthorizationSnapshot]],
    input_: object,
) -> P:
    """Call the room's verb, whose parameters have the names of the input's fields."""
    snapshot = await verb(info.context.actor, **vars(input_))
    return payload(authorization=authorization_type(snapshot))
