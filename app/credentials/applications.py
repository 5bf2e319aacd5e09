"""Applications: the client id and secret under which a provider knows this hub, per workspace or from the operator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from tortoise.exceptions import IntegrityError

from app.access.actor import Actor
from app.access.policy import Permission, require
from app.audit.entry import AuditTarget, Detail
from app.audit.log import AuditLog
from app.authenticators.base import ApplicationFacts
from app.catalog.catalog import Catalog
from app.catalog.sample_keys import is_private_key, sample_keys
from app.credentials.application_choice import ApplicationChoice
from app.credentials.application_input import (
    ApplicationInput,
    checked_input,
    field_schemas,
    needs_origins,
    opened_value,
    origin_problems,
)
from app.credentials.application_rows import (
    DEFAULT_NAME,
    application_snapshot,
    free_id,
    new_row,
    own_name,
)
from app.credentials.models import ApplicationRecord, CredentialRecord, RevocationRecord
from app.credentials.operator_applications import OperatorApplications
from app.credentials.snapshot import ApplicationSnapshot, ApplicationSource, Mode
from app.event_stream.event import EventType, NewEvent
from app.event_stream.outbox import Outbox
from app.foundation.canonical import findable, name_key
from app.foundation.database import Database, Transaction
from app.foundation.errors import (
    ConflictError,
    InvalidInputError,
    NotAllowedNowError,
    NotFoundError,
    invalid_field,
)
from app.foundation.ids import MAX_ID_LENGTH
from app.foundation.problems import Problem, ProblemCode, problem
from app.foundation.secret import Secret
from app.vault.vault import RevealPurpose, SealedRef, Vault

SANDBOX_CLIENT_ID: Final = "sandbox-client"
SANDBOX_CLIENT_SECRET: Final = "sandbox-secret"  # noqa: S105 - the simulator's public credentials, no secret
_TABLE: Final = "application"
_FIELD: Final = "secret"
_MAX_DEPENDENTS: Final = 100


class Applications:
    """Keeps applications. Secrets go in and never come out, save into an authenticator's facts."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        audit: AuditLog,
        outbox: Outbox,
        catalog: Catalog,
        operator: OperatorApplications,
        choice: ApplicationChoice,
    ) -> None:
        self._database = database
        self._vault = vault
        self._audit = audit
        self._outbox = outbox
        self._catalog = catalog
        self._operator = operator
        self._choice = choice

    async def save(
        self,
        actor: Actor,
        *,
        integration: str,
        client_id: str,
        client_secret: Secret | None = None,
        fields: Any = None,  # noqa: ANN401 - JSON edge
        mode: Mode = Mode.LIVE,
        application_id: str | None = None,
        name: str | None = None,
        origins: Sequence[str] | None = None,
        expected_revision: int | None = None,
    ) -> ApplicationSnapshot:
        """Save an application of an integration; without ``client_secret`` the stored one stays.

        ``application_id`` says which one to change. Without it that is the one of this ``name``, else the one with
        these ``origins``, else the one with this client id, else the one with the default name; where there is none,
        a new one stands beside the others.

        Raises:
            InvalidInputError: unknown integration, empty or oversized values, origins that are missing, or added
                without the secret.
            NotFoundError: no application ``application_id``.
            NotAllowedNowError: the client id of an application that connections depend on.
            ConflictError: ``expected_revision`` is not the current one.
        """
        require(actor, Permission.APPLICATIONS_WRITE)
        wanted = checked_input(
            self._catalog,
            integration=integration,
            client_id=client_id,
            client_secret=client_secret,
            fields=fields,
            mode=mode,
            name=name,
            origins=origins,
        )
        try:
            async with self._database.transaction() as tx:
                row = await self._row_to_save(tx, actor, wanted, application_id, expected_revision)
                await self._require_permitted(row, wanted)
                await self._take_over(tx, row, wanted)
                data = {"integration": integration, "mode": row.mode, "name": row.name}
                data["origins"] = ", ".join(row.origins)
                self._record(tx, actor, row, EventType.APPLICATION_SAVED, "application.saved", data)
        except IntegrityError:
            raise ConflictError(problem(ProblemCode.CONFLICT)) from None
        return self._snapshot(row)

    async def _row_to_save(
        self,
        tx: Transaction,
        actor: Actor,
        wanted: ApplicationInput,
        application_id: str | None,
        expected_revision: int | None,
    ) -> ApplicationRecord:
        rows = await ApplicationRecord.filter(
            workspace_id=actor.workspace_id,
            integration=wanted.integration,
            mode=wanted.mode.value,
            source=ApplicationSource.WORKSPACE.value,
        ).select_for_update()
        if application_id is not None:
            row = next((row for row in rows if row.id == application_id), None)
            if row is None:
                raise NotFoundError(problem(ProblemCode.NOT_FOUND, "applicationId"))
            key = name_key(wanted.name or "")
            if any(other.name_key == key and other.id != row.id for other in rows):
                reason = "another application of this integration has this name"
                raise invalid_field("name", label="The name", reason=reason)
        else:
            row = _meant(rows, wanted)
        if row is None:
            new_name = _free_name(rows, wanted)
            id_ = await free_id(_find_here, actor.workspace_id, wanted.integration, wanted.mode, new_name)
            return new_row(tx.now, id_, actor.workspace_id, wanted.integration, wanted.mode, new_name)
        if expected_revision not in {None, row.revision}:
            details = {"currentRevision": row.revision}
            raise ConflictError(problem(ProblemCode.CONFLICT, "expectedRevision", details=details))
        return row

    async def _require_permitted(self, row: ApplicationRecord, wanted: ApplicationInput) -> None:
        faults = origin_problems(self._catalog.definition(row.integration), wanted, row)
        if faults:
            raise InvalidInputError(faults)
        if row.revision and row.client_id != wanted.client_id:
            # Its grants are the old client's: they would die, and its secret would go to the new one's server.
            await self._require_unused(row, "clientId")

    async def _take_over(self, tx: Transaction, row: ApplicationRecord, wanted: ApplicationInput) -> None:
        row.client_id, row.problem = wanted.client_id, None
        if wanted.name is not None:
            row.name, row.name_key = wanted.name, name_key(wanted.name)
        if wanted.origins is not None:
            row.origins = list(wanted.origins)
        await self._write_fields(tx, row, wanted.fields)
        await self._write(tx, row, wanted.client_secret)

    async def _write_fields(self, tx: Transaction, row: ApplicationRecord, fields: Mapping[str, Any]) -> None:
        """Keep plain fields in the row and seal secret ones; a secret that is left out stays as it is."""
        schemas = field_schemas(self._catalog.definition(row.integration))
        secret = {name for name in fields if schemas[name].get("secret") is True}
        row.fields_json = {name: value for name, value in fields.items() if name not in secret}
        for name in sorted(secret):
            value = Secret(str(opened_value(fields[name])))
            stored = row.secret_fields.get(name, {}).get("generation")
            generation = await self._vault.put(
                tx, _ref(row, f"field.{name}"), {"value": value}, expected_generation=stored
            )
            row.secret_fields = {**row.secret_fields, name: {"generation": generation, "hint": value.hint}}

    async def _write(self, tx: Transaction, row: ApplicationRecord, client_secret: Secret | None) -> None:
        if client_secret is not None and client_secret:
            row.secret_generation = await self._vault.put(
                tx,
                _ref(row),
                {"clientSecret": client_secret},
                expected_generation=row.secret_generation or None,
            )
            row.secret_hint = client_secret.hint
        is_new = row.revision == 0
        row.revision += 1
        row.updated_at = tx.now
        await row.save(force_create=is_new)

    def _record(
        self,
        tx: Transaction,
        actor: Actor,
        row: ApplicationRecord,
        kind: EventType,
        action: str,
        data: Detail,
    ) -> None:
        self._outbox.announce(tx, NewEvent.by(actor, kind, ("application", row.id), data=data))
        target = AuditTarget("application", row.id, row.integration)
        self._audit.record(tx, actor, action, target, detail=data)

    async def many(self, actor: Actor, ids: Sequence[str]) -> dict[str, ApplicationSnapshot]:
        """Return the applications with these ids; those that are not there are left out."""
        require(actor, Permission.APPLICATIONS_READ)
        wanted = findable(ids, MAX_ID_LENGTH)
        rows = await ApplicationRecord.filter(workspace_id=actor.workspace_id, id__in=wanted)
        return {row.id: self._snapshot(row) for row in rows}

    async def all(
        self, actor: Actor, integration: str | None = None, mode: Mode | None = None
    ) -> list[ApplicationSnapshot]:
        """Return the applications that the actor's workspace can authorize with, by integration.

        These are what it has saved, and the operator's defaults that it may use.
        """
        require(actor, Permission.APPLICATIONS_READ)
        rows = await ApplicationRecord.filter(workspace_id=actor.workspace_id).order_by("created_at", "id")
        granted = self._operator.integrations(actor.workspace_id)
        shown = [row for row in rows if _is_offered(row, granted)]
        stored = {row.integration for row in shown if row.source == ApplicationSource.OPERATOR}
        for key in granted:
            if key not in stored:
                source = ApplicationSource.OPERATOR
                id_ = await free_id(_find_here, actor.workspace_id, key, Mode.LIVE, own_name(source), source)
                now = self._database.clock.now()
                shown.append(new_row(now, id_, actor.workspace_id, key, Mode.LIVE, source=source))
        shown.sort(key=lambda row: (row.integration, row.mode))
        return [
            self._snapshot(row)
            for row in shown
            if integration in {None, row.integration} and mode in {None, Mode(row.mode)}
        ]

    async def dependents(self, actor: Actor, application_id: str) -> list[str]:
        """Return the connections whose credentials were got with an application: they renew and revoke with it."""
        require(actor, Permission.APPLICATIONS_READ, Permission.CONNECTIONS_READ)
        found = CredentialRecord.filter(
            workspace_id=actor.workspace_id, application_id=application_id, generation__gt=0
        ).order_by("connection_id")
        return [str(id_) for id_ in await found.values_list("connection_id", flat=True)]

    async def delete(self, actor: Actor, application_id: str) -> str:
        """Delete an application that no connection's credentials were got with; return its integration.

        Raises:
            NotFoundError: there is none with this id.
            NotAllowedNowError: connections or revocations still depend on it; the problem says which.
        """
        require(actor, Permission.APPLICATIONS_WRITE)
        async with self._database.transaction() as tx:
            wanted = findable([application_id], MAX_ID_LENGTH)
            row = await ApplicationRecord.filter(id__in=wanted, workspace_id=actor.workspace_id).first()
            if row is None:
                raise NotFoundError(problem(ProblemCode.NOT_FOUND, "applicationId"))
            await self._require_unused(row, "applicationId")
            await self._vault.destroy_row(tx, _TABLE, row.id)
            await row.delete()
            self._record(tx, actor, row, EventType.APPLICATION_DELETED, "application.deleted", {})
        return row.integration

    @staticmethod
    async def _require_unused(row: ApplicationRecord, path: str) -> None:
        using = CredentialRecord.filter(application_id=row.id, generation__gt=0).order_by("connection_id")
        ids = [str(id_) for id_ in await using.values_list("connection_id", flat=True)]
        pending = await RevocationRecord.filter(application_id=row.id, finished_at=None).count()
        if ids or pending:
            raise NotAllowedNowError(
                problem(
                    ProblemCode.APPLICATION_IN_USE,
                    path,
                    details={"connectionIds": ids[:_MAX_DEPENDENTS], "revocations": pending},
                    application=row.name,
                    connections=_counted(len(ids), "connection"),
                    revocations=_counted(pending, "revocation"),
                )
            )

    async def facts(
        self,
        actor: Actor,
        application_id: str,
        purpose: RevealPurpose,
        names: frozenset[str] | None = None,
    ) -> ApplicationFacts:
        """Return what an authenticator needs of an application, its secrets revealed for ``purpose`` and audited.

        With ``names`` (``application.clientSecret``) only those of its secrets are opened that are named.

        Raises:
            NotFoundError: the application was deleted.
        """
        row = await self._choice.find(application_id)
        if row is None or row.workspace_id != actor.workspace_id:
            raise NotFoundError
        if row.source == ApplicationSource.SANDBOX:
            samples = self._samples(row.integration)
            return ApplicationFacts(SANDBOX_CLIENT_ID, Secret(SANDBOX_CLIENT_SECRET), samples)
        if row.source == ApplicationSource.OPERATOR:
            granted = self._operator.granted(row.integration, row.workspace_id)
            if granted is None:
                raise NotFoundError
            return replace(granted.facts, name=row.name, origins=granted.origins)
        secret = None
        if row.secret_generation and _is_named("clientSecret", names):
            revealed = await self._vault.reveal(actor, _ref(row), purpose=purpose)
            secret = revealed.value["clientSecret"]
        sealed = {}
        for name in filter(lambda field: _is_named(field, names), row.secret_fields):
            opened = await self._vault.reveal(actor, _ref(row, f"field.{name}"), purpose=purpose)
            sealed[name] = opened.value["value"]
        fields = {**row.fields_json, **sealed}
        return ApplicationFacts(row.client_id, secret, fields, row.name, tuple(row.origins))

    def _samples(self, integration: str) -> dict[str, Any]:
        """Return what the sandbox knows its application by: the first example of each field, and the sample keys."""
        definition = self._catalog.definition(integration)
        found: dict[str, Any] = {}
        for method in definition.auth if definition else ():
            keys = sample_keys(method)
            for name, schema in ((method.application or {}).get("properties") or {}).items():
                example, key = next(iter(schema.get("examples") or ()), None), keys.get(f"application.{name}")
                if key is not None and not is_private_key(example):
                    found[name] = Secret(key)
                elif example is not None:
                    found.setdefault(name, example)
        return found

    async def mark(self, tx: Transaction, actor: Actor, application_id: str, fault: Problem | None) -> None:
        """Keep or clear the problem of an application whose own credentials a provider rejected."""
        row = await ApplicationRecord.filter(id=application_id, workspace_id=actor.workspace_id).first()
        if row is None or (row.problem is None) == (fault is None):
            return
        row.problem = fault.to_json() if fault else None
        row.updated_at = tx.now
        await row.save(update_fields=["problem", "updated_at"])
        if fault is not None:
            data = {"integration": row.integration, "problem": fault.code.value}
            subject = ("application", row.id)
            self._outbox.announce(tx, NewEvent.by(actor, EventType.APPLICATION_REJECTED, subject, data=data))

    def _snapshot(self, row: ApplicationRecord) -> ApplicationSnapshot:
        origins = self._choice.origins_of(row)
        is_own = row.source == ApplicationSource.WORKSPACE
        unbound = None
        if (
            is_own
            and not origins
            and needs_origins(self._catalog.definition(row.integration), Mode(row.mode))
        ):
            unbound = problem(ProblemCode.MISSING_FIELD, "origins", label="At least one origin")
        return application_snapshot(row, self._choice.redirect_uri(row.id), origins, unbound)


