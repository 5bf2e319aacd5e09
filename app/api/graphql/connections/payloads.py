"""What the connections room's mutations answer."""

import strawberry

from app.api.graphql.connections.authorization_types import AuthorizationType
from app.api.graphql.connections.revocation_types import RevocationType
from app.api.graphql.connections.types import ConnectionType
from app.api.graphql.problems import ProblemType, user_errors_field
from app.api.graphql.scalars import EventCursor

_REVOCATION = (
    "What becomes of its credentials at the provider; null where it held none. Query it again with `node`."
)
_AS_OF = "Follow `events` after this cursor, and nothing is missed since the change."


@strawberry.type
class ConnectionPayload:
    """A verb on a connection."""

    connection: ConnectionType | None = strawberry.field(
        description="The connection after the change; null exactly where nothing was changed.", default=None
    )
    as_of: EventCursor | None = strawberry.field(description=_AS_OF, default=None)
    user_errors: list[ProblemType] = user_errors_field()


@strawberry.type(description="The new connection. It may still have problems.")
class CreateConnectionPayload(ConnectionPayload):
    """Created."""


@strawberry.type(description="The connection with its new name and description.")
class UpdateConnectionPayload(ConnectionPayload):
    """Renamed or described."""


@strawberry.type(
    description="The connection with its new configuration: what fits is saved, `userErrors` lists the rest.",
)
class UpdateConnectionConfigPayload(ConnectionPayload):
    """Configured."""


@strawberry.type(description="The connection, usable from now on.")
class ActivateConnectionPayload(ConnectionPayload):
    """Activated."""


@strawberry.type(description="The connection, paused.")
class PauseConnectionPayload(ConnectionPayload):
    """Paused."""


@strawberry.type(description="The connection, in the state that the evidence says.")
class ResumeConnectionPayload(ConnectionPayload):
    """Resumed."""


@strawberry.type(description="The connection without credentials.")
class DisconnectPayload(ConnectionPayload):
    revocation: RevocationType | None = strawberry.field(description=_REVOCATION, default=None)


@strawberry.type(description="The connection with its credentials renewed.")
class RefreshCredentialsPayload(ConnectionPayload):
    """Renewed."""


@strawberry.type(description="What was deleted.")
class DeleteConnectionPayload:
    deleted_connection_id: strawberry.ID | None = strawberry.field(
        description="The id it had; null exactly where nothing was deleted.", default=None
    )
    name: str | None = strawberry.field(description="The name it had, free again.", default=None)
    revocation: RevocationType | None = strawberry.field(description=_REVOCATION, default=None)
    as_of: EventCursor | None = strawberry.field(description=_AS_OF, default=None)
    user_errors: list[ProblemType] = user_errors_field()


@strawberry.type
class AuthorizationPayload:
    """A verb on an authorization."""

    authorization: AuthorizationType | None = strawberry.field(
        description="The authorization as it is now; its `step` says what to do next.", default=None
    )
    user_errors: list[ProblemType] = user_errors_field()


@strawberry.type(description="The authorization, with the first step.")
class BeginAuthorizationPayload(AuthorizationPayload):
    """Begun."""


@strawberry.type(description="The authorization, with the first step.")
class ReauthorizePayload(AuthorizationPayload):
    """Begun again."""


@strawberry.type(description="The authorization; it may ask for another step.")
class SubmitCredentialsPayload(AuthorizationPayload):
    """Submitted."""


@strawberry.type(description="The authorization; it may ask for another step.")
class ChooseAccountPayload(AuthorizationPayload):
    """Chosen."""


@strawberry.type(description="The authorization; it may ask for another step.")
class CompleteAuthorizationPayload(AuthorizationPayload):
    """Completed."""


@strawberry.type(description="The authorization, cancelled.")
class CancelAuthorizationPayload(AuthorizationPayload):
    """Cancelled."""
