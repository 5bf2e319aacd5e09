"""Loads any object by its id: the prefix says what it is, and a foreign id is answered like a missing one."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, Final

import strawberry

from app.api.graphql.context import PatchbayInfo, RequestContext
from app.api.graphql.fields import described, interface_type, resolver
from app.foundation.errors import InvalidInputError
from app.foundation.ids import prefix_of
from app.foundation.problems import ProblemCode, problem

MAX_NODES: Final = 100


@interface_type("An object with an id of its own, which `node` and `nodes` load.")
class NodeType:
    id: strawberry.ID = described("The object's opaque id.")


@strawberry.type
class NodeQueries:
    @resolver("Any object by its id; null where there is none, or where you may not see it.")
    async def node(
        self,
        info: PatchbayInfo,
        id_: Annotated[strawberry.ID, strawberry.argument(name="id", description="The object's id.")],
    ) -> NodeType | None:
        found: NodeType | None = (await load_nodes(info.context, [id_]))[0]
        return found

    @resolver("Objects by their ids, in the order asked for; null where there is none to see.")
    async def nodes(
        self,
        info: PatchbayInfo,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="At most 100 ids.")],
    ) -> list[NodeType | None] | None:
        if len(ids) > MAX_NODES:
            raise InvalidInputError(
                problem(ProblemCode.FIELD_TOO_LONG, "ids", label="ids", limit=f"{MAX_NODES} entries")
            )
        return await load_nodes(info.context, ids)


async def load_nodes(context: RequestContext, ids: Sequence[str]) -> list[Any]:
    """Load each id by its prefix's loader; whatever cannot be loaded is None, for whichever reason."""
    _ = context.actor  # signed in, before anything is looked up
    by_prefix: dict[str, list[str]] = {}
    for id_ in dict.fromkeys(ids):
        prefix = prefix_of(id_)
        if prefix in context.node_loaders:
            by_prefix.setdefault(str(prefix), []).append(id_)
    loads = [context.node_loaders[prefix](context, wanted) for prefix, wanted in by_prefix.items()]
    found: dict[str, Any] = {}
    for batch in await asyncio.gather(*loads):
        found.update(batch)
    return [found.get(id_) for id_ in ids]
