"""What a search of the catalog takes and answers."""

import strawberry

import app.api.graphql.catalog.enums  # noqa: F401 - brings the room's enums into the schema
from app.api.graphql.catalog.types import IntegrationType
from app.api.graphql.context import PatchbayInfo
from app.api.graphql.enums import Direction
from app.api.graphql.fields import described, object_type, optional, resolver, shown
from app.api.graphql.pages import PageInfoType
from app.catalog.definition import AuthKind, ReleaseStage
from app.catalog.search import Capability, Facet, FacetValue, Field, IntegrationFilter, Order


@object_type("How many results have a value.")
class FacetValueType:
    value: str = described("The value, as the filter takes it.")
    label: str = described("What it is called.")
    count: int = described("How many results it would leave.")
    is_selected: bool = described("Whether the filter asks for it.")


@object_type("The values of a field under the search, ignoring the field's own filter.")
class FacetType:
    field: Field = described("The field.")
    values: list[FacetValueType] = described("Its values, the most frequent first.")


@object_type("An integration at its place in the results.")
class IntegrationEdgeType:
    cursor: str = described("The entry's place: opaque, valid across inserts.")
    node: IntegrationType = described("The integration.")
    score: float | None = described("How well it fits the search; null without a search.")
    matched: list[str] = described("The words that matched.")


@object_type("A page of integrations, with counts for further filters.")
class IntegrationConnectionType:
    search: strawberry.Private[str | None]
    wanted: strawberry.Private[IntegrationFilter]
    edges: list[IntegrationEdgeType] = described("The page's entries with their cursors.")
    nodes: list[IntegrationType] = described("The page's integrations.")
    page_info: PageInfoType = described("The page's place in the list.")
    total_count: int = described("How many integrations there are.")

    @resolver("Counts under the search, each facet ignoring its own filter.")
    def facets(self, info: PatchbayInfo) -> list[FacetType]:
        catalog, actor = info.context.hub.catalog, info.context.actor
        return [facet_type(facet) for facet in catalog.facets(actor, self.search, self.wanted).values()]


@strawberry.input(
    name="IntegrationFilter", description="Which integrations are meant: lists mean any of, fields mean and."
)
class IntegrationFilterInput:
    category: list[str] | None = optional("In one of these categories.")
    auth_kind: list[AuthKind] | None = optional("With an auth method of one of these kinds.")
    capability: list[Capability] | None = optional("That can do one of these.")
    tag: list[str] | None = optional("With one of these tags.")
    stage: list[ReleaseStage] | None = optional("In one of these stages.")
    is_connected: bool | None = optional("Whether the workspace has a connection to it.")


@strawberry.input(name="IntegrationOrder", description="How integrations are sorted.")
class IntegrationOrderInput:
    field: Order = described("What to sort by.")
    direction: Direction | None = optional("Which way; the natural one of the field where it is left out.")


@strawberry.input(name="IntegrationBy", one_of=True, description="Names one integration.")
class IntegrationByInput:
    id: strawberry.Maybe[strawberry.ID] = optional("By its id.")
    key: strawberry.Maybe[str] = optional("By its key.")


def is_descending(order: IntegrationOrderInput | None) -> bool:
    """Return whether the room has to turn its own order around.

    The room puts the best, most popular and newest first and names from A to Z.
    """
    if order is None or order.direction is None:
        return False
    return (order.direction is Direction.DESC) is (order.field is Order.NAME)


def facet_type(facet: Facet) -> FacetType:
    return FacetType(field=facet.field, values=[_value(facet.field, value) for value in facet.values])


def _value(of: Field, value: FacetValue) -> FacetValueType:
    return shown(FacetValueType, value, value=_wire(of, value.value), is_selected=value.selected)


def _wire(of: Field, value: str) -> str:
    """Return the value as the filter's argument spells it: kinds of auth methods are enum values there."""
    return AuthKind(value).name if of is Field.AUTH_KIND else value
