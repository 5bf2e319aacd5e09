"""The verbs of connections: create, name, configure, activate, pause, resume, disconnect, delete, list."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

from tortoise.exceptions import IntegrityError

from app.access.actor import Actor
from app.access.idempotency import Idempotency
from app.access.policy import Permission, require
from app.catalog.catalog import Catalog
from app.catalog.definition import Definition
from app.connections.attempts import Attempts
from app.connections.configuration import (
    MAX_NAME_CHARS,
    CheckedConfig,
    ConfigForm,
    Networks,
    checked_description,
    is_storable,
)
from app.connections.lifecycle import ConnectionState, StateTrigger
from app.connections.listing import list_connections
from app.connections.models import AuthorizationRecord, AuthorizationStateRecord, ConnectionRecord
from app.connections.next_steps import activation_blockers, next_steps
from app.connections.rows import (
    connection_snapshot,
    credential_owner,
    load_connection,
    lock_connection,
    read_connections,
)
from app.connections.snapshot import (
    PARTS,
    WITHOUT_AUTH,
    AccessScope,
    ConnectionQuery,
    ConnectionSnapshot,
    SetupStep,
    sealed_names,
)
from app.connections.transitions import Transitions
from app.credentials.application_choice import ApplicationChoice
from app.credentials.lasting import not_granted
from app.credentials.owner import CONFIG_FIELD, CredentialOwner
from app.credentials.renewal import Renewal
from app.credentials.revocation import Revocations
from app.credentials.rows import forget_credential, mark_stale
from app.credentials.schedule import RenewalSchedule
from app.credentials.snapshot import CredentialSnapshot, Mode, RevocationSnapshot
from app.event_stream.event import EventFilter, EventType, StreamMessage
from app.event_stream.follow import Guard
from app.event_stream.stream import EventStream
from app.foundation.canonical import findable, name_key
from app.foundation.database import Database, Transaction
from app.foundation.errors import InvalidInputError, NotAllowedNowError, NotFoundError
from app.foundation.ids import MAX_ID_LENGTH, new_id
from app.foundation.names import checked_name, too_long
from app.foundation.pages import Page, PageRequest
from app.foundation.places import list_places
from app.foundation.problems import Problem, ProblemCode, problem, problem_from_json
from app.vault.vault import Vault

_MAX_REASON_CHARS: Final = 500
_CHANGES: Final = EventFilter(
    types=frozenset(
        {
            EventType.CONNECTION_CREATED,
            EventType.CONNECTION_UPDATED,
            EventType.CONNECTION_CONFIG_CHANGED,
            EventType.CONNECTION_STATE_CHANGED,
            EventType.CONNECTION_DELETED,
            EventType.CREDENTIALS_SEALED,
            EventType.CREDENTIALS_RENEWED,
            EventType.CREDENTIALS_RECOVERED,
            EventType.TEST_RUN_FINISHED,
        }
    )
)
Forget = Callable[[Transaction, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Edited:
    """A connection after a verb, the problems that remain (an incomplete draft), and the stream's position.

    ``revocation`` says what becomes of the credentials that the verb took from it.
    """

    connection: ConnectionSnapshot
    problems: tuple[Problem, ...]
    as_of: int
    revocation: RevocationSnapshot | None = None


@dataclass(frozen=True, slots=True)
class Deleted:
    """What was deleted; the name is free again."""

    id: str
    name: str
    as_of: int
    revocation: RevocationSnapshot | None = None


@dataclass(eq=False, repr=False)
class Connections:
    """Keeps connections. Every verb is one short transaction with its event and its audit entry.

    What takes a connection's id raises NotFoundError for one that does not exist and for another workspace's alike, and
    ConflictError where ``expected_revision`` is not the current one.
    """

    _database: Database
    _vault: Vault
    _idempotency: Idempotency
    _events: EventStream
    _catalog: Catalog
    _transitions: Transitions
    _attempts: Attempts
    _choice: ApplicationChoice
    _revocations: Revocations
    _renewal: Renewal
    _schedule: RenewalSchedule
    _plain_http: Networks
    _has_sandbox: bool
    _forget: list[Forget] = field(default_factory=list, init=False)

    def when_deleted(self, forget: Forget) -> None:
        """Let ``forget`` delete what a higher room keeps of a connection, in the transaction that deletes it."""
        self._forget.append(forget)

    # -- reading

    async def get(self, actor: Actor, connection_id: str) -> ConnectionSnapshot:
        """Return a connection."""
        require(actor, Permission.CONNECTIONS_READ)
        return await load_connection(actor.workspace_id, connection_id)

    async def many(
        self, actor: Actor, ids: Sequence[str], parts: Collection[str] = PARTS
    ) -> dict[str, ConnectionSnapshot]:
        """Return the connections with these ids, or these parts of them; those that are not there are left out."""
        require(actor, Permission.CONNECTIONS_READ)
        wanted = findable(ids, MAX_ID_LENGTH)
        condition = f'"workspace_id"=$1 AND "id" IN {list_places(wanted, 1)}'
        found = await read_connections(condition, actor.workspace_id, *wanted, parts=parts)
        return {connection.id: connection for connection in found}

    async def find(self, actor: Actor, name: str) -> ConnectionSnapshot | None:
        """Return the connection that the actor knows by this name, ignoring case, or None."""
        require(actor, Permission.CONNECTIONS_READ)
        owners = [_owner_key(actor, AccessScope.WORKSPACE), _owner_key(actor, AccessScope.USER)]
        key = name_key(name.strip())
        if not is_storable(key):
            return None
        condition = '"owner_key" IN ($1,$2) AND "name_key"=$3'
        return next(iter(await read_connections(condition, *owners, key)), None)

    async def page(
        self,
        actor: Actor,
        query: ConnectionQuery,
        page: PageRequest,
        parts: Collection[str] = PARTS,
    ) -> Page[ConnectionSnapshot]:
        """Return one page of the workspace's connections; see :func:`list_connections`.

        Raises:
            InvalidInputError: a page that cannot be.
        """
        require(actor, Permission.CONNECTIONS_READ)
        return await list_connections(actor.workspace_id, query, page, parts)

    def subscribe(
        self, actor: Actor, after: int, *, guard: Guard | None = None
    ) -> AsyncIterator[StreamMessage]:
        """Yield the events after which a connection of the workspace may look different; see ``EventStream.follow``."""
        require(actor, Permission.CONNECTIONS_READ)
        return self._events.follow(actor.workspace_id, after, _CHANGES, guard=guard)

    async def connected_integrations(self, actor: Actor) -> frozenset[str]:
        """Return the integrations that the workspace has connections to."""
        require(actor, Permission.CONNECTIONS_READ)
        rows = ConnectionRecord.filter(workspace_id=actor.workspace_id).distinct()
        return frozenset(str(key) for key in await rows.values_list("integration", flat=True))

    async def next_steps(self, actor: Actor, connection: ConnectionSnapshot) -> tuple[SetupStep, ...]:
        """Return the steps that are left before the connection is usable."""
        refused = {fault.path: fault for fault in connection.refused_secrets}
        checked = self.config_problems(actor, connection.owner)
        problems = (*(fault for fault in checked if fault.path not in refused), *refused.values())
        definition = self._pinned(connection.integration, connection.version)
        has_application = await self._choice.has(
            connection.workspace_id, definition, connection.mode, connection.config
        )
        return next_steps(connection, definition, problems, has_application=has_application)

    def config_problems(self, actor: Actor, connection: CredentialOwner) -> tuple[Problem, ...]:
        """Return what is wrong with a connection's stored configuration under the definition that it pins."""
        require(actor, Permission.CONNECTIONS_READ)
        definition = self._pinned(connection.integration, connection.version)
        kept = frozenset(connection.secret_fields)
        return self._form(definition).check(dict(connection.config), kept).problems

    def missing_scopes(self, actor: Actor, connection: ConnectionSnapshot) -> tuple[str, ...]:
        """Return what was asked for, or is needed, but not granted; nothing where the provider does not say."""
        require(actor, Permission.CONNECTIONS_READ)
        credential = connection.auth
        if credential is None:
            return ()
        definition = self._catalog.definition(connection.integration, connection.version)
        method = definition.auth_method(credential.auth_method) if definition else None
        required = [scope.name for scope in method.scopes if scope.required] if method else []
        return not_granted(credential, (*required, *credential.requested_scopes))

    def validate_config(
        self,
        actor: Actor,
        integration: str,
        version: str | None,
        config: Any,  # noqa: ANN401 - JSON edge
    ) -> tuple[Problem, ...]:
        """Check a configuration without any effect, for a form that validates while it is filled in.

        Raises:
            InvalidInputError: no such integration or version.
        """
        require(actor, Permission.CATALOG_READ)
        definition = self._catalog.definition(integration, version)
        if definition is None:
            raise InvalidInputError(problem(ProblemCode.UNKNOWN_INTEGRATION, "integration"))
        return self._form(definition).check(config).problems

    # -- naming and configuring

    async def create(
        self,
        actor: Actor,
        *,
        name: str,
        integration: str,
        version: str | None = None,
        mode: Mode = Mode.LIVE,
        description: str = "",
        config: Any = None,  # noqa: ANN401 - JSON edge
        scope: AccessScope = AccessScope.WORKSPACE,
        idempotency_key: str | None = None,
    ) -> Edited:
        """Create a draft; a complete configuration takes it to PENDING_AUTHENTICATION at once.

        The draft keeps what was typed, also where it does not fit, and why; a secret that does not fit is not stored.

        Raises:
            InvalidInputError: name, description, integration, version or mode; nothing is created.
        """
        require(actor, Permission.CONNECTIONS_WRITE)
        arguments: dict[str, Any] = {
            "name": name,
            "integration": integration,
            "version": version,
            "mode": mode.value,
            "description": description,
            "scope": scope.value,
        }
        trimmed, definition = self._check_new(name, description, integration, version, mode)
        arguments["config"] = self._form(definition).guarded({} if config is None else config)
        made: list[tuple[Transaction, ConnectionRecord]] = []

        async def act(tx: Transaction) -> Mapping[str, Any]:
            row = _new_row(tx, actor, trimmed, definition, mode, description, scope)
            made.append((tx, row))
            await self._require_free_name(row)
            detail = {"integration": row.integration}
            self._transitions.announce(tx, actor, row, EventType.CONNECTION_CREATED, detail)
            self._transitions.audit(tx, actor, row, "connection.created", {**detail})
            checked = self._form(definition).check({} if config is None else config)
            await self._store_config(tx, actor, row, None, definition, checked)
            return {"connectionId": row.id, "problems": [fault.to_json() for fault in checked.problems]}

        with _names_are_free():
            result = await self._idempotency.run(actor, "createConnection", idempotency_key, arguments, act)
        problems = tuple(filter(None, map(problem_from_json, result["problems"])))
        if not made:
            return await self._loaded(actor, result["connectionId"], problems)
        return await self._edited(*made[0], None, problems)

    def _check_new(
        self, name: str, description: str, integration: str, version: str | None, mode: Mode
    ) -> tuple[str, Definition]:
        trimmed, problems = checked_name(name, MAX_NAME_CHARS)
        problems += checked_description(description)
        definition = self._catalog.definition(integration, version)
        if definition is None:
            known = self._catalog.integration(integration) is not None
            problems.append(problem(ProblemCode.UNKNOWN_INTEGRATION, "version" if known else "integration"))
        if mode is Mode.SANDBOX and not self._has_sandbox:
            reason = "this hub runs without a sandbox (the operator can set PATCHBAY_SANDBOX)"
            problems.append(problem(ProblemCode.INVALID_FIELD, "mode", label="The mode", reason=reason))
        if problems or definition is None:
            raise InvalidInputError(problems)
        return trimmed, definition

    @staticmethod
    async def _require_free_name(row: ConnectionRecord) -> None:
        existing = ConnectionRecord.filter(owner_key=row.owner_key, name_key=row.name_key).exclude(id=row.id)
        if await existing.exists():
            raise InvalidInputError(problem(ProblemCode.NAME_TAKEN, "name"))

    async def update(
        self,
        actor: Actor,
        connection_id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        expected_revision: int | None = None,
    ) -> Edited:
        """Rename or describe a connection; what it is already changes nothing and is no event.

        Raises:
            InvalidInputError: the name is taken or not valid.
        """
        require(actor, Permission.CONNECTIONS_WRITE)
        trimmed, problems = checked_name(name, MAX_NAME_CHARS) if name is not None else (None, [])
        problems += checked_description(description) if description is not None else []
        if problems:
            raise InvalidInputError(problems)
        with _names_are_free():
            async with self._database.transaction() as tx:
                row, credential = await lock_connection(actor, connection_id, expected_revision)
                before = (row.name, row.description)
                if trimmed is not None:
                    row.name, row.name_key = trimmed, name_key(trimmed)
                if description is not None:
                    row.description = description
                if (row.name, row.description) == before:
                    return await self._edited(tx, row, credential)
                await self._require_free_name(row)
                row.revision += 1
                row.updated_at = tx.now
                await row.save()
                detail = {"previousName": before[0]}
                self._transitions.announce(tx, actor, row, EventType.CONNECTION_UPDATED, detail)
                self._transitions.audit(tx, actor, row, "connection.updated", {**detail})
        return await self._edited(tx, row, credential)

    async def update_config(
        self,
        actor: Actor,
        connection_id: str,
        config: Any,  # noqa: ANN401 - JSON edge
        *,
        expected_revision: int | None = None,
    ) -> Edited:
        """Replace the configuration; secret fields that are left out stay as they are.

        A draft keeps what was typed, and why it does not fit; a secret only if it fits. Once past the draft, a
        configuration with any fault is refused whole, because the connection is in use.

        Raises:
            InvalidInputError: faults, where the connection is no draft.
        """
        require(actor, Permission.CONNECTIONS_WRITE)
        async with self._database.transaction() as tx:
            row, credential = await lock_connection(actor, connection_id, expected_revision)
            definition = self._pinned(row.integration, row.version)
            kept = frozenset(sealed_names(row.config_secret_hints))
            checked = self._form(definition).check(config, kept)
            if checked.problems and row.state != ConnectionState.DRAFT.value:
                raise InvalidInputError(checked.problems)
            credential = await self._store_config(tx, actor, row, credential, definition, checked)
        return await self._edited(tx, row, credential, checked.problems)

    async def _store_config(
        self,
        tx: Transaction,
        actor: Actor,
        row: ConnectionRecord,
        credential: CredentialSnapshot | None,
        definition: Definition,
        checked: CheckedConfig,
    ) -> CredentialSnapshot | None:
        touches = self._form(definition).touches_authentication(row.config, checked)
        config = checked.typed if checked.problems else checked.plain
        changed = {name for name in {*row.config, *config} if row.config.get(name) != config.get(name)}
        set_before = {item["path"][1] for item in row.config_secret_hints}
        changed |= checked.secrets.keys() | checked.refused.keys() | (checked.cleared & set_before)
        was_draft = row.state == ConnectionState.DRAFT.value
        trigger = StateTrigger.CONFIGURATION_CHANGED
        if was_draft and not checked.problems:
            trigger = StateTrigger.CONFIGURATION_COMPLETED
        elif not changed and row.config_revision:
            return credential  # what was tested stays tested
        elif touches and not was_draft:
            trigger = StateTrigger.CONFIGURATION_BROKE_AUTHENTICATION
            # A sign-in that is under way must not end where another configuration leads.
            await self._attempts.cancel_open(tx, actor, row)
            if credential is not None and credential.generation > 0:
                await mark_stale(tx, credential)
                await self._schedule.cancel(tx, row.id)
                credential = replace(credential, is_stale=True)
        row.config = dict(config)
        row.config_revision += 1
        await self._seal_config(tx, row, checked)
        current = problem_from_json(row.problem)
        if trigger is StateTrigger.CONFIGURATION_BROKE_AUTHENTICATION and current and current.retryable:
            current = None  # an outage of what is not called any more
        await self._transitions.apply(tx, actor, row, credential, trigger, current)
        data: dict[str, Any] = {"fields": sorted(changed)}
        self._transitions.announce(tx, actor, row, EventType.CONNECTION_CONFIG_CHANGED, data)
        self._transitions.audit(tx, actor, row, "connection.config_changed", data)
        return credential

    async def _seal_config(self, tx: Transaction, row: ConnectionRecord, checked: CheckedConfig) -> None:
        """Seal each secret field on its own; what is not sent stays as it is: what was set, or why it was refused."""
        hints = {item["path"][1]: dict(item) for item in row.config_secret_hints}
        for name in checked.cleared & hints.keys():
            if "generation" in hints.pop(name):
                await self._vault.destroy(tx, credential_owner(row).config_ref(name))
        for name, fault in checked.refused.items():
            hints[name] = {**hints.get(name, {"path": [CONFIG_FIELD, name]}), "fault": fault.to_json()}
        if not checked.problems:
            hints = {name: _without_fault(item) for name, item in hints.items() if "generation" in item}
        for name, secret in checked.secrets.items():
            current = hints.get(name, {}).get("generation")
            generation = await self._vault.put(
                tx, credential_owner(row).config_ref(name), {"value": secret}, expected_generation=current
            )
            hints[name] = {
                "path": [CONFIG_FIELD, name],
                "hint": None,  # nobody knows whether a person chose it
                "updatedAt": tx.now.isoformat(),
                "generation": generation,
            }
        row.config_secret_hints = list(hints.values())

    # -- using

    async def activate(
        self,
        actor: Actor,
        connection_id: str,
        *,
        reason: str | None = None,
        expected_revision: int | None = None,
    ) -> Edited:
        """Make an authenticated and tested connection usable; an untested one only with a reason, which is audited.

        Raises:
            NotAllowedNowError: steps are missing; each problem says which.
        """
        require(actor, Permission.CONNECTIONS_WRITE)
        accepted = (reason or "").strip()
        if len(accepted) > _MAX_REASON_CHARS:
            raise InvalidInputError(too_long("reason", "The reason", _MAX_REASON_CHARS))
        async with self._database.transaction() as tx:
            row, credential = await lock_connection(actor, connection_id, expected_revision)
            snapshot = connection_snapshot(row, credential)
            blockers = [
                blocker
                for blocker in activation_blockers(snapshot)
                if not (accepted and blocker.code is ProblemCode.TEST_NOT_PASSED)
            ]
            if blockers:
                raise NotAllowedNowError(blockers)
            trigger = StateTrigger.ACTIVATED
            await self._transitions.apply(tx, actor, row, credential, trigger, snapshot.problem)
            detail = {"tested": snapshot.tested, "reason": accepted or None}
            self._transitions.audit(tx, actor, row, "connection.activated", detail)
        return await self._edited(tx, row, credential)

    async def refresh_credentials(self, actor: Actor, connection_id: str) -> Edited:
        """Renew the credentials now, as the hub does by itself when they are due, however lately that failed.

        Raises:
            NotAllowedNowError: there is nothing to renew, or it cannot be renewed without a person.
            OutsideError: the provider refused or is away.
        """
        require(actor, Permission.CONNECTIONS_OPERATE)
        connection = await load_connection(actor.workspace_id, connection_id, WITHOUT_AUTH)
        await self._renewal.refresh_now(actor, connection.owner)
        return await self._loaded(actor, connection_id)

    async def pause(
        self, actor: Actor, connection_id: str, *, expected_revision: int | None = None
    ) -> Edited:
        """Stop others from using the connection; credentials are kept alive.

        Raises:
            NotAllowedNowError: it is not in use.
        """
        return await self._transition(
            actor, connection_id, StateTrigger.PAUSED, "connection.paused", expected_revision
        )

    async def resume(
        self, actor: Actor, connection_id: str, *, expected_revision: int | None = None
    ) -> Edited:
        """Go back to what the evidence says.

        Raises:
            NotAllowedNowError: it is not paused.
        """
        return await self._transition(
            actor, connection_id, StateTrigger.RESUMED, "connection.resumed", expected_revision
        )

    async def _transition(
        self,
        actor: Actor,
        connection_id: str,
        trigger: StateTrigger,
        action: str,
        expected_revision: int | None,
    ) -> Edited:
        require(actor, Permission.CONNECTIONS_OPERATE)
        async with self._database.transaction() as tx:
            row, credential = await lock_connection(actor, connection_id, expected_revision)
            current = problem_from_json(row.problem)
            await self._transitions.apply(tx, actor, row, credential, trigger, current)
            self._transitions.audit(tx, actor, row, action)
        return await self._edited(tx, row, credential)

    async def disconnect(
        self, actor: Actor, connection_id: str, *, expected_revision: int | None = None
    ) -> Edited:
        """Take the credentials from the connection; name, configuration and history stay.

        The connection is unusable at once. The credentials are revoked at the provider in the background and
        destroyed; what lives on there is reported by the revocation and its event.

        Raises:
            NotAllowedNowError: a draft, or disconnected already.
        """
        require(actor, Permission.CONNECTIONS_WRITE)
        async with self._database.transaction() as tx:
            row, credential = await lock_connection(actor, connection_id, expected_revision)
            await self._attempts.cancel_open(tx, actor, row)
            await self._transitions.apply(tx, actor, row, credential, StateTrigger.DISCONNECTED)
            revocation = await self._remove_credentials(tx, actor, row, credential)
            self._transitions.audit(tx, actor, row, "connection.disconnected")
        return replace(await self._edited(tx, row, None), revocation=revocation)

    async def _remove_credentials(
        self, tx: Transaction, actor: Actor, row: ConnectionRecord, credential: CredentialSnapshot | None
    ) -> RevocationSnapshot | None:
        owner, is_stale = credential_owner(row), credential is not None and credential.is_stale
        # Stale ones are not sent to revoke them either: where the configuration leads now is not where they are from.
        remove = self._revocations.drop if is_stale else self._revocations.queue
        revocation = await remove(tx, actor, owner, credential)
        await self._vault.destroy(tx, owner.credential_ref)
        await forget_credential(tx, row.id)
        await self._schedule.cancel(tx, row.id)
        row.tested_generation = row.tested_config_revision = row.tested_at = None
        await row.save()
        return revocation

    async def delete(
        self, actor: Actor, connection_id: str, *, expected_revision: int | None = None
    ) -> Deleted:
        """Delete a connection with everything sealed for it; its name is free again, its history stays in the audit."""
        require(actor, Permission.CONNECTIONS_WRITE)
        async with self._database.transaction() as tx:
            row, credential = await lock_connection(actor, connection_id, expected_revision)
            await self._attempts.cancel_open(tx, actor, row)
            revocation = await self._remove_credentials(tx, actor, row, credential)
            for name in credential_owner(row).secret_fields:
                await self._vault.destroy(tx, credential_owner(row).config_ref(name))
            ids = await AuthorizationRecord.filter(connection_id=row.id).values_list("id", flat=True)
            await AuthorizationStateRecord.filter(authorization_id__in=list(ids)).delete()
            await AuthorizationRecord.filter(connection_id=row.id).delete()
            for forget in self._forget:
                await forget(tx, row.id)
            await row.delete()
            self._transitions.announce(tx, actor, row, EventType.CONNECTION_DELETED, {})
            self._transitions.audit(tx, actor, row, "connection.deleted", {"integration": row.integration})
        return Deleted(row.id, row.name, await self._events.position(actor.workspace_id, tx), revocation)

    # -- parts

    async def _edited(
        self,
        tx: Transaction,
        row: ConnectionRecord,
        credential: CredentialSnapshot | None,
        problems: tuple[Problem, ...] = (),
    ) -> Edited:
        """Return a connection as ``tx`` left it, which has committed."""
        as_of = await self._events.position(row.workspace_id, tx)
        return Edited(connection_snapshot(row, credential), problems, as_of)

    async def _loaded(self, actor: Actor, connection_id: str, problems: tuple[Problem, ...] = ()) -> Edited:
        as_of = await self._events.position(actor.workspace_id)
        return Edited(await load_connection(actor.workspace_id, connection_id), problems, as_of)

    def _pinned(self, integration: str, version: str) -> Definition:
        definition = self._catalog.definition(integration, version)
        if definition is None:
            raise NotFoundError(problem(ProblemCode.UNKNOWN_INTEGRATION))
        return definition

    def _form(self, definition: Definition) -> ConfigForm:
        return ConfigForm(definition, self._plain_http)


