"""Every part of a library that its documents promise to nobody, and that the hub stands on all the same.

One row a part: where it is used, why nothing public does, and what to do when a new version of the library has changed
it. ``shape`` holds what is relied on: the names of parameters of methods that are called or overridden.
"""

from __future__ import annotations

import inspect
import zlib
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import httpcore
import strawberry
import uvicorn
from graphql import (
    GraphQLSchema,
    OverlappingFieldsCanBeMergedRule,
    TypeInfo,
    ValidationContext,
    ValidationRule,
    parse,
)
from graphql.execution import Executor
from graphql.execution import collect_fields as graphql_fields
from graphql.pyutils import Path
from strawberry.extensions import runner
from strawberry.schema import schema as strawberry_schema
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.schema.validation_rules import maybe_null, one_of
from tortoise import context as tortoise_context
from tortoise.backends.asyncpg import client as asyncpg_client
from tortoise.backends.base import client as base_client
from tortoise.backends.base import config_generator, executor
from tortoise.backends.sqlite import client as sqlite_client
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

# Modules that a library uses within itself, although no underscore says so. (tortoise.backends, for one, is documented
# as what a new engine would stand on, with no word on what stays.)
INNER_MODULES = (
    "tortoise.backends",
    "strawberry.extensions.runner",
    "strawberry.schema.schema",
    "graphql.execution",
    "strawberry.schema.validation_rules",
    "graphql.pyutils",
    "uvicorn.protocols",
)


@dataclass(frozen=True)
class PrivatePart:
    """One part. ``name`` is what stands in an import, or an attribute with a point before it."""

    library: str
    name: str
    used_in: tuple[str, ...]
    why: str
    when_it_changes: str
    find: Callable[[], Any]
    shape: Mapping[str, str] = field(default_factory=dict)
    is_right: Callable[[Any], bool] = lambda _: True


def parameters(function: Callable[..., Any]) -> str:
    """Return the names of a function's parameters, as a definition has them."""
    marks = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    return ", ".join(
        marks.get(one.kind, "") + name for name, one in inspect.signature(function).parameters.items()
    )


def _a_schema() -> strawberry.Schema:
    return strawberry.Schema(query=strawberry.type(type("Query", (), {"__annotations__": {"a": int}})))


def _http_connection() -> httpcore.AsyncHTTP11Connection:
    return httpcore.AsyncHTTP11Connection(httpcore.Origin(b"http", b"a", 80), httpcore.AsyncMockStream([]))


_SQLITE, _POSTGRES, _DATABASE = (
    f"foundation/{name}.py" for name in ("sqlite_engine", "postgres_engine", "database")
)
_ENGINE_CHANGED = (
    "Read the engine's transactions anew; tests/foundation/test_database.py cancels them at every point."
)
_EXECUTOR = "api/graphql/executor.py"
_EXECUTOR_CHANGED = (
    "Read graphql-core's executor anew; tests/api/graphql/test_executor.py compares with the stock one. Where the "
    "short way no longer fits, leave it out: build_schema takes the stock class."
)

