"""Queries about connections and authorizations."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import strawberry

from app.api.graphql.connections.authorization_types import AuthorizationType, authorization_type
from app.api.graphql.connections.enums import ConnectionSort
from app.api.graphql.connections.inputs import (
    ConnectionByInput,
    ConnectionFilterInput,
    ConnectionOrderInput,
    ValidateConfigInput,
)
from app.api.graphql.connections.types import ConnectionType, connection_type, needed_parts
from app.api.graphql.context import PatchbayInfo, RequestContext
from app.api.graphql.enums import Direction
from app.api.graphql.fields import Given, described, object_type, resolver, selected, selected_of_entries
from app.api.graphql.pages import After, Before, First, Last, PageType, page_args, relay_page
from app.api.graphql.problems import ProblemType, problem_types
from app.connections.snapshot import ConnectionQuery


@object_type("What is not right with a configuration.")
class ConfigValidationType:
    is_valid: bool = described("Whether nothing is wrong.")
    problems: list[ProblemType] = described("Every fault, with the path of its field.")


@strawberry.type
class ConnectionQueries:
    @resolver("The connections you may see, by name unless another order is asked for.")
    async def connections(
        self,
        info: PatchbayInfo,
        search: Annotated[
            str | None, strawberry.argument(description="Words in the name or description.")
        ] = None,
        filter_: Annotated[
            ConnectionFilterInput | None, strawberry.argument(name="filter", description="Which ones.")
        ] = None,
        order_by: Annotated[
            ConnectionOrderInput | None, strawberry.argument(description="In which order.")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> PageType[ConnectionType] | None:
        parts = needed_parts(selected_of_entries(info))
        found = await info.context.hub.connections.page(
            info.context.actor,
            connection_query(filter_, search=search, order_by=order_by),
            page_args(first, after, last, before, selected(info)),
            parts,
        )
        return relay_page(found, [connection_type(snapshot, parts=parts) for snapshot in found.items])

    @resolver("One connection; null where there is none, or where you may not see it.")
    async def connection(
        self,
        info: PatchbayInfo,
        by: Annotated[ConnectionByInput, strawberry.argument(description="Which one.")],
    ) -> ConnectionType | None:
        context = info.context
        if by.id is not None:
            found = (await context.hub.connections.many(context.actor, [by.id.value])).get(by.id.value)
        else:
            found = await context.hub.connections.find(context.actor, by.name.value if by.name else "")
        return None if found is None else connection_type(found)

    @resolver("Checks a configuration as it is in a form, without any effect.")
    async def validate_config(
        self, info: PatchbayInfo, input_: Given[ValidateConfigInput]
    ) -> ConfigValidationType | None:
        context = info.context
        problems = context.hub.connections.validate_config(
            context.actor, input_.integration, input_.version, input_.config
        )
        return ConfigValidationType(is_valid=not problems, problems=problem_types(problems))

    @resolver("One authorization; null where there is none, or where you may not see it.")
    async def authorization(
        self,
        info: PatchbayInfo,
        id_: Annotated[strawberry.ID, strawberry.argument(name="id", description="The authorization's id.")],
    ) -> AuthorizationType | None:
        return (await load_authorizations(info.context, [id_])).get(id_)


def connection_query(
    filter_: ConnectionFilterInput | None,
    *,
    search: str | None = None,
    order_by: ConnectionOrderInput | None = None,
) -> ConnectionQuery:
    """Return the room's query for the arguments of a list or stream."""
    order = order_by or ConnectionOrderInput(field=ConnectionSort.NAME)
    return ConnectionQuery(
        search=search,
        states=tuple((filter_ and filter_.states) or ()),
        integrations=tuple((filter_ and filter_.integrations) or ()),
        modes=tuple((filter_ and filter_.modes) or ()),
        order_by=order.field.value,
        descending=order.direction is Direction.DESC,
    )


async def load_connections(context: RequestContext, ids: Sequence[str]) -> Mapping[str, ConnectionType]:
    found = await context.hub.connections.many(context.actor, ids)
    return {id_: connection_type(snapshot) for id_, snapshot in found.items()}


async def load_authorizations(context: RequestContext, ids: Sequence[str]) -> Mapping[str, AuthorizationType]:
    found = await context.hub.authorizations.many(context.actor, ids)
    return {id_: authorization_type(snapshot) for id_, snapshot in found.items()}
