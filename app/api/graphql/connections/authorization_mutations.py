"""Mutations of authorizations."""

from typing import Any, cast

import strawberry

from app.api.graphql.connections import inputs, payloads
from app.api.graphql.connections.authorization_types import authorization_type
from app.api.graphql.context import PatchbayInfo
from app.api.graphql.fields import Given
from app.api.graphql.problems import mutation
from app.foundation.secret import Secret


@strawberry.type
class AuthorizationMutations:
    """The verbs of :class:`app.connections.authorization.Authorizations`."""

    @mutation(payloads.BeginAuthorizationPayload, "Begins an authorization and answers with its first step.")
    async def begin_authorization(
        self, info: PatchbayInfo, input_: Given[inputs.BeginAuthorizationInput]
    ) -> payloads.BeginAuthorizationPayload:
        begun = await info.context.hub.authorizations.begin(
            info.context.actor,
            input_.connection_id,
            auth_method=input_.auth_method,
            scopes=input_.scopes,
            return_to=input_.return_to,
            presentation=input_.presentation.value,
            idempotency_key=input_.idempotency_key,
            expected_revision=input_.expected_revision,
        )
        return payloads.BeginAuthorizationPayload(authorization=authorization_type(begun))

    @mutation(
        payloads.ReauthorizePayload,
        "Begins an authorization the way the connection is authenticated already; the old credentials keep "
        "working until the new ones do.",
    )
    async def reauthorize(
        self, info: PatchbayInfo, input_: Given[inputs.ReauthorizeInput]
    ) -> payloads.ReauthorizePayload:
        begun = await info.context.hub.authorizations.reauthorize(
            info.context.actor,
            input_.connection_id,
            scopes=input_.scopes,
            return_to=input_.return_to,
            presentation=input_.presentation.value,
            idempotency_key=input_.idempotency_key,
        )
        return payloads.ReauthorizePayload(authorization=authorization_type(begun))

    @mutation(
        payloads.SubmitCredentialsPayload, "Hands in what a credential form asks for; it is sealed at once."
    )
    async def submit_credentials(
        self, info: PatchbayInfo, input_: Given[inputs.SubmitCredentialsInput]
    ) -> payloads.SubmitCredentialsPayload:
        snapshot = await info.context.hub.authorizations.submit_credentials(
            info.context.actor, input_.authorization_id, cast("Any", input_.credentials)
        )
        return payloads.SubmitCredentialsPayload(authorization=authorization_type(snapshot))

    @mutation(payloads.ChooseAccountPayload, "Chooses one of several accounts.")
    async def choose_account(
        self, info: PatchbayInfo, input_: Given[inputs.ChooseAccountInput]
    ) -> payloads.ChooseAccountPayload:
        snapshot = await info.context.hub.authorizations.choose_account(
            info.context.actor, input_.authorization_id, input_.account_id
        )
        return payloads.ChooseAccountPayload(authorization=authorization_type(snapshot))

    @mutation(
        payloads.CompleteAuthorizationPayload,
        "Hands in the provider's callback, for applications that receive it themselves.",
    )
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

    @mutation(
        payloads.CancelAuthorizationPayload, "Cancels an authorization; one that is over stays as it is."
    )
    async def cancel_authorization(
        self, info: PatchbayInfo, input_: Given[inputs.CancelAuthorizationInput]
    ) -> payloads.CancelAuthorizationPayload:
        snapshot = await info.context.hub.authorizations.cancel(info.context.actor, input_.authorization_id)
        return payloads.CancelAuthorizationPayload(authorization=authorization_type(snapshot))
