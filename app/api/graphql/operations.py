"""Runs operations for every transport: one context each, and answers whose errors are translated."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import strawberry
from graphql import GraphQLError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from app.access.actor import Actor
from app.api.graphql.context import NodeLoader, RequestContext
from app.api.graphql.executor import core_schema
from app.api.graphql.http_request import Operation, RequestRefusedError
from app.api.graphql.sanitiser import Sanitiser
from app.api.graphql.streams import Streams
from app.api.graphql.top_level import Code, Translator, WireError, is_request_fault
from app.foundation.secret import Secret

if TYPE_CHECKING:
    from app.hub import Hub

ONE_ANSWER: Final = frozenset({OperationType.QUERY, OperationType.MUTATION})
READ_ONLY: Final = frozenset({OperationType.QUERY})
EVERYTHING: Final = frozenset(OperationType)
NO_CHANGES: Final = EVERYTHING - {OperationType.MUTATION}


@dataclass(frozen=True, slots=True)
class OperationResult:
    """One answer to an operation. ``is_refused``: nothing was run, because the request itself is at fault."""

    data: Any
    errors: tuple[WireError, ...]
    extensions: Mapping[str, Any]

    @property
    def is_refused(self) -> bool:
        """Whether nothing was run."""
        return self.data is None and is_request_fault(self.errors)

    def to_json(self) -> dict[str, Any]:
        """Return the wire form; ``data`` is not there where nothing was run (GraphQL, section 7.1)."""
        body: dict[str, Any] = {} if self.is_refused else {"data": self.data}
        if self.errors:
            body["errors"] = self.errors_json()
        if self.extensions:
            body["extensions"] = dict(self.extensions)
        return body

    def errors_json(self) -> list[dict[str, Any]]:
        """Return the wire form of the errors."""
        return [error.to_json() for error in self.errors]


class Operations:
    """The schema, ready to be asked by any transport."""

    def __init__(self, hub: Hub, schema: strawberry.Schema, node_loaders: Mapping[str, NodeLoader]) -> None:
        self._hub = hub
        self._schema = schema
        self._node_loaders = node_loaders
        self._translator = Translator(Sanitiser(core_schema(schema)))
        self._streams = Streams(hub.metrics, hub.settings.streams_per_workspace)

    def context(self, actor: Actor | None, request_id: str, browser: Secret | None) -> RequestContext:
        """Return the surroundings of one operation."""
        return RequestContext(
            hub=self._hub,
            request_id=request_id,
            node_loaders=self._node_loaders,
            streams=self._streams,
            signed_in=actor,
            browser=browser,
        )

    async def run(
        self, operation: Operation, context: RequestContext, allowed: Iterable[OperationType] = ONE_ANSWER
    ) -> OperationResult:
        """Run a query or mutation and return its answer.

        Raises:
            RequestRefusedError: there is no such operation in the document, or not for this transport.
        """
        context.operation_name = operation.operation_name
        try:
            result = await self._schema.execute(
                operation.query,
                variable_values=_plain(operation.variables),
                context_value=context,
                operation_name=operation.operation_name,
                allowed_operation_types=allowed,
                operation_extensions=_plain(operation.extensions),
            )
        except CannotGetOperationTypeError:
            raise RequestRefusedError(400, Code.BAD_REQUEST, "The document has no such operation.") from None
        except InvalidOperationTypeError as fault:
            raise _not_here(fault.operation_type) from None
        return self._answer(result.data, result.errors, result.extensions, context)

    async def stream(
        self, operation: Operation, context: RequestContext, allowed: Iterable[OperationType] = EVERYTHING
    ) -> AsyncGenerator[OperationResult, None]:
        """Run any operation and yield its answers: one for a query or mutation, many for a subscription."""
        context.operation_name = operation.operation_name
        results = await self._schema.stream(
            operation.query,
            variable_values=_plain(operation.variables),
            context_value=context,
            operation_name=operation.operation_name,
            operation_extensions=_plain(operation.extensions),
            allowed_operation_types=allowed,
        )
        async with aclosing(results):
            async for result in results:
                if isinstance(result, ExecutionResult):  # the others belong to @defer, which is off
                    yield self._answer(result.data, result.errors, result.extensions, context)

    def _answer(
        self,
        data: Any,  # noqa: ANN401 - JSON edge
        errors: Sequence[GraphQLError] | None,
        extensions: Mapping[str, Any] | None,
        context: RequestContext,
    ) -> OperationResult:
        translated = self._translator.translate(errors or (), context.request_id)
        return OperationResult(data, tuple(translated), extensions or {})


def _plain(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if value is None else dict(value)


def _not_here(type_: OperationType) -> RequestRefusedError:
    if type_ is OperationType.SUBSCRIPTION:
        message = "Subscriptions need a websocket, or a request that accepts text/event-stream."
        return RequestRefusedError(400, Code.BAD_REQUEST, message)
    return RequestRefusedError(405, Code.BAD_REQUEST, "Mutations are sent by POST.", {"allow": "POST"})