TABLE = (
    PrivatePart(
        "tortoise",
        "tortoise.context._current_context",
        (_DATABASE,),
        "A process may have several hubs, and tasks that others started use them: each activates its own. The public "
        "way, entering a TortoiseContext, keeps one token a context: two tasks at once cannot.",
        "Activate Database's context by whatever get_current_context() reads.",
        lambda: tortoise_context._current_context,
        is_right=lambda part: isinstance(part, ContextVar) and _is_read_by_the_orm(part),
    ),
    PrivatePart(
        "tortoise",
        "._in_transaction",
        (_SQLITE, _POSTGRES),
        "The one place where an engine says what a transaction is; in_transaction() asks it.",
        _ENGINE_CHANGED,
        lambda: (sqlite_client.SqliteClient, asyncpg_client.AsyncpgDBClient),
        is_right=lambda clients: all(parameters(one._in_transaction) == "self" for one in clients),
    ),
    PrivatePart(
        "tortoise",
        "._translate_exceptions",
        (_POSTGRES,),
        "The one place through which the faults of every statement go, so that a database that is away is said to be.",
        "Translate them around execute_insert, execute_many, execute_query and execute_query_dict, as for SQLite.",
        lambda: asyncpg_client.AsyncpgDBClient,
        {"_translate_exceptions": "self, func, *args, **kwargs"},
    ),
    PrivatePart(
        "tortoise",
        "tortoise.backends.sqlite.client.SqliteClient",
        (_SQLITE,),
        "Transactions are to take the write lock at once and to survive cancellation: see the module.",
        _ENGINE_CHANGED,
        lambda: sqlite_client.SqliteClient,
        {
            "__init__": "self, file_path, **kwargs",
            "create_connection": "self, with_db",
            "close": "self",
            "acquire_connection": "self",
            "execute_insert": "self, query, values",
            "execute_many": "self, query, values",
        },
    ),
    PrivatePart(
        "tortoise",
        "tortoise.backends.sqlite.client.SqliteTransactionWrapper",
        (_SQLITE,),
        "Its begin() is deferred, and its script commits.",
        _ENGINE_CHANGED,
        lambda: sqlite_client.SqliteTransactionWrapper,
        {
            "__init__": "self, connection",
            "begin": "self",
            "commit": "self",
            "rollback": "self",
            "execute_script": "self, query",
        },
    ),
    PrivatePart(
        "tortoise",
        "tortoise.backends.sqlite.client.SqliteTransactionContext",
        (_SQLITE,),
        "It keeps the lock where a transaction cannot begin.",
        _ENGINE_CHANGED,
        lambda: sqlite_client.SqliteTransactionContext,
        {
            "__init__": "self, connection, trxlock",
            "ensure_connection": "self",
            "__aenter__": "self",
            "__aexit__": "self, exc_type, exc_val, exc_tb",
        },
        is_right=lambda part: "token" in part.__slots__,
    ),
    PrivatePart(
        "tortoise",
        "tortoise.backends.sqlite.client.translate_exceptions",
        (_SQLITE,),
        "What the hub's own statements raise is what the engine's raise.",
        "Translate sqlite3.OperationalError and IntegrityError in sqlite_engine.",
        lambda: sqlite_client.translate_exceptions,
        is_right=lambda part: parameters(part) == "func",
    ),
    PrivatePart(
        "tortoise",
        "tortoise.backends.base.client.ConnectionWrapper",
        (_SQLITE,),
        "It keeps the connection's lock where there is no connection to be had.",
        _ENGINE_CHANGED,
        lambda: base_client.ConnectionWrapper,
        {
            "__init__": "self, lock, client",
            "ensure_connection": "self",
            "__aexit__": "self, exc_type, exc_val, exc_tb",
        },
    ),
    PrivatePart(
        "tortoise",
        "tortoise.backends.base.client.TransactionContext",
        (_SQLITE, _POSTGRES),
        "What in_transaction() returns.",
        _ENGINE_CHANGED,
        lambda: base_client.TransactionContext,
        {"__aenter__": "self", "__aexit__": "self, exc_type, exc_val, exc_tb"},
    ),
    PrivatePart(
        "tortoise",
        "tortoise.backends.base.client.TransactionContextPooled",
        (_POSTGRES,),
        "It keeps the pool's connection where a transaction cannot begin; its token says that it has one.",
        _ENGINE_CHANGED,
        lambda: base_client.TransactionContextPooled,
        is_right=lambda part: "token" in part.__slots__,
    ),
    PrivatePart(
        "tortoise",
        "tortoise.backends.base.client.TransactionalDBClient",
        (_DATABASE, _SQLITE, _POSTGRES),
        "A connection of this class is what says that a transaction is open.",
        "Ask for it otherwise in Database.is_in_transaction.",
        lambda: base_client.TransactionalDBClient,
        {"begin": "self", "commit": "self", "rollback": "self"},
    ),
    PrivatePart(
        "tortoise",
        "tortoise.backends.asyncpg.client.AsyncpgDBClient",
        (_POSTGRES,),
        "Transactions are to survive cancellation, and the pool is not to reset sessions: see the module.",
        _ENGINE_CHANGED,
        lambda: asyncpg_client.AsyncpgDBClient,
        {"create_pool": "self, **kwargs"},
    ),
    PrivatePart(
        "tortoise",
        "tortoise.backends.base.config_generator.expand_db_url",
        (_DATABASE,),
        "A URL's parts are wanted together with an engine of the hub's own, which no URL can name.",
        "Take the URL apart in database.py.",
        lambda: config_generator.expand_db_url,
        is_right=lambda part: part("postgres://a:b@c:1/d")["credentials"]["port"] == 1,
    ),
    PrivatePart(
        "tortoise",
        "tortoise.backends.base.executor.EXECUTOR_CACHE",
        (_DATABASE, "foundation/migrations.py"),
        "The ORM keeps INSERT texts by the connection's name, whatever dialect they are in: one process may open both.",
        "See whether the texts are still kept, and by what; tests/foundation/test_database.py opens both kinds.",
        lambda: executor.EXECUTOR_CACHE,
        is_right=lambda part: isinstance(part, dict),
    ),
    PrivatePart(
        "strawberry",
        "._schema",
        (_EXECUTOR,),
        "Validation, cost and the messages of errors need graphql-core's schema, which strawberry keeps for itself.",
        "Find graphql-core's schema in core_schema(), the one place.",
        lambda: _a_schema()._schema,
        is_right=lambda part: isinstance(part, GraphQLSchema),
    ),
    PrivatePart(
        "strawberry",
        "strawberry.schema.schema.StrawberryGraphQLCoreExecutionContext",
        (_EXECUTOR, "api/graphql/schema.py"),
        "The base that strawberry wants of an execution_context_class.",
        _EXECUTOR_CHANGED,
        lambda: strawberry_schema.StrawberryGraphQLCoreExecutionContext,
        is_right=lambda part: issubclass(part, Executor),
    ),
    PrivatePart(
        "strawberry",
        "strawberry.schema.validation_rules.maybe_null.MaybeNullValidationRule",
        ("api/graphql/guards.py",),
        "strawberry's own validation adds the rules for Maybe and oneOf, but takes no limit of errors.",
        "See which rules strawberry.schema.schema.validate_document adds now, and list the same.",
        lambda: maybe_null.MaybeNullValidationRule,
        is_right=lambda part: issubclass(part, ValidationRule),
    ),
    PrivatePart(
        "strawberry",
        "strawberry.schema.validation_rules.one_of.OneOfInputValidationRule",
        ("api/graphql/guards.py",),
        "Likewise.",
        "Likewise.",
        lambda: one_of.OneOfInputValidationRule,
        is_right=lambda part: issubclass(part, ValidationRule),
    ),
    PrivatePart(
        "graphql-core",
        "rule_context.remaining_complexity_budget",
        ("api/graphql/guards.py",),
        "The library's budget for comparing fields is one for the process and takes 90 ms to spend.",
        "Give the rule a smaller budget in whatever way it has then; tests/field/test_e_door.py counts.",
        lambda: (
            OverlappingFieldsCanBeMergedRule(
                ValidationContext(GraphQLSchema(), parse("{a}"), TypeInfo(GraphQLSchema()), print)
            ).rule_context.remaining_complexity_budget
        ),
        is_right=lambda part: part > 0,
    ),
    PrivatePart(
        "uvicorn",
        "uvicorn.protocols.http.httptools_impl.HttpToolsProtocol",
        ("http_protocol.py",),
        "uvicorn has no deadline for the head or the body of a request, and no greatest length of a head.",
        "Use its own settings if it has them by then; tests/field/test_e_door.py drips.",
        lambda: HttpToolsProtocol,
        {
            "connection_made": "self, transport",
            "connection_lost": "self, exc",
            "data_received": "self, data",
            "on_headers_complete": "self",
            "on_message_complete": "self",
            "handle_websocket_upgrade": "self",
        },
    ),
    PrivatePart(
        "uvicorn",
        "uvicorn.protocols.websockets.websockets_sansio_impl.WebSocketsSansIOProtocol",
        ("http_protocol.py",),
        "uvicorn has one greatest size of a message for everybody, and no bound on how many frames come at once.",
        "Use its own settings if it has them by then; tests/field/test_e_door.py counts frames and bytes.",
        lambda: WebSocketsSansIOProtocol,
        {
            "data_received": "self, data",
            "handle_events": "self",
            "handle_connect": "self, event",
            "handle_parser_exception": "self",
        },
    ),
    PrivatePart(
        "strawberry",
        "strawberry.extensions.runner.SchemaExtensionsRunner",
        ("api/graphql/guards.py",),
        "Guards stand in its place: looking through an extension for its hooks takes its time in every small request.",
        "Make Guards an extension with hooks (SchemaExtension), which is public, and slower.",
        lambda: runner.SchemaExtensionsRunner,
        {
            "__init__": "self, execution_context, extensions",
            "operation": "self",
            "parsing": "self",
            "validation": "self",
            "executing": "self",
            "get_extensions_results": "self, ctx",
        },
    ),
    PrivatePart(
        "strawberry",
        "create_extensions_runner",
        ("api/graphql/schema.py",),
        "The one place where a schema says what stands around an operation.",
        "Make Guards an extension with hooks (SchemaExtension), which is public, and slower.",
        lambda: strawberry.Schema,
        {
            "create_extensions_runner": "self, execution_context, extensions",
            "process_errors": "self, errors, execution_context",
        },
    ),
    PrivatePart(
        "strawberry",
        "strawberry-definition",
        (_EXECUTOR,),
        "Under this name strawberry keeps its own field in graphql-core's: it says whether a resolver is there.",
        _EXECUTOR_CHANGED,
        lambda: GraphQLCoreConverter.DEFINITION_BACKREF,
        is_right=lambda part: part == "strawberry-definition",
    ),
    PrivatePart(
        "graphql-core",
        "graphql.execution.Executor",
        (_EXECUTOR,),
        "Most of a page is plain values: reading them one by one through the executor costs more than the database.",
        _EXECUTOR_CHANGED,
        lambda: Executor,
        {
            "execute_fields": "self, parent_type, source_value, path, grouped_field_set, position_context",
            "complete_list_value": "self, return_type, field_details_list, info, path, result, position_context",
            "collect_subfields": "self, return_type, field_details_list",
            "build_per_event_executor": "self, payload",
        },
    ),
    PrivatePart(
        "graphql-core",
        "._relevant_sub_fields",
        (_EXECUTOR,),
        "graphql-core remembers selections by their identity for as long as a subscription lives, so its memory grows.",
        "See whether the memory still grows: tests/api/graphql/test_executor.py counts. If not, leave this out.",
        lambda: inspect.getsource(Executor),
        is_right=lambda part: "self._relevant_sub_fields" in part,
    ),
    PrivatePart(
        "graphql-core",
        "graphql.execution.collect_fields.FieldDetailsList",
        (_EXECUTOR,),
        "The type of what is asked of a list's entries, which is handed to complete_list_value.",
        _EXECUTOR_CHANGED,
        lambda: graphql_fields.FieldDetailsList,
    ),
    PrivatePart(
        "graphql-core",
        "graphql.execution.collect_fields.GroupedFieldSet",
        (_EXECUTOR,),
        "The type of a selection set that is handed to execute_fields.",
        _EXECUTOR_CHANGED,
        lambda: graphql_fields.GroupedFieldSet,
    ),
    PrivatePart(
        "graphql-core",
        "graphql.pyutils.Path",
        (_EXECUTOR,),
        "The type of a place that is handed to execute_fields.",
        _EXECUTOR_CHANGED,
        lambda: Path,
    ),
    PrivatePart(
        "httpcore",
        "._h11_state",
        ("foundation/outbound_transport.py",),
        "Bytes behind an answer would be taken for the next one's; httpcore does not look for them, and only its h11 "
        "connection has them.",
        "Find whether bytes are left over in _Connection.is_clean: tests/foundation/test_outbound_connections.py sends "
        "some.",
        lambda: _http_connection()._h11_state.trailing_data,
        is_right=lambda part: part[0] == b"",
    ),
    PrivatePart(
        "uvicorn",
        "capture_signals",
        ("server.py",),
        "uvicorn raises a signal again after its graceful end, so that a process that ended well looks killed.",
        "See how the server ends now; tests/journeys and tests/field end processes by SIGTERM and look at their code.",
        lambda: uvicorn.Server,
        {"capture_signals": "self", "on_tick": "self, counter", "shutdown": "self, sockets"},
    ),
    PrivatePart(
        "zlib",
        "._Decompress",
        ("foundation/outbound_decoding.py",),
        "The name by which type checkers know what zlib.decompressobj() returns; nothing runs by it.",
        "Name it as typeshed does.",
        lambda: type(zlib.decompressobj()),
        is_right=lambda part: {"decompress", "unused_data", "unconsumed_tail", "eof"} <= set(dir(part)),
    ),
)


def _is_read_by_the_orm(part: ContextVar[Any]) -> bool:
    mine = tortoise_context.TortoiseContext()
    token = part.set(mine)
    try:
        return tortoise_context.get_current_context() is mine
    finally:
        part.reset(token)
