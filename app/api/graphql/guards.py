"""What stands around every operation: cached parsing and validation, limits, cost and deadline."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Final, cast

from graphql import (
    ASTValidationRule,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    MaxIntrospectionDepthRule,
    OverlappingFieldsCanBeMergedRule,
    StringValueNode,
    ValidationContext,
    Visitor,
    parse,
    specified_rules,
    validate,
    visit,
)
from graphql.validation.validate import ValidationAbortedError
from strawberry.extensions.runner import SchemaExtensionsRunner
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule
from strawberry.types import ExecutionContext
from strawberry.types.graphql import OperationType

from app.api.graphql.context import RequestContext
from app.api.graphql.cost import operation_cost
from app.api.graphql.executor import core_schema
from app.api.graphql.limits import (
    MAX_COMMENTS,
    MAX_COMPARISONS,
    MAX_COST,
    MAX_DOCUMENT_CHARS,
    MAX_ERRORS,
    MAX_TOKENS,
    MUTATION_DEADLINE_S,
    SIGNED_OUT_COST,
    SIGNED_OUT_TOKENS,
    Measures,
    TooMuchError,
    measure,
)
from app.foundation.errors import invalid_field


class BoundedComparisons(OverlappingFieldsCanBeMergedRule):
    """Compares fields of one name with each other, which is the one rule whose work grows with the square."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self.rule_context.remaining_complexity_budget = MAX_COMPARISONS


