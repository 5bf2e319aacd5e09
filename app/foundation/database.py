"""Database wiring: one ORM context per hub, short transactions with ordered last acts, and migrations."""

from __future__ import annotations

import asyncio
import inspect
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import parse_qsl, urlsplit

import structlog
from tortoise.backends.base.client import TransactionalDBClient
from tortoise.backends.base.config_generator import expand_db_url
from tortoise.backends.base.executor import EXECUTOR_CACHE
from tortoise.connection import get_connection, get_connections
from tortoise.context import TortoiseContext, _current_context
from tortoise.exceptions import OperationalError
from tortoise.transactions import in_transaction

from app.foundation.clock import Clock
from app.foundation.errors import StorageBusyError
from app.foundation.ids import new_id
from app.foundation.places import row_places
from app.foundation.reachable import CannotStartError, place_of_server, reach_postgres, reported_wait
from app.foundation.storage_faults import storage_fault

Dialect = Literal["sqlite", "postgres"]
Flush = Callable[["Transaction"], Awaitable[None]]
After = Callable[[], Awaitable[None] | None]
Rows = Callable[..., Awaitable[list[dict[str, Any]]]]

MODEL_MODULES: Final = (
    "app.foundation.models",
    "app.access.models",
    "app.audit.models",
    "app.event_stream.models",
    "app.work.models",
    "app.members.models",
    "app.vault.models",
    "app.credentials.models",
    "app.connections.models",
    "app.connection_tests.models",
)
_OF_MIGRATIONS: Final = "aerich.models"
_MIGRATING: Final = "the migrations of the database, which this process or another one runs"
AUDIT_ORDER: Final = 10
EVENTS_ORDER: Final = 20
# SQLite hands its one write lock to whoever happens to ask in the right moment: while a rotation writes without pause,
# one wait in fifty thousand was longer than ten seconds.
_BUSY_TIMEOUT_MS: Final = 20_000
_POOL_SIZE: Final = 10
_COMMAND_TIMEOUT_S: Final = 60
_CONNECT_TIMEOUT_S: Final = 10
_INSERTED_AT_ONCE: Final = 200
_log = structlog.get_logger("patchbay.database")


def orm_config(url: str, *more_models: str) -> dict[str, Any]:
    """Return the ORM's configuration for a ``sqlite://`` or ``postgres://`` URL; migrations need their own models, too.

    Raises:
        ValueError: the scheme is another one.
    """
    return {
        "connections": {"default": _connection_config(url)},
        "apps": {"models": {"models": [*MODEL_MODULES, *more_models], "default_connection": "default"}},
        "use_tz": True,
        "timezone": "UTC",
    }


def sqlite_path(url: str) -> str:
    """Return the path of the file that a ``sqlite://`` URL names, or ``:memory:``."""
    return url.removeprefix("sqlite://").split("?", 1)[0]


def place_of_database(url: str) -> str:
    """Return where the database is, without a user or a password."""
    return sqlite_path(url) if dialect_of(url) == "sqlite" else place_of_server("PostgreSQL", url)


def dialect_of(url: str) -> Dialect:
    """Return which of the two databases a URL names.

    Raises:
        ValueError: it names neither.
    """
    scheme = url.partition("://")[0].lower()
    if scheme == "sqlite":
        return "sqlite"
    if scheme in {"postgres", "postgresql", "asyncpg"}:
        return "postgres"
    raise ValueError("a database URL starts with sqlite:// or postgres://")


def _connection_config(url: str) -> dict[str, Any]:
    if dialect_of(url) == "sqlite":
        options = dict(parse_qsl(urlsplit(url).query))
        return {
            "engine": "app.foundation.sqlite_engine",
            "credentials": {
                "file_path": sqlite_path(url),
                "busy_timeout": _BUSY_TIMEOUT_MS,
                "synchronous": "FULL",
                "temp_store": "MEMORY",  # a container with a read-only root has no folder for SQLite's own files
                **options,
            },
        }
    config: dict[str, Any] = expand_db_url(url.replace("postgresql://", "postgres://", 1))
    pool = {"minsize": 1, "maxsize": _POOL_SIZE, "command_timeout": _COMMAND_TIMEOUT_S}
    pool["timeout"] = _CONNECT_TIMEOUT_S
    return {"engine": "app.foundation.postgres_engine", "credentials": pool | config["credentials"]}


