"""Applications as the schema shows them, and what their mutations take and answer."""

from datetime import datetime

import strawberry

from app.api.graphql.applications.enums import ApplicationSource
from app.api.graphql.catalog.types import IntegrationType, integration_type
from app.api.graphql.connections.types import SecretInfoType
from app.api.graphql.context import PatchbayInfo
from app.api.graphql.fields import described, object_type, optional, resolver, shown
from app.api.graphql.node import NodeType
from app.api.graphql.problems import ProblemType, maybe_problem, user_errors_field
from app.api.graphql.scalars import Json, SecretText, Url
from app.credentials.snapshot import ApplicationSnapshot, Mode


@object_type("A client id and secret under which the hub is known to a provider.")
class ApplicationType(NodeType):
    snapshot: strawberry.Private[ApplicationSnapshot]
    integration_key: str = described("The key of its integration.")
    mode: Mode = described("For connections of this mode.")
    source: ApplicationSource = described("Where it comes from.")
    client_id: str = described("The client id; it is no secret.")
    fields: Json = described("What else this integration's applications have.")
    redirect_uri: Url = described("The exact redirect URI to register at the provider.")
    revision: int = described("Counts changes; send it as `expectedRevision`.")
    created_at: datetime = described("When it was saved first.")
    updated_at: datetime = described("When it was saved last.")

    @resolver("What may be shown of the client secret; never its value.")
    def secret(self) -> SecretInfoType:
        return shown(SecretInfoType, self.snapshot.secret)

    @resolver("Set where the provider rejected the application itself.")
    def problem(self) -> ProblemType | None:
        return maybe_problem(self.snapshot.problem)

    @resolver("Its integration; null where the catalog no longer has it.")
    def integration(self, info: PatchbayInfo) -> IntegrationType | None:
        return integration_type(info.context.hub.catalog, self.integration_key)


@strawberry.input(description="A client id and secret registered with a provider.")
class SaveApplicationInput:
    integration: str = described("The key of the integration.")
    mode: Mode = described("For connections of this mode.", default=Mode.LIVE)
    client_id: str = described("The client id.")
    client_secret: SecretText | None = optional(
        "The client secret; the stored one stays where it is left out."
    )
    fields: Json | None = optional("What else the auth method's `applicationSchema` asks for.")
    expected_revision: int | None = optional("Change it only if it still has this revision.")


@strawberry.input(description="Which application to delete.")
class DeleteApplicationInput:
    application_id: strawberry.ID = described("The application's id.")


@object_type("The application as it is saved.")
class SaveApplicationPayload:
    application: ApplicationType | None = described(
        "The application; null exactly where nothing was saved.", default=None
    )
    user_errors: list[ProblemType] = user_errors_field()


@object_type("What was deleted.")
class DeleteApplicationPayload:
    deleted_application_id: strawberry.ID | None = described(
        "The id it had; null exactly where nothing was deleted.", default=None
    )
    user_errors: list[ProblemType] = user_errors_field()


def application_type(snapshot: ApplicationSnapshot) -> ApplicationType:
    return shown(
        ApplicationType,
        snapshot,
        snapshot=snapshot,
        integration_key=snapshot.integration,
        source=ApplicationSource(snapshot.source),
    )
