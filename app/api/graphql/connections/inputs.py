"""What the connections room's mutations ask for."""

import strawberry

from app.api.graphql.connections.enums import ConnectionSort, Presentation
from app.api.graphql.enums import Direction
from app.api.graphql.fields import IDEMPOTENCY_KEY, described, optional
from app.api.graphql.scalars import Json, SecretJson, SecretText, SemVer, Url
from app.connections.lifecycle import ConnectionState
from app.connections.snapshot import AccessScope
from app.credentials.snapshot import Mode

_CONNECTION_ID = "The connection's id."
_AUTHORIZATION_ID = "The authorization's id."
_APPLICATION_ID = (
    "The application to authorize with; by default that of the connection's credentials, else the one that is saved "
    "for its addresses."
)
_RETURN_TO = (
    "Where the browser goes at the end; on the hub's origin or an allowed one. Leave it out for a popup, which "
    "notifies the page that opened it and closes itself."
)
_REVISION = "Change it only if it still has this revision."


@strawberry.input(description="A new connection. It starts as a draft.")
class CreateConnectionInput:
    name: str = described("Its name: unique, ignoring case, among the connections of its owner.")
    integration: str = described("The key of the integration.")
    version: SemVer | None = optional("The version of the definition; the latest where it is left out.")
    mode: Mode = described("Whether it talks to the outside world.", default=Mode.LIVE)
    description: str = described("What it is for, in your words.", default="")
    config: Json | None = optional(
        "Its configuration, as the version's `configSchema` describes it; may be incomplete."
    )
    scope: AccessScope = described("Whose connection it is.", default=AccessScope.WORKSPACE)
    idempotency_key: str | None = optional(IDEMPOTENCY_KEY)


@strawberry.input(description="A new name or description; what is left out stays.")
class UpdateConnectionInput:
    connection_id: strawberry.ID = described(_CONNECTION_ID)
    name: str | None = optional("The new name.")
    description: str | None = optional("The new description.")
    expected_revision: int | None = optional(_REVISION)


@strawberry.input(description="A new configuration.")
class UpdateConnectionConfigInput:
    connection_id: strawberry.ID = described(_CONNECTION_ID)
    config: Json = described(
        "The whole configuration. A secret field that is left out stays as it is; null clears it."
    )
    expected_revision: int | None = optional(_REVISION)


@strawberry.input(description="Which connection is meant.")
class ConnectionVerbInput:
    connection_id: strawberry.ID = described(_CONNECTION_ID)
    expected_revision: int | None = optional(_REVISION)


@strawberry.input(description="Which connection to make usable.")
class ActivateConnectionInput(ConnectionVerbInput):
    reason: str | None = optional(
        "Why it may be activated although its default test has not passed; audited."
    )


@strawberry.input(description="Which connection to pause.")
class PauseConnectionInput(ConnectionVerbInput):
    """Pause."""


@strawberry.input(description="Which connection to resume.")
class ResumeConnectionInput(ConnectionVerbInput):
    """Resume."""


@strawberry.input(description="Which connection's credentials to destroy.")
class DisconnectInput(ConnectionVerbInput):
    """Disconnect."""


@strawberry.input(description="Which connection to delete.")
class DeleteConnectionInput(ConnectionVerbInput):
    """Delete."""


@strawberry.input(description="Which connection's credentials to renew now.")
class RefreshCredentialsInput:
    connection_id: strawberry.ID = described(_CONNECTION_ID)


@strawberry.input(description="A configuration to check without any effect.")
class ValidateConfigInput:
    integration: str = described("The key of the integration.")
    version: SemVer | None = optional("The version of the definition; the latest where it is left out.")
    config: Json = described("The configuration as it is in the form.")


@strawberry.input(description="How to authenticate a connection.")
class BeginAuthorizationInput:
    connection_id: strawberry.ID = described(_CONNECTION_ID)
    auth_method: str | None = optional("The key of the auth method; can be left out where there is only one.")
    scopes: list[str] | None = optional("The scopes to ask for; the required ones are always asked for.")
    application_id: strawberry.ID | None = optional(_APPLICATION_ID)
    return_to: Url | None = optional(_RETURN_TO)
    presentation: Presentation = described("How the sign-in page is shown.", default=Presentation.POPUP)
    idempotency_key: str | None = optional(IDEMPOTENCY_KEY)
    expected_revision: int | None = optional(_REVISION)


@strawberry.input(description="Which connection to authenticate again, as it was before.")
class ReauthorizeInput:
    connection_id: strawberry.ID = described(_CONNECTION_ID)
    scopes: list[str] | None = optional("The scopes to ask for; those of the last time where it is left out.")
    application_id: strawberry.ID | None = optional(_APPLICATION_ID)
    return_to: Url | None = optional(_RETURN_TO)
    presentation: Presentation = described("How the sign-in page is shown.", default=Presentation.POPUP)
    idempotency_key: str | None = optional(IDEMPOTENCY_KEY)


@strawberry.input(description="What was entered into a credential form.")
class SubmitCredentialsInput:
    authorization_id: strawberry.ID = described(_AUTHORIZATION_ID)
    credentials: SecretJson = described("The form's fields, as the step's schema describes them.")


@strawberry.input(description="Which of several accounts to connect.")
class ChooseAccountInput:
    authorization_id: strawberry.ID = described(_AUTHORIZATION_ID)
    account_id: str = described("The id of one of the step's options.")


@strawberry.input(description="Where the provider sent the browser back to.")
class CompleteAuthorizationInput:
    authorization_id: strawberry.ID = described(_AUTHORIZATION_ID)
    callback_url: SecretText = described("The whole address, with its parameters.")


@strawberry.input(description="Which authorization to cancel.")
class CancelAuthorizationInput:
    authorization_id: strawberry.ID = described(_AUTHORIZATION_ID)


@strawberry.input(
    name="ConnectionFilter", description="Which connections are meant: lists mean any of, fields mean and."
)
class ConnectionFilterInput:
    states: list[ConnectionState] | None = optional("In one of these states.")
    integrations: list[str] | None = optional("To one of these integrations, by key.")
    modes: list[Mode] | None = optional("In one of these modes.")


@strawberry.input(name="ConnectionOrder", description="How connections are sorted.")
class ConnectionOrderInput:
    field: ConnectionSort = described("What to sort by.")
    direction: Direction = described("Which way.", default=Direction.ASC)


@strawberry.input(name="ConnectionBy", one_of=True, description="Names one connection.")
class ConnectionByInput:
    id: strawberry.Maybe[strawberry.ID] = optional("By its id.")
    name: strawberry.Maybe[str] = optional("By its name, ignoring case.")


@strawberry.input(name="AuthStateBy", one_of=True, description="Whose states to follow.")
class AuthStateByInput:
    connection_id: strawberry.Maybe[strawberry.ID] = optional(
        "Every authorization of this connection, as they come."
    )
    authorization_id: strawberry.Maybe[strawberry.ID] = optional("This authorization, to its end.")