RULES: Final[tuple[type[ASTValidationRule], ...]] = (
    *(BoundedComparisons if rule is OverlappingFieldsCanBeMergedRule else rule for rule in specified_rules),
    MaxIntrospectionDepthRule,
    MaybeNullValidationRule,
    OneOfInputValidationRule,
)
PARSE_OPTIONS: Final = {
    "max_lexical_tokens": MAX_TOKENS,
    "max_comments": MAX_COMMENTS,
    "max_source_length": MAX_DOCUMENT_CHARS,
}
_SIGNED_OUT: Final = {**PARSE_OPTIONS, "max_lexical_tokens": SIGNED_OUT_TOKENS}
_ABORTED: Final = "Validation aborted."
_AS_OF: Final = "asOf"
_MAX_CACHED_CHARS: Final = 8_192
_NOTHING: Final = nullcontext()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document that was parsed, measured and validated once; ``costs`` are what its operations cost as they stand."""

    document: DocumentNode
    measures: Measures
    errors: tuple[GraphQLError, ...]
    costs: dict[str | None, int] = field(default_factory=dict)


class Documents:
    """Keeps prepared documents by their text. Long texts are not kept, so that memory stays bounded."""

    def __init__(self, size: int = 256) -> None:
        self._size = size
        self._kept: OrderedDict[str, Prepared] = OrderedDict()

    def prepare(
        self, schema: GraphQLSchema, text: str, options: Mapping[str, int] = PARSE_OPTIONS
    ) -> Prepared | None:
        """Return the document of ``text``, from the cache where it is there; None if it has too many tokens.

        Raises:
            GraphQLSyntaxError: the text is no document, or beyond the limits on tokens and length.
        """
        prepared = self._kept.get(text)
        if prepared is not None:
            self._kept.move_to_end(text)
            return prepared if prepared.document.token_count <= options["max_lexical_tokens"] else None
        prepared = _prepare(schema, text, options)
        if len(text) <= _MAX_CACHED_CHARS:
            self._kept[text] = prepared
            if len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return prepared


class Guards(SchemaExtensionsRunner):
    """The guards of one operation, in the place of what runs extensions: looking for their hooks takes its time."""

    def __init__(self, context: ExecutionContext, documents: Documents, query_deadline_s: float) -> None:
        super().__init__(context)
        self._documents = documents
        self._query_deadline_s = query_deadline_s
        self._prepared: Prepared | None = None
        self._cost: int | None = None
        self._held = AsyncExitStack()

    def operation(self) -> Any:  # noqa: ANN401 - the library's own type gathers hooks
        """Release what the operation held when it ends: its place among the open streams."""
        return self._held

    def parsing(self) -> Any:  # noqa: ANN401 - the library's own type gathers hooks
        """Take the document from the cache.

        A fault is left to the stock path, which parses again and reports it on every transport.
        """
        context = self.execution_context
        options = PARSE_OPTIONS if self._signed_in else _SIGNED_OUT
        context.parse_options = cast("Any", options)
        try:
            prepared = self._documents.prepare(core_schema(context.schema), context.query or "", options)
        except GraphQLError:
            prepared = None
        if prepared is not None:
            self._prepared = prepared
            context.graphql_document = prepared.document
        return _NOTHING

    def validation(self) -> Any:  # noqa: ANN401 - the library's own type gathers hooks
        """Hold the document against the limits, then take over what validation found."""
        if self._prepared is not None:
            refusals = self._refusals(self._prepared)
            self.execution_context.pre_execution_errors = refusals or list(self._prepared.errors)
        return _NOTHING

    @property
    def _signed_in(self) -> bool:
        return cast("RequestContext", self.execution_context.context).signed_in is not None

    def executing(self) -> Any:  # noqa: ANN401 - the library's own type gathers hooks
        """Bound the execution in time; note first where the event stream stands, if the document asks."""
        return self._bounded()

    async def get_extensions_results(self, ctx: ExecutionContext) -> dict[str, Any]:  # noqa: ARG002 - the library's own signature
        """Put the cost of the operation into ``extensions.cost``."""
        return (
            {}
            if self._cost is None
            else {
                "cost": {"requested": self._cost, "limit": MAX_COST if self._signed_in else SIGNED_OUT_COST}
            }
        )

    @asynccontextmanager
    async def _bounded(self) -> AsyncIterator[None]:
        context = self.execution_context
        surroundings = cast("RequestContext", context.context)
        type_ = context.operation_type
        if type_ is OperationType.SUBSCRIPTION:
            self._held.enter_context(surroundings.streams.opened(surroundings.actor))
        is_mutation = type_ is OperationType.MUTATION
        async with asyncio.timeout(MUTATION_DEADLINE_S if is_mutation else self._query_deadline_s):
            if self._prepared is not None and _AS_OF in self._prepared.measures.field_names:
                await surroundings.note_position()
            yield

    def _cost_of(self, prepared: Prepared) -> int:
        context = self.execution_context
        name, variables, known = context.operation_name, context.variables or {}, prepared.costs
        if not variables and name in known:
            return known[name]
        cost = operation_cost(core_schema(context.schema), prepared.document, name, variables)
        if not variables and len(known) <= prepared.measures.operations:  # whatever names are sent
            known[name] = cost
        return cost

    def _refusals(self, prepared: Prepared) -> list[GraphQLError]:
        context = self.execution_context
        try:
            prepared.measures.check()
            if prepared.errors:
                return []
            if prepared.measures.operations > 1 and context.context.operation_name is None:
                return [GraphQLError("There are several operations: say by operationName which one.")]
            self._cost = self._cost_of(prepared)
            limit = MAX_COST if self._signed_in else SIGNED_OUT_COST
            if self._cost > limit:
                raise TooMuchError("cost", limit, signed_in=self._signed_in)  # noqa: TRY301 - reported like every other limit
        except TooMuchError as fault:
            return [GraphQLError("The operation asks for too much.", original_error=fault)]
        return []


def _prepare(schema: GraphQLSchema, text: str, options: Mapping[str, int]) -> Prepared:
    document = parse(text, **cast("Any", options))
    measures = measure(document)
    try:
        measures.check()
    except TooMuchError:
        return Prepared(document, measures, ())  # refused before validation, which costs more
    errors = _found(validate(schema, document, RULES, max_errors=MAX_ERRORS, hide_suggestions=True))
    return Prepared(document, measures, tuple(errors or _unstorable(document, text)))


def _unstorable(document: DocumentNode, text: str) -> list[GraphQLError]:
    """Return an error for a text of the document that holds U+0000, which only an escape can put there."""
    if "\\u" not in text:
        return []
    found = _TextsWithNul()
    visit(document, found)
    fault = invalid_field(label="This text", reason="it must not hold the character U+0000")
    return [GraphQLError("", node, original_error=fault) for node in found.nodes[:1]]


class _TextsWithNul(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.nodes: list[StringValueNode] = []

    def enter_string_value(self, node: StringValueNode, *_args: Any) -> None:  # noqa: ANN401 - the visitor's signature
        if "\x00" in node.value:
            self.nodes.append(node)


def _found(errors: list[GraphQLError]) -> list[GraphQLError]:
    """Return what validation found, without the note that it ended early, or with the limit that it met."""
    if any(error.message == _ABORTED for error in errors):
        too_much = TooMuchError("comparisons", MAX_COMPARISONS)
        return [GraphQLError("The operation asks for too much.", original_error=too_much)]
    return [error for error in errors if not isinstance(error, ValidationAbortedError)]
