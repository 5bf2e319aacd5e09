"""Mutations of connections."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

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

    @mutation("Makes a connection: a draft, until its configuration is complete.")
    async def create_connection(
        self, info: PatchbayInfo, input_: Given[inputs.CreateConnectionInput]
    ) -> payloads.CreateConnectionPayload:
        verbs = info.context.hub.connections
        return await _edit(payloads.CreateConnectionPayload, info, verbs.create, input_)

    @mutation("Renames or describes a connection.")
    async def update_connection(
        self, info: PatchbayInfo, input_: Given[inputs.UpdateConnectionInput]
    ) -> payloads.UpdateConnectionPayload:
        verbs = info.context.hub.connections
        return await _edit(payloads.UpdateConnectionPayload, info, verbs.update, input_)

    @mutation(
        "Replaces a connection's configuration. A draft keeps what was typed; `userErrors` says what does not fit."
    )
    async def update_connection_config(
        self, info: PatchbayInfo, input_: Given[inputs.UpdateConnectionConfigInput]
    ) -> payloads.UpdateConnectionConfigPayload:
        verbs = info.context.hub.connections
        return await _edit(payloads.UpdateConnectionConfigPayload, info, verbs.update_config, input_)

    @mutation(
        "Makes a connection usable: its default test has passed, or a reason says why it may be untested."
    )
    async def activate_connection(
        self, info: PatchbayInfo, input_: Given[inputs.ActivateConnectionInput]
    ) -> payloads.ActivateConnectionPayload:
        verbs = info.context.hub.connections
        return await _edit(payloads.ActivateConnectionPayload, info, verbs.activate, input_)

    @mutation("Pauses a connection: nobody can call through it until it is resumed.")
    async def pause_connection(
        self, info: PatchbayInfo, input_: Given[inputs.PauseConnectionInput]
    ) -> payloads.PauseConnectionPayload:
        verbs = info.context.hub.connections
        return await _edit(payloads.PauseConnectionPayload, info, verbs.pause, input_)

    @mutation("Resumes a paused connection, in the state that the evidence says.")
    async def resume_connection(
        self, info: PatchbayInfo, input_: Given[inputs.ResumeConnectionInput]
    ) -> payloads.ResumeConnectionPayload:
        verbs = info.context.hub.connections
        return await _edit(payloads.ResumeConnectionPayload, info, verbs.resume, input_)

    @mutation("Destroys a connection's credentials, and revokes them at the provider where it can be done.")
    async def disconnect(
        self, info: PatchbayInfo, input_: Given[inputs.DisconnectInput]
    ) -> payloads.DisconnectPayload:
        edited = await info.context.hub.connections.disconnect(info.context.actor, **vars(input_))
        payload = _payload(payloads.DisconnectPayload, info, edited)
        payload.revocation = maybe_revocation(edited.revocation)
        return payload

    @mutation("Deletes a connection; its name is free again.")
    async def delete_connection(
        self, info: PatchbayInfo, input_: Given[inputs.DeleteConnectionInput]
    ) -> payloads.DeleteConnectionPayload:
        deleted = await info.context.hub.connections.delete(info.context.actor, **vars(input_))
        return payloads.DeleteConnectionPayload(
            deleted_connection_id=strawberry.ID(deleted.id),
            name=deleted.name,
            revocation=maybe_revocation(deleted.revocation),
            as_of=EventCursor(info.context.cursor(deleted.as_of)),
        )

    @mutation("Renews a connection's credentials now, as the hub does by itself when due.")
    async def refresh_credentials(
        self, info: PatchbayInfo, input_: Given[inputs.RefreshCredentialsInput]
    ) -> payloads.RefreshCredentialsPayload:
        verbs = info.context.hub.connections
        return await _edit(payloads.RefreshCredentialsPayload, info, verbs.refresh_credentials, input_)


async def _edit(
    payload: type[P], info: PatchbayInfo, verb: Callable[..., Awaitable[Edited]], input_: object
) -> P:
    """Call the room's verb, whose parameters have the names of the input's fields."""
    return _payload(payload, info, await verb(info.context.actor, **vars(input_)))


def _payload(payload: type[P], info: PatchbayInfo, edited: Edited) -> P:
    """Return the payload of a verb that answers with the connection and what still is not right."""
    return payload(
        connection=connection_type(edited.connection, edited.as_of),
        as_of=EventCursor(info.context.cursor(edited.as_of)),
        user_errors=problem_types(edited.problems),
    )
