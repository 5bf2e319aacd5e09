"""Applications: the client id and secret under which a provider knows this hub, per workspace or from the operator."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tortoise.exceptions import IntegrityError

from app.access.actor import Actor
from app.access.policy import Permission, require
from app.audit.entry import AuditTarget, Detail
from app.audit.log import AuditLog
from app.authenticators.base import ApplicationFacts
from app.catalog.catalog import Catalog
from app.catalog.definition import AuthKind, AuthMethod
from app.catalog.sample_keys import is_private_key, sample_keys
from app.credentials.models import ApplicationRecord, CredentialRecord, RevocationRecord
from app.credentials.snapshot import ApplicationSnapshot, Mode, SecretInfo
from app.event_stream.event import EventType, NewEvent
from app.event_stream.outbox import Outbox
from app.foundation.batcher import Batcher
from app.foundation.canonical import findable
from app.foundation.database import Database, Transaction
from app.foundation.errors import (
    ConflictError,
    InvalidInputError,
    NotAllowedNowError,
    NotFoundError,
    invalid_field,
)
from app.foundation.ids import MAX_ID_LENGTH, id_of
from app.foundation.problems import Problem, ProblemCode, problem, problem_from_json
from app.foundation.rows import snapshot_of
from app.foundation.secret import Secret
from app.foundation.shapes import Shape
from app.vault.vault import RevealPurpose, SealedRef, Vault

SANDBOX_CLIENT_ID: Final = "sandbox-client"
SANDBOX_CLIENT_SECRET: Final = "sandbox-secret"  # noqa: S105 - the simulator's public credentials, no secret
_TABLE: Final = "application"
_FIELD: Final = "secret"
_LIMITS: Final = {"clientId": ("The client id", 512), "clientSecret": ("The client secret", 16_384)}
OperatorApplications = Mapping[str, Mapping[str, Secret]]


class Applications:
    """Keeps applications. Secrets go in and never come out, save into an authenticator's facts."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        audit: AuditLog,
        outbox: Outbox,
        catalog: Catalog,
        public_url: str,
        operator: OperatorApplications,
    ) -> None:
        self._database = database
        self._vault = vault
        self._audit = audit
        self._outbox = outbox
        self._catalog = catalog
        self._public_url = public_url
        self._operator = operator
        self._reads = Batcher(self._find_all)

    async def save(
        self,
        actor: Actor,
        *,
        integration: str,
        client_id: str,
        client_secret: Secret | None = None,
        fields: Any = None,  # noqa: ANN401 - JSON edge
        mode: Mode = Mode.LIVE,
        expected_revision: int | None = None,
    ) -> ApplicationSnapshot:
        """Save the workspace's application of an integration; without ``client_secret`` the stored one stays.

        Raises:
            InvalidInputError: unknown integration, empty or oversized values.
            ConflictError: ``expected_revision`` is not the current one.
        """
        require(actor, Permission.APPLICATIONS_WRITE)
        fields = {} if fields is None else fields
        if not isinstance(fields, Mapping):
            raise invalid_field("fields", label="fields", reason="it must be an object")
        self._check(integration, client_id, client_secret, fields)
        slot = _slot(actor.workspace_id, integration, mode)
        try:
            async with self._database.transaction() as tx:
                row = await ApplicationRecord.filter(slot=slot).select_for_update().first()
                if row is not None and expected_revision not in {None, row.revision}:
                    details = {"currentRevision": row.revision}
                    raise ConflictError(problem(ProblemCode.CONFLICT, "expectedRevision", details=details))
                row = row or _new_row(tx, actor.workspace_id, slot, integration, mode)
                row.client_id, row.source, row.problem = client_id.strip(), "WORKSPACE", None
                await self._write_fields(tx, row, fields)
                await self._write(tx, row, client_secret)
                data = {"integration": integration, "mode": row.mode}
                self._record(tx, actor, row, EventType.APPLICATION_SAVED, "application.saved", data)
        except IntegrityError:
            raise ConflictError(problem(ProblemCode.CONFLICT)) from None
        return self._snapshot(row)

    def _check(
        self, integration: str, client_id: str, client_secret: Secret | None, fields: Mapping[str, Any]
    ) -> None:
        problems: list[Problem] = []
        if self._catalog.integration(integration) is None:
            problems.append(problem(ProblemCode.UNKNOWN_INTEGRATION, "integration"))
        known = self._field_schemas(integration)
        for name, value in fields.items():
            if name not in known:
                problems.append(problem(ProblemCode.UNKNOWN_FIELD, "fields", name, label=name[:100]))
            elif not Shape(known[name]).fits(_plain(value)):
                label, reason = str(known[name].get("title") or name), "it does not have the expected form"
                problems.append(invalid_field("fields", name, label=label, reason=reason).problem)
        if not client_id.strip():
            problems.append(problem(ProblemCode.MISSING_FIELD, "clientId", label="The client id"))
        given = {"clientId": client_id if client_id.strip() else "", "clientSecret": client_secret or ""}
        for name, (label, limit) in _LIMITS.items():
            if len(given[name]) > limit:
                stated = f"{limit} characters"
                problems.append(problem(ProblemCode.FIELD_TOO_LONG, name, label=label, limit=stated))
        if problems:
            raise InvalidInputError(problems)

    def _field_schemas(self, integration: str) -> dict[str, Mapping[str, Any]]:
        """Return the schema of each extra field that some auth method of the integration asks of an application."""
        definition = self._catalog.definition(integration)
        found: dict[str, Mapping[str, Any]] = {}
        for method in definition.auth if definition else ():
            found.update((method.application or {}).get("properties") or {})
        return found

    async def _write_fields(self, tx: Transaction, row: ApplicationRecord, fields: Mapping[str, Any]) -> None:
        """Keep plain fields in the row and seal secret ones; a secret that is left out stays as it is."""
        schemas = self._field_schemas(row.integration)
        secret = {name for name in fields if schemas[name].get("secret") is True}
        row.fields_json = {name: value for name, value in fields.items() if name not in secret}
        for name in sorted(secret):
            value = Secret(str(_plain(fields[name])))
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

    async def all(self, actor: Actor) -> list[ApplicationSnapshot]:
        """Return the applications saved in the actor's workspace, by integration."""
        require(actor, Permission.APPLICATIONS_READ)
        rows = await ApplicationRecord.filter(workspace_id=actor.workspace_id).order_by("integration", "mode")
        return [self._snapshot(row) for row in rows if row.source == "WORKSPACE"]

    async def delete(self, actor: Actor, application_id: str) -> str:
        """Delete an application that no connection's credentials were got with; return its integration.

        Raises:
            NotFoundError: there is none with this id.
            NotAllowedNowError: connections still depend on it.
        """
        require(actor, Permission.APPLICATIONS_WRITE)
        async with self._database.transaction() as tx:
            wanted = findable([application_id], MAX_ID_LENGTH)
            row = await ApplicationRecord.filter(id__in=wanted, workspace_id=actor.workspace_id).first()
            if row is None:
                raise NotFoundError
            in_use = await CredentialRecord.filter(application_id=row.id, generation__gt=0).exists()
            if in_use or await RevocationRecord.filter(application_id=row.id, finished_at=None).exists():
                raise NotAllowedNowError(problem(ProblemCode.NOT_ALLOWED_NOW, state="using this application"))
            await self._vault.destroy_row(tx, _TABLE, row.id)
            await row.delete()
            self._record(tx, actor, row, EventType.APPLICATION_DELETED, "application.deleted", {})
        return row.integration

    async def _find_all(self, ids: Sequence[str]) -> list[ApplicationRecord | None]:
        with self._database.bind():
            found = await ApplicationRecord.in_bulk(set(ids), "id")
        return [found.get(id_) for id_ in ids]

    async def has(self, workspace_id: str, integration: str, mode: Mode) -> bool:
        """Return whether an authorization could be begun with an application."""
        if mode is Mode.SANDBOX or self._operator_has(integration):
            return True
        return await ApplicationRecord.filter(slot=_slot(workspace_id, integration, mode)).exists()

    def _operator_has(self, integration: str) -> bool:
        return "client_id" in self._operator.get(integration, {})

    async def exists(self, workspace_id: str, integration: str, mode: Mode) -> bool:
        """Return whether there is an application to authorize with; the operator's and the sandbox's get a row too.

        Its id, which names the redirect path, is that of :func:`application_id`.
        """
        slot = _slot(workspace_id, integration, mode)
        if await ApplicationRecord.filter(slot=slot).exists():
            return True
        if mode is not Mode.SANDBOX and not self._operator_has(integration):
            return False
        with contextlib.suppress(IntegrityError):  # another request has just made it
            async with self._database.transaction() as tx:
                row = _new_row(tx, workspace_id, slot, integration, mode)
                row.source = "SANDBOX" if mode is Mode.SANDBOX else "OPERATOR"
                row.revision = 1
                await row.save(force_create=True)
        return True

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
        row = await self._reads.submit(application_id)
        if row is None or row.workspace_id != actor.workspace_id:
            raise NotFoundError
        if row.source == "SANDBOX":
            samples = self._samples(row.integration)
            return ApplicationFacts(SANDBOX_CLIENT_ID, Secret(SANDBOX_CLIENT_SECRET), samples)
        defaults = self._operator.get(row.integration, {})
        extra = {
            name: value for name, value in defaults.items() if name not in {"client_id", "client_secret"}
        }
        if row.source == "OPERATOR":
            return ApplicationFacts(defaults["client_id"].reveal(), defaults.get("client_secret"), extra)
        secret = None
        if row.secret_generation and _is_named("clientSecret", names):
            revealed = await self._vault.reveal(actor, _ref(row), purpose=purpose)
            secret = revealed.value["clientSecret"]
        sealed = {}
        for name in filter(lambda field: _is_named(field, names), row.secret_fields):
            opened = await self._vault.reveal(actor, _ref(row, f"field.{name}"), purpose=purpose)
            sealed[name] = opened.value["value"]
        return ApplicationFacts(row.client_id, secret, {**extra, **row.fields_json, **sealed})

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

    def redirect_uri(self, application_id: str) -> str:
        """Return the exact redirect URI to register at the provider: one per application, a mix-up defence."""
        return f"{self._public_url}/oauth/return/{application_id}"

    def redirect_uri_for(self, actor: Actor, integration: str, mode: Mode = Mode.LIVE) -> str:
        """Return the redirect URI to register, also before an application is saved."""
        return self.redirect_uri(application_id(actor.workspace_id, integration, mode))

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
        is_set = row.secret_generation > 0
        return snapshot_of(
            ApplicationSnapshot,
            row,
            mode=Mode(row.mode),
            fields=row.fields_json,
            secret=SecretInfo(("clientSecret",), is_set, row.secret_hint, row.updated_at if is_set else None),
            redirect_uri=self.redirect_uri(row.id),
            problem=problem_from_json(row.problem),
        )