def _meant(rows: Sequence[ApplicationRecord], wanted: ApplicationInput) -> ApplicationRecord | None:
    """Return the application that somebody means who does not say its id."""
    if wanted.name is not None:
        return _first(rows, lambda row: row.name_key == name_key(wanted.name or ""))
    if wanted.origins:
        return _first(rows, lambda row: set(row.origins) == set(wanted.origins or ()))
    same_client = _first(rows, lambda row: row.client_id == wanted.client_id)
    return same_client or _first(rows, lambda row: row.name_key == name_key(DEFAULT_NAME))


def _free_name(rows: Sequence[ApplicationRecord], wanted: ApplicationInput) -> str:
    """Return the name of a new application: the given one, or that of its host, numbered where it is taken."""
    taken, name, number = {row.name_key for row in rows}, wanted.name_of_new(), 1
    candidate = name
    while name_key(candidate) in taken:
        number += 1
        candidate = f"{name} {number}"
    return candidate


def _first(
    rows: Sequence[ApplicationRecord], holds: Callable[[ApplicationRecord], bool]
) -> ApplicationRecord | None:
    return next(filter(holds, rows), None)


async def _find_here(application_id: str) -> ApplicationRecord | None:
    return await ApplicationRecord.filter(id=application_id).first()


def _is_offered(row: ApplicationRecord, granted: Sequence[str]) -> bool:
    if row.source == ApplicationSource.OPERATOR:
        return row.integration in granted
    return row.source == ApplicationSource.WORKSPACE


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _is_named(field: str, names: frozenset[str] | None) -> bool:
    return names is None or f"application.{field}" in names


def _ref(row: ApplicationRecord, field: str = _FIELD) -> SealedRef:
    return SealedRef(row.workspace_id, _TABLE, row.id, field)
