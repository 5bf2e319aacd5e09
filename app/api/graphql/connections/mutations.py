"""Mutations of connections."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

import strawberry

from app.api.graphql.connections import inputs, payloads
from app.api.graphql.connections.revocation_types import maybe_revocation
from app.api.graphql.connections.types import connection_type
from app.api.graphql.context import PatchbayInfo
from app.api.graphql.fields import Given
from app.api.graphql.problems import mutation, problem_types
from app.api.graphql.scalars import EventCursor
from app.connections.connections import Edited

P = TypeVar("P", bound=payloads.ConnectionPayload)


@strawberry.type
class ConnectionMutations:
    """The verbs of :class:`app.connections.connections.Connections`."""

    @mutation(
        payloads.CreateConnectionPayload, "Makes a connection: a draft, until its configuration is complete."
    )
    async def create_connection(
        self, info: PatchbayInfo, input_: Given[inputs.CreateConnectionInput]
    ) -> payloads.CreateConnectionPayload:
        edited = await info.context.hub.connections.create(
            info.context.actor,
            name=input_.name,
            integration=input_.integration,
            version=input_.version,
            mode=input_.mode,
            description=input_.description,
            config=cast("Any", input_.config),
            scope=input_.scope,
            idempotency_key=input_.idempotency_key,
        )
        return edited_payload(payloads.CreateConnectionPayload, info, edited)

    @mutation(payloads.UpdateConnectionPayload, "Renames or describes a connection.")
    async def update_connection(
        self, info: PatchbayInfo, input_: Given[inputs.UpdateConnectionInput]
    ) -> payloads.UpdateConnectionPayload:
        edited = await info.context.hub.connections.update(
            info.context.actor,
            input_.connection_id,
            name=input_.name,
            description=input_.description,
            expected_revision=input_.expected_revision,
        )
        return edited_payload(payloads.UpdateConnectionPayload, info, edited)

    @mutation(
        payloads.UpdateConnectionConfigPayload,
        "Replaces a connection's configuration. What fits is saved; `userErrors` lists the rest.",
    )
    async def update_connection_config(
        self, info: PatchbayInfo, input_: Given[inputs.UpdateConnectionConfigInput]
    ) -> payloads.UpdateConnectionConfigPayload:
        edited = await info.context.hub.connections.update_config(
            info.context.actor,
            input_.connection_id,
            cast("Any", input_.config),
            expected_revision=input_.expected_revision,
        )
        return edited_payload(payloads.UpdateConnectionConfigPayload, info, edited)

    @mutation(
        payloads.ActivateConnectionPayload,
        "Makes a connection usable: its default test has passed, or a reason says why it may be untested.",
    )
    async def activate_connection(
        self, info: PatchbayInfo, input_: Given[inputs.ActivateConnectionInput]
    ) -> payloads.ActivateConnectionPayload:
        edited = await info.context.hub.connections.activate(
            info.context.actor,
            input_.connection_id,
            reason=input_.reason,
            expected_revision=input_.expected_revision,
        )
        return edited_payload(payloads.ActivateConnectionPayload, info, edited)

    @mutation(
        payloads.PauseConnectionPayload,
        "Pauses a connection: nobody can call through it until it is resumed.",
    )
    async def pause_connection(
        self, info: PatchbayInfo, input_: Given[inputs.PauseConnectionInput]
    ) -> payloads.PauseConnectionPayload:
        return await _verb(payloads.PauseConnectionPayload, info, input_, info.context.hub.connections.pause)

    @mutation(
        payloads.ResumeConnectionPayload, "Resumes a paused connection, in the state that the evidence says."
    )
    async def resume_connection(
        self, info: PatchbayInfo, input_: Given[inputs.ResumeConnectionInput]
    ) -> payloads.ResumeConnectionPayload:
        return await _verb(
            payloads.ResumeConnectionPayload, info, input_, info.context.hub.connections.resume
        )

    @mutation(
        payloads.DisconnectPayload,
        "Destroys a connection's credentials, and revokes them at the provider where it can be done.",
    )
    async def disconnect(
        self, info: PatchbayInfo, input_: Given[inputs.DisconnectInput]
    ) -> payloads.DisconnectPayload:
        edited = await info.context.hub.connections.disconnect(
            info.context.actor, input_.connection_id, expected_revision=input_.expected_revision
        )
        payload = edited_payload(payloads.DisconnectPayload, info, edited)
        payload.revocation = maybe_revocation(edited.revocation)
        return payload

    @mutation(payloads.DeleteConnectionPayload, "Deletes a connection; its name is free again.")
    async def delete_connection(
        self, info: PatchbayInfo, input_: Given[inputs.DeleteConnectionInput]
    ) -> payloads.DeleteConnectionPayload:
        deleted = await info.context.hub.connections.delete(
            info.context.actor, input_.connection_id, expected_revision=input_.expected_revision
        )
        return payloads.DeleteConnectionPayload(
            deleted_connection_id=strawberry.ID(deleted.id),
            name=deleted.name,
            revocation=maybe_revocation(deleted.revocation),
            as_of=EventCursor(info.context.cursor(deleted.as_of)),
        )

    @mutation(
        payloads.RefreshCredentialsPayload,
        "Renews a connection's credentials now, as the hub does by itself when due.",
    )
    async def refresh_credentials(
        self, info: PatchbayInfo, input_: Given[inputs.RefreshCredentialsInput]
    ) -> payloads.RefreshCredentialsPayload:
        hub, actor = info.context.hub, info.context.actor
        edited = await hub.connections.refresh_credentials(actor, input_.connection_id)
        return edited_payload(payloads.RefreshCredentialsPayload, info, edited)


def edited_payload(payload: type[P], info: PatchbayInfo, edited: Edited) -> P:
    """Return the payload of a verb that answers with the connection and what still is not right."""
    return payload(
        connection=connection_type(edited.connection, edited.as_of),
        as_of=EventCursor(info.context.cursor(edited.as_of)),
        user_errors=problem_types(edited.problems),
    )


async def _verb(
    payload: type[P],
    info: PatchbayInfo,
    input_: inputs.ConnectionVerbInput,
    verb: Callable[..., Awaitable[Edited]],
) -> P:
    edited = await verb(info.context.actor, input_.connection_id, expected_revision=input_.expected_revision)
    return edited_payload(payload, info, edited)