@contextmanager
def _names_are_free() -> Iterator[None]:
    """Say in the API's words that somebody took the name at the same moment."""
    try:
        yield
    except IntegrityError:
        raise InvalidInputError(problem(ProblemCode.NAME_TAKEN, "name")) from None


def _without_fault(hint: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in hint.items() if name != "fault"}


def _owner_key(actor: Actor, scope: AccessScope) -> str:
    return f"{actor.workspace_id}:u:{actor.id}" if scope is AccessScope.USER else f"{actor.workspace_id}:w"


def _new_row(
    tx: Transaction,
    actor: Actor,
    name: str,
    definition: Definition,
    mode: Mode,
    description: str,
    scope: AccessScope,
) -> ConnectionRecord:
    return ConnectionRecord(
        id=new_id("conn"),
        workspace_id=actor.workspace_id,
        owner_key=_owner_key(actor, scope),
        name=name,
        name_key=name_key(name),
        description=description,
        integration=definition.integration,
        version=str(definition.version),
        mode=mode.value,
        state=ConnectionState.DRAFT.value,
        state_since=tx.now,
        scope=scope.value,
        config_revision=0,
        revision=0,
        created_at=tx.now,
        created_by=actor.id,
        created_by_label=actor.label,
        updated_at=tx.now,
    )
