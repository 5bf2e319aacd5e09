"""Credentials ready for use: fresh, opened for an audited purpose, with where they may be sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from app.access.actor import Actor
from app.authenticators.base import Facts, Grant, grant_from_stored
from app.authenticators.registry import authenticator_for
from app.catalog.catalog import Catalog
from app.catalog.definition import AuthMethod, Definition
from app.connections.choices import Chooser
from app.connections.due import is_fresh
from app.connections.flows import Destinations
from app.connections.models import ConnectionRecord, CredentialRecord
from app.connections.outside_secrets import OutsideSecrets
from app.connections.renewal import Renewal
from app.connections.rows import are_usable, connection_snapshot, load_connection, load_row
from app.connections.sealing import credential_ref
from app.connections.snapshot import ConnectionSnapshot, Mode
from app.foundation.database import Database
from app.foundation.errors import NotAllowedNowError
from app.foundation.outbound import Destination, OutRequest
from app.foundation.problems import ProblemCode, problem
from app.vault.errors import CredentialUnreadableError
from app.vault.vault import RevealPurpose, Vault


@dataclass(frozen=True, slots=True)
class Live:
    """A connection with its opened credentials, for one call."""

    connection: ConnectionSnapshot
    definition: Definition
    method: AuthMethod
    facts: Facts = field(repr=False)
    grant: Grant = field(repr=False)
    generation: int
    sealed_at: datetime | None
    destination: Destination

    def apply(self, request: OutRequest) -> OutRequest:
        """Return the request with the credentials in place and marked for redaction."""
        return authenticator_for(self.method).apply(self.method, self.facts, self.grant, request)


class UnreadableCredentialsError(CredentialUnreadableError):
    """What is sealed for a connection does not open; ``generation`` says which credentials cannot be used."""

    def __init__(self, generation: int) -> None:
        self.generation = generation
        super().__init__()


class Credentials:
    """Opens credentials for use, renewed first where they would run out."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        catalog: Catalog,
        chooser: Chooser,
        renewal: Renewal,
        outside_secrets: OutsideSecrets,
        destinations: Destinations,
    ) -> None:
        self._database = database
        self._vault = vault
        self._catalog = catalog
        self._chooser = chooser
        self._renewal = renewal
        self._outside_secrets = outside_secrets
        self._destinations = destinations

    async def definition_of(self, actor: Actor, connection_id: str) -> Definition:
        """Return the definition that a connection pins; nothing is opened.

        Raises:
            NotFoundError: no such connection.
            NotAllowedNowError: the catalog does not have it any more.
        """
        return self._chooser.definition_of(await load_row(actor.workspace_id, connection_id))

    async def usable(self, actor: Actor, connection_id: str, purpose: RevealPurpose) -> Live:
        """Return credentials that may be used now.

        The connection's state does not matter, save that credentials are not sent where a changed configuration
        leads before the connection was authorized again.

        Raises:
            NotFoundError: no such connection.
            NotAllowedNowError: nothing is sealed, or it waits to be authorized again.
            OutsideError: they had run out and could not be renewed.
            UnreadableCredentialsError: what is sealed does not open.
        """
        row, credential = await load_connection(actor.workspace_id, connection_id)
        sealed = _usable(credential)
        if not self._must_renew(sealed):
            return await self._opened(actor, row, sealed, purpose)
        await self._renewal.renew(actor, connection_id, sealed.generation)
        return await self._open(actor, connection_id, purpose)

    async def renewed(self, actor: Actor, live: Live, purpose: RevealPurpose) -> Live | None:
        """Return newer credentials after ``live`` met an expiry signal, or None where nothing can be renewed.

        Raises:
            OutsideError: the renewal failed.
        """
        if not authenticator_for(live.method).can_renew(live.method, live.grant):
            return None
        await self._renewal.renew(actor, live.connection.id, live.generation)
        newer = await self._open(actor, live.connection.id, purpose)
        return newer if newer.generation != live.generation else None

    def _must_renew(self, credential: CredentialRecord) -> bool:
        now, expires_at = self._database.clock.now(), credential.expires_at
        return credential.can_renew and not is_fresh(
            now, expires_at, credential.lifetime_s, credential.sealed_at
        )

    async def _open(self, actor: Actor, connection_id: str, purpose: RevealPurpose) -> Live:
        row, credential = await load_connection(actor.workspace_id, connection_id)
        return await self._opened(actor, row, _usable(credential), purpose)

    async def _opened(
        self, actor: Actor, row: ConnectionRecord, credential: CredentialRecord, purpose: RevealPurpose
    ) -> Live:
        try:
            return await self._live(actor, row, credential, purpose)
        except CredentialUnreadableError:
            raise UnreadableCredentialsError(credential.generation) from None

    async def _live(
        self, actor: Actor, row: ConnectionRecord, credential: CredentialRecord, purpose: RevealPurpose
    ) -> Live:
        facts = await self._chooser.facts(actor, row, credential, credential.application_id, purpose)
        method = facts.definition.auth_method(credential.auth_method)
        if method is None:
            raise NotAllowedNowError(problem(ProblemCode.UNKNOWN_AUTH_METHOD))
        revealed = await self._vault.reveal(
            actor, credential_ref(row.workspace_id, row.id), purpose=purpose, connection_id=row.id
        )
        return Live(
            connection=connection_snapshot(row, credential, self._catalog),
            definition=facts.definition,
            method=method,
            facts=facts,
            grant=await self._outside_secrets.to_use(row.workspace_id, grant_from_stored(revealed.value)),
            generation=revealed.generation,
            sealed_at=credential.sealed_at,
            destination=self._destinations.of(facts.definition, Mode(row.mode), facts.config),
        )


def _usable(credential: CredentialRecord | None) -> CredentialRecord:
    if not are_usable(credential):
        raise NotAllowedNowError(problem(ProblemCode.NOT_AUTHENTICATED))
    return credential
