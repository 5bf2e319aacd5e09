"""What the connections room's mutations answer."""

import strawberry

from app.api.graphql.connections.authorization_types import AuthorizationType
from app.api.graphql.connections.revocation_types import RevocationType
from app.api.graphql.connections.types import ConnectionType
from app.api.graphql.fields import described, object_type
from app.api.graphql.problems import ProblemType, user_errors_field
from app.api.graphql.scalars import EventCursor

_REVOCATION = (
    "What becomes of its credentials at the provider; null where it held none. Query it again with `node`."
)
_AS_OF = "Follow `events` after this cursor, and nothing is missed since the change."


@strawberry.type
class ConnectionPayload:
    """A verb on a connection."""

    connection: ConnectionType | None = described(
        "The connection after the change; null exactly where nothing was changed.", default=None
    )
    as_of: EventCursor | None = described(_AS_OF, default=None)
    user_errors: list[ProblemType] = user_errors_field()


@object_type("The new connection. It may still have problems.")
class CreateConnectionPayload(ConnectionPayload):
    """Created."""


@object_type("The connection with its new name and description.")
class UpdateConnectionPayload(ConnectionPayload):
    """Renamed or described."""


@object_type("The connection with its new configuration; `userErrors` says what does not fit.")
class UpdateConnectionConfigPayload(ConnectionPayload):
    """Configured."""


@object_type("The connection, usable from now on.")
class ActivateConnectionPayload(ConnectionPayload):
    """Activated."""


@object_type("The connection, paused.")
class PauseConnectionPayload(ConnectionPayload):
    """Paused."""


@object_type("The connection, in the state that the evidence says.")
class ResumeConnectionPayload(ConnectionPayload):
    """Resumed."""


@object_type("The connection without credentials.")
class DisconnectPayload(ConnectionPayload):
    revocation: RevocationType | None = described(_REVOCATION, default=None)


@object_type("The connection with its credentials renewed.")
class RefreshCredentialsPayload(ConnectionPayload):
    """Renewed."""


@object_type("What was deleted.")
class DeleteConnectionPayload:
    deleted_connection_id: strawberry.ID | None = described(
        "The id it had; null exactly where nothing was deleted.", default=None
    )
    name: str | None = described("The name it had, free again.", default=None)
    revocation: RevocationType | None = described(_REVOCATION, default=None)
    as_of: EventCursor | None = described(_AS_OF, default=None)
    user_errors: list[ProblemType] = user_errors_field()


@strawberry.type
class AuthorizationPayload:
    """A verb on an authorization."""

    authorization: AuthorizationType | None = described(
        "The authorization as it is now; its `step` says what to do next.", default=None
    )
    user_errors: list[ProblemType] = user_errors_field()


@object_type("The authorization, with the first step.")
class BeginAuthorizationPayload(AuthorizationPayload):
    """Begun."""


@object_type("The authorization, with the first step.")
class ReauthorizePayload(AuthorizationPayload):
    """Begun again."""


@object_type("The authorization; it may ask for another step.")
class SubmitCredentialsPayload(AuthorizationPayload):
    """Submitted."""


@object_type("The authorization; it may ask for another step.")
class ChooseAccountPayload(AuthorizationPayload):
    """Chosen."""


@object_type("The authorization; it may ask for another step.")
class CompleteAuthorizationPayload(AuthorizationPayload):
    """Completed."""


@object_type("The authorization, cancelled.")
class CancelAuthorizationPayload(AuthorizationPayload):
    """Cancelled."""