class Transaction:
    """One open transaction: the instant it stands for, and what must happen last and after it.

    ``rows`` is :meth:`Database.rows`, which joins it.

    ``before_commit`` acts run in ascending order, once per key, as the very last statements: rows that order all
    commits of a workspace (the audit head, then the event counter) are locked for the shortest time and always in
    the same order, so that two transactions cannot wait for each other.
    """

    def __init__(self, now: datetime, rows: Rows) -> None:
        self.now = now
        self.rows = rows
        self.state: dict[Hashable, Any] = {}
        self._flushes: dict[Hashable, tuple[int, Flush]] = {}
        self._after: list[After] = []

    async def insert(self, table: str, rows: Sequence[Mapping[str, object]]) -> None:
        """Insert rows of the same columns, many by one statement; mappings and lists become JSON."""
        for at in range(0, len(rows), _INSERTED_AT_ONCE):
            batch = rows[at : at + _INSERTED_AT_ONCE]
            places, values = row_places([list(row.values()) for row in batch])
            columns = ", ".join(f'"{name}"' for name in batch[0])
            await self.rows(f'INSERT INTO "{table}" ({columns}) VALUES {places}', *values)  # noqa: S608 - names of ours

    def before_commit(self, order: int, key: Hashable, flush: Flush) -> None:
        """Run ``flush`` just before the commit; a second call with the same key changes nothing."""
        self._flushes.setdefault(key, (order, flush))

    def after_commit(self, act: After) -> None:
        """Run ``act`` once the commit is durable; it runs outside the transaction and is dropped on rollback."""
        self._after.append(act)

    async def flush(self) -> None:
        """Run the last acts; the database wiring calls it."""
        for _, flush in sorted(self._flushes.values(), key=lambda item: item[0]):
            await flush(self)

    async def announce(self) -> None:
        """Run the acts that follow the commit; the database wiring calls it.

        What was committed is true whatever becomes of them, so a failed one is logged and hides nothing.
        """
        for act in self._after:
            try:
                result = act()
                if inspect.isawaitable(result):
                    await result
            except Exception:  # noqa: BLE001 - the commit stands; its followers poll by themselves
                _log.exception("an act after a commit failed")


