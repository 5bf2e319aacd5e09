"""Queries and mutations of applications, and what they add to an integration."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, cast

import strawberry

from app.api.graphql.applications.types import (
    ApplicationType,
    DeleteApplicationInput,
    DeleteApplicationPayload,
    SaveApplicationInput,
    SaveApplicationPayload,
    application_type,
)
from app.api.graphql.context import PatchbayInfo, RequestContext
from app.api.graphql.fields import Given, resolver
from app.api.graphql.problems import mutation
from app.api.graphql.scalars import Url
from app.credentials.snapshot import Mode


@strawberry.type
class ApplicationQueries:
    @resolver(
        "The applications that connections can be authorized with: saved ones and the operator's defaults."
    )
    async def applications(
        self,
        info: PatchbayInfo,
        integration: Annotated[
            str | None, strawberry.argument(description="Only of this integration.")
        ] = None,
        mode: Annotated[
            Mode | None, strawberry.argument(description="Only for connections of this mode.")
        ] = None,
    ) -> list[ApplicationType] | None:
        found = await info.context.hub.applications.all(info.context.actor, integration, mode)
        return [application_type(snapshot) for snapshot in found]

    @resolver("One application; null where there is none, or where you may not see it.")
    async def application(
        self,
        info: PatchbayInfo,
        id_: Annotated[strawberry.ID, strawberry.argument(name="id", description="The application's id.")],
    ) -> ApplicationType | None:
        return (await load_applications(info.context, [id_])).get(id_)


@strawberry.type
class ApplicationMutations:
    """The verbs of :class:`app.credentials.applications.Applications`."""

    @mutation("Saves an application of an integration; the secret is sealed at once.")
    async def save_application(
        self, info: PatchbayInfo, input_: Given[SaveApplicationInput]
    ) -> SaveApplicationPayload:
        saved = await info.context.hub.applications.save(info.context.actor, **vars(input_))
        return SaveApplicationPayload(application=application_type(saved))

    @mutation("Deletes an application that no connection depends on.")
    async def delete_application(
        self, info: PatchbayInfo, input_: Given[DeleteApplicationInput]
    ) -> DeleteApplicationPayload:
        await info.context.hub.applications.delete(info.context.actor, input_.application_id)
        return DeleteApplicationPayload(deleted_application_id=input_.application_id)


@strawberry.type
class IntegrationApplicationFields:
    """What applications add to ``Integration``."""

    @resolver("The exact redirect URI to register at the provider, known before you register.")
    async def redirect_uri(
        self,
        info: PatchbayInfo,
        mode: Annotated[Mode, strawberry.argument(description="For connections of this mode.")] = Mode.LIVE,
        name: Annotated[
            str | None, strawberry.argument(description="The application's name; by default `Default`.")
        ] = None,
    ) -> Url:
        key, choice = cast("Any", self).key, info.context.hub.application_choice
        return Url(await choice.redirect_uri_for(info.context.actor, key, mode, name))


async def load_applications(context: RequestContext, ids: Sequence[str]) -> Mapping[str, ApplicationType]:
    found = await context.hub.applications.many(context.actor, ids)
    return {id_: application_type(snapshot) for id_, snapshot in found.items()}