def needs_application(method: AuthMethod) -> bool:
    """Return whether an auth method is carried out under an application; one that asks for its own is not."""
    return method.kind in {AuthKind.OAUTH2, AuthKind.OAUTH1} and method.credentials is None


def application_id(workspace_id: str, integration: str, mode: Mode) -> str:
    """Return the id of a workspace's application.

    It is derived, not random: a person must register the redirect URI, which holds it, at the provider before there
    is a client id to save; and an application that is deleted and saved again keeps its registered address.
    """
    digest = hashlib.sha256(
        f"patchbay/application/{_slot(workspace_id, integration, mode)}".encode()
    ).digest()
    return id_of("app", int.from_bytes(digest[:16]) & (1 << 127) - 1)


def _is_named(field: str, names: frozenset[str] | None) -> bool:
    return names is None or f"application.{field}" in names


def _slot(workspace_id: str, integration: str, mode: Mode) -> str:
    return f"{workspace_id}:{integration}:{mode.value}"


def _ref(row: ApplicationRecord, field: str = _FIELD) -> SealedRef:
    return SealedRef(row.workspace_id, _TABLE, row.id, field)


def _plain(value: Any) -> Any:  # noqa: ANN401 - a plain value or a secret
    return value.reveal() if isinstance(value, Secret) else value


def _new_row(
    tx: Transaction, workspace_id: str, slot: str, integration: str, mode: Mode
) -> ApplicationRecord:
    return ApplicationRecord(
        id=application_id(workspace_id, integration, mode),
        workspace_id=workspace_id,
        slot=slot,
        integration=integration,
        mode=mode.value,
        source="WORKSPACE",
        client_id="",
        revision=0,
        created_at=tx.now,
        updated_at=tx.now,
    )
