"""Queries of the catalog: search with facets, and look-up."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import strawberry

from app.api.graphql.catalog.search_types import (
    IntegrationByInput,
    IntegrationConnectionType,
    IntegrationEdgeType,
    IntegrationFilterInput,
    IntegrationOrderInput,
    is_descending,
)
from app.api.graphql.catalog.types import IntegrationType, definition_type, integration_entry_type
from app.api.graphql.context import PatchbayInfo, RequestContext
from app.api.graphql.fields import resolver
from app.api.graphql.pages import After, Before, First, Last, page_args, page_info, page_of_all
from app.catalog.search import Hit, IntegrationFilter


@strawberry.type
class CatalogQueries:
    @resolver("The integrations of the catalog: searched, filtered, sorted, counted.")
    async def integrations(
        self,
        info: PatchbayInfo,
        search: Annotated[
            str | None, strawberry.argument(description="Words; a small typing error does not matter.")
        ] = None,
        filter_: Annotated[
            IntegrationFilterInput | None, strawberry.argument(name="filter", description="Which ones.")
        ] = None,
        order_by: Annotated[
            IntegrationOrderInput | None,
            strawberry.argument(
                description="In which order; by relevance with a search, else by popularity."
            ),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> IntegrationConnectionType | None:
        args = page_args(first, after, last, before)
        wanted = await _filter(info.context, filter_)
        hits = info.context.hub.catalog.search(
            info.context.actor,
            search,
            wanted,
            order_by.field if order_by else None,
            descending=is_descending(order_by),
        )
        page = page_of_all(hits, lambda hit: hit.entry.key, args)
        edges = [_edge(hit) for hit in page.items]
        return IntegrationConnectionType(
            edges=edges,
            nodes=[edge.node for edge in edges],
            page_info=page_info(page),
            total_count=len(hits),
            search=search,
            wanted=wanted,
        )

    @resolver("One integration; null where there is none.")
    async def integration(
        self,
        info: PatchbayInfo,
        by: Annotated[IntegrationByInput, strawberry.argument(description="Which one.")],
    ) -> IntegrationType | None:
        context = info.context
        if by.id is not None:
            return (await load_integrations(context, [by.id.value])).get(by.id.value)
        entry = context.hub.catalog.find(context.actor, by.key.value if by.key else "")
        return None if entry is None else integration_entry_type(entry)


async def load_integrations(context: RequestContext, ids: Sequence[str]) -> Mapping[str, IntegrationType]:
    found = context.hub.catalog.many(context.actor, ids)
    return {id_: integration_entry_type(entry) for id_, entry in found.items()}


async def load_versions(context: RequestContext, ids: Sequence[str]) -> Mapping[str, Any]:
    found = context.hub.catalog.definitions(context.actor, ids)
    return {id_: definition_type(definition) for id_, definition in found.items()}


async def _filter(context: RequestContext, given: IntegrationFilterInput | None) -> IntegrationFilter:
    if given is None:
        return IntegrationFilter()
    return IntegrationFilter(
        categories=tuple(given.category or ()),
        auth_kinds=tuple(kind.value for kind in given.auth_kind or ()),
        capabilities=tuple(ability.value for ability in given.capability or ()),
        tags=tuple(given.tag or ()),
        stages=tuple(stage.value for stage in given.stage or ()),
        keys=await _connected(context, given.is_connected),
    )


async def _connected(context: RequestContext, wanted: bool | None) -> tuple[str, ...] | None:
    # The catalog knows no connections: the door asks the room above for the keys and hands them down.
    if wanted is None:
        return None
    connected = await context.hub.connections.connected_integrations(context.actor)
    keys = [entry.key for entry in context.hub.catalog.all()]
    return tuple(key for key in keys if (key in connected) is wanted)


def _edge(hit: Hit) -> IntegrationEdgeType:
    node = integration_entry_type(hit.entry)
    return IntegrationEdgeType(
        cursor=hit.entry.key, node=node, score=hit.score or None, matched=list(hit.matched)
    )
