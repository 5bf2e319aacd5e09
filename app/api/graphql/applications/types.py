"""Applications as the schema shows them, and what their mutations take and answer."""

from datetime import datetime

import strawberry

import app.api.graphql.applications.enums  # noqa: F401 - brings the room's enums into the schema
from app.api.graphql.catalog.types import IntegrationType, integration_type
from app.api.graphql.connections.authorization_types import loaded_connection
from app.api.graphql.connections.types import ConnectionType, SecretInfoType
from app.api.graphql.context import PatchbayInfo
from app.api.graphql.fields import described, object_type, optional, resolver, shown
from app.api.graphql.node import NodeType
from app.api.graphql.problems import ProblemType, maybe_problem, user_errors_field
from app.api.graphql.scalars import Json, SecretText, Url
from app.credentials.snapshot import ApplicationSnapshot, ApplicationSource, Mode


@object_type("A client id and secret under which the hub is known to a provider.")
class ApplicationType(NodeType):
    snapshot: strawberry.Private[ApplicationSnapshot]
    integration_key: str = described("The key of its integration.")
    mode: Mode = described("For connections of this mode.")
    source: ApplicationSource = described("Where it comes from.")
    name: str = described("Its name: unique, ignoring case, among those of its integration and mode.")
    origins: list[str] = described(
        "The addresses to which its secret may be sent; none: the hosts that the integration's definition names."
    )
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

    @resolver("The connections that were authorized with it: they renew and revoke with it.")
    async def connections(self, info: PatchbayInfo) -> list[ConnectionType] | None:
        context = info.context
        ids = await context.hub.applications.dependents(context.actor, self.id)
        found = [await loaded_connection(info, id_) for id_ in ids]
        return [connection for connection in found if connection is not None]

    @resolver("Its integration; null where the catalog no longer has it.")
    def integration(self, info: PatchbayInfo) -> IntegrationType | None:
        return integration_type(info.context.hub.catalog, self.integration_key)


@strawberry.input(description="A client id and secret registered with a provider.")
class SaveApplicationInput:
    integration: str = described("The key of the integration.")
    mode: Mode = described("For connections of this mode.", default=Mode.LIVE)
    application_id: strawberry.ID | None = optional(
        "Change this application. Without it: the one of this name, else with these origins, else with this client "
        "id, else with the name `Default`; where there is none, a new one stands beside the others."
    )
    name: str | None = optional("Its name; by default `Default`, or the host of the first origin.")
    origins: list[str] | None = optional(
        "The addresses to which the secret may be sent, such as `https://login.example.com`; the stored ones stay "
        "where they are left out. Needed where the auth method's `isApplicationBound` is true. To add one, the "
        "secret has to be given again."
    )
    client_id: str = described("The client id; it stays as it is once a connection was authorized with it.")
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
    )
