"""Mutations of authorizations."""

from __future__ import annotations

from typing import Any, cast

import strawberry

from app.api.graphql.connections.authorization_types import authorization_type
from app.api.graphql.connections.inputs import (
    BeginAuthorizationInput,
    CancelAuthorizationInput,
    ChooseAccountInput,
    CompleteAuthorizationInput,
    ReauthorizeInput,
    SubmitCredentialsInput,
)
from app.api.graphql.connections.payloads import (
    BeginAuthorizationPayload,
    CancelAuthorizationPayload,
    ChooseAccountPayload,
    CompleteAuthorizationPayload,
    ReauthorizePayload,
    SubmitCredentialsPayload,
)
from app.api.graphql.context import PatchbayInfo
from app.api.graphql.fields import Given
from app.api.graphql.problems import mutation
from app.foundation.secret import Secret


@strawberry.type
class AuthorizationMutations:
    """The verbs of :class:`app.connections.authorization.Authorizations`."""

    @mutation(BeginAuthorizationPayload, "Begins an authorization and answers with its first step.")
    async def begin_authorization(
        self, info: PatchbayInfo, input_: Given[BeginAuthorizationInput]
    ) -> BeginAuthorizationPayload:
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
        return BeginAuthorizationPayload(authorization=authorization_type(begun))

    @mutation(
        ReauthorizePayload,
        "Begins an authorization the way the connection is authenticated already; the old credentials keep "
        "working until the new ones do.",
    )
    async def reauthorize(self, info: PatchbayInfo, input_: Given[ReauthorizeInput]) -> ReauthorizePayload:
        begun = await info.context.hub.authorizations.reauthorize(
            info.context.actor,
            input_.connection_id,
            scopes=input_.scopes,
            return_to=input_.return_to,
            presentation=input_.presentation.value,
            idempotency_key=input_.idempotency_key,
        )
        return ReauthorizePayload(authorization=authorization_type(begun))

    @mutation(SubmitCredentialsPayload, "Hands in what a credential form asks for; it is sealed at once.")
    async def submit_credentials(
        self, info: PatchbayInfo, input_: Given[SubmitCredentialsInput]
    ) -> SubmitCredentialsPayload:
        snapshot = await info.context.hub.authorizations.submit_credentials(
            info.context.actor, input_.authorization_id, cast("Any", input_.credentials)
        )
        return SubmitCredentialsPayload(authorization=authorization_type(snapshot))

    @mutation(ChooseAccountPayload, "Chooses one of several accounts.")
    async def choose_account(
        self, info: PatchbayInfo, input_: Given[ChooseAccountInput]
    ) -> ChooseAccountPayload:
        snapshot = await info.context.hub.authorizations.choose_account(
            info.context.actor, input_.authorization_id, input_.account_id
        )
        return ChooseAccountPayload(authorization=authorization_type(snapshot))

    @mutation(
        CompleteAuthorizationPayload,
        "Hands in the provider's callback, for applications that receive it themselves.",
    )
    async def complete_authorization(
        self, info: PatchbayInfo, input_: Given[CompleteAuthorizationInput]
    ) -> CompleteAuthorizationPayload:
        snapshot = await info.context.hub.authorizations.complete(
            info.context.actor,
            input_.authorization_id,
            input_.callback_url.reveal(),
            info.context.browser or Secret(""),  # which is no browser's
        )
        return CompleteAuthorizationPayload(authorization=authorization_type(snapshot))

    @mutation(CancelAuthorizationPayload, "Cancels an authorization; one that is over stays as it is.")
    async def cancel_authorization(
        self, info: PatchbayInfo, input_: Given[CancelAuthorizationInput]
    ) -> CancelAuthorizationPayload:
        snapshot = await info.context.hub.authorizations.cancel(info.context.actor, input_.authorization_id)
        return CancelAuthorizationPayload(authorization=authorization_type(snapshot))