class Database:
    """The hub's database. It hands out transactions and activates the ORM for a task; it knows no table."""

    def __init__(self, url: str, clock: Clock) -> None:
        self.url = url
        self.clock = clock
        self.dialect: Dialect = dialect_of(url)
        self._context = TortoiseContext()

    async def open(self) -> None:
        """Connect. The calling task and the tasks it starts from now on may use models."""
        EXECUTOR_CACHE.clear()  # the ORM keeps INSERT texts per connection name, whatever dialect they are in
        with self.bind():
            async with reported_wait("the database to open"):
                await self._context.init(config=orm_config(self.url))
        self._activate()

    async def close(self) -> None:
        """Close every database connection."""
        with self.bind():
            await self._context.close_connections()

    @contextmanager
    def bind(self) -> Iterator[None]:
        """Activate the ORM context for the current task, whatever started it."""
        token = _current_context.set(self._context)
        try:
            yield
        finally:
            _current_context.reset(token)

    def _activate(self) -> None:
        _current_context.set(self._context)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Open a transaction; models used inside join it. Never await anything outside the database in it.

        Raises:
            StorageBusyError: the database stayed locked beyond ``busy_timeout``, or two transactions locked each other
                out.
            StorageUnavailableError: it is away, or takes no writes: it is read-only, or its disk is full.
            RuntimeError: a transaction is open here already: its last acts would not be the last.
        """
        self._activate()
        if self.is_in_transaction():
            raise RuntimeError("transactions do not nest")
        work = Transaction(self.clock.now(), self.rows)
        try:
            async with in_transaction("default"):
                yield work
                await work.flush()
        except Exception as fault:
            meant = storage_fault(fault)
            if meant is None:
                raise
            raise meant from fault
        await work.announce()

    def is_in_transaction(self) -> bool:
        """Return whether the present task is in a transaction."""
        with self.bind():
            return isinstance(get_connections().get("default"), TransactionalDBClient)

    async def rows(self, statement: str, *values: object) -> list[dict[str, Any]]:
        """Run one statement with places ``$1``, ``$2``, ... on either database; return its rows as the driver has them.

        It joins a transaction that is open here, else it is one of its own.

        Raises:
            StorageBusyError: the database stayed locked beyond ``busy_timeout``, is away, or takes no writes.
        """
        with self.bind():
            return await run_statement(statement, *values)

    async def installation_id(self) -> str:
        """Return the id of this installation, made once per database."""
        from app.foundation.models import InstallationRecord  # the models need an initialised ORM package

        with self.bind():
            record, _ = await InstallationRecord.get_or_create(
                slot=1, defaults={"id": new_id("hub"), "created_at": self.clock.now()}
            )
            return record.id

    async def generate_schema(self) -> None:
        """Create every table straight from the models; for tests of single rooms, never for a hub."""
        with self.bind():
            await self._context.generate_schemas()


async def run_statement(statement: str, *values: object) -> list[dict[str, Any]]:
    """Do what ``Database.rows`` does, where the ORM is active already."""
    return list(await _execute("execute_query_dict", statement, values))


async def select(statement: str, *values: object) -> Sequence[Sequence[Any]]:
    """Do likewise with a SELECT; return each row's values in the order in which they were selected."""
    _, rows = await _execute("execute_query", statement, values)
    return rows  # type: ignore[no-any-return]  # the driver's own rows


async def _execute(how: str, statement: str, values: Sequence[object]) -> Any:  # noqa: ANN401 - the driver's own rows
    connection = get_connection("default")
    if connection.capabilities.dialect == "sqlite":
        statement = statement.replace("$", "?")
    return await getattr(connection, how)(statement, list(values))


def migrations_folder() -> Path:
    """Return where the migrations lie: beside the package in a checkout, inside it in an installed wheel."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "migrations"
    return inside if inside.is_dir() else package.parent / "migrations"


async def migrate(url: str) -> list[str]:
    """Bring the database at ``url`` to the newest schema; return the names of the migrations that were applied.

    Two processes at once are safe: PostgreSQL by an advisory lock, SQLite by a lock on a file beside it.

    Raises:
        CannotStartError: PostgreSQL is away or refuses the hub, or the SQLite file cannot be used.
    """
    return await asyncio.create_task(
        _migrate(url)
    )  # the migrations activate an ORM context for their whole task


async def _migrate(url: str) -> list[str]:
    from app.foundation.migrations import upgrade

    dialect, config = dialect_of(url), orm_config(url, _OF_MIGRATIONS)
    if dialect == "postgres":
        await reach_postgres(url, config["connections"]["default"]["credentials"])
        async with reported_wait(_MIGRATING):
            return await upgrade(config, migrations_folder(), dialect)
    try:
        async with reported_wait(_MIGRATING):
            return await upgrade(config, migrations_folder(), dialect)
    except (OSError, sqlite3.DatabaseError, OperationalError, StorageBusyError) as fault:
        said = fault.__cause__ if isinstance(fault, StorageBusyError) else fault
        raise CannotStartError(f"The SQLite database {sqlite_path(url)} cannot be used: {said}.") from fault


MIGRATION_CONFIG: Final = orm_config("sqlite://:memory:", _OF_MIGRATIONS)
