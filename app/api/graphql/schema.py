"""The schema's table of contents: joins the rooms' fields and defines none."""

from collections.abc import Mapping
from typing import Final

import strawberry
from graphql import GraphQLError
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types import ExecutionContext

from app.api.graphql.access.tokens import TokenMutations, load_tokens
from app.api.graphql.access.types import AccessQueries, load_workspaces
from app.api.graphql.applications.fields import (
    ApplicationMutations,
    ApplicationQueries,
    IntegrationApplicationFields,
    load_applications,
)
from app.api.graphql.audit.queries import AuditQueries, load_entries
from app.api.graphql.calls.fields import OptionQueries
from app.api.graphql.catalog.auth_types import AUTH_METHOD_MEMBERS
from app.api.graphql.catalog.queries import CatalogQueries, load_integrations, load_versions
from app.api.graphql.catalog.types import IntegrationType
from app.api.graphql.connection_tests.fields import (
    ConnectionTestFields,
    TestRunMutations,
    TestRunQueries,
    TestRunSubscriptions,
    load_runs,
)
from app.api.graphql.connections.authorization_mutations import AuthorizationMutations
from app.api.graphql.connections.authorization_types import ConnectionAuthorizationFields
from app.api.graphql.connections.mutations import ConnectionMutations
from app.api.graphql.connections.queries import ConnectionQueries, load_authorizations, load_connections
from app.api.graphql.connections.revocation_types import load_revocations
from app.api.graphql.connections.subscriptions import ConnectionSubscriptions
from app.api.graphql.connections.types import ConnectionType
from app.api.graphql.context import NodeLoader
from app.api.graphql.events.fields import EventQueries, EventSubscriptions, load_events
from app.api.graphql.executor import FastExecutor
from app.api.graphql.fields import object_type
from app.api.graphql.guards import Documents, Guards
from app.api.graphql.limits import QUERY_DEADLINE_S
from app.api.graphql.node import NodeQueries
from app.api.graphql.parts import add_fields
from app.api.graphql.problems import PROBLEM_MEMBERS
from app.api.graphql.scalars import SCALARS
from app.api.graphql.work.fields import WorkQueries

add_fields(ConnectionType, ConnectionTestFields, ConnectionAuthorizationFields)
add_fields(IntegrationType, IntegrationApplicationFields)

NODE_LOADERS: Final[Mapping[str, NodeLoader]] = {
    "intg": load_integrations,
    "ver": load_versions,
    "conn": load_connections,
    "auth": load_authorizations,
    "rev": load_revocations,
    "run": load_runs,
    "app": load_applications,
    "aud": load_entries,
    "evt": load_events,
    "tok": load_tokens,
    "wks": load_workspaces,
}


@object_type("What can be asked.")
class Query(
    NodeQueries,
    AccessQueries,
    CatalogQueries,
    ConnectionQueries,
    TestRunQueries,
    OptionQueries,
    ApplicationQueries,
    EventQueries,
    AuditQueries,
    WorkQueries,
):
    """Every room's queries."""


@object_type("What can be done.")
class Mutation(
    ConnectionMutations,
    AuthorizationMutations,
    TestRunMutations,
    ApplicationMutations,
    TokenMutations,
):
    """Every room's mutations."""


@object_type("What can be followed live.")
class Subscription(ConnectionSubscriptions, TestRunSubscriptions, EventSubscriptions):
    """Every room's streams."""


class GuardedSchema(strawberry.Schema):
    """A schema with guards, which logs no error by itself: documents and variables can hold secrets."""

    documents: Documents
    query_deadline_s: float

    def create_extensions_runner(
        self, execution_context: ExecutionContext, extensions: list[SchemaExtension]
    ) -> Guards:
        """Put the guards around an operation.

        Raises:
            RuntimeError: the schema has extensions, which nobody would run.
        """
        if extensions:
            raise RuntimeError("the guards run no extensions")
        return Guards(execution_context, self.documents, self.query_deadline_s)

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Leave logging to the translator."""


def build_schema(
    *,
    query_deadline_s: float = QUERY_DEADLINE_S,
    executor: type[StrawberryGraphQLCoreExecutionContext] = FastExecutor,
) -> strawberry.Schema:
    """Return the schema with its guards; every call makes one of its own."""
    schema = GuardedSchema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=[*PROBLEM_MEMBERS, *AUTH_METHOD_MEMBERS],
        config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True, relay_max_results=100),
        execution_context_class=executor,
    )
    schema.documents, schema.query_deadline_s = Documents(), query_deadline_s
    return schema


def schema_text() -> str:
    """Return the schema as text, as the committed ``schema.graphql`` holds it."""
    return f"{build_schema().as_str()}\n"
